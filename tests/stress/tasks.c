/*
 * tasks.c - completion sources. Threads race to complete, fail and cancel them, while awaiters of
 * all kinds come, time out and are canceled. One thread wins each source. An awaiter gets the
 * winner's outcome, or the error of its own end.
 */
#define BIDE_NO_SHORT_source 1 /* a type of this file */
#include "stress.h"

enum { TASKS_MAX = 12, AWAITERS_MAX = 6, SCOPES = 3 };

typedef struct source {
	task *task;
	atomic_uint wins;
	atomic_long outcome; /* of the winner: its value, or its error negated */
} source;

typedef struct scene {
	source sources[TASKS_MAX];
	unsigned count;
	bide_context *scopes[SCOPES];
	atomic_uint begun, ended;
} scene;

static int64_t of(int error, int64_t value)
{
	return error ? -(int64_t)error : value;
}

/* Stores the outcome after completing the task, so an awaiter may have to wait for it. */
static void race_to_end(source *s, dice *d)
{
	long value = (long)below(d, 1000000);
	unsigned how = below(d, 8);
	int64_t error = how == 6 ? BIDE_EUSER + (int)below(d, 100) : ECANCELED;
	bool won = how < 6    ? bide_task_try_complete(s->task, (bide_payload){ .i = value })
	           : how == 6 ? bide_task_try_fail(s->task, (int)error)
	                      : bide_task_try_cancel(s->task);

	if (won) {
		atomic_fetch_add(&s->wins, 1);
		atomic_store(&s->outcome, how < 6 ? value : -error);
	}
	stress_count(1);
}

enum { PLAIN, LIMITED, UNDER_CONTEXT, UNDER_LIMIT, TAKEN, KINDS };

struct waits {
	ASYNC_FRAME;
	struct {
		scene *scene;
		source *source;
		dice dice;
	} in;
	unsigned kind;
	int64_t got;
};

static value_task wait_for(struct waits *my)
{
	task *t = my->in.source->task;

	switch (my->kind) {
	case LIMITED:
		return task_await_for(t, (int64_t)below(&my->in.dice, 400000));
	case UNDER_CONTEXT:
		return in_context(my->in.scene->scopes[below(&my->in.dice, SCOPES)], task_await(t));
	case UNDER_LIMIT:
		return with_timeout_ms(below(&my->in.dice, 2), task_await(t));
	case TAKEN:
		return task_await_take(task_ref(t));
	default:
		return task_await(t);
	}
}

async(waits)
{
	async_begin;
	atomic_fetch_add(&my->in.scene->begun, 1);
	my->kind = below(&my->in.dice, KINDS);
	await(pause_a_bit(&my->in.dice));
	await_or(my->got, wait_for(my), my->got = of(await_error, 0));
	if (my->kind == LIMITED || my->kind == UNDER_LIMIT)
		my->got = my->got == -ETIMEDOUT ? INT64_MIN : my->got;
	else if (my->kind == UNDER_CONTEXT)
		my->got = my->got == -ECANCELED ? INT64_MIN : my->got;
	if (my->got == INT64_MIN)
		async_return(0); /* its own end */
	/* The winner may not have stored the outcome yet. */
	while (atomic_load(&my->in.source->wins) == 0)
		await(bide_async_yield());
	while (atomic_load(&my->in.source->outcome) == LONG_MIN)
		await(bide_async_yield());
	CHECK_EQUAL(atomic_load(&my->in.source->outcome), my->got);
async_finally:
	atomic_fetch_add(&my->in.scene->ended, 1);
	task_unref(my->in.source->task);
	async_end;
}

static void add_awaiter(scene *s, dice *d)
{
	source *of_this = &s->sources[below(d, s->count)];

	(void)task_ref(of_this->task);
	value_task_forget(async_start(waits, .scene = s, .source = of_this, .dice = fork_dice(d)));
	stress_count(1);
}

static void meddle(void *argument, dice *d, unsigned index)
{
	scene *s = argument;

	(void)index;
	for (unsigned i = 0; i < 3 * s->count; i++) {
		source *one = &s->sources[below(d, s->count)];
		size_t waiting;

		switch (below(d, 8)) {
		case 0:
			bide_context_cancel(s->scopes[below(d, SCOPES)], ECANCELED);
			break;
		case 1: {
			bide_payload result;
			int error = bide_task_wait_for(one->task, &result, (int64_t)below(d, 100000));
			CHECK(error == ETIMEDOUT || task_is_ready(one->task));
			break;
		}
		case 2:
		case 3:
			add_awaiter(s, d);
			break;
		case 4:
			CHECK(bide_subscriptions_are_valid_((bide_source *)one->task, &waiting));
			break;
		default:
			race_to_end(one, d);
		}
		dawdle(d);
	}
}

STRESS(tasks)
{
	scene s = { .count = 1 + below(d, TASKS_MAX) };
	crowd c;

	(void)workers;
	for (unsigned i = 0; i < SCOPES; i++)
		CHECK((s.scopes[i] = bide_context_create(NULL)) != NULL);
	for (unsigned i = 0; i < s.count; i++) {
		s.sources[i].task =
			task_create(&(bide_task_options){ .queue_continuations = chance(d, 30) });
		CHECK(s.sources[i].task != NULL);
		atomic_store(&s.sources[i].outcome, LONG_MIN);
	}
	crowd_start(&c, 1 + below(d, 3), meddle, &s, d);
	for (unsigned i = below(d, AWAITERS_MAX * s.count); i; i--)
		add_awaiter(&s, d);
	crowd_join(&c);
	for (unsigned i = 0; i < s.count; i++)
		race_to_end(&s.sources[i], d);
	CHECK_EQUAL(bide_drain(BIDE_FOREVER), 0);
	CHECK_EQUAL(atomic_load(&s.begun), atomic_load(&s.ended));
	for (unsigned i = 0; i < s.count; i++) {
		CHECK_EQUAL(atomic_load(&s.sources[i].wins), 1);
		CHECK_EQUAL(of(task_error(s.sources[i].task), task_result(s.sources[i].task).i),
		            atomic_load(&s.sources[i].outcome));
		task_unref(s.sources[i].task);
	}
	for (unsigned i = 0; i < SCOPES; i++)
		bide_context_unref(s.scopes[i]);
}
