/*
 * transfer.c - see transfer.h.
 */
#define _GNU_SOURCE
#include "file/transfer.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/stream.h"

enum {
	PARTS_MAX = 16,
	NOWAIT = 8 /* RWF_NOWAIT: headers of older systems lack it */
};

/* Returns how many bytes went, or an error below 0. The system has one number for the offset. */
static ssize_t try_once(const bide_transfer *t, const struct iovec *parts, size_t count)
{
	long done = syscall(t->writes ? SYS_pwritev2 : SYS_preadv2, t->file->descriptor.fd, parts,
	                    count, t->offset + (int64_t)t->done_bytes, 0L, NOWAIT);

	return BIDE_LIKELY(done >= 0) ? (ssize_t)done : -(ssize_t)errno;
}

/*
 * Stores what is left, at most max_bytes, in `room` of PARTS_MAX parts. Returns how many parts, and
 * their bytes in *size_bytes.
 */
static size_t rest(const bide_transfer *t, struct iovec *room, size_t max_bytes, size_t *size_bytes)
{
	size_t count = bide_stream_parts_rest_(t->parts, t->count, t->done_bytes, room, PARTS_MAX);
	size_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		if (room[i].iov_len >= max_bytes - sum) {
			room[i].iov_len = max_bytes - sum;
			count = i + 1;
		}
		sum += room[i].iov_len;
	}
	*size_bytes = sum;
	return count;
}

/*
 * An error of a try. A signal counts as a wait. EINVAL: some file systems try reads only; the plain
 * call tells the true error.
 */
static bool would_wait(ssize_t error)
{
	return error == -EAGAIN || error == -EOPNOTSUPP || error == -ENOSYS || error == -EINTR ||
	       error == -EINVAL;
}

/* Linux 5.9 and 5.10 return 0 also for what is not in memory: readv(2), BUGS. */
static bool is_end(const bide_transfer *t)
{
	struct stat status;

	return fstat(t->file->descriptor.fd, &status) == 0 && S_ISREG(status.st_mode) &&
	       t->offset + (int64_t)t->done_bytes >= status.st_size;
}

enum { MORE = -1 }; /* in place of an error: another try is worth it */

/* What a try has brought; *left: how much another one may move. */
static int take(bide_transfer *t, ssize_t done, size_t *left)
{
	if (BIDE_UNLIKELY(done < 0)) {
		if (done == -EAGAIN)
			bide_descriptor_is_local_(&t->file->descriptor);
		if (would_wait(done))
			return EAGAIN;
		return t->done_bytes > 0 ? EAGAIN : (int)-done;
	}
	bide_descriptor_is_local_(&t->file->descriptor);
	t->done_bytes += (size_t)done;
	if (BIDE_LIKELY(t->done_bytes == t->size_bytes))
		return 0;
	if (done == 0 && !t->writes)
		return is_end(t) ? 0 : EAGAIN;
	*left -= (size_t)done;
	return *left == 0 || done == 0 ? EAGAIN : MORE;
}

int bide_transfer_go_on_(bide_transfer *t, ssize_t done)
{
	struct iovec room[PARTS_MAX];
	size_t left = BIDE_TRANSFER_TRY_MAX_, count, tried;
	int error = take(t, done, &left);

	if (error != MORE)
		return error;
	count = rest(t, room, left, &tried);
	error = take(t, try_once(t, room, count), &left);
	return error == MORE ? EAGAIN : error;
}

int bide_transfer_try_(bide_transfer *t)
{
	struct iovec room[PARTS_MAX];
	const struct iovec *parts = t->parts;
	size_t count = 1, tried;

	/* Mostly there is one part: then it is passed on as it is. */
	if (t->count != 1 || t->size_bytes > BIDE_TRANSFER_TRY_MAX_) {
		count = rest(t, room, BIDE_TRANSFER_TRY_MAX_, &tried);
		parts = room;
	}
	return bide_transfer_go_on_(t, try_once(t, parts, count));
}

ssize_t bide_transfer_try_read_(const bide_descriptor *d, const struct iovec *part, int64_t offset)
{
	long done = syscall(SYS_preadv2, d->fd, part, 1L, offset, 0L, NOWAIT);

	return BIDE_LIKELY(done >= 0) ? (ssize_t)done : -(ssize_t)errno;
}

int bide_transfer_finish_(bide_transfer *t)
{
	struct iovec room[PARTS_MAX];
	size_t count, size_bytes;
	ssize_t done;
	int fd = t->file->descriptor.fd;
	off_t at;

	while (t->done_bytes < t->size_bytes) {
		count = rest(t, room, SIZE_MAX, &size_bytes);
		at = (off_t)(t->offset + (int64_t)t->done_bytes);
		done = t->writes ? pwritev(fd, room, (int)count, at) : preadv(fd, room, (int)count, at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return !t->writes && t->done_bytes > 0 ? 0 : errno;
		if (done == 0)
			return t->writes ? EIO : 0;
		t->done_bytes += (size_t)done;
	}
	return 0;
}
