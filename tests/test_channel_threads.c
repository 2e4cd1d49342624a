/*
 * Channels between functions on several workers, by seed: with limits, forgets and closes at any
 * moment, each element that was written is read or dropped once, and no other one is.
 */
/* threads */
#include "support/task_support.h"

#include "support/channel_support.h"

enum { WRITERS_MAX = 3, ELEMENTS = 150, WRITTEN = 1, FAILED = 2 };

/* What has become of each element: its index is ELEMENTS times its writer, plus its place there. */
static atomic_uchar seen[WRITERS_MAX * ELEMENTS];
static unsigned char written[WRITERS_MAX * ELEMENTS]; /* 0: its writer does not know */
static atomic_int writers_left;

static void saw(int64_t element)
{
	assert_in_range(element, 0, WRITERS_MAX * ELEMENTS - 1);
	assert_int_equal(atomic_fetch_add(&seen[element], 1), 0);
}

static void saw_dropped(void *element, void *argument)
{
	int64_t number;

	(void)argument;
	memcpy(&number, element, sizeof number);
	saw(number);
}

static uint32_t draw(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 16) % below;
}

struct write_all {
	ASYNC_FRAME;
	struct {
		int number;
		uint32_t seed;
	} in;
	uint32_t random, how;
	int i, error;
	int64_t elements[8], count, done;
};

/* The next elements of the writer. */
static void draw_elements(struct write_all *my)
{
	my->count = ELEMENTS - my->i < 8 ? ELEMENTS - my->i : 8;
	for (int k = 0; k < my->count; k++)
		my->elements[k] = my->in.number * ELEMENTS + my->i + k;
	my->how = draw(&my->random, 8);
	my->done = 1;
	my->error = 0;
}

static void note_written(struct write_all *my)
{
	if (my->error)
		my->done = 0;
	for (int k = 0; k < my->done; k++)
		written[my->elements[k]] = WRITTEN;
	if (my->error)
		written[my->elements[0]] = FAILED;
	my->i += my->error ? 1 : (int)my->done;
}

async(write_all)
{
	async_begin;
	my->random = my->in.seed;
	while (my->i < ELEMENTS) {
		draw_elements(my);
		if (my->how == 0) { /* it is in, or not */
			value_task_forget(channel_write(c, my->elements[0]));
			my->i++;
			continue;
		}
		if (my->how == 1)
			await_or(my->done, channel_write_many(c, my->elements, (size_t)my->count),
			         my->error = await_error);
		else if (my->how == 2)
			my->done = channel_try_write(c, my->elements[0]);
		else if (my->how == 3)
			await_or(with_timeout(BIDE_MS(1) / 20, channel_write(c, my->elements[0])),
			         my->error = await_error);
		else
			await_or(channel_write(c, my->elements[0]), my->error = await_error);
		note_written(my);
		if (my->done == 0)
			await(async_yield());
	}
	if (atomic_fetch_sub(&writers_left, 1) == 1)
		channel_close(c, 0);
async_finally:
	async_end;
}

struct read_all {
	ASYNC_FRAME;
	struct {
		uint32_t seed;
	} in;
	uint32_t random, how;
	int64_t got[8], count, newest[WRITERS_MAX];
	value_task v;
	int error;
};

/* Each reader sees the elements of one writer in order. */
static void saw_all(struct read_all *my)
{
	for (int k = 0; k < my->count; k++) {
		int64_t writer = my->got[k] / ELEMENTS;

		saw(my->got[k]);
		assert_true(my->newest[writer] <= my->got[k]);
		my->newest[writer] = my->got[k];
	}
}

async(read_all)
{
	async_begin;
	my->random = my->in.seed;
	while (my->error != BIDE_EEND) {
		my->error = 0;
		my->count = 1;
		my->how = draw(&my->random, 8);
		if (my->how == 0) {
			my->v = channel_read(c);
			await(async_yield());
			value_task_forget(my->v);
			my->count = 0;
		} else if (my->how <= 2) {
			await_or(my->count, channel_read_many(c, my->got, 8), my->error = await_error);
		} else if (my->how == 3) {
			await_or(my->got[0], with_timeout(BIDE_MS(1) / 20, channel_read(c)),
			         my->error = await_error);
		} else if (my->how == 4) {
			my->count = channel_try_read(c, my->got);
		} else {
			await_or(my->got[0], channel_read(c), my->error = await_error);
		}
		if (!my->error)
			saw_all(my);
		if (my->count == 0)
			await(async_yield());
	}
async_finally:
	async_end;
}

struct round_of_all {
	ASYNC_FRAME;
	struct {
		uint32_t seed;
	} in;
	value_task items[2 * WRITERS_MAX];
	int count;
};

static void start_all(struct round_of_all *my)
{
	static const size_t capacities[] = { 0, 1, 3, 64, BIDE_CHANNEL_UNBOUNDED };
	uint32_t random = my->in.seed;
	channel_options options = { .capacity = capacities[draw(&random, 5)], .dropped = saw_dropped };

	if (draw(&random, 3) == 0)
		options.full = (bide_channel_full)(1 + draw(&random, 2));
	c = channel_create(&options);
	assert_non_null(c);
	writers_left = 1 + (int)draw(&random, WRITERS_MAX);
	for (int i = writers_left - 1; i >= 0; i--)
		my->items[my->count++] =
			async_start(write_all, .number = i, .seed = my->in.seed * 31 + (uint32_t)i);
	for (int i = (int)draw(&random, WRITERS_MAX); i >= 0; i--)
		my->items[my->count++] = async_start(read_all, .seed = my->in.seed * 37 + (uint32_t)i);
}

async(round_of_all)
{
	async_begin;
	start_all(my);
	await(when_all(my->items, (size_t)my->count));
	channel_unref(c);
async_finally:
	async_end;
}

static void check_round(uint32_t seed)
{
	memset(seen, 0, sizeof seen);
	memset(written, 0, sizeof written);
	assert_int_equal(value_task_wait(async_start(round_of_all, .seed = seed), NULL), 0);
	for (int i = 0; i < WRITERS_MAX * ELEMENTS; i++) {
		if (written[i] == WRITTEN)
			assert_int_equal(seen[i], 1);
		if (written[i] == FAILED)
			assert_int_equal(seen[i], 0);
	}
}

TEST(each_element_that_was_written_is_read_or_dropped_once)
{
	for (int seed = 1; test_round(seed - 1, 60); seed++)
		check_round((uint32_t)seed);
}

static value_task cancel_scope(void *scope)
{
	context_cancel(scope, ECANCELED);
	return value_task_completed();
}

/* The owner frees the channel while another worker cancels the context of its only wait. */
TEST(a_channel_may_go_as_soon_as_its_wait_was_forgotten)
{
	for (int i = 0; test_round(i, 300); i++) {
		context *scope = context_create(NULL);
		c = channel_create(NULL);
		value_task v = i & 1 ? in_context(scope, channel_read(c))
		                     : in_context(scope, channel_write(c, (int64_t)1));
		task *t = task_run(cancel_scope, scope);
		if (i & 2)
			sched_yield();
		value_task_forget(v);
		channel_unref(c);
		assert_int_equal(value_task_wait(task_await_take(t), NULL), 0);
		context_unref(scope);
	}
}

static void *write_from_outside(void *argument)
{
	(void)argument;
	for (int64_t i = 1; i <= 200; i++)
		assert_int_equal(value_task_wait(channel_write(c, i), NULL), 0);
	channel_close(c, 0);
	return NULL;
}

struct sum {
	ASYNC_FRAME;
	int64_t x, sum;
};

async(sum)
{
	async_begin;
	await_each(my->x, c)
		my->sum += my->x;
	async_return(my->sum);
async_finally:
	async_end;
}

TEST(a_thread_that_is_no_worker_writes_what_a_function_reads)
{
	pthread_t thread;

	c = channel_create(&(channel_options){ .capacity = 2 });
	assert_int_equal(pthread_create(&thread, NULL, write_from_outside, NULL), 0);
	assert_int_equal(result_of(async_start(sum)), 200 * 201 / 2);
	assert_int_equal(pthread_join(thread, NULL), 0);
	channel_unref(c);
}
