/*
 * descriptor.c - see descriptor.h.
 */
#define _GNU_SOURCE /* O_DIRECT */
#include "file/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "io/handle.h"
#include "io/owned.h"
#include "runtime/at_end.h"
#include "runtime/blocking.h"
#include "runtime/blocking_call.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"
#include "source/operation.h"

uint32_t bide_descriptor_forks_;

static void in_child(void)
{
	bide_descriptor_forks_++;
}

static bide_at_end ends = { .fork = in_child };

void bide_descriptor_open_(bide_descriptor *d, int fd, int flags, const char *closer,
                           void (*freed)(bide_descriptor *descriptor))
{
	bide_at_end_add_(&ends);
	bide_owned_begin_(fd);
	BIDE_ASSERT_(BIDE_LOAD(&d->parties, RELAXED) == 0);
	d->fd = fd;
	d->is_read_only = (flags & O_ACCMODE) == O_RDONLY;
	d->tries_reads = !(flags & O_DIRECT);
	d->tries_writes = !(flags & (O_DIRECT | O_APPEND | O_DSYNC)); /* O_SYNC has O_DSYNC */
	d->freed = freed;
	/* A stale pointer may read these two at any time, for a message. What they point at stays. */
	BIDE_STORE(&d->closer, closer, RELAXED);
	BIDE_STORE(&d->closed_at, NULL, RELAXED);
	d->forks = bide_descriptor_forks_;
	BIDE_STORE(&d->is_local, 0u, RELAXED);
	BIDE_STORE(&d->era, bide_descriptor_era_(), RELAXED);
	/* Pairs with a join by a stale pointer: it finds all of the above. */
	BIDE_STORE(&d->parties, 1u, RELEASE);
}

/* --- checks --- */

/* It is not open, or not of this era. Reports it. */
static BIDE_COLD int not_open(const bide_descriptor *d, const char *what)
{
	const char *closer = BIDE_LOAD(&d->closer, RELAXED);
	const bide_place *at = BIDE_LOAD(&d->closed_at, RELAXED);
	uint32_t era = BIDE_LOAD(&d->era, RELAXED);

	if (era != 0 && era != bide_descriptor_era_())
		bide_misuse_("%s: it is of the process that forked this one, or of before bide_shutdown",
		             what);
	else if (at)
		bide_misuse_("%s: it is closed, by %s at %s:%d in %s", what, closer, at->file,
		             (int)at->line, at->function);
	else
		bide_misuse_("%s: it is closed, by %s", what, closer ? closer : "nothing");
	return EBADF;
}

static BIDE_COLD int refused(const bide_descriptor *d, const char *what)
{
	if (!bide_thread_()) /* In the child of a fork, this leaves the parent's runtime. */
		return bide_runtime_missing_();
	if (d && BIDE_LOAD(&d->era, RELAXED) == bide_descriptor_era_())
		return 0;
	if (d)
		return not_open(d, what);
	bide_misuse_("%s: the first argument is NULL", what);
	return EINVAL;
}

int bide_descriptor_check_(const bide_descriptor *d, const char *what)
{
	/* A thread without a record may be in the child of a fork. */
	if (BIDE_LIKELY(bide_current_thread_ && d &&
	                BIDE_LOAD(&d->era, RELAXED) == bide_descriptor_era_()))
		return 0;
	return refused(d, what);
}

/* --- parties --- */

int bide_descriptor_join_(bide_descriptor *d, const char *what)
{
	int error = bide_descriptor_check_(d, what);
	uint32_t seen;

	if (BIDE_UNLIKELY(error != 0))
		return error;
	seen = BIDE_LOAD(&d->parties, RELAXED);
	/* The owner calls, so it is a party, unless it has closed the file on another thread. */
	while (BIDE_LIKELY(seen != 0))
		if (BIDE_CAS(&d->parties, &seen, seen + 1, ACQUIRE, RELAXED))
			return 0;
	/* This thread may still see the old era, or that of the next file in this memory. */
	return not_open(d, what);
}

/* --- the end --- */

/* A call that closes a descriptor. */
typedef struct closing {
	bide_blocking_record record;
	int fd;
} closing;

static const bide_operation_type closing_type = { .name = "bide_file_close",
	                                              .describe = bide_job_describe_ };

static bide_value_task close_now(void *argument)
{
	(void)close(((closing *)argument)->fd);
	return bide_value_task_from(0);
}

/* What waits for a descriptor tries again. On a thread that may touch operations. */
static void closed(bide_job *job)
{
	void (*ended)(void) = BIDE_LOAD(&bide_handle_ended_, RELAXED);

	(void)job;
	if (BIDE_UNLIKELY(ended != NULL))
		ended();
}

static void close_at_once(int fd)
{
	(void)close(fd);
	if (bide_port_on_worker_())
		closed(NULL);
}

void bide_descriptor_drop_(int fd)
{
	bool may_begin = !bide_blocking_is_thread_() && bide_thread_() &&
	                 (!bide_simulating_ || bide_port_on_worker_());
	closing *c =
		may_begin ? (closing *)(void *)bide_operation_new_(sizeof *c, &closing_type) : NULL;

	if (!c) {
		close_at_once(fd);
		return;
	}
	c->fd = fd;
	c->record.job.over = closed;
	bide_blocking_begin_detached_(&c->record.job, close_now, c);
}

/* Returns true if to close it takes no time. */
static bool is_quick(const bide_descriptor *d)
{
	struct stat status;

	return d->is_read_only && BIDE_LOAD(&d->is_local, RELAXED) && fstat(d->fd, &status) == 0 &&
	       S_ISREG(status.st_mode) && status.st_nlink > 0;
}

void bide_descriptor_leave_(bide_descriptor *d)
{
	/* Pairs with itself, so that the last party sees what the others wrote. */
	uint32_t before = BIDE_SUB(&d->parties, 1u, ACQ_REL);
	bool quick;
	int fd;

	BIDE_ASSERT_(before > 0);
	if (BIDE_LIKELY(before != 1))
		return;
	fd = d->fd;
	quick = is_quick(d);
	bide_owned_end_(fd);
	d->freed(d);
	if (quick)
		close_at_once(fd);
	else
		bide_descriptor_drop_(fd);
}

void bide_descriptor_close_(bide_descriptor *d)
{
	const char *closer = BIDE_LOAD(&d->closer, RELAXED);

	(void)bide_thread_(); /* In the child of a fork, this leaves the parent's runtime. */
	if (BIDE_SWAP(&d->era, 0u, RELAXED) == 0) { /* one close passes, also of two at a time */
		(void)not_open(d, closer ? closer : "bide_file_close");
		return;
	}
	BIDE_STORE(&d->closed_at, BIDE_CALLED_AT_(closer), RELAXED);
	if (d->forks == bide_descriptor_forks_) {
		bide_descriptor_leave_(d);
	} else {
		bide_owned_end_(d->fd);
		(void)close(d->fd);
	}
}
