/*
 * signal_wait.c - waits for one signal, and calls that a signal cancels.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/own.h"
#include "io/signals.h"
#include "source/source.h"

/* --- one signal --- */

struct bide_signal_wait { /* messages and dumps show the name */
	BIDE_ASYNC_FRAME;
	struct {
		bide_signals *signals;
	} in;
};

static const bide_own_ bide_signal_wait_own_ = { .name = "bide_signal_wait" };

bide_async(bide_signal_wait)
{
	bide_async_begin;
	bide_async_return(bide_signals_next(my->in.signals));
bide_async_finally:
	bide_signals_close(my->in.signals);
	bide_async_end;
}

/* Takes the signals over. */
static bide_value_task wait_once(bide_signals *signals)
{
	bide_value_task started = bide_async_start(bide_signal_wait, .signals = signals);

	if (BIDE_UNLIKELY(started.state == BIDE_ENOFRAME)) {
		bide_signals_close(signals);
		started.state = BIDE_ENOMEM_;
	}
	return started;
}

bide_value_task bide_signal_wait_(const int *numbers, size_t count)
{
	bide_signals *signals = NULL;
	int error = bide_context_current_error();

	if (!error)
		error = bide_signals_open_named_(&signals, numbers, count, "bide_signal_wait");
	return error ? bide_value_task_from_error(error) : wait_once(signals);
}

/* --- a call that a signal cancels --- */

struct bide_until_signal { /* messages and dumps show the name */
	BIDE_ASYNC_FRAME;
	struct {
		bide_context *context; /* with a reference */
		bide_signals *signals;
		bide_value_task called;
	} in;
	bide_value_task both[2]; /* the call; the signal */
	int64_t first;
};

static const bide_own_ bide_until_signal_own_ = { .name = "bide_until_signal" };

/*
 * Returns true if the wait for the signal has the outcome: the signal, or why it cannot be waited
 * for. An error of the call's own comes first.
 */
static bool ended_by_signal(const bide_value_task both[2], int64_t first)
{
	if (both[1].state == 0)
		return both[0].state == 0 || both[0].state == BIDE_ECANCELED_;
	return first == 1 && both[0].state == BIDE_ECANCELED_;
}

bide_async(bide_until_signal)
{
	bide_async_begin;
	my->both[0] = my->in.called;
	my->both[1] = bide_in_context(my->in.context, wait_once(my->in.signals));
	bide_await_or(my->first, bide_race(my->in.context, my->both, 2), {
		/* No memory: nothing was taken. */
		(void)bide_context_cancel(my->in.context, BIDE_ECANCELED_);
		bide_value_task_forget_at_(my->both[0], NULL);
		bide_value_task_forget_at_(my->both[1], NULL);
		bide_async_return(bide_await_failure);
	});
	bide_async_return(my->both[ended_by_signal(my->both, my->first) ? 1 : 0]);
bide_async_finally:
	bide_context_unref(my->in.context);
	bide_async_end;
}

bide_until_ bide_until_open_(const int *numbers, size_t count, uintptr_t *error)
{
	bide_until_ until = { NULL, NULL };
	int failed = bide_signals_open_named_(&until.signals, numbers, count, "bide_until_signal");

	if (!failed) {
		until.context = bide_context_create(NULL);
		if (!until.context) {
			bide_signals_close(until.signals);
			failed = BIDE_ENOMEM_;
		}
	}
	*error = (uintptr_t)failed;
	return until;
}

bide_value_task bide_until_start_(bide_until_ until, bide_value_task called)
{
	bide_value_task started;

	called = bide_yield_to_operation_(called);
	if (!bide_is_pending_(called)) {
		bide_signals_close(until.signals);
		bide_context_unref(until.context);
		return called;
	}
	started = bide_async_start(bide_until_signal, .context = until.context,
	                           .signals = until.signals, .called = called);
	if (BIDE_LIKELY(started.state != BIDE_ENOFRAME))
		return started;
	bide_signals_close(until.signals);
	(void)bide_context_cancel(until.context, BIDE_ECANCELED_);
	bide_context_unref(until.context);
	bide_value_task_forget_at_(called, NULL);
	return bide_value_task_from_error(BIDE_ENOMEM_);
}
