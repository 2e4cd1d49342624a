/*
 * stream.h - a stream, as the room io sees it.
 */
#ifndef BIDE_IO_STREAM_H
#define BIDE_IO_STREAM_H

#include <errno.h>
#include <sys/types.h>

#include <bide/stream.h>

#include "io/buffer.h"
#include "io/handle.h"

struct bide_stream {
	bide_stream_head_ head; /* first: inlined code reads it */
	/* NULL for a stream of a descriptor. The owner's; atomic for other threads. */
	const bide_stream_type *type;
	void *object;
	bide_stream *below; /* if it has a layer: what it was before */
	/*
	 * Of the last write: how many bytes went. This belongs to the writing side: to the thread that
	 * has it busy, or else to the function that writes.
	 */
	size_t written_bytes;
	bool is_finished;    /* the peer was told; the same side's */
	bool is_standard;    /* its descriptor is blocking */
	uint32_t is_aborted; /* of a stream with a type: that was told; atomic */
	/* A call has failed with ECONNRESET. The kernel tells that once. Atomic; either side's. */
	uint32_t was_reset;
	bide_stream_buffer buffer;
	_Alignas(16) bide_handle handle; /* what threads that hand out events touch */
};

static inline bide_stream *bide_stream_of_(bide_handle *handle)
{
	return BIDE_CONTAINER_(handle, bide_stream, handle);
}

/*
 * Why later calls of a side fail. The first error stays. It may come from any thread: by an abort,
 * by the start of a layer, by a send that was under way. A call that is served from the buffer
 * looks at it, too.
 */
static inline int bide_stream_failed_(const bide_stream *stream, unsigned side)
{
	return BIDE_LOAD(&stream->head.failed_[side], RELAXED);
}
/* Returns the error that stays. */
static inline int bide_stream_fail_(bide_stream *stream, unsigned side, int error)
{
	uint16_t first = 0;

	if (BIDE_CAS(&stream->head.failed_[side], &first, (uint16_t)error, RELAXED, RELAXED))
		return error;
	return first;
}
/*
 * A read or write has failed. Some errors of some sides say that no later write will succeed. After
 * a finish that is no failure.
 */
static inline void bide_stream_fail_writes_(bide_stream *stream, unsigned side, int error)
{
	bool lasts = error == ECONNRESET || error == EPROTO;

	if (lasts || (error == EPIPE && side == BIDE_IO_OUT_ && !stream->is_finished))
		(void)bide_stream_fail_(stream, BIDE_IO_OUT_, error);
}

BIDE_INTERNAL BIDE_COLD int bide_stream_check_slow_(const bide_stream *stream, const char *what);
/*
 * Returns 0 for an open stream of this process and life. Otherwise it reports misuse of `what` and
 * returns EINVAL (NULL) or EBADF.
 */
static inline int bide_stream_check_(const bide_stream *stream, const char *what)
{
	/* A thread without a record may be in the child of a fork. */
	if (BIDE_LIKELY(bide_current_thread_ && stream && bide_handle_is_live_(&stream->handle)))
		return 0;
	return bide_stream_check_slow_(stream, what);
}
/* The same for a call of a side, which also fails if the side has failed. */
static inline int bide_stream_begin_(const bide_stream *stream, unsigned side, const char *what)
{
	int error = bide_stream_check_(stream, what);

	return error ? error : bide_stream_failed_(stream, side);
}
/*
 * Makes a stream of a connected descriptor, which is non-blocking. flags: see bide_handle_init_.
 * Returns NULL if there is no memory; then the descriptor stays the caller's.
 */
BIDE_INTERNAL bide_stream *bide_stream_new_(int fd, uint32_t flags);
/* The `unwanted` of an operation whose result is a stream. */
BIDE_INTERNAL void bide_stream_unwanted_(bide_payload result);

/* Returns the lowest one of its layers; itself, if it has none. For the owner. */
static inline const bide_stream *bide_stream_bottom_(const bide_stream *stream)
{
	while (stream->below)
		stream = stream->below;
	return stream;
}
/*
 * If it is not NULL, it is called at the close of a stream with a type that was made before a
 * shutdown, or by the process that forked this one. `close` of the type is not called then, because
 * the object may be in any state. It is for types of the library that have a descriptor to close.
 * Atomic.
 */
extern BIDE_INTERNAL void (*bide_stream_orphaned_)(const bide_stream_type *type, void *object);
/*
 * Aborts the handle, and tells the type, if there is one. The type is told once. Any thread, while
 * the owner has not closed the stream.
 */
BIDE_INTERNAL void bide_stream_abort_(bide_stream *stream, int error);

/*
 * Checks the parts: NULL, or more than INT64_MAX bytes together, is misuse of `what`; it returns
 * EINVAL then, and otherwise 0. Skips the empty parts at the beginning; if all are empty, no part
 * is left.
 */
BIDE_INTERNAL int bide_stream_parts_skip_(const struct iovec **parts, size_t *count,
                                          const char *what);
/* Copies what is left behind the first skip_bytes, at most max parts. Returns how many. */
BIDE_INTERNAL size_t bide_stream_parts_rest_(const struct iovec *parts, size_t count,
                                             size_t skip_bytes, struct iovec *to, size_t max);

/*
 * bide_stream_read without its checks, for size_bytes above 0. The stream may be closed, if it is
 * pinned.
 */
BIDE_INTERNAL bide_value_task bide_stream_read_unchecked_(bide_stream *stream, void *to,
                                                          size_t size_bytes);

/*
 * Raw system calls on the descriptor of a handle; they never block and never raise SIGPIPE. After a
 * call that failed with ECONNRESET the kernel tells receives that the peer has ended in order. So
 * they fail with ECONNRESET here.
 */
BIDE_INTERNAL int bide_stream_receive_(bide_handle *handle, const struct iovec *parts, size_t count,
                                       size_t *size_bytes);
BIDE_INTERNAL int bide_stream_send_(bide_handle *handle, const struct iovec *parts, size_t count,
                                    size_t *size_bytes);
/* The same of one part. They return the number of bytes, or the error below 0. */
BIDE_INTERNAL ssize_t bide_stream_receive_part_(bide_handle *handle, void *to, size_t size_bytes);
BIDE_INTERNAL ssize_t bide_stream_send_part_(bide_handle *handle, const void *from,
                                             size_t size_bytes);
/*
 * Sends size_bytes bytes of a file from `at` on, by sendfile(2). The socket does not block.
 */
BIDE_INTERNAL ssize_t bide_stream_send_file_(bide_handle *handle, int fd, int64_t at,
                                             size_t size_bytes);
/* What a call by an engine has brought, the bytes or the error below 0, is changed so, too. */
BIDE_INTERNAL ssize_t bide_stream_received_(bide_handle *handle, ssize_t done);
BIDE_INTERNAL ssize_t bide_stream_sent_(bide_handle *handle, ssize_t done);

#endif
