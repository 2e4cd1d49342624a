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

enum { GRACE_MS = 1000 };

/*
 * Closes the signals some time after the first. Two signals often come together, as when a
 * supervisor and a terminal end the same program: the second must not end it in its cleanup.
 */
struct bide_until_closing {
	BIDE_ASYNC_FRAME;
	struct {
		bide_signals *signals;
	} in;
};

static const bide_own_ bide_until_closing_own_ = { .name = "bide_until_signal" };

bide_async(bide_until_closing)
{
	bide_async_begin;
	bide_await_or(bide_delay_ms(GRACE_MS), (void)0); /* sooner, if the call is over */
bide_async_finally:
	bide_signals_close(my->in.signals);
	bide_async_end;
}

struct bide_until_signal { /* messages and dumps show the name */
	BIDE_ASYNC_FRAME;
	struct {
		bide_context *context; /* with a reference */
		bide_signals *signals;
		bide_value_task called;
	} in;
	bide_context *grace;     /* of `closing`: it is canceled when the call is over */
	bide_value_task closing; /* after the first signal */
	bide_value_task both[2]; /* the call; the first signal */
	int64_t first;
};

static const bide_own_ bide_until_signal_own_ = { .name = "bide_until_signal" };

/* Waits for the first signal. The frame of `until` lasts longer. */
struct bide_until_first {
	BIDE_ASYNC_FRAME;
	struct {
		struct bide_until_signal *until;
	} in;
	int64_t number;
};

static const bide_own_ bide_until_first_own_ = { .name = "bide_until_signal" };

/* Hands the signals over. Without memory they are closed when this function ends. */
static void close_later(struct bide_until_signal *until)
{
	bide_value_task closing;

	if (!until->grace)
		return;
	closing = bide_in_context(until->grace,
	                          bide_async_start(bide_until_closing, .signals = until->in.signals));
	if (closing.state == BIDE_ENOFRAME)
		return;
	until->closing = closing;
	until->in.signals = NULL;
}

bide_async(bide_until_first)
{
	bide_async_begin;
	bide_await(my->number, bide_signals_next(my->in.until->in.signals));
	close_later(my->in.until);
	bide_async_return(my->number);
bide_async_finally:
	bide_signals_close(my->in.until->in.signals);
	my->in.until->in.signals = NULL;
	bide_async_end;
}

static bide_value_task first_signal(struct bide_until_signal *until)
{
	bide_value_task started =
		bide_in_context(until->in.context, bide_async_start(bide_until_first, .until = until));

	if (BIDE_UNLIKELY(started.state == BIDE_ENOFRAME)) {
		bide_signals_close(until->in.signals);
		started.state = BIDE_ENOMEM_;
	}
	return started;
}

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
	my->grace = bide_context_create(NULL); /* Without one the signals are closed at the first. */
	my->closing = bide_value_task_completed();
	my->both[0] = my->in.called;
	my->both[1] = first_signal(my);
	bide_await_or(my->first, bide_race(my->in.context, my->both, 2), {
		/* No memory: nothing was taken. */
		(void)bide_context_cancel(my->in.context, BIDE_ECANCELED_);
		bide_async_return(bide_await_failure);
	});
	my->in.called = bide_value_task_completed();
	bide_async_return(my->both[ended_by_signal(my->both, my->first) ? 1 : 0]);
bide_async_finally:
	if (bide_is_pending_(my->in.called)) {
		bide_await_or(my->both[0], (void)0);
		bide_await_or(my->both[1], (void)0);
	}
	if (my->grace)
		(void)bide_context_cancel(my->grace, BIDE_ECANCELED_);
	bide_await_or(my->closing, (void)0);
	bide_context_unref(my->grace);
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
