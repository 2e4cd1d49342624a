/*
 * combine.c - when_all, when_any, race and when_each over value tasks and tasks, which end by
 * themselves, by threads or by cancellation, with several combinators at the same time. Each item
 * ends once, with its own outcome.
 */
#include "stress.h"

enum { ITEMS_MAX = 7, SOURCES = 24 };

typedef struct scene {
	task *sources[SOURCES]; /* each ends with its index, or fails with EUSER + index */
	atomic_uint begun, ended;
} scene;

/* Ends with `value`, or fails with EUSER + value. */
struct item {
	ASYNC_FRAME;
	struct {
		scene *scene;
		dice dice;
		int64_t value;
		bool endless; /* lasts until it is canceled */
	} in;
	int i;
};

async(item)
{
	async_begin;
	atomic_fetch_add(&my->in.scene->begun, 1);
	for (my->i = (int)below(&my->in.dice, 3); my->i > 0; my->i--)
		await(pause_a_bit(&my->in.dice));
	if (my->in.endless)
		await(bide_delay(BIDE_FOREVER));
	if (my->in.value & 1)
		async_fail(BIDE_EUSER + (int)my->in.value);
	async_return(my->in.value);
async_finally:
	await(pause_a_bit(&my->in.dice));
	atomic_fetch_add(&my->in.scene->ended, 1);
	async_end;
}

struct driver {
	ASYNC_FRAME;
	struct {
		scene *scene;
		dice dice;
	} in;
	value_task items[ITEMS_MAX];
	task *tasks[ITEMS_MAX];
	int64_t values[ITEMS_MAX];
	bool given[ITEMS_MAX];
	unsigned count, kind, i, seen, limit;
	int64_t index;
	int error;
	bide_context *scope;
	bide_when_each each;
};

static void make_items(struct driver *my, bool endless)
{
	my->count = 1 + below(&my->in.dice, ITEMS_MAX);
	for (unsigned i = 0; i < my->count; i++) {
		unsigned which = below(&my->in.dice, SOURCES);

		if (!endless && chance(&my->in.dice, 40)) {
			my->values[i] = which;
			my->items[i] = task_await(my->in.scene->sources[which]);
		} else {
			my->values[i] = 100 + below(&my->in.dice, 100);
			my->items[i] = async_start(item, .scene = my->in.scene, .dice = fork_dice(&my->in.dice),
			                           .value = my->values[i],
			                           .endless = endless && i && chance(&my->in.dice, 70));
		}
	}
	stress_count(my->count);
}

/* Checks that the item is ready and has its own outcome. */
static void check_item(struct driver *my, unsigned i, bool may_be_canceled)
{
	int error = value_task_error(my->items[i]);

	CHECK(value_task_is_ready(my->items[i]));
	if (may_be_canceled && error == ECANCELED)
		return;
	CHECK_EQUAL(error, my->values[i] & 1 ? BIDE_EUSER + my->values[i] : 0);
	if (!error)
		CHECK_EQUAL(value_task_result(my->items[i]).i, my->values[i]);
}

static int first_error(struct driver *my)
{
	for (unsigned i = 0; i < my->count; i++)
		if (my->values[i] & 1)
			return BIDE_EUSER + (int)my->values[i];
	return 0;
}

static void give(struct driver *my, unsigned i)
{
	CHECK(i < my->count && !my->given[i]);
	my->given[i] = true;
	my->seen++;
	check_item(my, i, false);
}

/* Moves the items that when_each did not return, which the driver owns again, to the front. */
static void gather_rest(struct driver *my)
{
	unsigned left = 0;

	for (unsigned i = 0; i < my->count; i++)
		if (!my->given[i]) {
			my->items[left] = my->items[i];
			my->values[left++] = my->values[i];
		}
	CHECK_EQUAL(left + my->seen, my->count);
	my->count = left;
}

async(driver)
{
	async_begin;
	my->kind = below(&my->in.dice, 6);
	await(pause_a_bit(&my->in.dice));
	if (my->kind == 0) {
		make_items(my, false);
		await_or(when_all(my->items, my->count), my->error = await_error);
		CHECK_EQUAL(my->error, first_error(my));
		for (my->i = 0; my->i < my->count; my->i++)
			check_item(my, my->i, false);
	} else if (my->kind == 1) {
		make_items(my, false);
		await(my->index, when_any(my->items, my->count));
		CHECK(my->index >= 0 && my->index < my->count);
		CHECK(value_task_is_ready(my->items[my->index]));
		if (chance(&my->in.dice, 50)) {
			await(my->index, when_any(my->items, my->count));
			CHECK(value_task_is_ready(my->items[my->index]));
		}
		await_or(when_all(my->items, my->count), my->error = await_error);
		CHECK_EQUAL(my->error, first_error(my));
	} else if (my->kind == 2) {
		my->scope = bide_context_create(NULL);
		CHECK(my->scope != NULL);
		async_enter(my->scope);
		make_items(my, true);
		async_leave;
		await(my->index, bide_race(my->scope, my->items, my->count));
		CHECK(my->index >= 0 && my->index < my->count);
		for (my->i = 0; my->i < my->count; my->i++)
			check_item(my, my->i, my->i != my->index);
	} else if (my->kind == 3) {
		make_items(my, false);
		my->limit = chance(&my->in.dice, 50) ? my->count + 1 : below(&my->in.dice, my->count + 1);
		CHECK(when_each_init(&my->each, my->items, my->count) == 0);
		while (my->seen < my->limit) {
			await_or(my->index, when_each_next(&my->each), my->error = await_error);
			if (my->error)
				break;
			give(my, (unsigned)my->index);
		}
		if (my->error) {
			CHECK_EQUAL(my->error, BIDE_EEND);
			CHECK_EQUAL(my->seen, my->count);
		} else {
			await(bide_when_each_end(&my->each));
			gather_rest(my);
			await_or(when_all(my->items, my->count), my->error = await_error);
			CHECK_EQUAL(my->error, first_error(my));
		}
	} else {
		my->count = 1 + below(&my->in.dice, ITEMS_MAX);
		for (my->i = 0; my->i < my->count; my->i++) {
			my->values[my->i] = below(&my->in.dice, SOURCES);
			my->tasks[my->i] = my->in.scene->sources[my->values[my->i]];
		}
		if (my->kind == 4) {
			await_or(when_all_tasks(my->tasks, my->count), my->error = await_error);
			CHECK_EQUAL(my->error, first_error(my));
		} else {
			await_or(my->index,
			         with_timeout_ms(below(&my->in.dice, 3), when_any_tasks(my->tasks, my->count)),
			         my->error = await_error);
			CHECK(my->error == 0 || my->error == ETIMEDOUT);
			if (!my->error)
				CHECK(task_is_ready(my->tasks[my->index]));
		}
	}
async_finally:
	bide_context_unref(my->scope);
	async_end;
}

/* Completes its share of the sources in an order of its own. */
static void complete(void *argument, dice *d, unsigned index)
{
	scene *s = argument;

	(void)index;
	for (unsigned i = 2 * SOURCES; i; i--) {
		unsigned which = below(d, SOURCES);

		if (which & 1)
			bide_task_try_fail(s->sources[which], BIDE_EUSER + (int)which);
		else
			bide_task_try_complete(s->sources[which], (bide_payload){ .i = which });
		dawdle(d);
	}
}

STRESS(combine)
{
	scene s = { .begun = 0 };
	crowd c;
	task *drivers[24];
	unsigned count = 1 + below(d, 24);

	(void)workers;
	for (unsigned i = 0; i < SOURCES; i++)
		CHECK((s.sources[i] = task_create(0)) != NULL);
	crowd_start(&c, 1 + below(d, 3), complete, &s, d);
	for (unsigned i = 0; i < count; i++) {
		drivers[i] = value_task_as_task(async_start(driver, .scene = &s, .dice = fork_dice(d)));
		dawdle(d);
	}
	crowd_join(&c);
	for (unsigned i = 0; i < SOURCES; i++)
		if (i & 1)
			bide_task_try_fail(s.sources[i], BIDE_EUSER + (int)i);
		else
			bide_task_try_complete(s.sources[i], (bide_payload){ .i = i });
	for (unsigned i = 0; i < count; i++) {
		CHECK_EQUAL(task_wait(drivers[i], NULL), 0);
		task_unref(drivers[i]);
	}
	for (unsigned i = 0; i < SOURCES; i++)
		task_unref(s.sources[i]);
	CHECK_EQUAL(bide_drain(BIDE_FOREVER), 0);
	CHECK_EQUAL(atomic_load(&s.begun), atomic_load(&s.ended));
}
