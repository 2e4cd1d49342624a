/*
 * stream.c - the life of a stream: its memory, its checks, abort and close.
 */
#include "io/stream.h"

#include <errno.h>

#include "base/assert.h"
#include "base/misuse.h"
#include "io/side.h"
#include "io/slab.h"
#include "io/upcalls.h"

/* Inlined calls read the head of a stream, also if it is closed: so it is empty then. */
static bide_slab streams = BIDE_SLAB_LINKED_AT_(bide_stream, offsetof(bide_stream, object));

int bide_stream_check_slow_(const bide_stream *stream, const char *what)
{
	return bide_handle_check_(stream ? &stream->handle : NULL, what, "stream");
}

bide_stream *bide_stream_new_(int fd, uint32_t flags)
{
	bide_stream *stream = bide_thread_() ? bide_slab_take_(&streams) : NULL;

	if (!stream)
		return NULL;
	/* Behind that is the handle, at which stale events may look. */
	__builtin_memset(stream, 0, offsetof(bide_stream, handle));
	bide_handle_init_(&stream->handle, fd, flags);
	return stream;
}

void bide_stream_unwanted_(bide_payload result)
{
	bide_stream_close(result.p);
}

void bide_stream_free_(bide_stream *stream)
{
	if (stream->type && stream->type->close)
		stream->type->close(stream->object);
	stream->head = (bide_stream_head_){ 0 };
	bide_slab_give_(&streams, stream);
}

/* No operation of the descriptor is pending any more. */
static void closed(bide_handle *handle)
{
	bide_buffer_closed_(bide_stream_of_(handle));
}

void bide_stream_abort(bide_stream *stream, int error)
{
	if (bide_stream_check_(stream, "bide_stream_abort") ||
	    !bide_check_error_(error, "bide_stream_abort"))
		return;
	bide_stream_abort_(stream, error);
}

void (*bide_stream_orphaned_)(const bide_stream_type *type, void *object);

/* It is of before a shutdown, or of the process that forked: only descriptors are closed. */
static void close_orphan(const bide_stream *stream)
{
	void (*orphaned)(const bide_stream_type *type, void *object) =
		BIDE_LOAD(&bide_stream_orphaned_, RELAXED);

	if (stream->below)
		bide_stream_close(stream->below);
	else if (stream->type && orphaned)
		orphaned(stream->type, stream->object);
}

void bide_stream_close(bide_stream *stream)
{
	uint32_t era = stream ? bide_handle_take_(&stream->handle, "bide_stream_close", "stream") : 0;
	bool is_live = era == bide_handle_era_();

	if (era == 0)
		return;
	/* What is pending ends soon, and then the handle goes. A descriptor's does so by the close. */
	if (stream->type && is_live && bide_side_may_be_busy_(&stream->handle))
		bide_stream_abort_(stream, EBADF);
	if (!is_live)
		close_orphan(stream);
	bide_handle_close_taken_(&stream->handle, era, closed);
}

int bide_stream_fd(const bide_stream *stream, int *fd)
{
	int error = bide_stream_check_(stream, "bide_stream_fd");

	if (!error && !fd) {
		bide_misuse_("bide_stream_fd: fd is NULL");
		error = BIDE_EINVAL_;
	}
	if (!error) {
		stream = bide_stream_bottom_(stream);
		error = stream->type ? EBADF : 0;
		if (stream->handle.flags & BIDE_HANDLE_SIMULATED_)
			error = ENOTSUP;
	}
	if (fd)
		*fd = error ? -1 : stream->handle.fd;
	return error;
}

size_t bide_stream_written(const bide_stream *stream)
{
	return bide_stream_check_(stream, "bide_stream_written") ? 0 : stream->written_bytes;
}
