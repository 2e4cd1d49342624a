/*
 * buffer.h - the buffers of a stream: lines, texts up to a mark, bytes that wait for more, and
 * writing in small pieces.
 *
 *     for (;;) {
 *             bide_await(my->line, bide_stream_read_line(my->in.client));
 *             if (!my->line)
 *                     break;                                  // the end
 *             bide_await(bide_stream_print(my->in.client, "you said %s\n", my->line));
 *     }
 *
 * What has been received lies in the buffer of the stream. Lines and texts are handed out in place,
 * as strings, without a copy or an allocation. A text is valid until the next reading call on the
 * stream, or its close.
 *
 * What you put goes to the buffer, and later to the kernel, in one piece: when a reading call has
 * to wait, when bide_stream_flush is called, or when the buffer is full. So a server that answers
 * requests needs no flush, and the answers to requests that came together go out together.
 *
 * A stream that waits holds no buffer. If it holds bytes, it holds a block of about their size. All
 * streams share a budget (bide_config.io_buffers_max_bytes). While it is used up, a stream has
 * small blocks, and one that holds more than its share reads on when others have given some back.
 *
 * Cancellation: a call that is served from the buffer does not look at the context. One that cannot
 * be does: if the context is canceled, it fails at once. Bytes are never lost. What a canceled or
 * failed call had received stays in the buffer, for the next call. What was put belongs to the
 * stream: a cancellation does not stop its way to the kernel.
 *
 * Errors besides those that are named below: those of stream.h. EBUSY (misuse): the side has a call
 * that is pending. BIDE_EIDLE: see bide_stream_set_idle.
 *
 * Threads: as stream.h says. One function uses a stream at a time, for both sides, until
 * bide_stream_split.
 */
#ifndef BIDE_BUFFER_H
#define BIDE_BUFFER_H

#include "stream.h"

/* The result is a text in the buffer of a stream, or NULL. */
BIDE_VALUE_TASK_OF(bide_text_task, char *);

#define bide_stream_line_slow_ BIDE_ABI_NAME_(bide_stream_line_slow)
#define bide_stream_peek_slow_ BIDE_ABI_NAME_(bide_stream_peek_slow)
#define bide_stream_consume_slow_ BIDE_ABI_NAME_(bide_stream_consume_slow)
#define bide_stream_put_slow_ BIDE_ABI_NAME_(bide_stream_put_slow)
#define bide_stream_null_ BIDE_ABI_NAME_(bide_stream_null)

BIDE_BEGIN_DECLS

BIDE_API BIDE_USE_RESULT bide_text_task bide_stream_line_slow_(bide_stream *stream);
BIDE_API BIDE_USE_RESULT bide_text_task bide_stream_peek_slow_(bide_stream *stream,
                                                               size_t size_bytes);
BIDE_API void bide_stream_consume_slow_(bide_stream *stream, size_t size_bytes);
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_put_slow_(bide_stream *stream,
                                                               const void *from, size_t size_bytes);
BIDE_API size_t bide_stream_null_(const char *function) BIDE_COLD;

BIDE_INLINE bide_text_task bide_text_ready_(char *text)
{
	bide_text_task ready;
	ready.untyped = bide_value_task_from_pointer(text);
	return ready;
}

/* --- reading --- */

/*
 * Reads a line, and returns it without its end, which is "\n" or "\r\n". The last line may have no
 * end. NULL: the peer has ended its side, and there is nothing left. The line may hold zeroes;
 * bide_stream_taken returns its length.
 *
 * EMSGSIZE: the line is longer than the limit (bide_stream_set_limits; 64 KiB). Its beginning stays
 * in the buffer. Cost: inline, 0 allocations, if the buffer has a line.
 */
BIDE_INLINE BIDE_USE_RESULT bide_text_task bide_stream_read_line(bide_stream *stream);
/*
 * Does the same up to a mark of 1 or 2 bytes, which is taken and left out. At the end of the stream
 * it returns what there is, without a mark. Other sizes of the mark are misuse: EINVAL.
 */
BIDE_API BIDE_USE_RESULT bide_text_task bide_stream_read_until(bide_stream *stream,
                                                               const void *mark, size_t mark_bytes);
/*
 * Reads size_bytes bytes into `to`. The result is size_bytes. BIDE_EEND: the stream ended before.
 *
 * Up to the limit of a line, nothing is taken after a failure: bide_stream_available returns how
 * much is there. A larger read goes straight to `to`; after a failure bide_stream_taken returns how
 * many bytes have come to `to`, and they are not read again.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_read_exactly(bide_stream *stream, void *to,
                                                                  size_t size_bytes);
/*
 * Waits until the buffer has at least size_bytes bytes, or the end has come. Returns where the
 * bytes are, and takes none; they are no string. bide_stream_available returns how many there are.
 * NULL: the end has come, and there are none. EMSGSIZE: size_bytes is above the limit of a line.
 * Cost: inline if they are there.
 */
BIDE_INLINE BIDE_USE_RESULT bide_text_task bide_stream_peek(bide_stream *stream, size_t size_bytes);
/*
 * Takes size_bytes bytes from the buffer. It is a reading call. More than bide_stream_available is
 * misuse, and takes nothing. Cost: inline; a call if it takes all bytes, since the stream then
 * gives the buffer back.
 */
BIDE_INLINE void bide_stream_consume(bide_stream *stream, size_t size_bytes);
/* Returns how many bytes are in the buffer; 0 while a reading call is pending. Cost: inline. */
BIDE_INLINE size_t bide_stream_available(const bide_stream *stream);
/* Returns the length of the last line or text. Cost: inline. */
BIDE_INLINE size_t bide_stream_taken(const bide_stream *stream);

/* --- writing --- */

/*
 * Puts bytes into the buffer of the stream. The result is size_bytes. It puts all or, after an
 * error, nothing. It waits only if more than the limit would be unsent (bide_stream_set_limits;
 * 64 KiB): that slows the program down to what the peer reads. `from` is borrowed while it waits.
 *
 * EMSGSIZE: size_bytes is above that limit; bide_stream_write takes any size. If a send of what was
 * put earlier has failed, this and each later writing call fails with its error. Cost: inline, a
 * copy.
 */
BIDE_INLINE BIDE_USE_RESULT bide_value_task bide_stream_put(bide_stream *stream, const void *from,
                                                            size_t size_bytes);
/*
 * Does the same with a text, as printf makes it. The result is its length, which the same limit
 * bounds. What the arguments point at is not used after the call.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_print(bide_stream *stream, const char *format,
                                                           ...) BIDE_PRINTF(2, 3);
/*
 * Waits until all that was put has gone to the kernel. A cancellation ends the wait, and the bytes
 * still go to the kernel.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_flush(bide_stream *stream);
/*
 * Flushes, then tells the peer that no more comes. The stream can still be read. A pipe or terminal
 * has no such message: it is only flushed.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_finish(bide_stream *stream);

/* --- both --- */

/*
 * Ends a conversation so that the last answer arrives: flushes, tells the peer that no more comes,
 * then reads and drops what the peer still sends, until its end, 64 KiB, or one second. Without
 * that a close may destroy what is on its way to the peer. Close the stream afterwards, and not
 * before it is over. The result is 0; an error means that something was not sent.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_end(bide_stream *stream);
/*
 * Copies from one stream to another, until the end of `from`, or max_bytes (SIZE_MAX: no limit).
 * The result is how many bytes. A failure loses none of those that were read: what was not written
 * stays in the buffer of `from`. How many went before a failure is not told: to go on after one,
 * copy pieces of your own by max_bytes. To end it sooner, cancel it, or abort the stream that it
 * waits for; to forget it does not end it. Close neither before it is over. What is put into `to`
 * meanwhile may arrive between two pieces.
 *
 * From a file that is open for reading only, to a socket without a layer, what is in memory goes by
 * sendfile(2). Then bytes that are written to the file in place before the peer has received them
 * may arrive in place of the old ones, and zeroes in place of those that are cut off. A file that
 * is replaced as a whole does no harm.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_copy(bide_stream *from, bide_stream *to,
                                                          size_t max_bytes);
/*
 * Sets how long a call on this stream may wait, in nanoseconds. A call that waits longer fails with
 * BIDE_EIDLE. BIDE_FOREVER, the default, is no limit.
 *
 * For a line, a text or a peek it is the time from the call until all of it is there. For the other
 * calls it is the time in which no byte comes or goes. The kernel reports that bytes have gone when
 * about a third of its buffer is free. The limit also holds in a cleanup, and for what was put and
 * is on its way: then the next writing call fails. A stream of your own is aborted with BIDE_EIDLE.
 * Returns 0, or EINVAL (misuse) if timeout_ns is 0 or less. Cost: a timer for the stream, and
 * reading the clock for each call that is not served from the buffer.
 */
BIDE_API int bide_stream_set_idle(bide_stream *stream, int64_t timeout_ns);
/*
 * Sets the longest line, text or peek, and how many bytes may be unsent. 0 stands for the default,
 * 65536. Returns 0, or EINVAL (misuse) if one is above 1 GiB.
 */
BIDE_API int bide_stream_set_limits(bide_stream *stream, size_t line_max_bytes,
                                    size_t put_max_bytes);
/*
 * From now on one function reads while another one writes, at the same time. So a reading call does
 * not send what was put: call bide_stream_flush.
 */
BIDE_API void bide_stream_split(bide_stream *stream);

/* --- inline --- */

BIDE_INLINE size_t bide_stream_available(const bide_stream *stream)
{
	const bide_stream_head_ *head = (const bide_stream_head_ *)(const void *)stream;
	if (BIDE_UNLIKELY(!head))
		return bide_stream_null_("bide_stream_available");
	return (size_t)(head->end_ - head->at_);
}

BIDE_INLINE size_t bide_stream_taken(const bide_stream *stream)
{
	const bide_stream_head_ *head = (const bide_stream_head_ *)(const void *)stream;
	return BIDE_LIKELY(head != NULL) ? head->taken_ : bide_stream_null_("bide_stream_taken");
}

BIDE_INLINE bide_text_task bide_stream_read_line(bide_stream *stream)
{
	bide_stream_head_ *head = (bide_stream_head_ *)(void *)stream;
	char *line, *end;

	if (BIDE_UNLIKELY(!head || head->at_ == head->end_ || BIDE_LOAD(&head->failed_[0], RELAXED)))
		return bide_stream_line_slow_(stream);
	line = head->at_;
	end = (char *)__builtin_memchr(line, '\n', (size_t)(head->end_ - line));
	if (BIDE_UNLIKELY(!end))
		return bide_stream_line_slow_(stream);
	head->at_ = end + 1;
	end -= end > line && end[-1] == '\r';
	*end = '\0';
	head->taken_ = (size_t)(end - line);
	return bide_text_ready_(line);
}

BIDE_INLINE bide_text_task bide_stream_peek(bide_stream *stream, size_t size_bytes)
{
	bide_stream_head_ *head = (bide_stream_head_ *)(void *)stream;

	if (BIDE_UNLIKELY(!head || (size_t)(head->end_ - head->at_) < size_bytes || size_bytes == 0 ||
	                  BIDE_LOAD(&head->failed_[0], RELAXED)))
		return bide_stream_peek_slow_(stream, size_bytes);
	return bide_text_ready_(head->at_);
}

BIDE_INLINE void bide_stream_consume(bide_stream *stream, size_t size_bytes)
{
	bide_stream_head_ *head = (bide_stream_head_ *)(void *)stream;

	/* All of it gives the buffer back, and more than all is misuse. */
	if (BIDE_UNLIKELY(!head || size_bytes >= (size_t)(head->end_ - head->at_)))
		bide_stream_consume_slow_(stream, size_bytes);
	else
		head->at_ += size_bytes;
}

BIDE_INLINE bide_value_task bide_stream_put(bide_stream *stream, const void *from,
                                            size_t size_bytes)
{
	bide_stream_head_ *head = (bide_stream_head_ *)(void *)stream;

	/* Nothing, which is 0 bytes, takes the slow path, too: there may be no room to copy it to. */
	if (BIDE_UNLIKELY(!head || !from || size_bytes - 1 >= (size_t)(head->room_ - head->put_) ||
	                  BIDE_LOAD(&head->failed_[1], RELAXED)))
		return bide_stream_put_slow_(stream, from, size_bytes);
	__builtin_memcpy(head->put_, from, size_bytes);
	head->put_ += size_bytes;
	return bide_value_task_from_int((int64_t)size_bytes);
}

BIDE_END_DECLS
#endif
