/*
 * Loops whose bodies run several at once: parallel_for, for_each_async, for_each_of_async.
 *
 * Each test ends with nothing in use. They hold with any number of workers; those that say more
 * (who is started when) set up a simulation, which has one.
 */
/* threads */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"

#include <bide/short.h>

enum { INDEXES_MAX = 200, FOR_EVER = -1 };

static const int64_t ms = 1000000;

/* What the body of an index does: wait so often, or for ever, then fail with that error. */
typedef struct action {
	int yields;
	int delay_ms;
	int error;
} action;

static struct {
	int64_t count; /* of items */
	action actions[INDEXES_MAX];
	atomic_int called[INDEXES_MAX], ended[INDEXES_MAX], errors[INDEXES_MAX];
	atomic_int running, most, total;
	/* The source. */
	atomic_int asking;
	int64_t next;
	int asked;
	int ending_ms; /* how long bodies take to end, whatever happened */
	action source; /* what each call of it does; error: instead of item `source_fails_at` */
	int64_t source_fails_at;
} plan;

void test_after_each(void)
{
	assert_nothing_in_use();
}

static void begin_plan(int64_t count)
{
	memset(&plan, 0, sizeof plan);
	plan.count = count;
	plan.source_fails_at = -1;
}

static void simulate(uint64_t seed)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true, .seed = seed }), 0);
}

static int wait_error(value_task value)
{
	return bide_wait(value, NULL);
}

/* --- bodies that do what the plan says --- */

static void enter(int64_t index)
{
	int now = atomic_fetch_add(&plan.running, 1) + 1, most = atomic_load(&plan.most);

	while (now > most && !atomic_compare_exchange_weak(&plan.most, &most, now))
		;
	atomic_fetch_add(&plan.called[index], 1);
	atomic_fetch_add(&plan.total, 1);
}

static void leave(int64_t index, int error)
{
	atomic_store(&plan.errors[index], error);
	atomic_fetch_add(&plan.ended[index], 1);
	atomic_fetch_sub(&plan.running, 1);
}

struct act {
	ASYNC_FRAME;
	struct {
		int64_t index;
	} in;
	int yields;
};

async(act)
{
	async_begin;
	for (; my->yields < plan.actions[my->in.index].yields; my->yields++)
		await(bide_yield());
	if (plan.actions[my->in.index].delay_ms == FOR_EVER)
		await(delay_ns(BIDE_FOREVER));
	else if (plan.actions[my->in.index].delay_ms)
		await(delay_ms(plan.actions[my->in.index].delay_ms));
	if (plan.actions[my->in.index].error)
		async_fail(plan.actions[my->in.index].error);
async_finally:
	await(bide_yield()); /* ending takes a while, and is waited for */
	if (plan.ending_ms)
		await(delay_ms(plan.ending_ms));
	leave(my->in.index, async_error);
	async_end;
}

static value_task body_of(int64_t index, void *argument)
{
	const action *a = &plan.actions[index];

	(void)argument;
	enter(index);
	if (a->yields || a->delay_ms)
		return async_start(act, .index = index);
	leave(index, a->error);
	return a->error ? value_task_from_error(a->error) : value_task_from(index);
}

static value_task body_of_item(bide_payload item, void *argument)
{
	return body_of(item.i, argument);
}

static int body_of_part(int64_t begin, int64_t end, void *argument)
{
	assert_true(begin < end);
	for (int64_t i = begin; i < end; i++) {
		value_task done = body_of(i, argument); /* parts do not wait: yields and delays are 0 */
		if (value_task_error(done))
			return value_task_error(done);
	}
	return 0;
}

struct ask {
	ASYNC_FRAME;
	int yields;
};

async(ask)
{
	async_begin;
	for (; my->yields < plan.source.yields; my->yields++)
		await(bide_yield());
	if (plan.source.delay_ms == FOR_EVER)
		await(delay_ns(BIDE_FOREVER));
	else if (plan.source.delay_ms)
		await(delay_ms(plan.source.delay_ms));
	if (plan.next == plan.source_fails_at)
		async_fail(plan.source.error);
	if (plan.next >= plan.count)
		async_fail(BIDE_END);
	async_return(plan.next++);
async_finally:
	atomic_fetch_sub(&plan.asking, 1);
	async_end;
}

/* Checks that it is asked by one at a time, and never after its end. */
static value_task source_of(void *argument)
{
	(void)argument;
	assert_int_equal(atomic_fetch_add(&plan.asking, 1), 0);
	assert_true(plan.asked++ <= plan.count);
	return async_start(ask);
}

typedef enum way { PARTS, INDEXES, ITEMS, WAYS } way;

static value_task run_loop(way how, size_t limit, bool keep_going)
{
	bide_parallel_options options = { .limit = limit, .grain = 1, .keep_going = keep_going };

	switch (how) {
	case PARTS:
		return parallel_for(0, plan.count, body_of_part, &plan, &options);
	case INDEXES:
		return for_each_async(0, plan.count, body_of, &plan, &options);
	default:
		return for_each_of_async(source_of, body_of_item, &plan, &options);
	}
}

static void assert_each_called_once(void)
{
	for (int64_t i = 0; i < plan.count; i++) {
		assert_int_equal(plan.called[i], 1);
		assert_int_equal(plan.ended[i], 1);
	}
	assert_int_equal(plan.total, plan.count);
	assert_int_equal(plan.running, 0);
}

/* Every body that was called has ended, and none was called twice. */
static void assert_nothing_left_behind(void)
{
	for (int64_t i = 0; i < plan.count; i++) {
		assert_true(plan.called[i] <= 1);
		assert_int_equal(plan.ended[i], plan.called[i]);
	}
	assert_int_equal(plan.running, 0);
	assert_int_equal(plan.asking, 0);
}

/* --- arguments --- */

static int no_part(int64_t begin, int64_t end, void *argument)
{
	(void)begin, (void)end, (void)argument;
	return 0;
}

static value_task no_index(int64_t index, void *argument)
{
	(void)index, (void)argument;
	return value_task_completed();
}

static value_task no_item(bide_payload item, void *argument)
{
	(void)item, (void)argument;
	return value_task_completed();
}

TEST(PF_01_a_null_body_or_source_is_misuse)
{
	expect_misuse();
	assert_int_equal(value_task_error(parallel_for(0, 1, NULL, NULL, NULL)), EINVAL);
	assert_non_null(strstr(misuse_text, "bide_parallel_for: body is NULL"));
	assert_int_equal(value_task_error(for_each_async(0, 1, NULL, NULL, NULL)), EINVAL);
	assert_non_null(strstr(misuse_text, "bide_for_each_async: body is NULL"));
	assert_int_equal(value_task_error(for_each_of_async(NULL, no_item, NULL, NULL)), EINVAL);
	assert_non_null(strstr(misuse_text, "bide_for_each_of_async: next is NULL"));
	assert_int_equal(value_task_error(for_each_of_async(source_of, NULL, NULL, NULL)), EINVAL);
	assert_non_null(strstr(misuse_text, "bide_for_each_of_async: body is NULL"));
	assert_int_equal(misuse_count, 4);
}

TEST(a_null_body_is_misuse_for_an_empty_range_too)
{
	expect_misuse();
	assert_int_equal(value_task_error(parallel_for(0, 0, NULL, NULL, NULL)), EINVAL);
	assert_int_equal(value_task_error(for_each_async(0, 0, NULL, NULL, NULL)), EINVAL);
	assert_int_equal(misuse_count, 2);
}

TEST(a_grain_below_zero_is_misuse)
{
	bide_parallel_options options = { .grain = -1 };

	expect_misuse();
	assert_int_equal(value_task_error(parallel_for(0, 1, no_part, NULL, &options)), EINVAL);
	assert_non_null(strstr(misuse_text, "grain is below zero"));
	assert_int_equal(misuse_count, 1);
}

static int part_with_error(int64_t begin, int64_t end, void *error)
{
	(void)begin, (void)end;
	return *(int *)error;
}

TEST(an_error_of_a_part_that_is_none_is_misuse)
{
	int error = -EIO;

	expect_misuse();
	assert_int_equal(wait_error(parallel_for(0, 1, part_with_error, &error, NULL)), EINVAL);
	assert_int_equal(misuse_count, 1);
	error = BIDE_ERROR_MAX + 1;
	assert_int_equal(wait_error(parallel_for(0, 1, part_with_error, &error, NULL)), EINVAL);
	assert_int_equal(misuse_count, 2);
	error = BIDE_ERROR_MAX;
	assert_int_equal(wait_error(parallel_for(0, 1, part_with_error, &error, NULL)), error);
	assert_int_equal(misuse_count, 2);
}

TEST(empty_and_reversed_ranges_and_sources_succeed)
{
	begin_plan(0);
	assert_true(bide_value_task_is_successful(parallel_for(5, 5, no_part, NULL, NULL)));
	assert_true(bide_value_task_is_successful(for_each_async(5, 5, body_of, NULL, NULL)));
	assert_true(bide_value_task_is_successful(parallel_for(5, 4, no_part, NULL, NULL)));
	assert_true(bide_value_task_is_successful(
		parallel_for(INT64_MAX, INT64_MIN, body_of_part, NULL, NULL)));
	assert_true(
		bide_value_task_is_successful(for_each_async(INT64_MAX, INT64_MIN, body_of, NULL, NULL)));
	assert_int_equal(wait_error(for_each_of_async(source_of, body_of_item, NULL, NULL)), 0);
	assert_int_equal(plan.asked, 1);
	assert_int_equal(plan.total, 0);
}

/* --- how many at once --- */

TEST(PF_03_at_most_limit_bodies_at_once)
{
	static const size_t limits[] = { 1, 2, 3, 7, 40, 1000, SIZE_MAX };

	for (int how = 0; how < WAYS; how++)
		for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k++) {
			begin_plan(40);
			for (int i = 0; i < 40 && how != PARTS; i++)
				plan.actions[i].yields = i % 4;
			plan.source.yields = k % 2 ? 1 : 0;
			assert_int_equal(wait_error(run_loop((way)how, limits[k], false)), 0);
			assert_each_called_once();
			assert_true((size_t)plan.most <= limits[k]);
		}
}

TEST(PF_03_as_many_as_the_limit_allows_are_pending)
{
	static const size_t limits[] = { 1, 2, 3, 7, 40, 1000, SIZE_MAX };

	simulate(0);
	for (int how = INDEXES; how < WAYS; how++)
		for (int delay = 0; delay < 2; delay++)
			for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k++) {
				int64_t start_ns = bide_now_ns();
				int64_t at_once = limits[k] < 40 ? (int64_t)limits[k] : 40;

				begin_plan(40);
				plan.source.yields = delay;
				for (int i = 0; i < 40; i++)
					plan.actions[i].delay_ms = 10;
				assert_int_equal(wait_error(run_loop((way)how, limits[k], false)), 0);
				assert_each_called_once();
				assert_int_equal(plan.most, at_once);
				assert_int_equal(bide_now_ns() - start_ns, (40 + at_once - 1) / at_once * 10 * ms);
			}
}

TEST(PF_03_limit_0_is_the_number_of_workers)
{
	simulate(0); /* it has one */
	for (int how = INDEXES; how < WAYS; how++) {
		begin_plan(10);
		for (int i = 0; i < 10; i++)
			plan.actions[i].delay_ms = 1;
		assert_int_equal(wait_error(run_loop((way)how, 0, false)), 0);
		assert_each_called_once();
		assert_int_equal(plan.most, 1);
	}
}

/* Stays until as many run as there are workers; 10 s at most, for there is a machine to share. */
static void meet(int64_t index)
{
	int64_t until_ns = bide_now_ns() + 10000 * ms;

	enter(index);
	while (atomic_load(&plan.most) < (int)bide_worker_count() && bide_now_ns() < until_ns)
		sched_yield();
	leave(index, 0);
}

static value_task meet_index(int64_t index, void *argument)
{
	(void)argument;
	meet(index);
	return value_task_completed();
}

static value_task meet_item(bide_payload item, void *argument)
{
	return meet_index(item.i, argument);
}

static int meet_part(int64_t begin, int64_t end, void *argument)
{
	(void)argument;
	assert_int_equal(end - begin, 1);
	meet(begin);
	return 0;
}

TEST_SLOW(PF_03_without_a_limit_every_worker_runs_bodies, 60)
{
	int workers = (int)bide_worker_count();
	bide_parallel_options all = { .grain = 1 }, many = { .limit = 1000, .grain = 1 };

	for (int i = 0; i < 4; i++) {
		begin_plan(INDEXES_MAX);
		if (i == 0)
			assert_int_equal(wait_error(parallel_for(0, INDEXES_MAX, meet_part, NULL, &many)), 0);
		else if (i == 1)
			assert_int_equal(wait_error(parallel_for(0, INDEXES_MAX, meet_part, NULL, &all)), 0);
		else if (i == 2)
			assert_int_equal(wait_error(for_each_async(0, INDEXES_MAX, meet_index, NULL, &all)), 0);
		else
			assert_int_equal(wait_error(for_each_of_async(source_of, meet_item, NULL, &all)), 0);
		assert_each_called_once();
		assert_int_equal(plan.most, workers);
	}
}

TEST(PF_03_a_limit_below_the_number_of_workers_holds)
{
	for (int how = 0; how < WAYS; how++)
		for (int i = 0; i < 20; i++) {
			begin_plan(INDEXES_MAX);
			assert_int_equal(wait_error(run_loop((way)how, 2, false)), 0);
			assert_each_called_once();
			assert_true(plan.most <= 2);
		}
}

TEST(a_body_that_turns_out_to_be_pending_makes_room_for_others_later_too)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++) {
		begin_plan(INDEXES_MAX); /* ready for long enough that the loop has given way */
		for (int i = 150; i < INDEXES_MAX; i++)
			plan.actions[i].delay_ms = 10;
		assert_int_equal(wait_error(run_loop((way)how, 50, false)), 0);
		assert_each_called_once();
		assert_int_equal(plan.most, 50);
	}
}

TEST(bodies_wait_for_a_slow_source_and_overlap)
{
	simulate(0);
	begin_plan(10);
	plan.source.delay_ms = 10;
	for (int i = 0; i < 10; i++)
		plan.actions[i].delay_ms = 35;
	assert_int_equal(wait_error(run_loop(ITEMS, 8, false)), 0);
	assert_each_called_once();
	assert_int_equal(plan.most, 4);
	assert_int_equal(bide_now_ns(), (10 * 10 + 35) * ms);
}

/* --- when they are called --- */

static pthread_t thread_of_bodies;

static value_task note_thread(int64_t index, void *argument)
{
	(void)argument;
	thread_of_bodies = pthread_self();
	enter(index);
	leave(index, 0);
	return value_task_from(index);
}

TEST(PF_04_bodies_that_are_ready_run_inside_the_call)
{
	value_task value;

	begin_plan(10);
	value = for_each_async(0, 10, note_thread, NULL, &(bide_parallel_options){ .limit = 1 });
	assert_true(value.state == 0); /* in two registers: no source, no object */
	assert_each_called_once();
	assert_true(pthread_equal(thread_of_bodies, pthread_self()));
	begin_plan(10);
	assert_true(run_loop(ITEMS, 1, false).state == 0);
	assert_each_called_once();
	begin_plan(10);
	value = parallel_for(0, 10, body_of_part, NULL,
	                     &(bide_parallel_options){ .limit = 1, .grain = 10 });
	assert_true(value.state == 0);
	assert_each_called_once();
}

TEST(PF_04_as_many_as_the_limit_are_started_inside_the_call)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++) {
		value_task value;

		begin_plan(20);
		for (int i = 0; i < 20; i++)
			plan.actions[i].delay_ms = i % 3 == 1 ? 0 : 1;
		value = run_loop((way)how, 8, false);
		assert_int_equal(plan.running, 8);
		assert_int_equal(plan.total, 12); /* and four that were ready */
		assert_int_equal(wait_error(value), 0);
		assert_each_called_once();
	}
}

static struct {
	int64_t next_begin;
	int order_errors, parts;
	int64_t others_then;
	int same;
	int most_in_a_row;
} row;
static int64_t others;
static bool stop_others;

/* Something else that wants to run. */
struct other {
	ASYNC_FRAME;
};

async(other)
{
	async_begin;
	while (!stop_others) {
		others++;
		await(bide_yield());
	}
async_finally:
	async_end;
}

static void note_row(void)
{
	row.same = row.parts > 0 && others == row.others_then ? row.same + 1 : 1;
	row.others_then = others;
	row.parts++;
	if (row.same > row.most_in_a_row)
		row.most_in_a_row = row.same;
}

static int part_in_order(int64_t begin, int64_t end, void *argument)
{
	(void)argument;
	row.order_errors += begin != row.next_begin;
	row.next_begin = end;
	note_row();
	return 0;
}

static value_task index_in_order(int64_t index, void *argument)
{
	(void)argument;
	row.order_errors += index != row.next_begin;
	row.next_begin = index + 1;
	note_row();
	return value_task_completed();
}

static value_task item_in_order(bide_payload item, void *argument)
{
	return index_in_order(item.i, argument);
}

static value_task count_up(void *argument)
{
	int64_t *next = argument;

	return *next < 1000 ? value_task_from((*next)++) : value_task_from_error(BIDE_END);
}

static void begin_row(void)
{
	memset(&row, 0, sizeof row);
	others = 0;
	stop_others = false;
}

static void end_row(value_task loop, value_task other, int most_in_a_row)
{
	assert_int_equal(wait_error(loop), 0);
	stop_others = true;
	assert_int_equal(wait_error(other), 0);
	assert_int_equal(row.order_errors, 0);
	assert_int_equal(row.next_begin, 1000);
	assert_int_equal(row.most_in_a_row, most_in_a_row);
}

TEST(with_one_worker_parts_run_in_order_and_it_gives_way_after_each)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	static const int64_t grains[] = { 0, 1, 3, 999 };

	simulate(0);
	for (int i = 0; i < 4; i++) {
		bide_parallel_options options = { .limit = 8, .grain = grains[i] };
		value_task other;

		begin_row();
		other = async_start(other);
		end_row(parallel_for(0, 1000, part_in_order, NULL, &options), other, 1);
		assert_int_equal(row.parts, grains[i] == 0 ? 8 : (999 + grains[i]) / grains[i]);
	}
}

TEST(with_one_worker_ready_bodies_run_in_order_and_it_gives_way_after_64)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	bide_parallel_options options = { .limit = 8 };
	int64_t next = 0;
	value_task other;

	simulate(0);
	begin_row();
	other = async_start(other);
	end_row(for_each_async(0, 1000, index_in_order, NULL, &options), other, 64);
	begin_row();
	other = async_start(other);
	end_row(for_each_of_async(count_up, item_in_order, &next, &options), other, 64);
}

/* --- each exactly once --- */

enum { MILLION = 1000000 };
static atomic_uchar seen[MILLION];

static value_task mark_index(int64_t index, void *argument)
{
	(void)argument;
	atomic_fetch_add_explicit(&seen[index], 1, memory_order_relaxed);
	return value_task_completed();
}

static value_task mark_item(bide_payload item, void *argument)
{
	return mark_index(item.i, argument);
}

static int mark_part(int64_t begin, int64_t end, void *argument)
{
	(void)argument;
	for (int64_t i = begin; i < end; i++)
		atomic_fetch_add_explicit(&seen[i], 1, memory_order_relaxed);
	return 0;
}

static value_task count_to_a_million(void *argument)
{
	int64_t *next = argument;

	return *next < MILLION ? value_task_from((*next)++) : value_task_from_error(BIDE_END);
}

static void assert_seen(int times)
{
	for (int i = 0; i < MILLION; i++)
		assert_int_equal(seen[i], times);
}

TEST_SLOW(PF_06_each_of_a_million_is_handed_out_exactly_once, 60)
{
	bide_parallel_options options = { .limit = 4 };
	int64_t next = 0;

	assert_int_equal(wait_error(for_each_async(0, MILLION, mark_index, NULL, &options)), 0);
	assert_seen(1);
	assert_int_equal(wait_error(for_each_of_async(count_to_a_million, mark_item, &next, &options)),
	                 0);
	assert_seen(2);
	assert_int_equal(wait_error(parallel_for(0, MILLION, mark_part, NULL, NULL)), 0);
	assert_seen(3);
	options.grain = 7;
	assert_int_equal(wait_error(parallel_for(0, MILLION, mark_part, NULL, &options)), 0);
	assert_seen(4);
	options.grain = 1;
	assert_int_equal(wait_error(parallel_for(0, MILLION, mark_part, NULL, &options)), 0);
	assert_seen(5);
	options.grain = INT64_MAX;
	assert_int_equal(wait_error(parallel_for(0, MILLION, mark_part, NULL, &options)), 0);
	assert_seen(6);
}

/* A plan drawn from the simulation's seed. */
static void draw_plan(way how)
{
	begin_plan(1 + (int64_t)(bide_simulation_random() % 60));
	for (int64_t i = 0; i < plan.count && how != PARTS; i++) {
		uint64_t draw = bide_simulation_random();
		plan.actions[i].yields = draw % 3 ? 0 : (int)(draw / 3 % 4);
		plan.actions[i].delay_ms = draw / 12 % 4 ? 0 : (int)(draw / 48 % 5);
	}
	plan.source.yields = bide_simulation_random() % 2 ? 0 : 1;
	plan.source.delay_ms = bide_simulation_random() % 4 ? 0 : 2;
}

/* One worker whose frames are made as those that several threads touch. */
static void make_frames_shared(void)
{
	bide_worker *worker = bide_worker_();

	worker->frame_flags = BIDE_FLAG_SYNC_;
	worker->frame_tail = (uint64_t)BIDE_FLAG_SYNC_ << BIDE_TAIL_FLAGS_;
}

static void run_seeds(bool shared)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		simulate(seed);
		if (shared)
			make_frames_shared();
		for (int how = 0; how < WAYS; how++) {
			size_t limit = bide_simulation_random() % 9;
			int error, fails_at;

			draw_plan((way)how);
			assert_int_equal(wait_error(run_loop((way)how, limit, false)), 0);
			assert_each_called_once();
			assert_true((size_t)plan.most <= (limit ? limit : 1));

			draw_plan((way)how);
			fails_at = (int)(bide_simulation_random() % (uint64_t)plan.count);
			plan.actions[fails_at].error = error = seed % 2 ? EIO : ECANCELED;
			assert_int_equal(wait_error(run_loop((way)how, limit, false)), error);
			assert_nothing_left_behind();

			draw_plan((way)how);
			plan.actions[fails_at % plan.count].error = error;
			assert_int_equal(wait_error(run_loop((way)how, limit, true)), error);
			assert_each_called_once();
		}
		assert_nothing_in_use();
	}
}

TEST_SLOW(PF_06_under_each_seed_each_is_handed_out_exactly_once, 60)
{
	NOT_SEEDED("it has seeds of its own");
	run_seeds(false);
}

TEST_SLOW(PF_06_under_each_seed_with_frames_of_several_threads, 60)
{
	NOT_SEEDED("it has seeds of its own");
	run_seeds(true);
}

/* --- ranges --- */

static struct {
	int64_t begin[8], end[8];
	int count;
} parts;

static int note_part(int64_t begin, int64_t end, void *fails_at)
{
	parts.begin[parts.count] = begin;
	parts.end[parts.count++] = end;
	return fails_at && *(int *)fails_at == parts.count ? EIO : 0;
}

TEST(the_longest_range_there_is)
{
	bide_parallel_options options = { .limit = 1, .grain = INT64_MAX };

	assert_int_equal(wait_error(parallel_for(INT64_MIN, INT64_MAX, note_part, NULL, &options)), 0);
	assert_int_equal(parts.count, 3);
	assert_true(parts.begin[0] == INT64_MIN && parts.end[0] == -1);
	assert_true(parts.begin[1] == -1 && parts.end[1] == INT64_MAX - 1);
	assert_true(parts.begin[2] == INT64_MAX - 1 && parts.end[2] == INT64_MAX);

	parts.count = 0;
	options.grain = INT64_C(1) << 62;
	assert_int_equal(wait_error(parallel_for(INT64_MIN, INT64_MAX, note_part, NULL, &options)), 0);
	assert_int_equal(parts.count, 4);
	assert_true(parts.begin[3] == INT64_C(1) << 62 && parts.end[3] == INT64_MAX);
}

TEST(parts_of_a_long_range_end_with_a_failure)
{
	bide_parallel_options options = { .limit = 1 };
	int fails_at = 3;

	assert_int_equal(wait_error(parallel_for(INT64_MIN, INT64_MAX, note_part, &fails_at, &options)),
	                 EIO);
	assert_int_equal(parts.count, 3);
	assert_true(parts.begin[0] == INT64_MIN && parts.end[0] == INT64_MIN + 16384);
	assert_true(parts.begin[2] == INT64_MIN + 2 * 16384);
}

static value_task last_indexes(int64_t index, void *sum)
{
	assert_true(index == INT64_MAX - 1 || index == INT64_MAX - 2);
	*(int64_t *)sum += INT64_MAX - index;
	return value_task_completed();
}

TEST(the_last_indexes_there_are)
{
	bide_parallel_options options = { .limit = 1 };
	int64_t sum = 0;

	assert_int_equal(wait_error(
						 for_each_async(INT64_MAX - 2, INT64_MAX, last_indexes, &sum, &options)),
	                 0);
	assert_int_equal(sum, 3);
	assert_int_equal(wait_error(parallel_for(INT64_MAX - 2, INT64_MAX, note_part, NULL, &options)),
	                 0);
	assert_int_equal(parts.count, 2);
	assert_true(parts.end[1] == INT64_MAX);
}

static value_task negative_index(int64_t index, void *sum)
{
	*(int64_t *)sum += index;
	return value_task_completed();
}

TEST(indexes_below_zero)
{
	int64_t sum = 0;

	assert_int_equal(wait_error(for_each_async(-10, 3, negative_index, &sum,
	                                           &(bide_parallel_options){ .limit = 1 })),
	                 0);
	assert_int_equal(sum, -55 + 3);
}

/* --- failures --- */

TEST(PF_08_a_failure_at_any_place_ends_the_loop)
{
	for (int how = 0; how < WAYS; how++)
		for (int at = 0; at < 20; at++)
			for (int late = 0; late < (how == PARTS ? 1 : 2); late++) {
				begin_plan(20);
				for (int i = 0; i < 20 && how != PARTS; i++)
					plan.actions[i].yields = i % 3;
				plan.actions[at].error = EIO;
				plan.actions[at].yields = late ? 3 : 0;
				assert_int_equal(wait_error(run_loop((way)how, 4, false)), EIO);
				assert_nothing_left_behind();
				assert_int_equal(plan.errors[at], EIO);
				assert_int_equal(plan.called[at], 1);
			}
}

TEST(PF_08_a_failure_stops_handing_out_and_cancels_the_other_bodies)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++) {
		int64_t start_ns = bide_now_ns();

		begin_plan(100);
		for (int i = 0; i < 100; i++)
			plan.actions[i].delay_ms = FOR_EVER;
		plan.actions[2] = (action){ .delay_ms = 5, .error = EIO };
		assert_int_equal(wait_error(run_loop((way)how, 4, false)), EIO);
		assert_int_equal(bide_now_ns() - start_ns, 5 * ms);
		assert_nothing_left_behind();
		assert_int_equal(plan.total, 4);
		for (int i = 0; i < 4; i++)
			assert_int_equal(plan.errors[i], i == 2 ? EIO : ECANCELED);
	}
}

TEST(PF_08_parts_after_a_failure_are_not_begun)
{
	simulate(0);
	begin_plan(20);
	plan.actions[5].error = EIO;
	assert_int_equal(wait_error(run_loop(PARTS, 0, false)), EIO);
	assert_int_equal(plan.total, 6);
}

TEST(PF_08_of_several_errors_the_first_in_time_is_kept)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++)
		for (int keep_going = 0; keep_going < 2; keep_going++) {
			begin_plan(4);
			plan.actions[0] = (action){ .delay_ms = 3, .error = EPERM };
			plan.actions[1] = (action){ .delay_ms = 2, .error = EIO };
			plan.actions[2] = (action){ .delay_ms = 4, .error = ENOENT };
			plan.actions[3] = (action){ .delay_ms = 2, .error = EPIPE };
			assert_int_equal(wait_error(run_loop((way)how, 4, keep_going)), EIO);
			assert_nothing_left_behind();
		}
}

TEST(a_loop_that_keeps_going_calls_all_and_cancels_nobody)
{
	simulate(0);
	for (int how = 0; how < WAYS; how++) {
		begin_plan(30);
		for (int i = 0; i < 30; i++) {
			plan.actions[i].delay_ms = how == PARTS ? 0 : i % 4;
			plan.actions[i].error = i == 7 ? ECANCELED : i > 10 && i % 5 == 0 ? EIO : 0;
		}
		assert_int_equal(wait_error(run_loop((way)how, 4, true)), EIO);
		assert_each_called_once();
		for (int i = 0; i < 30; i++)
			assert_int_equal(plan.errors[i], plan.actions[i].error);
	}
}

TEST(PF_10_a_body_that_is_canceled_though_nobody_canceled_counts_as_a_failure)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++) {
		begin_plan(100);
		for (int i = 0; i < 100; i++)
			plan.actions[i].delay_ms = FOR_EVER;
		plan.actions[1] = (action){ .delay_ms = 5, .error = ECANCELED };
		assert_int_equal(wait_error(run_loop((way)how, 3, false)), ECANCELED);
		assert_int_equal(plan.total, 3);
		assert_nothing_left_behind();
	}
	begin_plan(10);
	plan.actions[4].error = ECANCELED;
	assert_int_equal(wait_error(run_loop(PARTS, 1, false)), ECANCELED);
	assert_int_equal(plan.total, 5);
}

/* Makes an error of its own out of a cancellation. */
struct stubborn {
	ASYNC_FRAME;
};

async(stubborn)
{
	async_begin;
	await_or(delay_ns(BIDE_FOREVER), async_fail(EIO));
async_finally:
	async_end;
}

static value_task canceled_or_stubborn(int64_t index, void *argument)
{
	(void)argument;
	return index == 0 ? async_start(stubborn) : value_task_from_error(ECANCELED);
}

TEST(PF_10_an_error_is_preferred_to_a_cancellation_that_came_before)
{
	bide_parallel_options options = { .limit = 2 };

	simulate(0);
	assert_int_equal(wait_error(for_each_async(0, 5, canceled_or_stubborn, NULL, &options)), EIO);
}

TEST(PF_11_a_source_that_fails_fails_the_loop)
{
	for (int at = 0; at <= 12; at++)
		for (int variant = 0; variant < 4; variant++) {
			begin_plan(12);
			plan.source_fails_at = at;
			plan.source.error = EPIPE;
			plan.source.yields = variant % 2;
			for (int i = 0; i < 12; i++)
				plan.actions[i].yields = i % 3;
			assert_int_equal(wait_error(run_loop(ITEMS, 3, variant >= 2)), EPIPE);
			assert_nothing_left_behind();
			assert_int_equal(plan.total, at);
			assert_int_equal(plan.asked, at + 1);
		}
}

TEST(PF_11_a_source_that_fails_cancels_the_bodies_unless_the_loop_keeps_going)
{
	simulate(0);
	for (int keep_going = 0; keep_going < 2; keep_going++) {
		int64_t start_ns = bide_now_ns();

		begin_plan(12);
		plan.source_fails_at = 4;
		plan.source.error = EPIPE;
		for (int i = 0; i < 12; i++)
			plan.actions[i].delay_ms = 1000;
		assert_int_equal(wait_error(run_loop(ITEMS, 8, keep_going)), EPIPE);
		assert_int_equal(bide_now_ns() - start_ns, keep_going ? 1000 * ms : 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(plan.errors[i], keep_going ? 0 : ECANCELED);
		assert_nothing_left_behind();
	}
}

/* --- cancellation from outside --- */

/* Runs the loop in a context that is canceled after so long. */
static int run_canceled(way how, size_t limit, bool keep_going, int after_ms, int with)
{
	bide_context *context =
		bide_context_create(&(bide_context_options){ .timeout_ns = with ? 0 : after_ms * ms });
	value_task value;
	int error;

	assert_non_null(context);
	value = in_context(context, run_loop(how, limit, keep_going));
	if (with) {
		if (bide_wait_for(value, &(bide_payload){ 0 }, after_ms * ms) != ETIMEDOUT)
			fail();
		bide_context_cancel(context, with);
	}
	error = wait_error(value);
	bide_context_unref(context);
	return error;
}

TEST(cancellation_stops_handing_out_and_reaches_the_bodies)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++)
		for (int variant = 0; variant < 4; variant++) {
			bool deadline = variant % 2;
			int64_t start_ns = bide_now_ns();

			begin_plan(100);
			for (int i = 0; i < 100; i++)
				plan.actions[i].delay_ms = i < 6 ? 10 : FOR_EVER;
			assert_int_equal(run_canceled((way)how, 3, variant >= 2, 25, deadline ? 0 : ECANCELED),
			                 deadline ? ETIMEDOUT : ECANCELED);
			assert_int_equal(bide_now_ns() - start_ns, 25 * ms);
			assert_int_equal(plan.total, 9);
			assert_nothing_left_behind();
			for (int i = 0; i < 9; i++)
				assert_int_equal(plan.errors[i], i < 6 ? 0 : deadline ? ETIMEDOUT : ECANCELED);
		}
}

TEST(cancellation_reaches_a_source_that_is_waited_for)
{
	simulate(0);
	begin_plan(10);
	plan.source.delay_ms = FOR_EVER;
	assert_int_equal(run_canceled(ITEMS, 3, false, 25, ECANCELED), ECANCELED);
	assert_int_equal(bide_now_ns(), 25 * ms);
	assert_nothing_left_behind();
	assert_int_equal(plan.asked, 1);
}

TEST(PF_09_cancellation_from_outside_has_priority_over_errors)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++)
		for (int keep_going = 0; keep_going < 2; keep_going++) {
			begin_plan(4);
			plan.ending_ms = 15;
			for (int i = 0; i < 4; i++)
				plan.actions[i].delay_ms = FOR_EVER;
			plan.actions[0] = (action){ .delay_ms = 10, .error = EIO };
			/* After the error, while bodies still take their time to end. */
			assert_int_equal(run_canceled((way)how, 4, keep_going, 30, ECANCELED), ECANCELED);
			assert_nothing_left_behind();
			assert_int_equal(plan.errors[0], EIO);
		}
}

struct deaf {
	ASYNC_FRAME;
	struct {
		int takes_ms, error;
	} in;
};

/* Does not obey cancellation. */
async(deaf)
{
	async_begin;
async_finally:
	await(delay_ms(my->in.takes_ms));
	if (my->in.error)
		await(value_task_from_error(my->in.error));
	async_end;
}

static value_task deaf_body(int64_t index, void *error)
{
	atomic_fetch_add(&plan.total, 1);
	return async_start(deaf, .takes_ms = 50, .error = index == 1 ? *(int *)error : 0);
}

static int run_deaf(int64_t count, int error)
{
	bide_context *context = bide_context_create(NULL);
	value_task value;

	begin_plan(0);
	value = in_context(context, for_each_async(0, count, deaf_body, &error,
	                                           &(bide_parallel_options){ .limit = 3 }));
	assert_int_equal(bide_wait_for(value, NULL, 10 * ms), ETIMEDOUT);
	bide_context_cancel(context, ECANCELED);
	bide_context_unref(context);
	assert_int_equal(bide_wait_for(value, NULL, 10 * ms), ETIMEDOUT); /* for every body */
	return wait_error(value);
}

TEST(PF_09_a_canceled_loop_waits_for_its_bodies_and_forgets_their_errors)
{
	simulate(0);
	assert_int_equal(run_deaf(3, EIO), ECANCELED);
	assert_int_equal(plan.total, 3);
	assert_int_equal(run_deaf(4, 0), ECANCELED);
	assert_int_equal(plan.total, 3);
}

TEST(a_loop_that_has_done_everything_succeeds_though_it_was_canceled)
{
	simulate(0);
	assert_int_equal(run_deaf(3, 0), 0);
	assert_int_equal(plan.total, 3);
}

TEST(in_a_canceled_context_nothing_is_called)
{
	bide_context *context = bide_context_create(NULL);

	bide_context_cancel(context, EPIPE);
	for (int how = 0; how < WAYS; how++) {
		begin_plan(5);
		value_task value = in_context(context, run_loop((way)how, 2, true));
		assert_int_equal(value.state, EPIPE);
		assert_int_equal(plan.total, 0);
		assert_int_equal(plan.asked, 0);
	}
	/* nothing to do: done */
	assert_int_equal(in_context(context, parallel_for(3, 3, no_part, NULL, NULL)).state, 0);
	bide_context_unref(context);
}

static int cancel_in_part(int64_t begin, int64_t end, void *context)
{
	(void)end;
	atomic_fetch_add(&plan.total, 1);
	if (begin == 2)
		bide_context_cancel(context, ECANCELED);
	assert_int_equal(bide_context_error(NULL), begin >= 2 ? ECANCELED : 0);
	return 0;
}

TEST(a_part_sees_that_its_loop_was_canceled)
{
	bide_context *context = bide_context_create(NULL);
	bide_parallel_options options = { .limit = 1, .grain = 1 };
	value_task value;

	begin_plan(0);
	value = in_context(context, parallel_for(0, 10, cancel_in_part, context, &options));
	assert_int_equal(wait_error(value), ECANCELED);
	assert_int_equal(plan.total, 3);
	bide_context_unref(context);
}

static value_task cancel_own_scope(int64_t index, void *argument)
{
	(void)argument;
	atomic_fetch_add(&plan.total, 1);
	if (index == 2)
		bide_context_cancel(bide_context_current(), EPIPE);
	return value_task_completed();
}

TEST(a_body_may_cancel_the_scope_of_the_loop)
{
	bide_parallel_options options = { .limit = 1, .keep_going = true };

	begin_plan(0);
	assert_int_equal(wait_error(for_each_async(0, 10, cancel_own_scope, NULL, &options)), EPIPE);
	assert_int_equal(plan.total, 3);
	assert_int_equal(bide_context_error(NULL), 0); /* not that around it */
}

struct in_cleanup {
	ASYNC_FRAME;
};

async(in_cleanup)
{
	async_begin;
	await(delay_ns(BIDE_FOREVER));
async_finally:
	await(run_loop(INDEXES, 2, false));
	await(run_loop(ITEMS, 2, false));
	async_end;
}

TEST(in_a_cleanup_the_cancellation_around_it_is_hidden_from_the_loop)
{
	value_task value;

	simulate(0);
	begin_plan(20);
	for (int i = 0; i < 20; i++)
		plan.actions[i].delay_ms = 5;
	value = with_timeout_ms(10, async_start(in_cleanup));
	assert_int_equal(wait_error(value), ETIMEDOUT);
	for (int i = 0; i < 20; i++)
		assert_int_equal(plan.ended[i], 2);
}

/* --- nested --- */

static atomic_int cells[30][30];

static int inner_part(int64_t begin, int64_t end, void *line)
{
	for (int64_t i = begin; i < end; i++)
		atomic_fetch_add((atomic_int *)line + i, 1);
	return 0;
}

static value_task outer_body(int64_t index, void *argument)
{
	(void)argument;
	return parallel_for(0, 30, inner_part, cells[index], &(bide_parallel_options){ .grain = 4 });
}

static value_task inner_body(int64_t index, void *line)
{
	atomic_fetch_add((atomic_int *)line + index, 1);
	return bide_yield();
}

static value_task outer_of_each(int64_t index, void *argument)
{
	(void)argument;
	return for_each_async(0, 30, inner_body, cells[index], &(bide_parallel_options){ .limit = 5 });
}

TEST(loops_inside_of_loops)
{
	bide_parallel_options options = { .limit = 7 };

	assert_int_equal(wait_error(for_each_async(0, 30, outer_body, NULL, &options)), 0);
	assert_int_equal(wait_error(for_each_async(0, 30, outer_of_each, NULL, &options)), 0);
	for (int i = 0; i < 30; i++)
		for (int k = 0; k < 30; k++)
			assert_int_equal(cells[i][k], 2);
}

static int failing_part(int64_t begin, int64_t end, void *argument)
{
	(void)end, (void)argument;
	return begin == 12 ? EIO : 0;
}

static value_task outer_that_fails(int64_t index, void *argument)
{
	(void)argument;
	if (index != 3)
		return delay_ns(BIDE_FOREVER);
	return parallel_for(0, 30, failing_part, NULL, &(bide_parallel_options){ .grain = 4 });
}

TEST(a_failure_of_an_inner_loop_ends_the_outer)
{
	bide_parallel_options options = { .limit = 5 };

	assert_int_equal(wait_error(for_each_async(0, 30, outer_that_fails, NULL, &options)), EIO);
}

/* --- other threads --- */

static void *loop_on_a_thread(void *argument)
{
	(void)argument;
	assert_int_equal(wait_error(run_loop(INDEXES, 3, false)), 0);
	assert_each_called_once();
	begin_plan(50);
	assert_int_equal(wait_error(run_loop(ITEMS, 3, false)), 0);
	assert_each_called_once();
	begin_plan(50);
	assert_int_equal(wait_error(run_loop(PARTS, 3, false)), 0);
	assert_each_called_once();
	return NULL;
}

/* A worker that is there for the other thread. */
struct keeper {
	ASYNC_FRAME;
	struct {
		bide_task *until;
	} in;
};

async(keeper)
{
	async_begin;
	await(task_await(my->in.until));
async_finally:
	async_end;
}

static void *loop_then_complete(void *until)
{
	loop_on_a_thread(NULL);
	task_complete_int(until, 0);
	return NULL;
}

TEST(a_loop_started_on_another_thread)
{
	bide_task *until = task_create(0);
	pthread_t thread;

	begin_plan(50);
	for (int i = 0; i < 50; i++)
		plan.actions[i].yields = i % 3;
	assert_int_equal(pthread_create(&thread, NULL, loop_then_complete, until), 0);
	assert_int_equal(wait_error(async_start(keeper, .until = until)), 0);
	pthread_join(thread, NULL);
	task_unref(until);
}

/* --- memory --- */

static value_task one_yield(int64_t index, void *argument)
{
	(void)index, (void)argument;
	return bide_yield();
}

TEST(bodies_allocate_nothing)
{
	if (getenv("BIDE_POOL"))
		SKIP("without pools every object is an allocation");
	bide_parallel_options options = { .limit = 16 };
	uint64_t before;

	for (int i = 0; i < 2; i++) {
		int64_t next = 0;

		before = stats().allocation_count;
		assert_int_equal(wait_error(for_each_async(0, 10000, no_index, NULL, &options)), 0);
		assert_int_equal(wait_error(for_each_async(0, 10000, one_yield, NULL, &options)), 0);
		assert_int_equal(wait_error(for_each_of_async(count_up, no_item, &next, &options)), 0);
		assert_int_equal(wait_error(parallel_for(0, 10000, no_part, NULL, &options)), 0);
	}
	/* Which worker has pools of what differs from turn to turn, if there are several. */
	assert_true(stats().allocation_count - before <= 16);
}

TEST(with_one_worker_a_second_loop_allocates_nothing)
{
	if (getenv("BIDE_POOL"))
		SKIP("without pools every object is an allocation");
	bide_parallel_options options = { .limit = 16 };
	uint64_t before = 0;

	simulate(0);
	for (int i = 0; i < 2; i++) {
		int64_t next = 0;

		before = stats().allocation_count;
		assert_int_equal(wait_error(for_each_async(0, 1000, one_yield, NULL, &options)), 0);
		assert_int_equal(wait_error(for_each_of_async(count_up, no_item, &next, &options)), 0);
		assert_int_equal(wait_error(parallel_for(0, 1000, no_part, NULL, &options)), 0);
	}
	assert_int_equal(stats().allocation_count, before);
}

static struct {
	uint64_t count, fail_at;
	bool all_from_there;
} heap;

static void *heap_allocate(size_t size_bytes, size_t alignment, void *argument)
{
	(void)argument;
	heap.count++;
	if (heap.fail_at &&
	    (heap.count == heap.fail_at || (heap.all_from_there && heap.count > heap.fail_at)))
		return NULL;
	return aligned_alloc(alignment, (size_bytes + alignment - 1) / alignment * alignment);
}

static void heap_release(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes, (void)argument;
	free(memory);
}

/* Its bodies need memory of their own; they tell that they found none. */
static void run_without_memory(way how)
{
	int error;

	begin_plan(12);
	for (int i = 0; i < 12 && how != PARTS; i++)
		plan.actions[i].delay_ms = i % 4;
	error = wait_error(run_loop(how, 4, false));
	assert_true(error == 0 || error == ENOMEM || error == BIDE_ENOFRAME);
	if (error == 0)
		assert_each_called_once();
	for (int64_t i = 0; i < plan.count; i++)
		assert_true(plan.called[i] <= 1);
}

TEST_SLOW(every_allocation_may_fail, 60)
{
	bide_allocator allocator = { heap_allocate, heap_release, NULL };
	int failures = 0, successes = 0;

	setenv("BIDE_POOL", "malloc", 1);
	assert_int_equal(bide_set_allocator(&allocator), 0);
	for (int how = 0; how < WAYS; how++)
		for (int all = 0; all < 2; all++) {
			uint64_t total = 0;

			for (uint64_t at = 0; at <= total; at++) {
				simulate(0);
				heap.count = 0;
				heap.fail_at = at;
				heap.all_from_there = all;
				run_without_memory((way)how);
				if (at == 0)
					total = heap.count;
				heap.fail_at = 0;
				failures += plan.total < plan.count;
				successes += at > 0 && plan.total == plan.count;
				assert_nothing_in_use();
			}
			assert_true(total >= (how == PARTS ? 3 : 10));
		}
	assert_true(failures > 10);
	assert_true(successes > 0); /* with fewer at once */
}

TEST_SLOW(where_memory_was_short_for_a_moment_as_many_run_at_once_later, 60)
{
	bide_allocator allocator = { heap_allocate, heap_release, NULL };
	uint64_t total = 1;
	int fewer = 0;

	setenv("BIDE_POOL", "malloc", 1);
	assert_int_equal(bide_set_allocator(&allocator), 0);
	for (uint64_t at = 0; at <= total; at++) {
		value_task value;

		simulate(0);
		begin_plan(40);
		for (int i = 0; i < 40; i++)
			plan.actions[i].delay_ms = 10;
		heap.count = 0;
		heap.fail_at = at;
		value = run_loop(INDEXES, 4, false);
		if (at == 0)
			total = heap.count; /* until the first bodies are pending */
		fewer += plan.running > 0 && plan.running < 4;
		if (wait_error(value) == 0) {
			assert_each_called_once();
			assert_int_equal(plan.most, 4);
		}
		heap.fail_at = 0;
		assert_nothing_in_use();
	}
	assert_true(fewer > 0);
}
