/*
 * task.c - the references of a task, completing it by hand, and delivering its outcome.
 */
#include "tasks/task.h"

#include "base/assert.h"
#include "base/count.h"
#include "base/generation.h"
#include "base/misuse.h"
#include "base/port.h"
#include "memory/allocator.h"
#include "memory/pool.h"
#include "source/operation.h"
#include "source/trace.h"
#include "source/upcalls.h"
#include "tasks/task_list.h"

void bide_task_refused_(const bide_source *task, const char *what)
{
	bide_misuse_("%s: task %s", what,
	             task ? bide_why_gone_(task, "is none, or its last reference is gone") : "is NULL");
}

/* --- references --- */

bide_task *bide_task_ref(bide_task *handle)
{
	bide_source *task = (bide_source *)handle;

	if (bide_task_check_(handle, "bide_task_ref") && !bide_task_is_constant_(task))
		BIDE_ADD(&task->references, 1, RELAXED);
	return handle;
}

static void object_free(bide_source *task)
{
	bool is_own = BIDE_LOAD(&task->marks, RELAXED) & BIDE_MARK_OWN_;

	BIDE_STORE(&task->references, 0, RELAXED); /* which is no count */
	if (task->kind == BIDE_KIND_TASK_LISTED_) {
		bide_count_(BIDE_COUNT_TASKS_, (uint64_t)-1);
		bide_task_list_free_((bide_task_object *)(void *)task);
		return;
	}
	if (is_own) /* bide_task_create_own_ has taken it out of the count */
		bide_count_(BIDE_COUNT_TASKS_, 1);
	bide_retire_task_(task);
}

static void task_free(bide_source *task)
{
	if (!(BIDE_LOAD(&task->marks, RELAXED) & BIDE_MARK_OBSERVED_))
		bide_outcome_dropped_(task);
	if (bide_task_has_object_(task)) {
		object_free(task);
		return;
	}
	if (bide_thread_())
		bide_source_recycle_(bide_thread_(), task);
	else
		bide_pools_give_(task); /* there is no memory even for the record of this thread */
}

void bide_task_leave_(bide_source *task)
{
	bide_operation *operation = (bide_operation *)(void *)task;

	operation->type->leave(operation);
	if (BIDE_SUB(&task->references, 1, ACQ_REL) == BIDE_COUNT_BASE_ + 1)
		task_free(task);
}

/*
 * Drops a reference to an operation that can leave. If no reference but the producer's is left, and
 * nothing awaits the task, the operation leaves. The lock of the list orders this with the waits
 * that are taken out. Returns false if the task is over.
 */
static bool unref_pending(bide_source *task)
{
	uintptr_t newest;
	bool last;

	if (!bide_subscriptions_lock_(task, &newest))
		return false;
	last = newest == 0 && BIDE_LOAD(&task->references, RELAXED) == BIDE_COUNT_BASE_ + 2;
	if (!last) /* The producer waits for the lock before it drops its own. */
		BIDE_SUB(&task->references, 1, ACQ_REL);
	bide_subscriptions_unlock_(task, newest);
	if (last)
		bide_task_leave_(task);
	return true;
}

/*
 * Returns true if the task is a completed one with a result, of which this reference is the only
 * one: its memory is all that is left of it.
 */
static inline bool is_plain(const bide_source *task)
{
	return task->kind == BIDE_KIND_TASK_ &&
	       BIDE_LOAD(&task->references, ACQUIRE) == BIDE_COUNT_BASE_ + 1 && bide_is_done_(task) &&
	       !(BIDE_LOAD(&task->marks, RELAXED) & (BIDE_MARK_CONSTANT_ | BIDE_MARK_OWN_)) &&
	       task->error == 0;
}

static __attribute__((noinline)) void unref_any(bide_source *task)
{
	if (bide_task_is_constant_(task))
		return;
	/*
	 * The last unref sees all that the others did with the task: they release, and it acquires. If
	 * this reference is the only one, no other thread can add one, so no locked instruction is
	 * needed.
	 */
	if (BIDE_LOAD(&task->references, ACQUIRE) != BIDE_COUNT_BASE_ + 1) {
		if (!bide_task_check_((const bide_task *)task, "bide_task_unref"))
			return;
		if (BIDE_UNLIKELY(bide_task_can_leave_(task)) && unref_pending(task))
			return;
		if (BIDE_SUB(&task->references, 1, ACQ_REL) != BIDE_COUNT_BASE_ + 1)
			return;
	}
	if (bide_is_done_(task)) {
		task_free(task);
		return;
	}
	/*
	 * No thread can complete this completion source any more, so its awaiters fail. The reference
	 * is the producer's, which the delivery drops.
	 */
	BIDE_ASSERT_(bide_task_has_object_(task));
	BIDE_STORE(&task->references, BIDE_COUNT_BASE_ + 1, RELAXED);
	BIDE_OR(&task->marks, (uint32_t)(BIDE_MARK_CLAIMED_ | BIDE_MARK_OBSERVED_), RELAXED);
	bide_task_finish_(task, bide_payload_int_(0), BIDE_EBROKEN);
}

void bide_task_unref(bide_task *handle)
{
	bide_source *task = (bide_source *)handle;

	if (!task)
		return;
	if (!is_plain(task)) {
		unref_any(task);
		return;
	}
	BIDE_STORE(&task->references, 0, RELAXED); /* which is no count */
	bide_retire_task_(task);
}

/* --- queries --- */

bide_status bide_task_status(const bide_task *handle)
{
	const bide_source *task = (const bide_source *)handle;

	if (!bide_task_check_(handle, "bide_task_status"))
		return BIDE_FAILED;
	if (!bide_is_done_(task))
		return BIDE_PENDING;
	return task->error == 0                 ? BIDE_SUCCEEDED
	       : task->error == BIDE_ECANCELED_ ? BIDE_CANCELED
	                                        : BIDE_FAILED;
}

bool bide_task_is_successful(const bide_task *task)
{
	return bide_task_status(task) == BIDE_SUCCEEDED;
}

bool bide_task_is_failed(const bide_task *task)
{
	return bide_task_status(task) == BIDE_FAILED;
}

bool bide_task_is_canceled(const bide_task *task)
{
	return bide_task_status(task) == BIDE_CANCELED;
}

bool bide_task_is_ready(const bide_task *task)
{
	return !bide_task_check_(task, "bide_task_is_ready") ||
	       bide_is_done_((const bide_source *)task);
}

int bide_task_error(bide_task *handle)
{
	bide_source *task = (bide_source *)handle;

	if (!bide_task_check_(handle, "bide_task_error"))
		return BIDE_EINVAL_;
	if (bide_is_done_(task))
		return (int)bide_task_outcome_(task).state;
	bide_misuse_("bide_task_error: the task is pending; one that is over has an error or none");
	return BIDE_EINPROGRESS_;
}

bide_payload bide_task_result(const bide_task *handle)
{
	const bide_source *task = (const bide_source *)handle;

	if (!bide_task_check_(handle, "bide_task_result"))
		return bide_payload_int_(0);
	if (!bide_is_done_(task))
		bide_misuse_("bide_task_result: the task is pending; await it, or ask bide_task_is_ready");
	else if (task->error == 0)
		return bide_task_outcome_((bide_source *)(uintptr_t)task).payload;
	return bide_payload_int_(0);
}

bide_trace bide_task_trace(bide_task *handle)
{
	bide_source *task = (bide_source *)handle;

	if (bide_task_check_(handle, "bide_task_trace") && bide_is_done_(task) && task->error)
		return bide_task_outcome_(task).payload.trace;
	return 0;
}

/* --- delivering --- */

void bide_subscription_deliver_(bide_subscription_ *s, bide_source *task, bool alone)
{
	bool ended = bide_subscription_is_ended_wait_(s);
	/* A large result stays inside the task. */
	bool large = !ended && task->flags & BIDE_FLAG_LARGE_;
	unsigned flags = (task->flags & BIDE_FLAG_RESUME_LATER_) | (large ? BIDE_FLAG_LARGE_ : 0);

	s->result_type = NULL;
	if (alone && !ended && bide_kind_of_(task->kind) == BIDE_KIND_OPERATION_)
		s->result_type = ((const bide_operation *)(const void *)task)->type;
	if (s->limit) {
		s->limit->deliver(s, task, flags);
		return;
	}
	BIDE_STORE(&s->result_of, large ? task : NULL, RELAXED);
	bide_flags_add_(&s->operation.source, flags);
	if (large || ended)
		bide_task_ref((bide_task *)task);
	if (!ended)
		bide_task_observe_(task);
	bide_operation_complete_(&s->operation,
	                         ended ? bide_value_task_from_pointer(task).payload : task->payload,
	                         ended ? 0 : task->error);
}

void bide_task_deliver_(bide_source *task, uintptr_t newest)
{
	bide_subscription_ *s = (bide_subscription_ *)newest, *next;
	bool alone = s && !s->older &&
	             BIDE_LOAD(&task->references, ACQUIRE) == BIDE_COUNT_BASE_ + 1; /* the producer's */

	BIDE_ASSERT_UNEXPLORED_(bide_is_done_(task));
	/* The consumers run in the order in which they came. */
	for (; s && s->older; s = s->older)
		BIDE_ASSERT_(s->older->newer == s);
	for (; s; s = next) {
		next = s->newer;
		bide_subscription_deliver_(s, task, alone);
	}
	bide_task_unref((bide_task *)task); /* the producer's */
}

void bide_subscription_unref_task_(bide_source *source)
{
	bide_task_unref((bide_task *)((bide_subscription_ *)(void *)source)->result_of);
}

static void deliver_posted(bide_post *post)
{
	bide_task_object *object = BIDE_CONTAINER_(post, bide_task_object, post);

	bide_task_deliver_(&object->source, object->waiting);
}

bool bide_task_finish_(bide_source *task, bide_payload result, int error)
{
	bide_task_object *object = (bide_task_object *)(void *)task;
	uintptr_t seen;

	BIDE_ASSERT_UNEXPLORED_(bide_task_has_object_(task) &&
	                        BIDE_LOAD(&task->marks, RELAXED) & BIDE_MARK_CLAIMED_);
	task->payload = result;
	task->error = (uint16_t)error;
	seen = bide_word_upper_(bide_source_finish_(task));
	if (!seen || bide_port_on_worker_()) {
		bide_task_deliver_(task, seen);
		return true;
	}
	object->waiting = seen;
	object->post.run = deliver_posted;
	bide_port_post_(&object->post);
	return true;
}

/* --- completing it by hand --- */

/*
 * Takes the right to complete the task. Returns false if it has an outcome already, or after
 * misuse. must: that it has an outcome is misuse.
 */
static bool task_claim(bide_task *handle, const char *what, bool must)
{
	bide_source *task = (bide_source *)handle;

	if (!bide_task_check_(handle, what))
		return false;
	if (!bide_task_has_object_(task)) {
		bide_misuse_("%s: this task is an async function's; only those of bide_task_create are "
		             "completed by hand",
		             what);
		return false;
	}
	/* The first claim wins. The word publishes the outcome. */
	if (!(BIDE_LOAD(&task->marks, RELAXED) & BIDE_MARK_CONSTANT_) &&
	    !(BIDE_OR(&task->marks, (uint32_t)BIDE_MARK_CLAIMED_, ACQ_REL) & BIDE_MARK_CLAIMED_)) {
		/* For the producer, so that the caller's own reference is enough for the call. */
		bide_task_ref(handle);
		return true;
	}
	if (must)
		bide_misuse_("%s: the task is completed already; bide_task_try_... tells instead", what);
	return false;
}

static bool task_complete(bide_task *handle, bide_payload result, int error, const char *what,
                          bool must)
{
	return task_claim(handle, what, must) &&
	       bide_task_finish_((bide_source *)handle, result, error);
}

static bool task_fail(bide_task *handle, int error, const bide_place *place, const char *what,
                      bool must)
{
	return bide_check_error_(error, what) && task_claim(handle, what, must) &&
	       bide_task_finish_((bide_source *)handle, bide_trace_made_(error, place), error);
}

void bide_task_complete(bide_task *task, bide_payload result)
{
	task_complete(task, result, 0, "bide_task_complete", true);
}

void bide_task_complete_int(bide_task *task, int64_t result)
{
	task_complete(task, bide_payload_int_(result), 0, "bide_task_complete_int", true);
}

void bide_task_complete_double(bide_task *task, double result)
{
	task_complete(task, bide_value_task_from_double(result).payload, 0, "bide_task_complete_double",
	              true);
}

void bide_task_complete_pointer(bide_task *task, const void *result)
{
	task_complete(task, bide_value_task_from_pointer(result).payload, 0,
	              "bide_task_complete_pointer", true);
}

void bide_task_fail_at_(bide_task *task, int error, const bide_place *place)
{
	task_fail(task, error, place, "bide_task_fail", true);
}

void bide_task_cancel(bide_task *task)
{
	task_complete(task, bide_payload_int_(0), BIDE_ECANCELED_, "bide_task_cancel", true);
}

bool bide_task_try_complete(bide_task *task, bide_payload result)
{
	return task_complete(task, result, 0, "bide_task_try_complete", false);
}

bool bide_task_try_fail_at_(bide_task *task, int error, const bide_place *place)
{
	return task_fail(task, error, place, "bide_task_try_fail", false);
}

bool bide_task_try_cancel(bide_task *task)
{
	return task_complete(task, bide_payload_int_(0), BIDE_ECANCELED_, "bide_task_try_cancel",
	                     false);
}

static bool complete_from(bide_task *task, bide_task *ready, const char *what, bool must)
{
	if (!ready || !bide_task_is_ready(ready)) {
		bide_misuse_("%s: %s; a task that is over is needed", what,
		             !ready ? "ready is NULL" : "that task is pending");
		return false;
	}
	if (!task_claim(task, what, must))
		return false; /* the error of `ready` is not observed then */
	return bide_task_finish_((bide_source *)task, ((bide_source *)ready)->payload,
	                         bide_task_error(ready));
}

void bide_task_complete_from(bide_task *task, bide_task *ready)
{
	complete_from(task, ready, "bide_task_complete_from", true);
}

bool bide_task_try_complete_from(bide_task *task, bide_task *ready)
{
	return complete_from(task, ready, "bide_task_try_complete_from", false);
}
