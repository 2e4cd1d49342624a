/*
 * operators.c - map, filter, take and timeout: generators that hand on what another one emits.
 */
#define BIDE_OWN_(name) &name##_own_
#include "generator/operators.h"
#include "base/clock.h"
#include "base/misuse.h"
#include "base/own.h"

/*
 * An operator of one generator begins. Returns true if it has taken the generator. If the arguments
 * are not allowed, which the caller has reported, it ends the generator.
 */
static bool begins(bide_generator *from, const char *what, bool are_allowed)
{
	if (!bide_generators_take_(&from, 1, what))
		return false;
	if (!are_allowed)
		bide_generator_drop_(from);
	return are_allowed;
}

/* Returns the generator of an operator that was made, or NULL: then `from` ends. */
static bide_generator *made(bide_generator *operator, bide_generator * from)
{
	if (!operator)
		bide_generator_drop_(from);
	return operator;
}

/* --- map --- */

static const bide_own_ bide_map_own_ = { .name = "bide_generator_map", .kind = BIDE_OWN_CALL_ };

struct bide_map {
	BIDE_ASYNC_GENERATOR;
	struct {
		bide_generator *from;
		bide_generator_function *function;
		void *argument;
	} in;
	int64_t x;
};

bide_async_generator(bide_map)
{
	bide_async_begin;
	bide_await_each(my->x, my->in.from) {
		bide_await(my->x, my->in.function((bide_payload){ .i = my->x }, my->in.argument));
		bide_async_emit(my->x);
	}
bide_async_finally:
	bide_await(bide_generator_end_taken_(my->in.from));
	bide_async_end;
}

static bool is_function(bide_generator_function *function, const char *what)
{
	if (!function)
		bide_misuse_("%s: function is NULL", what);
	return function;
}

bide_generator *bide_generator_map(bide_generator *from, bide_generator_function *function,
                                   void *argument)
{
	static const char what[] = "bide_generator_map";

	if (!begins(from, what, is_function(function, what)))
		return NULL;
	return made(bide_generator_start(bide_map, .from = from, .function = function,
	                                 .argument = argument),
	            from);
}

/* --- filter --- */

static const bide_own_ bide_filter_own_ = { .name = "bide_generator_filter",
	                                        .kind = BIDE_OWN_CALL_ };

struct bide_filter {
	BIDE_ASYNC_GENERATOR;
	struct {
		bide_generator *from;
		bide_generator_function *function;
		void *argument;
	} in;
	int64_t x, keep;
};

bide_async_generator(bide_filter)
{
	bide_async_begin;
	bide_await_each(my->x, my->in.from) {
		bide_await(my->keep, my->in.function((bide_payload){ .i = my->x }, my->in.argument));
		if (my->keep)
			bide_async_emit(my->x);
	}
bide_async_finally:
	bide_await(bide_generator_end_taken_(my->in.from));
	bide_async_end;
}

bide_generator *bide_generator_filter(bide_generator *from, bide_generator_function *function,
                                      void *argument)
{
	static const char what[] = "bide_generator_filter";

	if (!begins(from, what, is_function(function, what)))
		return NULL;
	return made(bide_generator_start(bide_filter, .from = from, .function = function,
	                                 .argument = argument),
	            from);
}

/* --- take --- */

static const bide_own_ bide_take_own_ = { .name = "bide_generator_take", .kind = BIDE_OWN_CALL_ };

struct bide_take {
	BIDE_ASYNC_GENERATOR;
	struct {
		bide_generator *from;
		int64_t left;
	} in;
	int64_t x;
};

bide_async_generator(bide_take)
{
	bide_async_begin;
	if (my->in.left == 0)
		bide_async_return(0);
	bide_await_each(my->x, my->in.from) {
		bide_async_emit(my->x);
		if (--my->in.left == 0)
			break;
	}
bide_async_finally:
	bide_await(bide_generator_end_taken_(my->in.from));
	bide_async_end;
}

bide_generator *bide_generator_take(bide_generator *from, int64_t count)
{
	if (count < 0)
		bide_misuse_("bide_generator_take: count is %lld; 0 or more is allowed", (long long)count);
	if (!begins(from, "bide_generator_take", count >= 0))
		return NULL;
	return made(bide_generator_start(bide_take, .from = from, .left = count), from);
}

/* --- timeout --- */

static const bide_own_ bide_limit_own_ = { .name = "bide_generator_timeout",
	                                       .kind = BIDE_OWN_CALL_ };

struct bide_limit {
	BIDE_ASYNC_GENERATOR;
	struct {
		bide_generator *from;
		int64_t timeout_ns;
	} in;
	int64_t x;
};

/* Only an element that must be waited for costs a timer. */
static bide_value_task limited(bide_value_task next, int64_t timeout_ns)
{
	if (bide_value_task_is_ready(next) || timeout_ns == BIDE_FOREVER)
		return next;
	return bide_value_task_await_for(next, timeout_ns);
}

bide_async_generator(bide_limit)
{
	bide_async_begin;
	for (;;) {
		bide_await_or(my->x, limited(bide_generator_next(my->in.from), my->in.timeout_ns), {
			if (bide_await_error == BIDE_EEND)
				break;
			bide_async_return(bide_await_failure);
		});
		bide_async_emit(my->x);
	}
bide_async_finally:
	bide_await(bide_generator_end_taken_(my->in.from));
	bide_async_end;
}

bide_generator *bide_generator_timeout(bide_generator *from, int64_t timeout_ns)
{
	static const char what[] = "bide_generator_timeout";

	if (!begins(from, what, bide_time_allowed_(timeout_ns, what, "timeout_ns", NULL)))
		return NULL;
	return made(bide_generator_start(bide_limit, .from = from, .timeout_ns = timeout_ns), from);
}
