/*
 * uring_queues.c - see uring_queues.h. All calls are plain system calls: no library for rings is
 * needed, and liburing's queue is not safe for several threads.
 */
#define _GNU_SOURCE
#include "io/uring_queues.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/settings.h"
#include "base/spin.h"
#include "io/uring_kernel.h"
#include "os/event.h"
#include "os/os.h"

#if BIDE_HAS_URING

enum {
	ENTRIES = 256,
	COMPLETIONS = 4096, /* if there are more, the kernel keeps them, and sets a flag */
	NS_PER_S = 1000000000
};

#define FLAGS_HIDDEN (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)

/* --- set-up --- */

static uint32_t *at(const bide_uring *ring, uint32_t offset)
{
	return (uint32_t *)(void *)((char *)ring->queues + offset);
}

static size_t entries_bytes(const bide_uring *ring)
{
	return ring->entries_max * sizeof(struct io_uring_sqe);
}

static void *map(int fd, size_t size_bytes, off_t offset)
{
	void *memory =
		mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);

	if (memory == MAP_FAILED)
		return NULL;
	/* The child of a fork must not see what the parent's kernel does. */
	(void)madvise(memory, size_bytes, MADV_DONTFORK);
	return memory;
}

static int map_queues(bide_uring *ring, const struct io_uring_params *p)
{
	size_t queued = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	size_t done = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	uint32_t *order;

	ring->entries_max = p->sq_entries;
	ring->completions_max = p->cq_entries;
	ring->queues_bytes = queued > done ? queued : done;
	ring->queues = map(ring->fd, ring->queues_bytes, IORING_OFF_SQ_RING);
	ring->entries = map(ring->fd, entries_bytes(ring), (off_t)IORING_OFF_SQES);
	if (!ring->queues || !ring->entries)
		return ENOMEM;
	ring->queued_head = at(ring, p->sq_off.head);
	ring->queued_tail = at(ring, p->sq_off.tail);
	ring->flags = at(ring, p->sq_off.flags);
	ring->done_head = at(ring, p->cq_off.head);
	ring->done_tail = at(ring, p->cq_off.tail);
	ring->completions = (const struct io_uring_cqe *)(const void *)at(ring, p->cq_off.cqes);
	order = at(ring, p->sq_off.array);
	for (uint32_t i = 0; i < p->sq_entries; i++)
		order[i] = i;
	return 0;
}

int bide_uring_open_(bide_uring *ring)
{
	struct io_uring_params p = { .cq_entries = COMPLETIONS };
	int error;

	/* With SUBMIT_ALL one bad entry does not stop those behind it. */
	p.flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
	          IORING_SETUP_CQSIZE;
	*ring = (bide_uring){ .fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p) };
	if (ring->fd < 0)
		return errno;
	error = p.features & IORING_FEAT_SINGLE_MMAP ? map_queues(ring, &p) : ENOSYS;
	if (error)
		bide_uring_close_(ring);
	return error;
}

void bide_uring_close_(bide_uring *ring)
{
	if (ring->queues)
		(void)munmap(ring->queues, ring->queues_bytes);
	if (ring->entries)
		(void)munmap(ring->entries, entries_bytes(ring));
	ring->queues = ring->entries = NULL;
	bide_os_close_(ring->fd);
	ring->fd = -1;
}

/* --- queueing and submitting --- */

bool bide_uring_queue_(bide_uring *ring, const struct io_uring_sqe *entry)
{
	uint32_t tail;
	bool has_room;

	if (bide_shared_)
		bide_spin_lock_(&ring->queue_lock);
	tail = BIDE_LOAD(ring->queued_tail, RELAXED);
	has_room = tail - BIDE_LOAD(ring->queued_head, ACQUIRE) < ring->entries_max;
	if (has_room) {
		ring->entries[tail & (ring->entries_max - 1)] = *entry;
		/* Pairs with the kernel, on whatever thread enters it, and with bide_uring_take_end_. */
		BIDE_STORE(ring->queued_tail, tail + 1, RELEASE);
	}
	if (bide_shared_)
		bide_spin_unlock_(&ring->queue_lock);
	return has_room;
}

/* Otherwise the worker would never sleep again, and never be told of an event. */
static void end_without_ring(int error)
{
	if (error == EPERM || error == EACCES || error == ENOSYS)
		bide_os_print_("bide: a filter of system calls refuses io_uring, which it did not do when "
		               "bide started; set it earlier, or set BIDE_IO=epoll\n");
	else
		bide_os_print_(
			"bide: the program has closed a descriptor of the library's (by closefrom, or by "
			"a wrong number), so workers cannot wait for events any more\n");
	abort();
}

static bool is_passing(int error)
{
	/* ETIME: the deadline; EBUSY, EAGAIN: completions are to be taken first, or no memory now. */
	return error == ETIME || error == EINTR || error == EBUSY || error == EAGAIN || error == ENOMEM;
}

void bide_uring_enter_(bide_uring *ring, bool sleeps, int64_t deadline_ns)
{
	struct __kernel_timespec left = { 0, 0 };
	struct io_uring_getevents_arg argument = { .sigmask = 0 };
	int64_t left_ns;
	long done;

	if (sleeps && deadline_ns != INT64_MAX) {
		left_ns = deadline_ns - bide_os_now_ns_();
		sleeps = left_ns > 0;
		left.tv_sec = left_ns / NS_PER_S;
		left.tv_nsec = left_ns % NS_PER_S;
		argument.ts = (uint64_t)(uintptr_t)&left;
	}
	BIDE_STORE(&ring->batch_ns, 0, RELAXED);
	done = syscall(SYS_io_uring_enter, ring->fd, bide_uring_queued_(ring), sleeps,
	               IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
	if (BIDE_UNLIKELY(done < 0 && !is_passing(errno)))
		end_without_ring(errno);
}

/* --- completions --- */

bool bide_uring_has_hidden_(const bide_uring *ring)
{
	return BIDE_LOAD(ring->flags, RELAXED) & FLAGS_HIDDEN;
}

void bide_uring_take_begin_(bide_uring *ring)
{
	if (bide_shared_)
		bide_spin_lock_(&ring->take_lock);
}

void bide_uring_take_end_(bide_uring *ring)
{
	/*
	 * The kernel orders what a thread did before it queued an entry before what the thread does
	 * that takes its completion. This repeats it for sanitizers. It pairs with the stores of the
	 * tail, and comes behind all completions: entries may be queued, and end, while some are taken.
	 */
	(void)BIDE_LOAD(ring->queued_tail, ACQUIRE);
	if (bide_shared_)
		bide_spin_unlock_(&ring->take_lock);
}

bool bide_uring_take_(bide_uring *ring, struct io_uring_cqe *to)
{
	uint32_t head = BIDE_LOAD(ring->done_head, RELAXED);

	if (head == BIDE_LOAD(ring->done_tail, ACQUIRE)) /* pairs with the kernel's store */
		return false;
	*to = ring->completions[head & (ring->completions_max - 1)];
	BIDE_STORE(ring->done_head, head + 1, RELEASE); /* the kernel may use its place anew */
	return true;
}

static void cancel(bide_uring *ring, uint64_t user_data, uint32_t flags)
{
	/* Its time of 0 s says that the call does not wait for the completion. */
	struct io_uring_sync_cancel_reg what = { .addr = user_data, .fd = -1, .flags = flags };

	/* What is only queued cannot be found. */
	if (bide_uring_queued_(ring))
		bide_uring_enter_(ring, false, 0);
	/* An error says that it is over, or will be at once. Its completion tells the outcome. */
	(void)syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_SYNC_CANCEL, &what, 1);
}

void bide_uring_cancel_(bide_uring *ring, uint64_t user_data)
{
	cancel(ring, user_data, 0);
}

void bide_uring_cancel_all_(bide_uring *ring)
{
	if (ring->fd < 0)
		return;
	cancel(ring, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
	bide_uring_enter_(ring, false, 0); /* so that they end now */
}

#endif
