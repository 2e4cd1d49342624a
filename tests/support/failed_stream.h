/*
 * failed_stream.h - what each call of a stream that has failed says.
 */
#ifndef FAILED_STREAM_H
#define FAILED_STREAM_H

#include "io_support.h"

BIDE_UNUSED static void assert_writes_fail(bide_stream *stream, int error)
{
	struct iovec part = { (void *)(uintptr_t) "x", 1 };
	int peer;
	bide_stream *other = make_stream(&peer);

	assert_int_equal(error_of(bide_stream_print(stream, "%d", 1)), error);
	assert_int_equal(error_of(bide_stream_put(stream, "x", 1)), error);
	assert_int_equal(error_of(bide_stream_write(stream, "x", 1)), error);
	assert_int_equal(error_of(bide_stream_write_vector(stream, &part, 1)), error);
	assert_int_equal(error_of(bide_stream_flush(stream)), error);
	assert_int_equal(error_of(bide_stream_finish(stream)), error);
	assert_int_equal(error_of(bide_stream_end(stream)), error);
	assert_int_equal(error_of(bide_stream_copy(other, stream, SIZE_MAX)), error);
	bide_stream_close(other);
	close(peer);
}

BIDE_UNUSED static void assert_reads_fail(bide_stream *stream, int error)
{
	char byte;
	struct iovec part = { &byte, 1 };
	int peer;
	bide_stream *other = make_stream(&peer);

	assert_int_equal(error_of(bide_stream_read(stream, &byte, 1)), error);
	assert_int_equal(error_of(bide_stream_read_vector(stream, &part, 1)), error);
	assert_int_equal(error_of(bide_stream_read_line(stream).untyped), error);
	assert_int_equal(error_of(bide_stream_read_until(stream, ";", 1).untyped), error);
	assert_int_equal(error_of(bide_stream_peek(stream, 1).untyped), error);
	assert_int_equal(error_of(bide_stream_read_exactly(stream, &byte, 1)), error);
	assert_int_equal(error_of(bide_stream_copy(stream, other, SIZE_MAX)), error);
	bide_stream_close(other);
	close(peer);
}

BIDE_UNUSED static bide_value_task no_read(void *object, void *to, size_t size_bytes)
{
	(void)object;
	(void)to;
	(void)size_bytes;
	return bide_value_task_from_int(0);
}

/* A layer, too. */
BIDE_UNUSED static void assert_each_entry_fails(bide_stream *stream, int error)
{
	static const bide_stream_type layer = { .name = "a layer", .read = no_read };
	bide_stream *below;

	assert_writes_fail(stream, error);
	assert_reads_fail(stream, error);
	assert_int_equal(error_of(bide_stream_layer(stream, &layer, NULL, &below)), error);
	assert_null(below);
}

#endif
