/*
 * Loops that run several bodies at once: parallel_for, for_each, for_each_of. Covers arguments,
 * ranges, that each index is handed out exactly once, nested loops, and loops on other threads.
 */
/* threads */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "support/parallel_support.h"

/* --- arguments --- */

TEST(PF_01_a_null_body_or_source_is_misuse)
{
	expect_misuse();
	assert_int_equal(value_task_error(parallel_for(0, 1, NULL, NULL, NULL)), EINVAL);
	assert_non_null(strstr(misuse_text, "bide_parallel_for: body is NULL"));
	assert_int_equal(value_task_error(for_each(0, 1, NULL, NULL, NULL)), EINVAL);
	assert_non_null(strstr(misuse_text, "bide_for_each: body is NULL"));
	assert_int_equal(value_task_error(for_each_of(NULL, no_item, NULL, NULL)), EINVAL);
	assert_non_null(strstr(misuse_text, "bide_for_each_of: next is NULL"));
	assert_int_equal(value_task_error(for_each_of(source_of, NULL, NULL, NULL)), EINVAL);
	assert_non_null(strstr(misuse_text, "bide_for_each_of: body is NULL"));
	assert_int_equal(misuse_count, 4);
}

TEST(a_null_body_is_misuse_for_an_empty_range_too)
{
	expect_misuse();
	assert_int_equal(value_task_error(parallel_for(0, 0, NULL, NULL, NULL)), EINVAL);
	assert_int_equal(value_task_error(for_each(0, 0, NULL, NULL, NULL)), EINVAL);
	assert_int_equal(misuse_count, 2);
}

TEST(a_negative_grain_is_misuse)
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

TEST(an_invalid_error_number_of_a_part_is_misuse)
{
	int error = -EIO;

	expect_misuse();
	assert_int_equal(error_of(parallel_for(0, 1, part_with_error, &error, NULL)), EINVAL);
	assert_int_equal(misuse_count, 1);
	error = BIDE_ERROR_MAX + 1;
	assert_int_equal(error_of(parallel_for(0, 1, part_with_error, &error, NULL)), EINVAL);
	assert_int_equal(misuse_count, 2);
	error = BIDE_ERROR_MAX;
	assert_int_equal(error_of(parallel_for(0, 1, part_with_error, &error, NULL)), error);
	assert_int_equal(misuse_count, 2);
}

TEST(empty_and_reversed_ranges_and_sources_succeed)
{
	begin_plan(0);
	assert_true(bide_value_task_is_successful(parallel_for(5, 5, no_part, NULL, NULL)));
	assert_true(bide_value_task_is_successful(for_each(5, 5, body_of, NULL, NULL)));
	assert_true(bide_value_task_is_successful(parallel_for(5, 4, no_part, NULL, NULL)));
	assert_true(bide_value_task_is_successful(
		parallel_for(INT64_MAX, INT64_MIN, body_of_part, NULL, NULL)));
	assert_true(bide_value_task_is_successful(for_each(INT64_MAX, INT64_MIN, body_of, NULL, NULL)));
	assert_int_equal(error_of(for_each_of(source_of, body_of_item, NULL, NULL)), 0);
	assert_int_equal(plan.asked, 1);
	assert_int_equal(plan.total, 0);
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

	return *next < MILLION ? value_task_from((*next)++) : value_task_from_error(BIDE_EEND);
}

static void assert_seen(int times)
{
	for (int i = 0; i < MILLION; i++)
		assert_int_equal(seen[i], times);
}

TEST_SLOW(PF_06_each_of_a_million_indexes_is_handed_out_exactly_once, 60)
{
	bide_parallel_options options = { .limit = 4 };
	int64_t next = 0;

	assert_int_equal(error_of(for_each(0, MILLION, mark_index, NULL, &options)), 0);
	assert_seen(1);
	assert_int_equal(error_of(for_each_of(count_to_a_million, mark_item, &next, &options)), 0);
	assert_seen(2);
	assert_int_equal(error_of(parallel_for(0, MILLION, mark_part, NULL, NULL)), 0);
	assert_seen(3);
	options.grain = 7;
	assert_int_equal(error_of(parallel_for(0, MILLION, mark_part, NULL, &options)), 0);
	assert_seen(4);
	options.grain = 1;
	assert_int_equal(error_of(parallel_for(0, MILLION, mark_part, NULL, &options)), 0);
	assert_seen(5);
	options.grain = INT64_MAX;
	assert_int_equal(error_of(parallel_for(0, MILLION, mark_part, NULL, &options)), 0);
	assert_seen(6);
}

/* Draws a plan from the seed of the simulation. */
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

/* Makes the one worker create frames with the flag of frames that several threads may touch. */
static void make_frames_shared(void)
{
	bide_thread_head *head = bide_thread_();

	head->frame_flags = BIDE_FLAG_SYNC_;
	head->frame_tail = (uint64_t)BIDE_FLAG_SYNC_ << BIDE_TAIL_FLAGS_;
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
			assert_int_equal(error_of(run_loop((way)how, limit, false)), 0);
			assert_each_called_once();
			assert_true((size_t)plan.most <= (limit ? limit : 1));

			draw_plan((way)how);
			fails_at = (int)(bide_simulation_random() % (uint64_t)plan.count);
			plan.actions[fails_at].error = error = seed % 2 ? EIO : ECANCELED;
			assert_int_equal(error_of(run_loop((way)how, limit, false)), error);
			assert_nothing_left_behind();

			draw_plan((way)how);
			plan.actions[fails_at % plan.count].error = error;
			assert_int_equal(error_of(run_loop((way)how, limit, true)), error);
			assert_each_called_once();
		}
		assert_nothing_in_use();
	}
}

TEST_SLOW(PF_06_under_each_seed_each_index_is_handed_out_exactly_once, 60)
{
	NOT_SEEDED("it has seeds of its own");
	run_seeds(false);
}

TEST_SLOW(PF_06_under_each_seed_with_frames_that_threads_share, 60)
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

TEST(the_longest_possible_range)
{
	bide_parallel_options options = { .limit = 1, .grain = INT64_MAX };

	assert_int_equal(error_of(parallel_for(INT64_MIN, INT64_MAX, note_part, NULL, &options)), 0);
	assert_int_equal(parts.count, 3);
	assert_true(parts.begin[0] == INT64_MIN && parts.end[0] == -1);
	assert_true(parts.begin[1] == -1 && parts.end[1] == INT64_MAX - 1);
	assert_true(parts.begin[2] == INT64_MAX - 1 && parts.end[2] == INT64_MAX);

	parts.count = 0;
	options.grain = INT64_C(1) << 62;
	assert_int_equal(error_of(parallel_for(INT64_MIN, INT64_MAX, note_part, NULL, &options)), 0);
	assert_int_equal(parts.count, 4);
	assert_true(parts.begin[3] == INT64_C(1) << 62 && parts.end[3] == INT64_MAX);
}

TEST(a_failure_ends_the_parts_of_a_long_range)
{
	bide_parallel_options options = { .limit = 1 };
	int fails_at = 3;

	assert_int_equal(error_of(parallel_for(INT64_MIN, INT64_MAX, note_part, &fails_at, &options)),
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

TEST(the_last_possible_indexes)
{
	bide_parallel_options options = { .limit = 1 };
	int64_t sum = 0;

	assert_int_equal(error_of(for_each(INT64_MAX - 2, INT64_MAX, last_indexes, &sum, &options)), 0);
	assert_int_equal(sum, 3);
	assert_int_equal(error_of(parallel_for(INT64_MAX - 2, INT64_MAX, note_part, NULL, &options)),
	                 0);
	assert_int_equal(parts.count, 2);
	assert_true(parts.end[1] == INT64_MAX);
}

static value_task negative_index(int64_t index, void *sum)
{
	*(int64_t *)sum += index;
	return value_task_completed();
}

TEST(negative_indexes)
{
	int64_t sum = 0;

	assert_int_equal(error_of(for_each(-10, 3, negative_index, &sum,
	                                   &(bide_parallel_options){ .limit = 1 })),
	                 0);
	assert_int_equal(sum, -55 + 3);
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
	return bide_async_yield();
}

static value_task outer_of_each(int64_t index, void *argument)
{
	(void)argument;
	return for_each(0, 30, inner_body, cells[index], &(bide_parallel_options){ .limit = 5 });
}

TEST(loops_inside_loops)
{
	bide_parallel_options options = { .limit = 7 };

	assert_int_equal(error_of(for_each(0, 30, outer_body, NULL, &options)), 0);
	assert_int_equal(error_of(for_each(0, 30, outer_of_each, NULL, &options)), 0);
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
		return delay(BIDE_FOREVER);
	return parallel_for(0, 30, failing_part, NULL, &(bide_parallel_options){ .grain = 4 });
}

TEST(a_failure_of_an_inner_loop_ends_the_outer)
{
	bide_parallel_options options = { .limit = 5 };

	assert_int_equal(error_of(for_each(0, 30, outer_that_fails, NULL, &options)), EIO);
}

/* --- other threads --- */

static void *loop_on_a_thread(void *argument)
{
	(void)argument;
	assert_int_equal(error_of(run_loop(INDEXES, 3, false)), 0);
	assert_each_called_once();
	begin_plan(50);
	assert_int_equal(error_of(run_loop(ITEMS, 3, false)), 0);
	assert_each_called_once();
	begin_plan(50);
	assert_int_equal(error_of(run_loop(PARTS, 3, false)), 0);
	assert_each_called_once();
	return NULL;
}

/* Keeps the one worker running for the other thread. */
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
	assert_int_equal(error_of(async_start(keeper, .until = until)), 0);
	pthread_join(thread, NULL);
	task_unref(until);
}
