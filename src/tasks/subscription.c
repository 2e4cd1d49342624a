/*
 * subscription.c - taking subscriptions out of the list of a task.
 */
#include "tasks/subscription.h"

#include "base/assert.h"
#include "base/generation.h"
#include "base/port.h"

/*
 * The wait is about to be forgotten. Without a limit it stays, because it has nothing that keeps
 * its task alive meanwhile.
 */
static void leave(bide_operation *operation)
{
	bide_subscription_ *s = (bide_subscription_ *)(void *)operation;

	if (s->limit && bide_port_on_worker_())
		s->limit->cancel(s, BIDE_ECANCELED_);
}

const bide_operation_type bide_subscription_type_ = { .name = "task",
	                                                  .task_at = offsetof(bide_subscription_, task),
	                                                  .leave = leave,
	                                                  .result_type_at =
	                                                      offsetof(bide_subscription_, result_type),
	                                                  .result_of_at =
	                                                      offsetof(bide_subscription_, result_of) };

bool bide_subscription_unlink_(bide_subscription_ *s, bide_source *task, bide_source **lonely)
{
	uintptr_t newest;

	if (lonely)
		*lonely = NULL;
	if (!bide_subscriptions_lock_(task, &newest))
		return false;
	BIDE_ASSERT_(s->newer ? s->newer->older == s : newest == (uintptr_t)s);
	BIDE_ASSERT_(!s->older || s->older->newer == s);
	if (s->newer)
		s->newer->older = s->older;
	else
		newest = (uintptr_t)s->older;
	if (s->older)
		s->older->newer = s->newer;
	if (lonely && newest == 0 && bide_task_can_leave_(task) &&
	    BIDE_LOAD(&task->references, RELAXED) == BIDE_COUNT_BASE_ + 1) {
		/* The reference of the producer is left, which waits for the lock before it drops it. */
		BIDE_STORE(&task->references, BIDE_COUNT_BASE_ + 2, RELAXED);
		*lonely = task;
	}
	bide_subscriptions_unlock_(task, newest);
	return true;
}

/* Returns the subscription if this operation is one, in the list of a task with an object. */
static bide_subscription_ *subscription_to_object(bide_source *source)
{
	bide_subscription_ *s = (bide_subscription_ *)(void *)source;

	if (s->operation.type != &bide_subscription_type_ || !s->task ||
	    bide_kind_of_(s->task->kind) != BIDE_KIND_TASK_)
		return NULL;
	return s;
}

void bide_subscription_detach_(bide_source *source)
{
	bide_subscription_ *s = subscription_to_object(source);

	if (!s)
		return;
	bide_subscription_unlink_(s, s->task, NULL);
	s->task = NULL;
}

void bide_subscription_inherit_(bide_source *source)
{
	bide_subscription_ *s = subscription_to_object(source);
	uintptr_t word;

	if (!s)
		return;
	word = s->task->word;
	if (word == BIDE_WORD_LOCKED_ || bide_word_upper_(word) == (uintptr_t)s)
		s->task->word = BIDE_WORD_SHARED_;
	s->task = NULL;
}

/* Under the lock. A list whose links go both ways is no circle. */
static bool list_is_valid(const bide_subscription_ *newest, const bide_source *task, size_t *count)
{
	const bide_subscription_ *newer = NULL;

	for (const bide_subscription_ *s = newest; s; newer = s, s = s->older) {
		BIDE_INVARIANT_(s->newer == newer);
		BIDE_INVARIANT_(s->task == task);
		BIDE_INVARIANT_(s->operation.type == &bide_subscription_type_);
		BIDE_INVARIANT_(!bide_is_done_(&s->operation.source));
		++*count;
	}
	return true;
}

bool bide_subscriptions_are_valid_(bide_source *task, size_t *count)
{
	uintptr_t newest;
	bool valid;

	*count = 0;
	if (!bide_subscriptions_lock_(task, &newest))
		return true;
	valid = list_is_valid((const bide_subscription_ *)newest, task, count);
	bide_subscriptions_unlock_(task, newest);
	return valid;
}
