/*
 * fd_wait.c - waits for events of a descriptor that another library owns.
 *
 * Nothing is remembered of a descriptor from one wait to the next: its owner may close it, and the
 * number may mean another file then. So each wait has a handle of its own, which is registered
 * one-shot and level-triggered, and taken out of the reactor before the wait is over.
 */
#define _GNU_SOURCE
#include <bide/fd.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "base/misuse.h"
#include "io/handle.h"
#include "io/operation.h"
#include "io/slab.h"
#include "io/turn.h"

BIDE_STATIC_ASSERT(BIDE_FD_IN == POLLIN && BIDE_FD_PRI == POLLPRI && BIDE_FD_OUT == POLLOUT &&
                       BIDE_FD_ERROR == POLLERR && BIDE_FD_HUP == POLLHUP,
                   "the numbers of poll(2)");
BIDE_STATIC_ASSERT(BIDE_FD_IN == EPOLLIN && BIDE_FD_PRI == EPOLLPRI && BIDE_FD_OUT == EPOLLOUT &&
                       BIDE_FD_ERROR == EPOLLERR && BIDE_FD_HUP == EPOLLHUP &&
                       BIDE_FD_RDHUP == EPOLLRDHUP,
                   "the numbers of epoll_ctl(2)");

enum {
	ASKED = BIDE_FD_IN | BIDE_FD_PRI | BIDE_FD_OUT | BIDE_FD_RDHUP,
	UNASKED = BIDE_FD_ERROR | BIDE_FD_HUP
};

typedef struct fd_wait {
	bide_slab_link link;
	bide_handle handle;
} fd_wait;

static bide_slab waits = BIDE_SLAB_OF_(fd_wait);

/* What a reactor has told. Nothing was told before the first event. */
static int attempt(bide_io *io)
{
	const bide_handle *handle = io->handle;
	unsigned seen = handle->seen & ((unsigned)handle->events | UNASKED);

	if (!seen)
		return EAGAIN;
	io->operation.source.payload.i = seen;
	return 0;
}

static void closed(bide_handle *handle)
{
	bide_slab_give_(&waits, BIDE_CONTAINER_(handle, fd_wait, handle));
}

/* The handle ends with its only operation. Its side is busy, so its end comes right behind this. */
static void over(bide_io *io)
{
	bide_handle_close_(io->handle, closed);
}

static const bide_io_kind wait_kind = {
	.type = BIDE_IO_TYPE_("bide_fd_wait"),
	.side = BIDE_IO_IN_,
	.attempt = attempt,
	.over = over,
};

/* Returns the events that are there now. */
static unsigned look(int fd, unsigned events)
{
	struct pollfd poll_fd = { .fd = fd, .events = (short)events };

	while (poll(&poll_fd, 1, 0) < 0 && errno == EINTR)
		;
	return (unsigned short)poll_fd.revents;
}

/* Files, folders and some devices are always ready, and epoll does not take them. */
static bool may_be_refused(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ||
	                                   S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode));
}

bide_value_task bide_fd_wait(int fd, unsigned events)
{
	bide_io_arguments none = { .any = { 0 } };
	unsigned seen;
	fd_wait *wait;
	int error;

	if (fd < 0 || events & ~(unsigned)(ASKED | UNASKED)) {
		bide_misuse_("bide_fd_wait: %s",
		             fd < 0 ? "fd is negative" : "events has bits that are not BIDE_FD_");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	if (!bide_thread_())
		return bide_value_task_from_error(BIDE_ENOMEM_);
	error = bide_context_current_error();
	if (error)
		return bide_value_task_from_error(error);
	seen = look(fd, events);
	if (seen & POLLNVAL)
		return bide_value_task_from_error(EBADF);
	if (seen && (bide_turn_goes_on_() || may_be_refused(fd)))
		return bide_value_task_from_int(seen);
	wait = bide_slab_take_(&waits);
	if (!wait)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	bide_handle_init_(&wait->handle, fd, BIDE_HANDLE_LEVEL_ | BIDE_HANDLE_KEEPS_FD_);
	wait->handle.events = (uint16_t)(events & ASKED);
	return bide_io_start_owned_(&wait->handle, &wait_kind, none);
}
