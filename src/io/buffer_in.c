/*
 * buffer_in.c - what was received: taking from it, looking for what is wanted, making room for
 * more.
 *
 * All of it is for the one reading call of the stream: its function, or the thread that makes an
 * attempt for it.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/misuse.h"
#include "io/buffer.h"
#include "io/stream.h"

/* Behind what is received there is room for the zero of a last text. */
enum { SPARE_BYTES = 1, END_BYTES_MAX = 2, TAIL_BYTES_MIN = 1024 };

static uint32_t length(const bide_io_chunk *in)
{
	return in ? in->upto - in->from : 0;
}

/* Returns how much may be received behind what is there. */
static size_t tail(const bide_io_chunk *in)
{
	return bide_io_chunk_room_(in) - SPARE_BYTES - in->upto;
}

/* Nothing is left in the buffer, or its memory is to go. */
static void give_back(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;
	bide_io_chunk *in = b->in;

	b->in = NULL;
	if (!bide_chunk_claim_is_idle_(&b->claim))
		bide_chunk_claim_end_(&b->claim);
	bide_io_chunk_give_(in);
}

/* --- taking from what is shown --- */

void bide_stream_consume_slow_(bide_stream *stream, size_t size_bytes)
{
	bide_stream_head_ *head;
	size_t there;

	if (bide_stream_check_(stream, "bide_stream_consume"))
		return;
	head = &stream->head;
	there = (size_t)(head->end_ - head->at_);
	if (size_bytes > there) {
		bide_misuse_("bide_stream_consume: %zu bytes, but the buffer has %zu; bide_stream_peek "
		             "waits for more",
		             size_bytes, there);
		return;
	}
	if (there == 0)
		return;
	head->at_ = head->end_ = NULL;
	give_back(stream);
}

size_t bide_buffer_take_(bide_stream *stream, void *to, size_t size_bytes)
{
	bide_stream_head_ *head = &stream->head;
	size_t there = (size_t)(head->end_ - head->at_);

	if (there == 0)
		return 0;
	if (size_bytes > there)
		size_bytes = there;
	memcpy(to, head->at_, size_bytes);
	bide_stream_consume(stream, size_bytes);
	return size_bytes;
}

bool bide_buffer_hide_(bide_stream *stream, const char *what)
{
	bide_stream_buffer *b = &stream->buffer;
	bide_stream_head_ *head = &stream->head;

	if (!bide_buffer_claim_(stream, BIDE_BUFFER_READING_)) {
		bide_misuse_("%s: another operation reads from the same stream; wait until it is over",
		             what);
		return false;
	}
	if (b->in) {
		b->in->from = (uint32_t)(head->at_ - b->in->data);
		b->in->upto = (uint32_t)(head->end_ - b->in->data);
	}
	BIDE_ASSERT_(b->in || head->at_ == head->end_);
	head->at_ = head->end_ = NULL;
	b->scanned_bytes = 0;
	return true;
}

void bide_buffer_show_(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;

	BIDE_ASSERT_(BIDE_LOAD(&b->pins, RELAXED) & BIDE_BUFFER_READING_);
	if (b->in) {
		stream->head.at_ = b->in->data + b->in->from;
		stream->head.end_ = b->in->data + b->in->upto;
	}
	bide_buffer_rests_(b, BIDE_IO_IN_);
	/* What the call has belongs to its function, which may wait for another stream. */
	if (!bide_chunk_claim_is_idle_(&b->claim))
		bide_chunk_claim_end_(&b->claim);
	bide_buffer_unpin_(stream, BIDE_BUFFER_READING_);
}

/* --- looking --- */

/* A mark of one or two bytes, as the arguments have it. */
typedef struct mark {
	unsigned char first, second;
	size_t size_bytes;
} mark;

static char *find(char *at, size_t size_bytes, const mark *m)
{
	char *end = at + size_bytes, *found;

	for (;; at = found + 1) {
		found = memchr(at, m->first, (size_t)(end - at));
		if (!found || m->size_bytes == 1)
			return found;
		if (found + 1 == end)
			return NULL;
		if ((unsigned char)found[1] == m->second)
			return found;
	}
}

/* Hands out the first bytes as a string, and takes `more` besides. */
static int text(bide_stream *stream, size_t size_bytes, size_t more, bide_payload *result)
{
	bide_io_chunk *in = stream->buffer.in;
	char *at = in->data + in->from;

	at[size_bytes] = '\0';
	in->from += (uint32_t)(size_bytes + more);
	stream->head.taken_ = size_bytes;
	result->p = at;
	return 0;
}

/* There is no mark, and no more bytes will come: what is there is the last text. */
static int last_text(bide_stream *stream, bide_payload *result)
{
	bide_stream_buffer *b = &stream->buffer;
	size_t size_bytes = length(b->in);

	if (size_bytes > 0)
		return text(stream, size_bytes, 0, result);
	b->ended = false;
	stream->head.taken_ = 0;
	result->p = NULL;
	return 0;
}

static int look_for_mark(bide_stream *stream, const mark *m, bool is_line, bide_payload *result)
{
	bide_stream_buffer *b = &stream->buffer;
	size_t there = length(b->in), line_max = bide_buffer_line_max_(b), size_bytes, more;
	char *at = b->in ? b->in->data + b->in->from : NULL, *found = NULL;

	if (there > b->scanned_bytes)
		found = find(at + b->scanned_bytes, there - b->scanned_bytes, m);
	if (!found) {
		b->scanned_bytes = (uint32_t)(there > m->size_bytes - 1 ? there - (m->size_bytes - 1) : 0);
		if (there >= line_max + END_BYTES_MAX)
			return EMSGSIZE;
		return b->ended ? last_text(stream, result) : EAGAIN;
	}
	size_bytes = (size_t)(found - at);
	more = m->size_bytes;
	if (is_line && size_bytes > 0 && found[-1] == '\r') {
		size_bytes--;
		more++;
	}
	if (size_bytes > line_max)
		return EMSGSIZE;
	return text(stream, size_bytes, more, result);
}

static int look_for_bytes(bide_stream *stream, const bide_io_arguments *wanted, bool takes,
                          bide_payload *result)
{
	bide_stream_buffer *b = &stream->buffer;
	size_t there = length(b->in), size_bytes = wanted->any.size;
	const char *at = b->in ? b->in->data + b->in->from : NULL;

	if (there < size_bytes && !b->ended)
		return EAGAIN;
	if (!takes) {
		result->p = there ? (void *)(uintptr_t)at : NULL;
		if (there == 0)
			b->ended = false;
		return 0;
	}
	if (there < size_bytes) {
		if (there == 0)
			b->ended = false;
		return BIDE_EEND;
	}
	if (at) { /* otherwise nothing is wanted */
		memcpy(wanted->any.pointer, at, size_bytes);
		b->in->from += (uint32_t)size_bytes;
	}
	result->i = (int64_t)size_bytes;
	return 0;
}

int bide_buffer_look_(bide_stream *stream, const bide_io_arguments *wanted, bide_payload *result)
{
	uint64_t number = wanted->any.number;
	mark m = { (unsigned char)(number >> 16), (unsigned char)(number >> 24), number >> 8 & 255 };

	switch ((bide_wanted)(number & 255)) {
	case BIDE_WANTED_LINE_:
		return look_for_mark(stream, &m, true, result);
	case BIDE_WANTED_MARK_:
		return look_for_mark(stream, &m, false, result);
	case BIDE_WANTED_PEEK_:
		return look_for_bytes(stream, wanted, false, result);
	case BIDE_WANTED_EXACTLY_:
		return look_for_bytes(stream, wanted, true, result);
	}
	return EINVAL;
}

/* --- room for more --- */

static void move_to(bide_stream_buffer *b, bide_io_chunk *to)
{
	bide_io_chunk *in = b->in;

	if (in) {
		BIDE_ASSERT_(length(in) + SPARE_BYTES <= bide_io_chunk_room_(to));
		memcpy(to->data, in->data + in->from, length(in));
		to->upto = length(in);
	}
	b->in = to;
	bide_io_chunk_give_(in);
}

/* To wait for the budget, the record of a descriptor is tried again when there is some. */
static void again(bide_chunk_claim *claim, uint32_t key)
{
	bide_stream *stream = BIDE_CONTAINER_(claim, bide_stream, buffer.claim);

	bide_handle_kick_(&stream->handle, key, BIDE_IO_IN_);
}

/* The chunk is full: takes one that is larger. */
static int grow(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;
	size_t most = bide_buffer_line_max_(b) + END_BYTES_MAX + SPARE_BYTES;
	size_t room = bide_io_chunk_room_(b->in), wanted = 2 * room < most ? 2 * room : most;
	bide_io_chunk *larger = NULL;
	int error;

	BIDE_ASSERT_(length(b->in) + SPARE_BYTES == room && room < most);
	/*
	 * A claim that waits since an earlier attempt is read by the thread that wakes it. Then it has
	 * this key already.
	 */
	if (b->claim.again != again || b->claim.key != stream->handle.generation) {
		b->claim.again = again;
		b->claim.key = stream->handle.generation;
	}
	error =
		bide_io_chunk_take_(stream->handle.home, wanted, BIDE_CHUNK_OR_WAIT_, &b->claim, &larger);
	if (!error)
		move_to(b, larger);
	return error;
}

/* Takes a chunk of the usual size, or a small one if the budget is used up. */
static int begin(bide_stream *stream)
{
	bide_stream_buffer *b = &stream->buffer;
	unsigned home = stream->handle.home;
	bide_io_chunk *chunk = NULL;
	int error = bide_io_chunk_take_(home, BIDE_CHUNK_USUAL_ - BIDE_CHUNK_HEAD_, BIDE_CHUNK_IF_FREE_,
	                                NULL, &chunk);

	if (error && !b->in)
		error = bide_io_chunk_take_(home, BIDE_CHUNK_SMALL_ - BIDE_CHUNK_HEAD_, BIDE_CHUNK_ALWAYS_,
		                            NULL, &chunk);
	if (!error)
		move_to(b, chunk);
	return b->in ? 0 : error;
}

int bide_buffer_room_(bide_stream *stream, char **at, size_t *size_bytes)
{
	bide_stream_buffer *b = &stream->buffer;
	bide_io_chunk *in = b->in;
	size_t most = bide_buffer_line_max_(b) + END_BYTES_MAX;
	int error = 0;

	if (!in || in->size_bytes < BIDE_CHUNK_USUAL_)
		error = begin(stream);
	if (error)
		return error;
	in = b->in;
	if (in->from > 0 && (length(in) == 0 || tail(in) < TAIL_BYTES_MIN)) {
		memmove(in->data, in->data + in->from, length(in));
		in->upto = length(in);
		in->from = 0;
	}
	if (tail(in) == 0) {
		error = grow(stream);
		if (error)
			return error;
		in = b->in;
	}
	*at = in->data + in->upto;
	*size_bytes = tail(in) < most - length(in) ? tail(in) : most - length(in);
	BIDE_ASSERT_(*size_bytes > 0);
	return 0;
}

void bide_buffer_received_(bide_stream *stream, size_t size_bytes)
{
	bide_stream_buffer *b = &stream->buffer;

	if (size_bytes == 0)
		b->ended = true;
	BIDE_ASSERT_(size_bytes <= tail(b->in));
	b->in->upto += (uint32_t)size_bytes;
}

void bide_buffer_settle_(bide_stream *stream, bool is_waiting)
{
	bide_stream_buffer *b = &stream->buffer;
	bide_io_chunk *smaller = NULL;
	size_t room_bytes = length(b->in) + SPARE_BYTES;

	if (!b->in)
		return;
	if (length(b->in) == 0) {
		give_back(stream);
		return;
	}
	/* The next class is a quarter. Without memory the bytes stay where they are. */
	if (room_bytes + BIDE_CHUNK_HEAD_ <= b->in->size_bytes / 4 &&
	    b->in->size_bytes <= BIDE_CHUNK_USUAL_ &&
	    !bide_io_chunk_take_(stream->handle.home, room_bytes, BIDE_CHUNK_ALWAYS_, NULL, &smaller))
		move_to(b, smaller);
	if (!is_waiting && bide_io_chunk_is_small_(b->in) && !bide_chunk_claim_is_idle_(&b->claim))
		bide_chunk_claim_end_(&b->claim);
}
