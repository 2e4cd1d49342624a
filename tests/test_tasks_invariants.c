/*
 * The walkers of tasks and of the combinations of several operations. They accept what is intact,
 * and name what a test has broken, with its place.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "ops/combine.h"
#include "ops/group.h"
#include "ops/item_tree.h"
#include "support/library.h"
#include "tasks/task_list.h"

#include <bide/async.h>

void test_after_each(void)
{
	assert_nothing_in_use();
}

/* Breaks something in a child, where the walker must name it. */
#define EXPECT_BROKEN(how, walk, text) \
	EXPECT_ABORT((how, BIDE_ASSERT_ALWAYS_(walk)), "this must hold, and does not: " text)

enum { WAITS = 3 };

static bide_source *source_of(bide_task *task)
{
	return (bide_source *)task;
}

static bide_task *awaited_task(bide_value_task waits[WAITS])
{
	bide_task *task = bide_task_create(NULL);

	assert_non_null(task);
	for (int i = 0; i < WAITS; i++)
		waits[i] = bide_task_await(task);
	return task;
}

static void end(bide_task *task, bide_value_task waits[WAITS])
{
	bide_task_complete_int(task, 7);
	for (int i = 0; i < WAITS; i++)
		assert_int_equal(result_of(waits[i]), 7);
	bide_task_unref(task);
}

TEST(subscriptions_of_a_task_are_linked_both_ways)
{
	bide_value_task waits[WAITS];
	bide_task *task = awaited_task(waits);
	bide_subscription_ *middle = (bide_subscription_ *)waits[1].state;
	size_t count;

	assert_true(bide_subscriptions_are_valid_(source_of(task), &count));
	assert_int_equal(count, WAITS);
	EXPECT_BROKEN(middle->newer = NULL, bide_subscriptions_are_valid_(source_of(task), &count),
	              "s->newer == newer");
	EXPECT_BROKEN(middle->task = NULL, bide_subscriptions_are_valid_(source_of(task), &count),
	              "s->task == task");
	EXPECT_ABORT((middle->newer = NULL,
	              BIDE_ASSERT_ALWAYS_(bide_subscriptions_are_valid_(source_of(task), &count))),
	             "src/tasks/subscription.c:");
	end(task, waits);
}

TEST(a_task_that_is_over_has_no_subscriptions)
{
	bide_value_task waits[WAITS];
	bide_task *task = awaited_task(waits);
	size_t count = 1;

	bide_task_ref(task);
	end(task, waits);
	assert_true(bide_subscriptions_are_valid_(source_of(task), &count));
	assert_int_equal(count, 0);
	bide_task_unref(task);
}

TEST(the_list_of_tasks_is_linked_both_ways)
{
	bide_value_task waits[WAITS];
	bide_listed_task_ *listed;
	bide_task *task;

	setenv("BIDE_DEBUG", "1", 1);
	task = awaited_task(waits);
	assert_int_equal(source_of(task)->kind, BIDE_KIND_TASK_LISTED_);
	assert_true(bide_task_list_is_valid_());
	listed = (bide_listed_task_ *)(void *)task;
	EXPECT_BROKEN(listed->link = &listed->next, bide_task_list_is_valid_(),
	              "(*link)->link == link");
	EXPECT_BROKEN(((bide_subscription_ *)waits[0].state)->newer = NULL, bide_task_list_is_valid_(),
	              "s->newer == newer");
	end(task, waits);
}

TEST(a_group_counts_its_wait)
{
	bide_group group;

	assert_int_equal(bide_group_init(&group, NULL), 0);
	assert_true(bide_group_is_valid_(&group));
	EXPECT_BROKEN((group.life_ = bide_era_(), group.holds_ = 0), bide_group_is_valid_(&group),
	              "BIDE_LOAD(&group->holds_, RELAXED) & BIDE_GROUP_UNWAITED_");
	EXPECT_BROKEN((group.life_ = bide_era_(), group.context_ = NULL), bide_group_is_valid_(&group),
	              "group->context_");
	assert_int_equal(error_of(bide_group_wait(&group)), 0);
}

enum { ITEMS = 64 };

static bide_user_source sources[ITEMS];
static bide_value_task items[ITEMS];

static void make_items(void)
{
	for (int i = 0; i < ITEMS; i++) {
		bide_user_source_init(&sources[i], NULL);
		items[i] = bide_user_source_value_task(&sources[i]);
	}
}

static void end_items(void)
{
	for (int i = 0; i < ITEMS; i++) {
		bide_user_source_complete_int(&sources[i], i);
		items[i] = bide_source_value_(&sources[i].source); /* the payload was used for the tree */
		assert_int_equal(result_of(items[i]), i);
	}
}

TEST(the_tree_of_items_finds_each_item)
{
	bide_item_link_ root = 0, *child;

	make_items();
	bide_item_tree_make_(&root, items, ITEMS);
	assert_true(bide_item_tree_is_valid_(root, items, ITEMS, ITEMS));
	/* The addresses decide which item is the root: one side of it may be empty. */
	child = (bide_item_link_ *)(void *)&items[root - 1].payload;
	if (*child == 0)
		child++;
	EXPECT_BROKEN(*child = 0, bide_item_tree_is_valid_(root, items, ITEMS, ITEMS), "node == i + 1");
	/* Which of several it finds first is up to the addresses. */
	EXPECT_BROKEN(*child = root, bide_item_tree_is_valid_(root, items, ITEMS, ITEMS), "");
	assert_int_equal(bide_item_tree_take_(&root, items, &sources[5].source), 5);
	items[5].state = 0;
	assert_true(bide_item_tree_is_valid_(root, items, ITEMS, ITEMS - 1));
	end_items();
}

static void never_run(bide_observer *listener, bide_source *done)
{
	(void)listener;
	(void)done;
	fail();
}

TEST(an_item_that_is_registered_is_a_party)
{
	bide_observer listener = { never_run };
	size_t parties = 3; /* two items, and the caller */

	make_items();
	for (int i = 0; i < 2; i++)
		assert_int_equal(bide_listen_(items[i], &listener, "test", NULL), BIDE_REGISTERED_);
	assert_true(bide_registrations_are_valid_(&parties, &listener, items, ITEMS));
	EXPECT_BROKEN(parties = 2, bide_registrations_are_valid_(&parties, &listener, items, ITEMS),
	              "left > 0");
	for (int i = 0; i < 2; i++)
		assert_true(bide_unlisten_(&sources[i].source, &listener));
	assert_true(bide_registrations_are_valid_(&parties, &listener, items, ITEMS));
	end_items();
}
