/*
 * fork.h - fork and join: children that other workers may take. A child that none takes costs
 * what a call costs.
 *
 *     struct fib_fork {                    // a fork slot: a member of the parent's frame
 *             BIDE_ASYNC_FORK;                   // always first
 *             struct { int64_t n; } in;    // the parameters
 *     };
 *     bide_async_forked(fib_fork)                // what the child is; `my` is its struct fib_fork
 *     {
 *             return fib(my->in.n);        // any bide_value_task
 *     }
 *
 *     struct fib {
 *             BIDE_ASYNC_FRAME_FORKING;    // instead of BIDE_ASYNC_FRAME
 *             struct { int64_t n; } in;
 *             int64_t a, b;
 *             struct fib_fork left;
 *     };
 *     bide_async(fib, left)                // slots need no zeroing
 *     {
 *             bide_async_begin;
 *             bide_async_fork(fib_fork, my->left, .n = my->in.n - 1);
 *             bide_await(my->b, fib(my->in.n - 2));
 *             bide_await(my->a, bide_async_join(fib_fork, my->left));
 *             bide_async_return(my->a + my->b);
 *     bide_async_finally:
 *             bide_async_end;
 *     }
 *
 * A fork runs nothing. It puts the slot on the worker's deque. Another worker that has nothing
 * to do, the thief, may take the slot from there. If no thief took it, the join takes it back
 * and calls the child directly: without allocation, fence or locked instruction. If a thief took
 * it, the join's value task may be pending, and the parent suspends; it never blocks its worker.
 *
 * A function never ends with a live fork. The forks that it has not joined when it comes to
 * bide_async_finally are joined there. Those that a thief took are waited for. Those that no
 * thief took run if the function has succeeded so far, and are dropped if it has failed. An
 * error of one of them replaces a success. Forks that the cleanup makes and does not join run at
 * its end.
 *
 * Functions that fork run on workers. If another thread starts one in a runtime with many
 * workers, the function is queued, whereas other functions begin at once. In a context with an
 * executor (executor.h) a fork runs its child at once, so that the functions of a strand stay
 * one after the other.
 *
 * The child runs with the context that was current at the fork. bide_async_fork is a statement,
 * and bide_async_join an expression, of the function whose frame it is. A slot may also lie in
 * other memory that lives as long. Joining in the reverse order of forking is the fast path.
 * Joining in the order of forking searches once. Joining in no order searches the live forks each
 * time.
 */
#ifndef BIDE_FORK_H
#define BIDE_FORK_H

#ifdef __cplusplus
#error "bide/fork.h is C only: C++ calls async functions through their prototypes"
#endif

#include "frame.h"

/* The first member of every fork slot's struct. */
#define BIDE_ASYNC_FORK bide_fork bide_fork_
/* The first member of the struct of an async function that forks. */
#define BIDE_ASYNC_FRAME_FORKING bide_forking_frame BIDE_FRAME_MEMBER_

/* The head of a slot. The fork sets it; nothing needs initialising before. */
typedef struct bide_fork {
	/* What the join waits for; line: the slot's place in the deque. */
	bide_source source;
	bide_value_task (*call)(struct bide_fork *fork);
	/* The fork before this one in the list of the frame; bit 0: it was joined while pending. */
	uintptr_t older;
	/* The context of the child, with a reference; set if the deque marks the slot. */
	uintptr_t context;
	bide_observer listener;
} bide_fork;
BIDE_STATIC_ASSERT(sizeof(bide_fork) == 64, "the head of a slot is 64 bytes");

typedef struct bide_forking_frame {
	bide_frame frame;
	/* The newest live fork; BIDE_FORKS_... in the low bits. */
	uintptr_t newest;
} bide_forking_frame;

enum {
	/* The frame waits for a fork that it did not join. */
	BIDE_FORKS_SETTLING_ = 1,
	/* Some forks were joined while they were pending. */
	BIDE_FORKS_SWEEP_ = 2
};

/*
 * An entry of a deque: a slot, or a frame with bit 0 set. Bit 1 marks a slot whose `context` is
 * set, and which only the slow path pops.
 */
enum { BIDE_ENTRY_FRAME_ = 1, BIDE_ENTRY_SLOW_ = 2 };

/* Sets index, error, kind and flags of a slot in one store of the last 8 bytes of its source. */
BIDE_INLINE void bide_fork_tail_(bide_fork *fork, uint32_t index)
{
	uint64_t tail = (uint64_t)BIDE_KIND_FORK_ << BIDE_TAIL_KIND_ |
	                (uint64_t)BIDE_FLAG_SYNC_ << BIDE_TAIL_FLAGS_ |
	                (uint64_t)index << (BIDE_TAIL_KIND_ == 48 ? 0 : 32);

	__builtin_memcpy(&fork->source.line, &tail, sizeof tail);
}

BIDE_API void bide_fork_offer_(void);
BIDE_API void bide_fork_slow_(bide_forking_frame *frame, bide_fork *fork);
BIDE_API bide_value_task bide_join_slow_(bide_forking_frame *frame, bide_fork *fork);
BIDE_API bool bide_fork_settle_(bide_frame *frame, uint32_t point);
BIDE_API bide_body_result bide_fork_end_(bide_frame *frame, uint32_t point);
BIDE_API bide_body_result bide_fork_late_return_(bide_frame *frame, uint32_t point);

/*
 * The owner of a deque pushes and pops at `bottom`. Thieves take at `top`, which only they move,
 * one thief at a time. Every store of bottom is a release: it publishes the entries below it, and
 * all that they point at, to the thief's acquire. src/async/deque.h has the protocol.
 */
BIDE_INLINE void bide_fork_push_(bide_forking_frame *frame, bide_fork *fork,
                                 bide_value_task (*call)(bide_fork *fork))
{
	bide_deque *deque = &bide_current_thread_->deque;
	uint32_t bottom = deque->bottom;
	uintptr_t older = frame->newest;

	fork->call = call;
	if (BIDE_UNLIKELY(
			bottom == deque->limit || older == (uintptr_t)fork ||
			(frame->frame.context | (older & (BIDE_FORKS_SETTLING_ | BIDE_FORKS_SWEEP_))) != 0)) {
		bide_fork_slow_(frame, fork);
		return;
	}
	fork->source.word = BIDE_WORD_PENDING_;
	bide_fork_tail_(fork, bottom);
	fork->older = older;
	frame->newest = (uintptr_t)fork;
	BIDE_STORE(&deque->ring[bottom & deque->mask], (uintptr_t)fork, RELAXED);
	BIDE_STORE(&deque->bottom, bottom + 1, RELEASE);
	/* The load follows the push. A worker that falls asleep sets it (src/runtime/sleep.h). */
	BIDE_LIGHT_FENCE();
	if (BIDE_UNLIKELY(BIDE_LOAD(&deque->wanted, RELAXED) != 0))
		bide_fork_offer_();
}

/*
 * Returns true if the slot was the newest of this worker's deque; the slot is popped then. The
 * store to bottom comes before the load of top. The thief makes the processor keep that order:
 * its heavy fence stands between its store to top and its load of bottom. So one of the two
 * sees the other.
 */
BIDE_INLINE bool bide_fork_pop_(bide_forking_frame *frame, bide_fork *fork)
{
	bide_deque *deque = &bide_current_thread_->deque;
	uint32_t bottom = deque->bottom - 1;

	if (BIDE_UNLIKELY(BIDE_LOAD(&deque->ring[bottom & deque->mask], RELAXED) != (uintptr_t)fork ||
	                  frame->newest != (uintptr_t)fork || frame->frame.context))
		return false;
	/* A release, because a thief may read this store for an entry below. */
	BIDE_STORE(&deque->bottom, bottom, RELEASE);
	BIDE_LIGHT_FENCE();
	if (BIDE_UNLIKELY((int32_t)(bottom - BIDE_LOAD(&deque->top, RELAXED)) < 0)) {
		/* A thief took it, or is about to see that it was too late: the thief's lock decides. */
		BIDE_STORE(&deque->bottom, bottom + 1, RELEASE);
		return false;
	}
	frame->newest = fork->older;
	return true;
}

/*
 * bide_async_forked(name) begins the function of the slot struct name. It stands above the
 * functions that fork it.
 */
#define bide_async_forked(name)                                               \
	BIDE_STATIC_ASSERT(offsetof(struct name, bide_fork_) == 0,                \
	                   "BIDE_ASYNC_FORK must be the first member");           \
	static inline bide_value_task name##_call_(struct name *my);              \
	BIDE_UNUSED static bide_value_task name##_forked_(bide_fork *fork_)       \
	{                                                                         \
		return name##_call_((struct name *)(void *)fork_);                    \
	}                                                                         \
	BIDE_UNUSED BIDE_USE_RESULT static inline __attribute__((always_inline))  \
	bide_value_task name##_join_(bide_forking_frame *frame_, struct name *my) \
	{                                                                         \
		return BIDE_LIKELY(bide_fork_pop_(frame_, &my->bide_fork_))           \
		           ? name##_call_(my)                                         \
		           : bide_join_slow_(frame_, &my->bide_fork_);                \
	}                                                                         \
	static inline bide_value_task name##_call_(BIDE_UNUSED struct name *my)

#define BIDE_FORKING_FRAME_(what)                                                  \
	(__extension__({                                                               \
		 _Static_assert(bide_forks_, what " needs BIDE_ASYNC_FRAME_FORKING in the" \
		                                  " struct of this function");             \
	 }),                                                                           \
	 (bide_forking_frame *)(void *)frame_)

/*
 * bide_async_fork(name, slot, .parameter = value, ...) forks the child of `slot`, a struct name.
 * Parameters that you do not name are zero. The slot is live until it is joined; forking a live
 * slot is misuse. A fork cannot fail: if the deque is full, or in a loop of yours, the child
 * runs at once. Cost: ten stores.
 */
#define bide_async_fork(name, ...) \
	BIDE_PARAMETERS_(BIDE_FORK_N_, BIDE_FORK_0_, __VA_ARGS__)(name, __VA_ARGS__)
#define BIDE_FORK_0_(name, slot)                                                    \
	do {                                                                            \
		struct name *fork_ = &(slot);                                               \
		bide_fork_push_(BIDE_FORKING_FRAME_("bide_async_fork"), &fork_->bide_fork_, \
		                name##_forked_);                                            \
	} while (0)
#define BIDE_FORK_NAMED_(first, ...)                                                             \
	__extension__({                                                                              \
		_Static_assert(__builtin_memcmp(#first, ".", 1) == 0,                                    \
		               "parameters are named: bide_async_fork(name, slot, .parameter = value)"); \
	})
#define BIDE_FORK_N_(name, slot, ...)                                               \
	do {                                                                            \
		BIDE_FORK_NAMED_(__VA_ARGS__, );                                            \
		struct name *fork_ = &(slot);                                               \
		fork_->in = (__typeof__(fork_->in)){ __VA_ARGS__ };                         \
		bide_fork_push_(BIDE_FORKING_FRAME_("bide_async_fork"), &fork_->bide_fork_, \
		                name##_forked_);                                            \
	} while (0)

/*
 * bide_async_join(name, slot) returns the bide_value_task of the child, which you consume as any
 * other. If no thief took the fork, it calls the child at once. Join each fork once. A slot that
 * is not live is misuse: EINVAL. You may fork the slot again after the value task was consumed.
 */
#define bide_async_join(name, slot) name##_join_(BIDE_FORKING_FRAME_("bide_async_join"), &(slot))

#endif
