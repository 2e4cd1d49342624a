/*
 * wait.c - waits from ordinary code. The one worker runs its loop meanwhile; other threads sleep.
 */
#include "async/frame.h"
#include "base/clock.h"
#include "base/misuse.h"
#include "base/settings.h"
#include "base/thread.h"
#include "os/os.h"
#include "runtime/one_worker.h"
#include "runtime/runtime.h"
#include "runtime/workers.h"
#include "source/source.h"
#include "tasks/task.h"
#include "tasks/task_await.h"

typedef struct waiter {
	bide_observer listener;
	bool done;     /* for a wait of the one worker */
	uint32_t word; /* for a wait of another thread: 1 when it is over; a futex */
} waiter;

/* The waiter may be gone as soon as the word is 1, so only its address is used afterwards. */
static void wake(bide_observer *listener, bide_source *done)
{
	waiter *w = BIDE_CONTAINER_(listener, waiter, listener);

	(void)done;
	w->done = true;
	BIDE_STORE(&w->word, 1u, RELEASE); /* pairs with sleep_until */
	bide_os_wake_(&w->word, 1);
}

/* About 5 us, which is less than it costs to sleep and be woken. */
enum { LOOKS_BEFORE_SLEEP = 200 };

/* Sleeps in slices, to notice if the thread of the one worker ends meanwhile. */
static int sleep_until(waiter *w, int64_t deadline_ns, const char *what)
{
	static const int64_t slice_ns = 500000000;
	int64_t now_ns, until_ns;

	for (unsigned i = 0; bide_shared_ && deadline_ns > 0 && i < LOOKS_BEFORE_SLEEP; i++) {
		if (BIDE_LOAD(&w->word, ACQUIRE) != 0) /* pairs with wake */
			return 0;
		BIDE_RELAX();
	}

	while (BIDE_LOAD(&w->word, ACQUIRE) == 0) { /* pairs with wake */
		now_ns = bide_os_now_ns_();
		if (deadline_ns != BIDE_FOREVER && now_ns >= deadline_ns)
			return BIDE_ETIMEDOUT_;
		if (BIDE_LOAD(&bide_runtime_.worker_gone, ACQUIRE)) {
			bide_misuse_(
				"%s: the worker's thread has ended; it is the first that used bide, and has to "
				"outlive what others wait for",
				what);
			return BIDE_EDEADLK_;
		}
		until_ns = now_ns + slice_ns;
		bide_os_wait_(&w->word, 0, until_ns < deadline_ns ? until_ns : deadline_ns);
	}
	return 0;
}

static void wake_worker_only(bide_observer *listener, bide_source *done)
{
	(void)done;
	BIDE_CONTAINER_(listener, waiter, listener)->done = true;
}

/* The name of the call. Waits for value tasks have a place, waits for tasks have none. */
static const char *what_of(const bide_place *place, int64_t timeout_ns)
{
	if (timeout_ns == BIDE_FOREVER)
		return place ? "bide_value_task_wait" : "bide_task_wait";
	return place ? "bide_value_task_wait_for" : "bide_task_wait_for";
}

static int wait_pending(bide_value_task *value_task, int64_t timeout_ns, const bide_place *place)
{
	bide_source *source = (bide_source *)value_task->state;
	bool on_worker = bide_runtime_on_worker_();
	waiter w = { { on_worker ? wake_worker_only : wake }, false, 0 };
	/* A thread that sleeps uses the clock of the system, also in a simulation. */
	int64_t deadline_ns = timeout_ns == 0 ? 0
	                      : on_worker     ? bide_deadline_after_(timeout_ns)
	                                      : bide_time_add_(bide_os_now_ns_(), timeout_ns);
	const char *what = what_of(place, timeout_ns);
	int error = 0;

	switch (bide_listen_(*value_task, &w.listener, what, place)) {
	case BIDE_ALREADY_TAKEN_:
		return BIDE_ESTALE;
	case BIDE_REGISTERED_:
		error = on_worker ? bide_one_worker_run_inside_(&w.done, deadline_ns, what)
		                  : sleep_until(&w, deadline_ns, what);
		if (error && bide_unlisten_(source, &w.listener))
			return error;
		/* The completion is on its way and will write to w, so wait for it. */
		if (error && on_worker)
			bide_one_worker_run_inside_(&w.done, BIDE_FOREVER, what);
		else if (error)
			sleep_until(&w, BIDE_FOREVER, what);
		break;
	case BIDE_ALREADY_DONE_:
		break;
	}
	*value_task = bide_consume_(source, place);
	return 0;
}

/* Sets *mine if the value task was not consumed, so that it is still the caller's. */
static int wait_at(bide_value_task value_task, bide_payload *result, int64_t timeout_ns,
                   const bide_place *place, bool *mine)
{
	bide_thread_head *head = bide_thread_();
	bide_value_task made;
	int error;

	*mine = true;
	if (!bide_time_allowed_(timeout_ns, what_of(place, timeout_ns), "timeout_ns", place))
		return BIDE_EINVAL_;
	if (!head)
		return bide_runtime_missing_();
	if (bide_thread_is_inside_(head)) {
		bide_misuse_at_(place, "%s: called inside the async function %s, which must await instead",
		                what_of(place, timeout_ns), bide_function_name_(head->current));
		return BIDE_EDEADLK_;
	}
	if (bide_workers_include_this_()) {
		bide_misuse_at_(place,
		                "%s: called on a worker, which must not block: what it waits for may need "
		                "this very worker",
		                what_of(place, timeout_ns));
		return BIDE_EDEADLK_;
	}
	made = bide_yield_to_operation_(value_task);
	if (bide_is_pending_(made)) {
		if (!bide_check_fresh_(made, what_of(place, timeout_ns), place))
			return BIDE_ESTALE;
		if (!bide_belongs_here_((bide_source *)made.state, what_of(place, timeout_ns), place))
			return BIDE_EINVAL_;
		error = wait_pending(&made, timeout_ns, place);
		if (error && made.state != value_task.state)
			bide_value_task_forget_at_(
				made, place); /* the caller still has its yield, and nothing else */
		if (error)
			return error;
	}
	*mine = false;
	if (result)
		*result = bide_value_task_result(made);
	if (made.state)
		bide_thread_of_(head)->wait_trace = made.payload.trace;
	return (int)made.state;
}

/* The wait itself failed, so the error has no trace. */
static void no_trace(void)
{
	if (bide_thread_())
		bide_thread_of_(bide_thread_())->wait_trace = 0;
}

bide_trace bide_trace_of_wait(void)
{
	bide_thread_head *head = bide_current_thread_;

	return head ? bide_thread_of_(head)->wait_trace : 0;
}

int bide_value_task_wait_at_(bide_value_task value_task, bide_payload *result, int64_t timeout_ns,
                             const bide_place *place)
{
	bool mine;
	int error = wait_at(value_task, result, timeout_ns, place, &mine);

	if (error && mine)
		no_trace();
	return error;
}

int bide_task_wait_for(bide_task *task, bide_payload *result, int64_t timeout_ns)
{
	bide_value_task subscription;
	bool mine;
	int error;

	if (!bide_task_check_(task,
	                      timeout_ns == BIDE_FOREVER ? "bide_task_wait" : "bide_task_wait_for"))
		return BIDE_EINVAL_;
	subscription = bide_task_await(task);
	error = wait_at(subscription, result, timeout_ns, NULL, &mine);

	if (error && mine)
		no_trace();
	/* The subscription ends; the task goes on. */
	if (mine && bide_is_pending_(subscription))
		bide_task_give_up_(subscription);
	return error;
}

int bide_task_wait(bide_task *task, bide_payload *result)
{
	return bide_task_wait_for(task, result, BIDE_FOREVER);
}
