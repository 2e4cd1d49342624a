/*
 * uring.c - the engine that does requests by an io_uring(7). See engine.h.
 *
 * Its worker sleeps in the ring. What is no request, but only readiness, stays with an epoll, which
 * the ring polls. A poll by the ring would hold the file: a close on another thread would reach the
 * peer only when the thread has run that submitted the poll. It would not tell urgent data from
 * other data, either.
 *
 * Two multishot polls are always armed: of the eventfd that wakes the worker, and of the epoll. If
 * one ends, as it does when there is no room for its completion, the thread that takes its last
 * completion arms it anew, before it gives take_lock back. So a worker that sleeps has both.
 */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "io/engine.h"
#include "io/uring_kernel.h"
#include "io/uring_queues.h"
#include "os/event.h"
#include "os/os.h"

#if BIDE_HAS_URING

enum {
	EPOLL_KEY = 1, /* other keys but these two are addresses */
	WAKE_KEY = 2,
	BATCH_MAX = 64,
	BATCH_NS = 50000 /* what was queued so long ago does not wait for more */
};

/* --- opening --- */

static void arm(bide_reactor *reactor, uint64_t key)
{
	const struct io_uring_sqe entry = {
		.opcode = IORING_OP_POLL_ADD,
		.fd = key == WAKE_KEY ? reactor->event : reactor->fd,
		.poll32_events = EPOLLIN | EPOLLET,
		.len = IORING_POLL_ADD_MULTI,
		.user_data = key,
	};

	while (!bide_uring_queue_(&reactor->ring, &entry))
		bide_uring_enter_(&reactor->ring, false, 0);
}

static void close_(bide_reactor *reactor)
{
	bide_uring_close_(&reactor->ring);
	bide_engine_epoll_.close(reactor);
}

static int open_(bide_reactor *reactor)
{
	int error = bide_engine_epoll_.open(reactor);

	if (error)
		return error;
	error = bide_uring_open_(&reactor->ring);
	if (error) {
		bide_engine_epoll_.close(reactor);
		return error;
	}
	bide_engine_epoll_.remove(reactor, reactor->event); /* the ring polls it */
	arm(reactor, WAKE_KEY);
	arm(reactor, EPOLL_KEY);
	return 0;
}

/* --- readiness --- */

static int add(bide_reactor *reactor, int fd, uint32_t events, uint64_t key)
{
	return bide_engine_epoll_.add(reactor, fd, events, key);
}

static int change(bide_reactor *reactor, int fd, uint32_t events, uint64_t key)
{
	return bide_engine_epoll_.change(reactor, fd, events, key);
}

static void remove_(bide_reactor *reactor, int fd)
{
	bide_engine_epoll_.remove(reactor, fd);
}

/* --- completions --- */

/* Stores an event of a request. Returns false for what is none. */
static bool sort(bide_reactor *reactor, const struct io_uring_cqe *done, bide_reactor_event *to,
                 bool *woken)
{
	if (done->user_data > WAKE_KEY) {
		to->key = done->user_data;
		to->result = done->res;
		to->events =
			BIDE_EVENT_DONE_ | (done->flags & IORING_CQE_F_SOCK_NONEMPTY ? BIDE_EVENT_MORE_ : 0);
		return true;
	}
	if (done->user_data == WAKE_KEY)
		*woken = true;
	else
		BIDE_STORE(&reactor->has_events, 1u, RELAXED);
	if (!(done->flags & IORING_CQE_F_MORE))
		arm(reactor, done->user_data);
	return false;
}

static unsigned take(bide_reactor *reactor, bide_reactor_event *to, unsigned max, bool *woken)
{
	bide_uring *ring = &reactor->ring;
	struct io_uring_cqe done;
	unsigned count = 0;

	if (!bide_uring_has_done_(ring))
		return 0;
	bide_uring_take_begin_(ring);
	while (count < max && bide_uring_take_(ring, &done))
		count += sort(reactor, &done, &to[count], woken);
	bide_uring_take_end_(ring);
	return count;
}

/*
 * Edges that come while the epoll is asked are told by its poll. If it has filled all of the room,
 * it may have more.
 */
static unsigned take_ready(bide_reactor *reactor, bide_reactor_event *to, unsigned max)
{
	unsigned count;

	if (max == 0 || !BIDE_LOAD(&reactor->has_events, RELAXED) ||
	    !BIDE_SWAP(&reactor->has_events, 0u, RELAXED))
		return 0;
	count = bide_engine_epoll_.fetch(reactor, to, max, 0, NULL);
	if (count == max)
		BIDE_STORE(&reactor->has_events, 1u, RELAXED);
	return count;
}

/*
 * A thread that is not the worker passes `woken`. Work of the kernel for the worker's requests is
 * done when the worker enters the kernel, so only the worker enters for that.
 */
static unsigned fetch(bide_reactor *reactor, bide_reactor_event *to, unsigned max,
                      int64_t deadline_ns, bool *woken)
{
	bide_uring *ring = &reactor->ring;
	bool is_woken = false;
	bool sleeps =
		deadline_ns > 0 && !bide_uring_has_done_(ring) && !BIDE_LOAD(&reactor->has_events, RELAXED);
	unsigned count;

	if (sleeps || bide_uring_queued_(ring) || (!woken && bide_uring_has_hidden_(ring)))
		bide_uring_enter_(ring, sleeps, deadline_ns);
	count = take(reactor, to, max, &is_woken);
	if (woken) {
		*woken |= is_woken;
		if (bide_uring_queued_(ring)) /* it has armed a poll anew, and the worker may sleep */
			bide_uring_enter_(ring, false, 0);
	}
	return count + take_ready(reactor, &to[count], max - count);
}

/* --- parts --- */

static int join(bide_reactor *whole, bide_reactor *part, uint64_t key)
{
	int error = add(whole, part->fd, EPOLLIN | EPOLLET, key);

	if (error)
		return error;
	error = add(whole, part->ring.fd, EPOLLIN | EPOLLET, key);
	if (error)
		remove_(whole, part->fd);
	return error;
}

static void leave(bide_reactor *whole, bide_reactor *part)
{
	remove_(whole, part->fd);
	remove_(whole, part->ring.fd);
}

static void wake(bide_reactor *reactor)
{
	bide_os_event_signal_(reactor->event);
}

static int second_fd(const bide_reactor *reactor)
{
	return reactor->ring.fd;
}

/* --- requests --- */

static bool start(bide_reactor *reactor, const bide_io_request *request)
{
	const bool receives = request->opcode == BIDE_IO_RECEIVE_;
	const struct io_uring_sqe entry = {
		.opcode = receives ? IORING_OP_RECV : IORING_OP_SEND,
		.fd = request->fd,
		.addr = (uintptr_t)request->data,
		.len = (uint32_t)request->size_bytes,
		.msg_flags = receives ? 0 : MSG_NOSIGNAL,
		.ioprio = request->is_ready ? 0 : IORING_RECVSEND_POLL_FIRST,
		.user_data = request->key,
	};

	BIDE_ASSERT_(request->key > WAKE_KEY);
	return bide_uring_queue_(&reactor->ring, &entry);
}

static void cancel(bide_reactor *reactor, uint64_t key)
{
	bide_uring_cancel_(&reactor->ring, key);
}

static bool has_batch(const bide_reactor *reactor)
{
	return bide_uring_queued_(&reactor->ring) > 0;
}

static bool is_due(bide_uring *ring, uint32_t queued)
{
	int64_t begun_ns = BIDE_LOAD(&ring->batch_ns, RELAXED), now_ns;

	if (queued >= BATCH_MAX)
		return true;
	now_ns = bide_os_now_ns_();
	if (queued == 1 || !begun_ns)
		BIDE_STORE(&ring->batch_ns, now_ns, RELAXED);
	return queued > 1 && begun_ns && now_ns - begun_ns >= BATCH_NS;
}

static void submit(bide_reactor *reactor, bool now)
{
	uint32_t queued = bide_uring_queued_(&reactor->ring);

	if (queued && (now || is_due(&reactor->ring, queued)))
		bide_uring_enter_(&reactor->ring, false, 0);
}

static void cancel_all(bide_reactor *reactor)
{
	bide_uring_cancel_all_(&reactor->ring);
}

const bide_engine bide_engine_uring_ = {
	.name = "uring",
	.open = open_,
	.close = close_,
	.add = add,
	.change = change,
	.remove = remove_,
	.fetch = fetch,
	.join = join,
	.leave = leave,
	.wake = wake,
	.start = start,
	.cancel = cancel,
	.submit = submit,
	.has_batch = has_batch,
	.cancel_all = cancel_all,
	.second_fd = second_fd,
};

#else

const bide_engine bide_engine_uring_ = { .name = "uring" }; /* the probe refuses it */

#endif
