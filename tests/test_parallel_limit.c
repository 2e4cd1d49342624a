/*
 * Parallel loops: how many bodies run at once, and when they are called.
 */
/* threads */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "support/parallel_support.h"

/* --- how many at once --- */

TEST(PF_03_at_most_limit_bodies_at_once)
{
	static const size_t limits[] = { 1, 2, 3, 7, 40, 1000, BIDE_UNLIMITED };

	for (int how = 0; how < WAYS; how++)
		for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k++) {
			begin_plan(40);
			for (int i = 0; i < 40 && how != PARTS; i++)
				plan.actions[i].yields = i % 4;
			plan.source.yields = k % 2 ? 1 : 0;
			assert_int_equal(error_of(run_loop((way)how, limits[k], false)), 0);
			assert_each_called_once();
			assert_true((size_t)plan.most <= limits[k]);
		}
}

TEST(PF_03_as_many_bodies_as_the_limit_allows_are_pending)
{
	static const size_t limits[] = { 1, 2, 3, 7, 40, 1000, BIDE_UNLIMITED };

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
				assert_int_equal(error_of(run_loop((way)how, limits[k], false)), 0);
				assert_each_called_once();
				assert_int_equal(plan.most, at_once);
				assert_int_equal(bide_now_ns() - start_ns, (40 + at_once - 1) / at_once * 10 * ms);
			}
}

TEST(PF_03_limit_0_is_the_number_of_workers)
{
	simulate(0); /* has one worker */
	for (int how = INDEXES; how < WAYS; how++) {
		begin_plan(10);
		for (int i = 0; i < 10; i++)
			plan.actions[i].delay_ms = 1;
		assert_int_equal(error_of(run_loop((way)how, 0, false)), 0);
		assert_each_called_once();
		assert_int_equal(plan.most, 1);
	}
}

/*
 * Returns when one body per worker runs at once, or after 10 s, because other programs may use the
 * CPUs.
 */
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
			assert_int_equal(error_of(parallel_for(0, INDEXES_MAX, meet_part, NULL, &many)), 0);
		else if (i == 1)
			assert_int_equal(error_of(parallel_for(0, INDEXES_MAX, meet_part, NULL, &all)), 0);
		else if (i == 2)
			assert_int_equal(error_of(for_each(0, INDEXES_MAX, meet_index, NULL, &all)), 0);
		else
			assert_int_equal(error_of(for_each_of(source_of, meet_item, NULL, &all)), 0);
		assert_each_called_once();
		assert_int_equal(plan.most, workers);
	}
}

TEST(PF_03_a_limit_below_the_number_of_workers_holds)
{
	for (int how = 0; how < WAYS; how++)
		for (int i = 0; i < 20; i++) {
			begin_plan(INDEXES_MAX);
			assert_int_equal(error_of(run_loop((way)how, 2, false)), 0);
			assert_each_called_once();
			assert_true(plan.most <= 2);
		}
}

TEST(bodies_that_become_pending_late_still_let_others_run_up_to_the_limit)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++) {
		begin_plan(INDEXES_MAX); /* ready for so long that the loop has yielded */
		for (int i = 150; i < INDEXES_MAX; i++)
			plan.actions[i].delay_ms = 10;
		assert_int_equal(error_of(run_loop((way)how, 50, false)), 0);
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
	assert_int_equal(error_of(run_loop(ITEMS, 8, false)), 0);
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
	value = for_each(0, 10, note_thread, NULL, &(bide_parallel_options){ .limit = 1 });
	assert_true(value.state == 0); /* in two registers, without a source or an object */
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

TEST(PF_04_bodies_are_started_inside_the_call_up_to_the_limit)
{
	simulate(0);
	for (int how = INDEXES; how < WAYS; how++) {
		value_task value;

		begin_plan(20);
		for (int i = 0; i < 20; i++)
			plan.actions[i].delay_ms = i % 3 == 1 ? 0 : 1;
		value = run_loop((way)how, 8, false);
		assert_int_equal(plan.running, 8);
		assert_int_equal(plan.total, 12); /* four more were ready */
		assert_int_equal(error_of(value), 0);
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

/* Counts its turns and yields until it is stopped. */
struct other {
	ASYNC_FRAME;
};

async(other)
{
	async_begin;
	while (!stop_others) {
		others++;
		await(bide_async_yield());
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

static void begin_row(void)
{
	memset(&row, 0, sizeof row);
	others = 0;
	stop_others = false;
}

static void end_row(value_task loop, value_task other, int most_in_a_row)
{
	assert_int_equal(error_of(loop), 0);
	stop_others = true;
	assert_int_equal(error_of(other), 0);
	assert_int_equal(row.order_errors, 0);
	assert_int_equal(row.next_begin, 1000);
	assert_int_equal(row.most_in_a_row, most_in_a_row);
}

TEST(with_one_worker_parts_run_in_order_and_the_loop_yields_after_each)
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

TEST(with_one_worker_ready_bodies_run_in_order_and_the_loop_yields_after_64)
{
	NOT_SEEDED("the order is that of a runtime without a seed");
	bide_parallel_options options = { .limit = 8 };
	int64_t next = 0;
	value_task other;

	simulate(0);
	begin_row();
	other = async_start(other);
	end_row(for_each(0, 1000, index_in_order, NULL, &options), other, 64);
	begin_row();
	other = async_start(other);
	end_row(for_each_of(count_up, item_in_order, &next, &options), other, 64);
}
