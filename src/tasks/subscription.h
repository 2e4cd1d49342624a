/*
 * subscription.h - the list of the subscriptions of a task.
 *
 * Each await of a pending task has an operation of its own in the list, so that it can be taken out
 * again: a task that is raced a million times does not grow. The word of the task holds the list.
 * Its tag is one of these:
 *
 *   SHARED  the address is that of the newest subscription; 0: there is none
 *   LOCKED  a thread changes the list, for a few instructions
 *   DONE    the task is over, for good; the thread that replaced SHARED by DONE owns the list
 */
#ifndef BIDE_TASKS_SUBSCRIPTION_H
#define BIDE_TASKS_SUBSCRIPTION_H

#include "base/library.h"
#include "base/port.h"
#include "source/operation.h"
#include "source/source.h"

typedef struct bide_subscription_ bide_subscription_;

/* What a limited wait does. */
typedef struct bide_subscription_limit_ {
	/*
	 * Takes over from bide_subscription_deliver_, which has set result_type. flags are those that
	 * the subscription gets.
	 */
	void (*deliver)(bide_subscription_ *s, bide_source *task, unsigned flags);
	/* Ends the wait with the error, unless it is over. On the worker, if there is one. */
	void (*cancel)(bide_subscription_ *s, int error);
} bide_subscription_limit_;

/* One await of a pending task: the operation that its value task points at. */
struct bide_subscription_ {
	bide_operation operation;
	union {
		bide_subscription_ *older; /* s->older->newer == s, s->newer->older == s */
		/* Delivered: what gives the result back if the wait was the only consumer, or NULL. */
		const bide_operation_type *result_type;
	};
	bide_subscription_ *newer;
	union {
		bide_source *task;      /* whose list it is in, or NULL if it was removed */
		bide_source *result_of; /* delivered with a large result: the task that holds it; counted */
	};
	const bide_subscription_limit_ *limit; /* NULL unless the wait has a limit */
};

extern BIDE_INTERNAL const bide_operation_type bide_subscription_type_;

/* Returns true if the task is an operation that can be taken out while it is pending. */
static inline bool bide_task_can_leave_(const bide_source *task)
{
	return bide_kind_of_(task->kind) == BIDE_KIND_OPERATION_ &&
	       ((const bide_operation *)(const void *)task)->type->leave;
}

/* Returns true if its result is the task itself (bide_task_ended_). It does not change. */
static inline bool bide_subscription_is_ended_wait_(const bide_subscription_ *s)
{
	return BIDE_LOAD(&s->operation.source.marks, RELAXED) & BIDE_MARK_ENDED_;
}

/* Locks the list and stores the newest subscription. Returns false if the task is DONE. */
static inline bool bide_subscriptions_lock_(bide_source *task, uintptr_t *newest)
{
	/* pairs with DONE and with bide_subscriptions_unlock_ */
	uintptr_t seen = BIDE_LOAD(&task->word, ACQUIRE);

	for (unsigned tries = 0;; tries++) {
		if (bide_word_is_done_(seen))
			return false;
		if (bide_word_tag_(seen) == BIDE_WORD_LOCKED_) {
			bide_port_wait_a_moment_(tries);
			seen = BIDE_LOAD(&task->word, ACQUIRE);
			continue;
		}
		*newest = bide_word_upper_(seen);
		/* pairs with bide_subscriptions_unlock_ */
		if (BIDE_CAS(&task->word, &seen, seen | BIDE_WORD_LOCKED_, ACQUIRE, ACQUIRE))
			return true;
	}
}

static inline void bide_subscriptions_unlock_(bide_source *task, uintptr_t newest)
{
	/* pairs with bide_subscriptions_lock_ and bide_source_finish_ */
	BIDE_STORE(&task->word, newest | BIDE_WORD_SHARED_, RELEASE);
}

/* Adds a subscription as the newest. Returns false if the task is over. */
static inline bool bide_subscription_link_(bide_source *task, bide_subscription_ *s)
{
	uintptr_t newest;

	s->task = task;
	if (!bide_subscriptions_lock_(task, &newest)) {
		s->task = NULL;
		return false;
	}
	s->older = (bide_subscription_ *)newest;
	if (s->older)
		s->older->newer = s;
	bide_subscriptions_unlock_(task, (uintptr_t)s);
	return true;
}

/*
 * Takes a subscription out of the list of this task. Returns false if it is in no list, or the
 * thread that completes the task has it. Stores in *lonely the task, with a reference, if it is an
 * operation that can leave, and has no other consumer; otherwise NULL. The caller passes it to
 * bide_task_leave_, outside of all locks. lonely may be NULL.
 */
BIDE_INTERNAL bool bide_subscription_unlink_(bide_subscription_ *s, bide_source *task,
                                             bide_source **lonely);

/*
 * At shutdown: takes a pending subscription out of the list of a completion source that lives on,
 * because the memory of the pools goes. Does nothing for any other operation.
 */
BIDE_INTERNAL void bide_subscription_detach_(bide_source *source);
/*
 * Does the same in the child of a fork, for tasks that any thread may complete. The list may have
 * been half changed, and the task may be gone, so this empties only what surely is its list.
 */
BIDE_INTERNAL void bide_subscription_inherit_(bide_source *source);

/*
 * Returns true if the list of a task is whole: each subscription is pending, belongs to the task,
 * and its links go both ways. Locks the list. Stores how many there are (0 after DONE).
 */
BIDE_INTERNAL bool bide_subscriptions_are_valid_(bide_source *task, size_t *count);

#endif
