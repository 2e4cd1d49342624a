/*
 * handle.c - a handle's birth, its key, its descriptor in the reactor, and its end. See handle.h.
 */
#include "io/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/assert.h"
#include "io/engine.h"
#include "io/handle_parts.h"
#include "io/owned.h"
#include "io/reactor.h"
#include "io/upcalls.h"
#include "runtime/at_end.h"
#include "simulated_net/net.h"

enum { IN_STREAM_BYTES = 272 /* about where the handle of a stream lies in it */ };

void (*bide_handle_ended_)(void);

uint32_t bide_handle_forks_;

static void in_child(void)
{
	bide_handle_forks_++;
}

static bide_at_end ends = { .fork = in_child };

static void expect(const void *at, size_t size_bytes)
{
	__builtin_prefetch(at, 1);
	__builtin_prefetch((const char *)at + 64, 1);
	__builtin_prefetch((const char *)at + size_bytes - 1, 1);
}

/*
 * Each step needs the addresses that the one before has brought: the stream and its handle, the
 * record, the function that waits. With many workers other threads use the records, too.
 */
void bide_io_expect_(const bide_reactor_event *next)
{
	const char *handle = (const char *)bide_handle_at_(next[2].key);
	const bide_io *io;

	expect(handle - IN_STREAM_BYTES, IN_STREAM_BYTES);
	expect(handle, sizeof(bide_handle));
	if (bide_shared_)
		return;
	io = bide_handle_at_(next[1].key)->io[BIDE_IO_IN_];
	expect(io, sizeof *io);
	io = bide_handle_at_(next[0].key)->io[BIDE_IO_IN_];
	if (io) {
		expect((const void *)(io->operation.source.word & ~(uintptr_t)15), 128);
		expect(io->node.core, 64);
	}
}

void bide_handle_init_(bide_handle *handle, int fd, uint32_t flags)
{
	bide_at_end_add_(&ends);
	bide_handle_lock_(handle); /* A stale event may look at it. */
	BIDE_ASSERT_(!(handle->state & (BIDE_HANDLE_OPEN_ | BIDE_HANDLE_CLOSING_)));
	handle->generation++;
	handle->fd = handle->watched_fd = fd;
	handle->state = (flags & ~(uint32_t)BIDE_HANDLE_FLAGS_) | BIDE_HANDLE_OPEN_;
	handle->flags = flags & BIDE_HANDLE_FLAGS_;
	BIDE_STORE(&handle->era, bide_handle_era_(), RELAXED);
	handle->io[BIDE_IO_IN_] = handle->io[BIDE_IO_OUT_] = NULL;
	handle->closed = NULL;
	handle->requests = 0;
	handle->abort_error = handle->asked_error = 0;
	handle->home = (uint16_t)bide_reactor_home_();
	handle->events = handle->seen = 0;
	bide_handle_unlock_(handle);
	if (!(flags & BIDE_HANDLE_KEEPS_FD_))
		bide_owned_begin_(fd);
}

static int add(bide_handle *handle, uint64_t key, uint32_t events)
{
	int error = bide_reactor_add_(handle->home, handle->fd, events, key), copy;

	if (BIDE_UNLIKELY(error == ENOTSUP && handle->flags & BIDE_HANDLE_SIMULATED_)) {
		bide_net_watch_(handle->fd, key, bide_io_event_);
		return 0;
	}
	if (error != EEXIST)
		return error;
	/* Another handle waits for this descriptor. A duplicate is another one for the reactor. */
	copy = fcntl(handle->fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return errno;
	error = bide_reactor_add_(handle->home, copy, events, key);
	if (error)
		close(copy);
	else
		handle->watched_fd = copy;
	return error;
}

int bide_handle_register_(bide_handle *handle, uint64_t key, bool again)
{
	uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;

	if (handle->flags & BIDE_HANDLE_LEVEL_)
		events = handle->events | EPOLLONESHOT;
	if (again)
		return bide_reactor_change_(handle->home, handle->watched_fd, events, key);
	return add(handle, key, events);
}

void bide_handle_end_(bide_handle *handle)
{
	void (*ended)(void);

	if (handle->state & BIDE_HANDLE_REGISTERED_)
		bide_reactor_remove_(handle->home, handle->watched_fd);
	if (handle->watched_fd != handle->fd)
		close(handle->watched_fd);
	if (BIDE_LIKELY(!(handle->flags & BIDE_HANDLE_KEEPS_FD_))) {
		bide_owned_end_(handle->fd);
		close(handle->fd);
	} else if (handle->flags & BIDE_HANDLE_SIMULATED_) {
		bide_net_close_(handle->fd);
	}
	handle->closed(handle);
	ended = BIDE_LOAD(&bide_handle_ended_, RELAXED);
	if (BIDE_UNLIKELY(ended != NULL))
		ended();
}

/* A record in the slot of a side. */
static bool slot_is_valid(const bide_handle *handle, unsigned side)
{
	const bide_io *io = handle->io[side];
	bool is_busy = handle->state & bide_busy_bit_(side);

	BIDE_INVARIANT_(is_busy || !(handle->state & bide_event_bit_(side)));
	if (!io)
		return true;
	BIDE_INVARIANT_(io->handle == handle && bide_io_kind_(io)->side == side);
	BIDE_INVARIANT_(is_busy == (io->state != BIDE_IO_WAITING_));
	if (is_busy)
		return true;
	BIDE_INVARIANT_(handle->state & BIDE_HANDLE_REGISTERED_ || io->is_later || io->is_unwatched);
	BIDE_INVARIANT_(!handle->abort_error && !io->canceled);
	return true;
}

bool bide_handle_is_valid_(const bide_handle *handle)
{
	uint32_t state = handle->state;

	if (!(state & BIDE_HANDLE_OPEN_)) { /* closed; or never opened */
		BIDE_INVARIANT_(!handle->io[0] && !handle->io[1]);
		BIDE_INVARIANT_(!(state & (BIDE_HANDLE_PINS_ | BIDE_HANDLE_CLOSING_)));
		return true;
	}
	BIDE_INVARIANT_(state & BIDE_HANDLE_REGISTERED_ || !(state & BIDE_HANDLE_REGISTERING_));
	BIDE_INVARIANT_(state & BIDE_HANDLE_REGISTERING_ || !(state & BIDE_HANDLE_AGAIN_));
	BIDE_INVARIANT_(handle->abort_error || !(state & BIDE_HANDLE_CLOSING_));
	BIDE_INVARIANT_(state & BIDE_HANDLE_PINS_ || !(state & BIDE_HANDLE_CLOSING_));
	return slot_is_valid(handle, BIDE_IO_IN_) && slot_is_valid(handle, BIDE_IO_OUT_);
}
