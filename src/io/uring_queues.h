/*
 * uring_queues.h - the two queues of an io_uring(7): entries that the kernel is to do, and
 * completions.
 *
 * The words:
 *
 *     entry       what the kernel is to do. It is *queued* when the tail says so, and *submitted*
 *                 when a thread has entered the kernel with it.
 *     completion  how an entry ended. A multishot entry has several, all but the last with F_MORE.
 *     owner       the worker that sleeps in the ring. Entries that another thread submits for it
 *                 belong to that thread: they end with ECANCELED if it ends.
 *
 * Any thread may queue, submit, take and cancel. Each entry is whole before the tail is stored
 * (release), because another thread may submit it at once.
 *
 * The ring is set up with COOP_TASKRUN: the kernel completes what waits when the thread that has
 * submitted it enters the kernel, or at its next tick, and interrupts no function. TASKRUN_FLAG
 * has the kernel say so in memory, so a look costs no call.
 */
#ifndef BIDE_IO_URING_QUEUES_H
#define BIDE_IO_URING_QUEUES_H

#include "base/library.h"

struct io_uring_cqe;
struct io_uring_sqe;

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): the locks stand apart */
typedef struct bide_uring {
	int fd;
	uint32_t entries_max, completions_max; /* powers of two */
	/* In memory that the kernel shares. It writes what is not said to be written here. */
	const uint32_t *queued_head, *flags, *done_tail;
	uint32_t *queued_tail; /* written under queue_lock */
	uint32_t *done_head;   /* written under take_lock */
	struct io_uring_sqe *entries;
	const struct io_uring_cqe *completions;
	void *queues;
	size_t queues_bytes;
	int64_t batch_ns; /* about when the first of what is queued was queued, or 0; atomic */
	_Alignas(64) uint32_t queue_lock;
	_Alignas(64) uint32_t take_lock;
} bide_uring;

/* Returns 0 or the error of io_uring_setup or mmap. */
BIDE_INTERNAL int bide_uring_open_(bide_uring *ring);
/* In the child of a fork, too: it changes nothing that the parent has. */
BIDE_INTERNAL void bide_uring_close_(bide_uring *ring);

/* Queues a copy of the entry. Returns false if there is no room. */
BIDE_INTERNAL bool bide_uring_queue_(bide_uring *ring, const struct io_uring_sqe *entry);
/*
 * Submits what is queued. If `sleeps` is set, it sleeps until there is a completion, or until the
 * deadline (INT64_MAX: none); a signal ends that early.
 */
BIDE_INTERNAL void bide_uring_enter_(bide_uring *ring, bool sleeps, int64_t deadline_ns);
/*
 * Takes the oldest completion. Returns false if there is none. The caller holds take_lock, by
 * bide_uring_take_begin_, if other threads may take.
 */
BIDE_INTERNAL bool bide_uring_take_(bide_uring *ring, struct io_uring_cqe *to);
BIDE_INTERNAL void bide_uring_take_begin_(bide_uring *ring);
BIDE_INTERNAL void bide_uring_take_end_(bide_uring *ring);
/* Has what has this user_data end with ECANCELED, if it is not over yet. Submits it before. */
BIDE_INTERNAL void bide_uring_cancel_(bide_uring *ring, uint64_t user_data);
/* The same of all that was submitted. */
BIDE_INTERNAL void bide_uring_cancel_all_(bide_uring *ring);

/* Returns how many entries are queued, and not submitted. */
static inline uint32_t bide_uring_queued_(const bide_uring *ring)
{
	return BIDE_LOAD(ring->queued_tail, RELAXED) - BIDE_LOAD(ring->queued_head, ACQUIRE);
}

/* Returns true if there is a completion, in the memory of the ring. */
static inline bool bide_uring_has_done_(const bide_uring *ring)
{
	return BIDE_LOAD(ring->done_tail, ACQUIRE) != BIDE_LOAD(ring->done_head, RELAXED);
}

/* Returns true if a call brings completions that the owner does not see yet. */
BIDE_INTERNAL bool bide_uring_has_hidden_(const bide_uring *ring);

#endif
