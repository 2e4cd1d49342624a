/*
 * lines.c - fuzzes the reading calls of buffers (src/io/buffer_in.c, buffer_read.c): whatever comes
 * in whatever pieces, the calls return the bytes in their order, and none is lost.
 *
 * An input is a limit, the bytes of a stream, and a sequence of calls. Each call also says how the
 * bytes that it may need come: in pieces of which size, and whether a read fails. The model is the
 * bytes and a position.
 */
#include "fuzz.h"

#include <errno.h>

#include <bide/bide.h>

#include "io/chunk.h"
#include "io/stream.h"

enum { BYTES_MAX = 4096 };

/* The far end of the stream. */
static struct far {
	const uint8_t *bytes;
	size_t size, sent, piece;
	bool fails; /* the next read */
} far;

/* The model: bytes before this position were returned. */
static size_t position;
static size_t limit;
static bide_stream *stream;

static bide_value_task far_read(void *object, void *to, size_t size_bytes)
{
	size_t count = far.size - far.sent;

	(void)object;
	FUZZ_CHECK(size_bytes > 0);
	if (far.fails) {
		far.fails = false;
		return bide_value_task_from_error(EIO);
	}
	if (count > far.piece)
		count = far.piece;
	if (count > size_bytes)
		count = size_bytes;
	memcpy(to, far.bytes + far.sent, count);
	far.sent += count;
	return bide_value_task_from_int((int64_t)count);
}

static const bide_stream_type far_type = { .name = "far", .read = far_read };

/* Waits for a value task that is ready. A read that was to fail may have failed. */
static int outcome(bide_value_task v, bide_payload *result)
{
	bool failed = far.fails;
	int error;

	FUZZ_CHECK(bide_value_task_is_ready(v));
	error = bide_value_task_wait(v, result);
	FUZZ_CHECK(error != EIO || !failed);
	far.fails = false;
	FUZZ_CHECK(bide_buffer_is_valid_(stream));
	FUZZ_CHECK(bide_stream_available(stream) <= far.sent - position);
	return error;
}

static size_t left(void)
{
	return far.size - position;
}

/* Returns the length of the next text, and sets *more to that of its mark: 0 at the end. */
static size_t text_length(const char *mark, size_t mark_bytes, size_t *more)
{
	for (size_t i = position; i + mark_bytes <= far.size; i++) {
		if (memcmp(far.bytes + i, mark, mark_bytes) == 0) {
			*more = mark_bytes;
			return i - position;
		}
	}
	*more = 0;
	return left();
}

static void check_text(int error, const char *text, size_t length, size_t more)
{
	/* A text that is a byte too long for its limit may be in the buffer already. */
	size_t whole = length + more;

	if (error == EIO)
		return;
	if (error == EMSGSIZE) {
		FUZZ_CHECK(length > limit);
		return;
	}
	FUZZ_CHECK(error == 0 && length <= limit + 2);
	if (!text) {
		FUZZ_CHECK(whole == 0 && left() == 0);
		return;
	}
	FUZZ_CHECK(whole > 0);
	FUZZ_CHECK(bide_stream_taken(stream) == length && text[length] == '\0');
	FUZZ_CHECK(memcmp(text, far.bytes + position, length) == 0);
	position += whole;
}

static void line(void)
{
	bide_payload result = { .p = NULL };
	int error = outcome(bide_stream_read_line(stream).untyped, &result);
	size_t more, length = text_length("\n", 1, &more);

	if (more && length > 0 && far.bytes[position + length - 1] == '\r') {
		length--;
		more++;
	}
	check_text(error, result.p, length, more);
}

static void until(const char *mark, size_t mark_bytes)
{
	bide_payload result = { .p = NULL };
	int error = outcome(bide_stream_read_until(stream, mark, mark_bytes).untyped, &result);
	size_t more, length = text_length(mark, mark_bytes, &more);

	check_text(error, result.p, length, more);
}

static void peek(size_t size, size_t consumed)
{
	bide_payload result = { .p = NULL };
	int error = outcome(bide_stream_peek(stream, size).untyped, &result);
	size_t there = bide_stream_available(stream);

	if (error) {
		FUZZ_CHECK(error == EIO || (error == EMSGSIZE && size > limit));
		return;
	}
	FUZZ_CHECK(there >= size || there == left());
	FUZZ_CHECK(!result.p || memcmp(result.p, far.bytes + position, there) == 0);
	FUZZ_CHECK(result.p || there == 0);
	if (consumed > there)
		consumed = there;
	bide_stream_consume(stream, consumed);
	position += consumed;
}

static void exactly(size_t size)
{
	static char to[BYTES_MAX];
	bide_payload result = { .i = 0 };
	int error = outcome(bide_stream_read_exactly(stream, to, size), &result);
	size_t got = size;

	if (error) {
		FUZZ_CHECK(error == EIO || (error == BIDE_EEND && left() < size));
		got = size > limit ? bide_stream_taken(stream) : 0;
	} else {
		FUZZ_CHECK(result.i == (int64_t)size);
	}
	FUZZ_CHECK(got <= left() && memcmp(to, far.bytes + position, got) == 0);
	position += got;
}

static void read_some(size_t size)
{
	static char to[BYTES_MAX];
	bide_payload result = { .i = 0 };
	int error = outcome(bide_stream_read(stream, to, size), &result);

	if (error) {
		FUZZ_CHECK(error == EIO);
		return;
	}
	FUZZ_CHECK((size_t)result.i <= size && (result.i > 0 || left() == 0 || size == 0));
	FUZZ_CHECK(memcmp(to, far.bytes + position, (size_t)result.i) == 0);
	position += (size_t)result.i;
}

static void call(fuzz_input *input)
{
	static const char marks[] = "\r\n\r\raa;\n";
	unsigned what = fuzz_below(input, 7), size = fuzz_below(input, 400);

	far.piece = fuzz_below(input, 256) + 1;
	far.fails = fuzz_below(input, 8) == 0;
	switch (what) {
	case 0:
	case 1:
		line();
		break;
	case 2:
		until(marks + size % 7, 1 + size / 7 % 2);
		break;
	case 3:
		peek(size, size / 2);
		break;
	case 4:
		peek(size % 20, size);
		break;
	case 5:
		exactly(size);
		break;
	default:
		read_some(size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static bool is_configured;
	fuzz_input input = { bytes, bytes + size_bytes };
	bide_config config = { .workers = 1, .io_buffers_max_bytes = 20000 };

	if (!is_configured)
		FUZZ_CHECK(bide_configure(&config) == 0);
	is_configured = true;
	limit = fuzz_below(&input, 300) + 1;
	far = (struct far){ .size = fuzz_below(&input, BYTES_MAX) };
	if (far.size > (size_t)(input.end - input.at))
		far.size = (size_t)(input.end - input.at);
	far.bytes = input.at;
	input.at += far.size;
	position = 0;
	stream = bide_stream_create(&far_type, NULL);
	FUZZ_CHECK(stream && bide_stream_set_limits(stream, limit, 0) == 0);
	while (input.at < input.end)
		call(&input);
	bide_stream_close(stream);
	FUZZ_CHECK(bide_chunks_bytes_() == 0 && bide_chunks_are_valid_());
	return 0;
}
