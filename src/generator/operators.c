/*
 * operators.c - map, filter, take and timeout: generators that hand on what another one emits.
 */
#define BIDE_OWN_(name) &name##_own_
#include "generator/operators.h"
#include "base/clock.h"
#include "base/misuse.h"
#include "base/own.h"

/* Ends the generator that an operator cannot take. Nothing waits for its cleanup. */
void bide_generator_drop_(bide_generator *generator)
{
	bide_value_task_forget(bide_generator_end(generator));
}

/* The generator of an operator that was made, or NULL: then `from` ends. */
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
	bide_await(bide_generator_end(my->in.from));
	bide_async_end;
}

static bool has_function(bide_generator *from, bide_generator_function *function, const char *what)
{
	if (from && function)
		return true;
	if (!function)
		bide_misuse_("%s: function is NULL", what);
	bide_generator_drop_(from);
	return false;
}

bide_generator *bide_generator_map(bide_generator *from, bide_generator_function *function,
                                   void *argument)
{
	if (!has_function(from, function, "bide_generator_map"))
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
	bide_await(bide_generator_end(my->in.from));
	bide_async_end;
}

bide_generator *bide_generator_filter(bide_generator *from, bide_generator_function *function,
                                      void *argument)
{
	if (!has_function(from, function, "bide_generator_filter"))
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
		uint64_t left;
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
	bide_await(bide_generator_end(my->in.from));
	bide_async_end;
}

bide_generator *bide_generator_take(bide_generator *from, uint64_t count)
{
	return from ? made(bide_generator_start(bide_take, .from = from, .left = count), from) : NULL;
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
	bide_await(bide_generator_end(my->in.from));
	bide_async_end;
}

bide_generator *bide_generator_timeout(bide_generator *from, int64_t timeout_ns)
{
	if (!bide_time_allowed_(timeout_ns, "bide_generator_timeout", "timeout_ns", NULL)) {
		bide_generator_drop_(from);
		return NULL;
	}
	return from ? made(bide_generator_start(bide_limit, .from = from, .timeout_ns = timeout_ns),
	                   from)
	            : NULL;
}
