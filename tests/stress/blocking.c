/*
 * blocking.c - blocking and long calls, from functions and from threads, with time limits and with
 * cancellation that races their start. A call runs once, or never if its wait was canceled.
 */
#include "stress.h"

enum { CALLS_MAX = 24 };

typedef struct scene {
	bide_context *scope;
	atomic_uint begun, ended; /* number of calls */
	atomic_uint succeeded, failed, canceled;
} scene;

typedef struct call {
	scene *scene;
	dice dice;
	atomic_uint runs;
} call;

static value_task work(void *argument)
{
	call *c = argument;
	int64_t value;

	CHECK_EQUAL(atomic_fetch_add(&c->runs, 1), 0);
	atomic_fetch_add(&c->scene->begun, 1);
	value = (int64_t)below(&c->dice, 1000);
	dawdle(&c->dice);
	if (chance(&c->dice, 10))
		usleep(below(&c->dice, 2000));
	atomic_fetch_add(&c->scene->ended, 1);
	return value < 100 ? bide_value_task_from_error((int)(1 + value)) : value_task_from(value);
}

struct caller {
	ASYNC_FRAME;
	struct {
		scene *scene;
		dice dice;
	} in;
	call call;
	int64_t got;
	int error;
};

static value_task make_call(struct caller *my)
{
	switch (below(&my->in.dice, 5)) {
	case 0:
		return bide_run_on_new_thread(work, &my->call);
	case 1:
		return in_context(my->in.scene->scope, run_blocking(work, &my->call));
	case 2:
		return with_timeout_ms(below(&my->in.dice, 2), run_blocking(work, &my->call));
	default:
		return run_blocking(work, &my->call);
	}
}

async(caller)
{
	async_begin;
	my->call.scene = my->in.scene;
	my->call.dice = fork_dice(&my->in.dice);
	await(pause_a_bit(&my->in.dice));
	await_or(my->got, make_call(my), my->error = await_error);
	if (my->error == ECANCELED || my->error == ETIMEDOUT) {
		CHECK_EQUAL(atomic_load(&my->call.runs), 0);
		atomic_fetch_add(&my->in.scene->canceled, 1);
	} else {
		CHECK_EQUAL(atomic_load(&my->call.runs), 1);
		CHECK(my->error ? my->error <= 100 : my->got >= 100);
		atomic_fetch_add(my->error ? &my->in.scene->failed : &my->in.scene->succeeded, 1);
	}
	stress_count(1);
async_finally:
	async_end;
}

static void call_some(void *argument, dice *d, unsigned index)
{
	scene *s = argument;

	(void)index;
	for (unsigned i = below(d, CALLS_MAX); i; i--) {
		if (chance(d, 60)) {
			value_task_forget(async_start(caller, .scene = s, .dice = fork_dice(d)));
		} else {
			call direct = { .scene = s, .dice = fork_dice(d) };
			bide_payload result = { .i = 0 };
			int error = bide_value_task_wait(run_blocking(work, &direct), &result);

			CHECK_EQUAL(atomic_load(&direct.runs), 1);
			CHECK(error ? error <= 100 : result.i >= 100);
			atomic_fetch_add(error ? &s->failed : &s->succeeded, 1);
		}
		dawdle(d);
	}
	if (chance(d, 30))
		bide_context_cancel(s->scope, ECANCELED);
}

STRESS(blocking)
{
	scene s = { .scope = bide_context_create(NULL) };
	crowd c;

	(void)workers;
	crowd_start(&c, below(d, 4), call_some, &s, d);
	call_some(&s, d, 0);
	crowd_join(&c);
	CHECK_EQUAL(bide_drain(BIDE_FOREVER), 0);
	CHECK_EQUAL(atomic_load(&s.begun), atomic_load(&s.ended));
	CHECK_EQUAL(atomic_load(&s.begun), atomic_load(&s.succeeded) + atomic_load(&s.failed));
	bide_context_unref(s.scope);
}
