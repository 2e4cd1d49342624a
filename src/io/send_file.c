/*
 * send_file.c - see send_file.h.
 */
#define _GNU_SOURCE
#include "io/send_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* Headers of older systems lack these. */
enum { NOWAIT = 8 /* RWF_NOWAIT */, CACHESTAT = 451 };

typedef struct cache_range {
	uint64_t from, size_bytes;
} cache_range;

/* What cachestat stores: numbers of pages. */
typedef struct cache_status {
	uint64_t there, dirty, written, evicted, recently_evicted;
} cache_status;

bool (*bide_send_file_of_)(const bide_stream_type *type, void *object, bide_sent_file *file);

/* --- what is in memory --- */

/* Returns true if a byte can be read without waiting. A file that cannot tell is refused. */
static bool is_read(bide_sent_file *file, int64_t at)
{
	char byte;
	struct iovec part = { &byte, 1 };
	long done = syscall(SYS_preadv2, file->fd, &part, 1L, at, 0L, NOWAIT);

	if (done < 0 && errno != EAGAIN && errno != EINTR)
		file->is_refused = true;
	return done == 1;
}

/* Returns true if all pages are in memory. */
static bool is_cached(bide_sent_file *file, size_t size_bytes)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE), at = (uint64_t)*file->at;
	uint64_t pages = (at + size_bytes - 1) / page_bytes - at / page_bytes + 1;
	cache_range range = { at, size_bytes };
	cache_status status;

	if (syscall(CACHESTAT, file->fd, &range, &status, 0U)) {
		file->is_refused = true; /* ENOSYS; EPERM: the caller may not write the file */
		return false;
	}
	return status.there >= pages;
}

/* Returns how many bytes from the position on can go now; 0: too few, or it is refused. */
static size_t sendable(bide_sent_file *file)
{
	size_t least = file->has_sent ? 1 : BIDE_SEND_FILE_FIRST_, size = BIDE_SEND_FILE_MAX_, there;
	int64_t at = *file->at;
	struct stat status;

	/* First: so it is no file of a server, of which fstat would ask. */
	if (!is_read(file, at) || fstat(file->fd, &status))
		return 0;
	if (size > file->max_bytes)
		size = file->max_bytes;
	if (status.st_size - at < (int64_t)size)
		size = status.st_size > at ? (size_t)(status.st_size - at) : 0;
	if (size < least) {
		file->is_refused = true;
		return 0;
	}
	for (there = BIDE_SEND_FILE_STEP_; there < size && is_read(file, at + (int64_t)there);)
		there += BIDE_SEND_FILE_STEP_;
	if (there > size)
		there = size;
	if (there < size && there < BIDE_SEND_FILE_FIRST_)
		return 0;
	return is_read(file, at + (int64_t)there - 1) && is_cached(file, there) ? there : 0;
}

/* --- the operation --- */

static int attempt(bide_io *io)
{
	bide_sent_file *file = io->arguments.any.pointer;
	size_t size_bytes = sendable(file);
	ssize_t done = 0;

	if (size_bytes > 0)
		done = bide_stream_send_file_(io->handle, file->fd, *file->at, size_bytes);
	if (done == -EINVAL || done == -ENOSYS || done == -EOPNOTSUPP || done == -EPERM) {
		file->is_refused = true;
		done = 0;
	}
	if (done < 0)
		return (int)-done;
	file->has_sent |= done > 0;
	*file->at += done;
	bide_stream_of_(io->handle)->written_bytes = (size_t)done;
	io->operation.source.payload.i = done;
	return 0;
}

static const bide_io_kind kind = {
	.type = BIDE_IO_TYPE_("bide_stream_copy"),
	.side = BIDE_IO_OUT_,
	.attempt = attempt,
};

bool bide_send_file_is_possible_(const bide_stream *from, const bide_stream *to,
                                 bide_sent_file *file)
{
	bool (*of)(const bide_stream_type *type, void *object, bide_sent_file *file) =
		BIDE_LOAD(&bide_send_file_of_, RELAXED);

	/* sendfile does not block if the socket does not; a standard one may. */
	return of && from->type && !to->type && to->handle.flags & BIDE_HANDLE_IS_SOCKET_ &&
	       !to->is_standard && bide_buffer_is_clear_(&to->buffer) &&
	       !bide_stream_failed_(to, BIDE_IO_OUT_) &&
	       !(BIDE_LOAD(&to->buffer.pins, RELAXED) & BIDE_BUFFER_WRITING_) &&
	       of(from->type, from->object, file);
}

bide_value_task bide_send_file_(bide_stream *to, bide_sent_file *file)
{
	to->written_bytes = 0;
	bide_buffer_progress_(to, &to->buffer, BIDE_IO_OUT_);
	return bide_io_start_(&to->handle, &kind, (bide_io_arguments){ .any = { file, 0, 0 } });
}
