/*
 * retry.c - bide_retry: an async function that makes attempts, with pauses between them.
 */
#define BIDE_OWN_(name) &name##_own_
#include <limits.h>

#include "base/clock.h"
#include "base/misuse.h"
#include "base/own.h"
#include "base/port.h"
#include "base/text.h"
#include "context/context.h"

struct bide_retry { /* messages and dumps show the name */
	BIDE_ASYNC_FRAME;
	struct {
		bide_run_function *function;
		void *argument;
		bide_retry_options options;
	} in;
	int64_t pause_ns; /* the next one, in full */
	int64_t result;   /* the bits of any result */
	bide_value_task failure;
	unsigned attempts;
	bool pauses;
};

BIDE_STATIC_ASSERT(sizeof(struct bide_retry) <= BIDE_COPY_BYTES_, "a dump copies no more");

BIDE_UNCHECKED_ static void describe(const void *copy, char *to, size_t size_bytes)
{
	const struct bide_retry *my = copy;

	if (my->pauses)
		bide_put_(to, size_bytes, "bide_retry (pauses after attempt %u)", my->attempts);
	else
		bide_put_(to, size_bytes, "bide_retry (attempt %u)", my->attempts);
}

static const bide_own_ bide_retry_own_ = { .name = "bide_retry", .describe = describe };

static bide_value_task attempt(struct bide_retry *my)
{
	my->attempts += my->attempts != UINT_MAX;
	my->pauses = false;
	if (my->in.options.timeout_ns == BIDE_FOREVER)
		return my->in.function(my->in.argument);
	return bide_with_timeout(my->in.options.timeout_ns, my->in.function(my->in.argument));
}

static bool tries_again(const struct bide_retry *my)
{
	const bide_retry_options *options = &my->in.options;
	int error = (int)my->failure.state;

	if (bide_context_current_error())
		return false;
	if (options->attempts_max != UINT_MAX && my->attempts >= options->attempts_max)
		return false;
	return options->again ? options->again(error, my->in.argument) : error != BIDE_ECANCELED_;
}

/* Returns the length of the pause, and makes the next one longer. */
static int64_t next_pause(struct bide_retry *my)
{
	const bide_retry_options *options = &my->in.options;
	int64_t pause_ns = my->pause_ns;
	uint64_t half_ns = (uint64_t)pause_ns / 2;

	my->pauses = true;
	my->pause_ns = pause_ns > INT64_MAX / options->factor_percent
	                   ? INT64_MAX
	                   : pause_ns * options->factor_percent / 100;
	if (my->pause_ns > options->pause_max_ns)
		my->pause_ns = options->pause_max_ns;
	return options->exact ? pause_ns : pause_ns - (int64_t)(bide_port_random_() % (half_ns + 1));
}

bide_async(bide_retry)
{
	bide_async_begin;
	my->pause_ns = my->in.options.pause_ns < my->in.options.pause_max_ns
	                   ? my->in.options.pause_ns
	                   : my->in.options.pause_max_ns;
	my->failure.state = (uintptr_t)bide_context_current_error();
	if (my->failure.state)
		bide_async_return(my->failure);
	for (;;) {
		my->failure = bide_value_task_completed();
		bide_await_or(my->result, attempt(my), my->failure = bide_await_failure);
		if (!my->failure.state)
			bide_async_return(my->result);
		if (!tries_again(my))
			break;
		bide_await(bide_delay(next_pause(my)));
	}
	/* It is an error of functions of the user's. */
	if (my->failure.state == BIDE_ENOFRAME)
		my->failure.state = BIDE_ENOMEM_;
	bide_async_return(my->failure);
bide_async_finally:
	bide_async_end;
}

static bool is_allowed(bide_run_function *function, const bide_retry_options *options)
{
	if (!function) {
		bide_misuse_("bide_retry: function is NULL");
		return false;
	}
	if (options->factor_percent > 0 && options->factor_percent < 100) {
		bide_misuse_("bide_retry: factor_percent is %u; from 100 on is allowed, and 0, which "
		             "stands for 200",
		             options->factor_percent);
		return false;
	}
	return bide_time_allowed_(options->pause_ns, "bide_retry", "pause_ns", NULL) &&
	       bide_time_allowed_(options->pause_max_ns, "bide_retry", "pause_max_ns", NULL) &&
	       bide_time_allowed_(options->timeout_ns, "bide_retry", "timeout_ns", NULL);
}

/* Replaces the zeroes by what they stand for. */
static void fill_in(bide_retry_options *all)
{
	if (all->attempts_max == 0)
		all->attempts_max = 5;
	if (all->factor_percent == 0)
		all->factor_percent = 200;
	if (all->pause_ns == 0)
		all->pause_ns = BIDE_MS(100);
	if (all->pause_max_ns == 0)
		all->pause_max_ns = all->pause_ns > BIDE_SECONDS(30) ? all->pause_ns : BIDE_SECONDS(30);
	if (all->timeout_ns == 0)
		all->timeout_ns = BIDE_FOREVER;
}

bide_value_task bide_retry(bide_run_function *function, void *argument,
                           const bide_retry_options *options)
{
	bide_retry_options all = { 0 };
	bide_value_task started;

	if (options)
		all = *options;
	if (!is_allowed(function, &all))
		return bide_value_task_from_error(BIDE_EINVAL_);
	fill_in(&all);
	started =
		bide_async_start(bide_retry, .function = function, .argument = argument, .options = all);
	if (BIDE_UNLIKELY(started.state == BIDE_ENOFRAME))
		started.state = BIDE_ENOMEM_;
	return started;
}
