/*
 * epoll.c - the engine that waits by epoll(7). See engine.h.
 *
 * The waits are plain system calls, because epoll_wait of the C library is a point at which
 * pthread_cancel ends a thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "io/engine.h"
#include "memory/poison.h"
#include "os/event.h"
#include "os/os.h"

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441 /* the same on all machines */
#endif

enum { NS_PER_S = 1000000000, NS_PER_MS = 1000000, SIGNAL_SET_BYTES = 8 };

static const uint64_t wake_key = UINT64_MAX;

/* 1 if the kernel has no epoll_pwait2 (before 5.11), or a filter refuses it. Atomic. */
static uint32_t no_pwait2;

static int add(bide_reactor *reactor, int fd, uint32_t events, uint64_t key)
{
	struct epoll_event event = { .events = events, .data.u64 = key };

	(void)BIDE_ADD(&reactor->order, 1u, RELEASE);
	return epoll_ctl(reactor->fd, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

static int change(bide_reactor *reactor, int fd, uint32_t events, uint64_t key)
{
	struct epoll_event event = { .events = events, .data.u64 = key };

	(void)BIDE_ADD(&reactor->order, 1u, RELEASE);
	return epoll_ctl(reactor->fd, EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

static void remove_(bide_reactor *reactor, int fd)
{
	struct epoll_event unused = { .events = 0 }; /* old kernels want one */

	(void)epoll_ctl(reactor->fd, EPOLL_CTL_DEL, fd, &unused);
}

static void close_(bide_reactor *reactor)
{
	bide_os_close_(reactor->fd);
	bide_os_close_(reactor->event);
	reactor->fd = reactor->event = -1;
}

static int open_(bide_reactor *reactor)
{
	int error;

	reactor->event = -1;
	reactor->fd = epoll_create1(EPOLL_CLOEXEC);
	if (reactor->fd < 0)
		return errno;
	reactor->event = bide_os_event_open_();
	error = reactor->event < 0 ? errno : add(reactor, reactor->event, EPOLLIN | EPOLLET, wake_key);
	if (error)
		close_(reactor);
	return error;
}

/* Returns what is left until the deadline; at least 0. */
static int64_t left_ns(int64_t deadline_ns)
{
	int64_t now_ns = deadline_ns > 0 ? bide_os_now_ns_() : 0;

	return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

/* Rounded up, so that no timer finds itself early, which would be a spin. */
static long wait_ms(int fd, struct epoll_event *events, unsigned max, int64_t timeout_ns)
{
	int64_t ms = timeout_ns / NS_PER_MS + (timeout_ns % NS_PER_MS > 0);

	if (ms > INT32_MAX)
		ms = INT32_MAX; /* it wakes without a reason then */
	return syscall(SYS_epoll_pwait, fd, events, (int)max, (int)ms, NULL, SIGNAL_SET_BYTES);
}

static long wait(int fd, struct epoll_event *events, unsigned max, int64_t deadline_ns)
{
	int64_t timeout_ns;
	struct timespec timeout;
	long count;

	if (deadline_ns == INT64_MAX)
		return syscall(SYS_epoll_pwait, fd, events, (int)max, -1, NULL, SIGNAL_SET_BYTES);
	timeout_ns = left_ns(deadline_ns);
	/* valgrind 3.19 does not know epoll_pwait2, and says so. */
	if (timeout_ns == 0 || BIDE_LOAD(&no_pwait2, RELAXED) || RUNNING_ON_VALGRIND)
		return wait_ms(fd, events, max, timeout_ns);
	timeout.tv_sec = (time_t)(timeout_ns / NS_PER_S);
	timeout.tv_nsec = (long)(timeout_ns % NS_PER_S);
	count = syscall(SYS_epoll_pwait2, fd, events, (int)max, &timeout, NULL, SIGNAL_SET_BYTES);
	if (count >= 0 || (errno != ENOSYS && errno != EPERM))
		return count;
	BIDE_STORE(&no_pwait2, 1u, RELAXED);
	return wait_ms(fd, events, max, timeout_ns);
}

/* Otherwise the worker would never sleep again, and never be told of an event. */
static void end_without_epoll(void)
{
	bide_os_print_(
		"bide: the program has closed a descriptor of the library's (by closefrom, or by "
		"a wrong number), so workers cannot wait for events any more\n");
	abort();
}

/* A signal ends the sleep early, as a futex does. The worker then looks for work once. */
static unsigned fetch(bide_reactor *reactor, bide_reactor_event *to, unsigned max,
                      int64_t deadline_ns, bool *woken)
{
	struct epoll_event events[BIDE_REACTOR_BATCH_];
	unsigned count = 0;
	long fetched = wait(reactor->fd, events, max, deadline_ns);

	if (BIDE_UNLIKELY(fetched < 0 && errno != EINTR))
		end_without_epoll();
	(void)BIDE_LOAD(&reactor->order, ACQUIRE);
	for (long i = 0; i < fetched; i++) {
		if (events[i].data.u64 == wake_key) {
			if (woken)
				*woken = true;
			continue;
		}
		to[count].key = events[i].data.u64;
		to[count++].events = events[i].events;
	}
	return count;
}

/* Edge-triggered: `part` has more events than before. */
static int join(bide_reactor *whole, bide_reactor *part, uint64_t key)
{
	return add(whole, part->fd, EPOLLIN | EPOLLET, key);
}

static void leave(bide_reactor *whole, bide_reactor *part)
{
	remove_(whole, part->fd);
}

static void wake(bide_reactor *reactor)
{
	bide_os_event_signal_(reactor->event);
}

const bide_engine bide_engine_epoll_ = {
	.name = "epoll",
	.open = open_,
	.close = close_,
	.add = add,
	.change = change,
	.remove = remove_,
	.fetch = fetch,
	.join = join,
	.leave = leave,
	.wake = wake,
};
