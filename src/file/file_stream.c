/*
 * file_stream.c - a stream over a file. See bide_stream_take_file.
 *
 * It is a stream like one of the user's own (bide_stream_type). Each side has its position. A side
 * has one operation at a time, so a position needs no lock: the next operation begins when the one
 * before is over.
 */
#define BIDE_OWN_(name) &name##_own_
#include <bide/file.h>

#include <errno.h>

#include "base/misuse.h"
#include "base/own.h"
#include "file/file.h"
#include "file/transfer.h"
#include "io/send_file.h"
#include "io/stream.h"
#include "memory/allocator.h"
#include "runtime/simulation.h"

typedef struct file_stream {
	bide_file *file;
	int64_t read_at, write_at;
} file_stream;

struct bide_file_stream_read {
	BIDE_ASYNC_FRAME;
	struct {
		file_stream *stream;
		void *to;
		size_t size_bytes;
	} in;
	int64_t count;
};

static const bide_own_ bide_file_stream_read_own_ = { .name = "bide_stream_read" };

bide_async(bide_file_stream_read)
{
	bide_async_begin;
	bide_await(my->count, bide_file_read_at(my->in.stream->file, my->in.to, my->in.size_bytes,
	                                        my->in.stream->read_at));
	my->in.stream->read_at += my->count;
	bide_async_return(my->count);
bide_async_finally:
	bide_async_end;
}

struct bide_file_stream_write {
	BIDE_ASYNC_FRAME;
	struct {
		file_stream *stream;
		const struct iovec *parts;
		size_t count;
	} in;
	int64_t count;
};

static const bide_own_ bide_file_stream_write_own_ = { .name = "bide_stream_write" };

bide_async(bide_file_stream_write)
{
	bide_async_begin;
	bide_await(my->count, bide_file_write_some_(my->in.stream->file, my->in.parts, my->in.count,
	                                            my->in.stream->write_at));
	my->in.stream->write_at += my->count;
	bide_async_return(my->count);
bide_async_finally:
	bide_async_end;
}

/* BIDE_ENOFRAME is an error of functions of the user's. */
static bide_value_task started(bide_value_task value)
{
	if (BIDE_UNLIKELY(value.state == BIDE_ENOFRAME))
		value.state = BIDE_ENOMEM_;
	return value;
}

static bide_value_task stream_read(void *object, void *to, size_t size_bytes)
{
	return started(bide_async_start(bide_file_stream_read, .stream = object, .to = to,
	                                .size_bytes = size_bytes));
}

static bide_value_task stream_write(void *object, const struct iovec *parts, size_t count)
{
	return started(
		bide_async_start(bide_file_stream_write, .stream = object, .parts = parts, .count = count));
}

static void close_file(bide_file *file)
{
	BIDE_STORE(&file->is_taken, 0u, RELAXED);
	bide_file_close(file);
}

static void stream_close(void *object)
{
	file_stream *s = object;

	close_file(s->file);
	bide_deallocate_(s, sizeof *s);
}

static const bide_stream_type type = {
	.name = "file", .read = stream_read, .write = stream_write, .close = stream_close
};

/* The stream stays as it is, and so does this memory. */
static void orphaned(const bide_stream_type *of, void *object)
{
	const file_stream *s = object;

	if (of != &type)
		return;
	close_file(s->file);
}

/*
 * A descriptor that is open for writing, too, is not sent: what the program writes to it later
 * could still reach the peer. In a simulation: what is in memory differs from run to run.
 */
static bool sent_file(const bide_stream_type *of, void *object, bide_sent_file *to)
{
	file_stream *s = object;

	if (of != &type || bide_simulating_ || !s->file->descriptor.is_read_only ||
	    !s->file->descriptor.tries_reads)
		return false;
	to->fd = s->file->descriptor.fd;
	to->at = &s->read_at;
	return true;
}

int bide_stream_take_file(bide_stream **stream, bide_file *file, int64_t offset)
{
	file_stream *s;
	int error;

	if (!stream) {
		bide_misuse_("bide_stream_take_file: the place for the stream is NULL");
		return EINVAL;
	}
	*stream = NULL;
	if (offset < 0) {
		bide_misuse_("bide_stream_take_file: the offset is %lld; it is 0 or more",
		             (long long)offset);
		return EINVAL;
	}
	error = bide_descriptor_check_(file ? &file->descriptor : NULL, "bide_stream_take_file");
	if (error)
		return error;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): NULL is an error */
	if (BIDE_SWAP(&file->is_taken, 1u, RELAXED)) { /* of two takes at a time one goes on */
		bide_misuse_("bide_stream_take_file: the file belongs to a stream already");
		return EBUSY;
	}
	s = bide_allocate_(sizeof *s, _Alignof(file_stream));
	if (s) {
		s->file = file;
		s->read_at = s->write_at = offset;
		*stream = bide_stream_create(&type, s);
		if (!*stream)
			bide_deallocate_(s, sizeof *s);
	}
	if (!*stream) {
		BIDE_STORE(&file->is_taken, 0u, RELAXED);
		return ENOMEM;
	}
	BIDE_STORE(&bide_stream_orphaned_, orphaned, RELAXED);
	BIDE_STORE(&bide_send_file_of_, sent_file, RELAXED);
	return 0;
}
