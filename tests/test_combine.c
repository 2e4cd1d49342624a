/*
 * What all combinators have in common. Each also has tests of its own: test_when_all.c,
 * test_when_any.c, test_race.c, test_when_each.c.
 */
/* threads */
#include "support/combine_support.h"
#include "support/small_stack.h"

/* Nests combinators and groups of all kinds in turn, each over the one before it. */
static void *nest_all_kinds(void *argument)
{
	struct levels *levels = calloc(1, sizeof *levels);
	make_pending(1);
	bide_value_task value = items[0];
	(void)argument;
	for (size_t i = 0; i < DEPTH; i++) {
		levels->item[i] = value;
		switch (i % 5) {
		case 0:
			value = bide_when_all(&levels->item[i], 1);
			break;
		case 1:
			value = bide_when_any(&levels->item[i], 1);
			break;
		case 2:
			value = bide_race(NULL, &levels->item[i], 1);
			break;
		case 3:
			assert_int_equal(bide_when_each_init(&levels->each[i], &levels->item[i], 1), 0);
			value = bide_when_each_next(&levels->each[i]);
			break;
		default:
			assert_int_equal(bide_group_init(&levels->group[i], NULL), 0);
			bide_group_add(&levels->group[i], value);
			value = bide_group_wait(&levels->group[i]);
		}
	}
	finish(0, 3);
	assert_int_equal(error_of(value), 0);
	for (size_t i = 0; i < DEPTH; i++) {
		if (i % 5 == 1)
			assert_int_equal(error_of(levels->item[i]), 0);
		if (i % 5 == 3)
			assert_int_equal(error_of(bide_when_each_next(&levels->each[i])), BIDE_EEND);
	}
	free(levels);
	assert_nothing_in_use();
	return NULL;
}

TEST_SLOW(combinators_and_groups_of_all_kinds_nest_100000_deep_in_bounded_stack, 60)
{
	on_small_stack(nest_all_kinds, NULL);
	worker_has_ended = true;
}

TEST(messages_of_misuse_say_what_was_wrong)
{
	bide_when_each each;
	tasks[0] = NULL;
	EXPECT_ABORT(bide_value_task_forget(bide_when_all(NULL, 2)),
	             "bide_when_all: items is NULL, an array of count");
	EXPECT_ABORT(bide_value_task_forget(bide_when_all_tasks(NULL, 2)),
	             "bide_when_all_tasks: tasks is NULL");
	EXPECT_ABORT(bide_value_task_forget(bide_when_all_tasks(tasks, 1)),
	             "bide_when_all_tasks: tasks[0] is NULL");
	EXPECT_ABORT(bide_value_task_forget(bide_when_any(NULL, 2)), "bide_when_any: items is NULL");
	EXPECT_ABORT(bide_value_task_forget(bide_when_any_tasks(tasks, 1)),
	             "bide_when_any_tasks: tasks[0] is NULL");
	EXPECT_ABORT((void)!bide_when_each_init(NULL, items, 1), "bide_when_each_init: each is NULL");
	EXPECT_ABORT((void)!bide_when_each_init(&each, NULL, 1), "bide_when_each_init: items is NULL");
	EXPECT_ABORT(bide_value_task_forget(bide_when_each_next(NULL)),
	             "bide_when_each_next: each is NULL");
	EXPECT_ABORT(bide_value_task_forget(bide_when_each_end(NULL)),
	             "bide_when_each_end: each is NULL");
	expect_misuse();
	assert_int_equal(bide_value_task_error(bide_when_all(NULL, 2)), EINVAL);
	assert_int_equal(bide_value_task_error(bide_when_all_tasks(tasks, 1)), EINVAL);
	assert_int_equal(bide_value_task_error(bide_when_any(NULL, 2)), EINVAL);
	assert_int_equal(bide_value_task_error(bide_when_any_tasks(tasks, 1)), EINVAL);
	assert_int_equal(bide_when_each_init(&each, NULL, 1), EINVAL);
	assert_int_equal(bide_value_task_error(bide_when_each_next(&each)), EINVAL);
	assert_int_equal(misuse_count, 6);
	assert_non_null(strstr(misuse_text, "bide_when_each_init has failed"));
}

/* This thread combines tasks that the worker completes. */
static void *combine_elsewhere(void *argument)
{
	(void)argument;
	for (size_t n = 0; n < ROUNDS; n++) {
		pthread_barrier_wait(&rendezvous);
		int64_t winner = result_of(bide_when_any_tasks(tasks, 2));
		assert_true(bide_task_is_ready(tasks[winner]));
		assert_int_equal(error_of(bide_when_all_tasks(tasks, 2)), 0);
		items[0] = bide_task_await(tasks[0]);
		items[1] = bide_task_await(tasks[1]);
		assert_int_equal(error_of(bide_when_all(items, 2)), 0);
		pthread_barrier_wait(&rendezvous);
	}
	return NULL;
}

TEST_SLOW(a_thread_that_is_not_the_worker_combines_tasks, 60)
{
	pthread_t thread;
	(void)bide_now_ns();
	pthread_barrier_init(&rendezvous, NULL, 2);
	assert_int_equal(pthread_create(&thread, NULL, combine_elsewhere, NULL), 0);
	for (size_t n = 0; n < ROUNDS; n++) {
		make_tasks(2);
		pthread_barrier_wait(&rendezvous);
		bide_task_complete_int(tasks[n % 2], 1);
		settle(0);
		bide_task_complete_int(tasks[1 - n % 2], 2);
		pthread_barrier_wait(&rendezvous);
		drop_tasks(2);
	}
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&rendezvous);
}
