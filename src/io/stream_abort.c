/*
 * stream_abort.c - an abort, for the handle of a stream and for its type.
 */
#include "io/stream.h"

void bide_stream_abort_(bide_stream *stream, int error)
{
	const bide_stream_type *type;

	error = bide_stream_fail_(stream, BIDE_IO_IN_, error);
	(void)bide_stream_fail_(stream, BIDE_IO_OUT_, error);
	bide_handle_abort_(&stream->handle, error);
	/*
	 * A layer that comes later finds the error. That is by the lock of the handle. With one worker,
	 * another thread stores what it asks for, and then loads; the worker does the opposite in
	 * bide_stream_layer.
	 */
	type = BIDE_LOAD(&stream->type, SEQ_CST);
	if (type && type->abort && !BIDE_SWAP(&stream->is_aborted, 1u, RELAXED))
		type->abort(stream->object, error);
}
