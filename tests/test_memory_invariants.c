/*
 * The walkers of the pools and of the counts. They accept what the library builds, in each mode of
 * the pools, and name the invariant that a test breaks, with its place. Debug mode calls them, too.
 */
#include <stdlib.h>

#include <bide/bide.h>
#include <bide/short.h>

#include "base/assert.h"
#include "base/count.h"
#include "memory/allocator.h"
#include "memory/poison.h"
#include "memory/pool.h"
#include "memory/pool_layout.h"
#include "memory/pool_parts.h"
#include "support/later.h"
#include "support/library.h"
#include "support/limits_of_tools.h"

enum { BIG_BYTES = 5000 };

static void choose(const char *debug, const char *pool)
{
	setenv("BIDE_DEBUG", debug, 1);
	setenv("BIDE_POOL", pool, 1);
}

static bool all_is_valid(void)
{
	return bide_pools_are_valid_() && bide_pool_is_valid_(bide_thread_()) &&
	       bide_counts_are_valid_() && bide_allocator_is_valid_();
}

static void use_pools(void)
{
	enum { COUNT = 300 };
	value_task sleeping[COUNT];
	bide_thread_head *head = bide_thread_();
	bide_source *big = bide_pool_take_big_(BIG_BYTES, NULL);

	big->kind = BIDE_CLASS_BIG_;
	bide_pool_give_(head, big, BIDE_CLASS_BIG_);
	for (int i = 0; i < COUNT; i++)
		sleeping[i] = async_start(later, .yields = 2, .value = i);
	assert_true(all_is_valid());
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(result_of(sleeping[i]), i);
	assert_true(all_is_valid());
}

TEST(what_the_library_builds_is_valid_in_each_mode)
{
	choose("", "");
	use_pools();
	assert_int_equal(shut_down(), 0);
	choose("1", "");
	use_pools();
	assert_int_equal(bide_pools_.mode, BIDE_POOL_MODE_CHECKED_);
	assert_int_equal(shut_down(), 0);
	choose("", "malloc");
	use_pools();
	assert_int_equal(bide_pools_.mode, BIDE_POOL_MODE_SINGLE_);
	assert_int_equal(shut_down(), 0);
	choose("1", "malloc");
	use_pools();
	assert_int_equal(shut_down(), 0);
}

static void needs_fast_mode(void)
{
	if (UNDER_ASAN || RUNNING_ON_VALGRIND)
		SKIP("this tool has the pools checked");
	choose("", "");
}

/* Returns the first free object of class 0 of this thread, in fast mode. */
static bide_source *first_free(void)
{
	bide_thread_head *head = bide_thread_();

	bide_pool_give_(head, bide_pool_take_(head, 0, NULL), 0);
	BIDE_ASSERT_ALWAYS_(all_is_valid());
	BIDE_ASSERT_ALWAYS_(bide_pool_link_(head->pool[0].free) != NULL);
	return head->pool[0].free;
}

#define EXPECT_BROKEN(how, text)                                                         \
	EXPECT_ABORT((how, BIDE_ASSERT_ALWAYS_(all_is_valid())), "this must hold, and does " \
	                                                         "not: " text)

static void list_becomes_a_circle(void)
{
	bide_source *first = first_free();

	bide_pool_link_set_(bide_pool_link_(first), first);
}

static void list_has_an_object_in_use(void)
{
	first_free()->generation = (uint64_t)1 << 48;
}

static void list_has_a_part_of_an_object(void)
{
	bide_source *first = first_free();

	bide_current_thread_->pool[0].free = (bide_source *)(void *)((char *)first + 16);
}

static void list_has_an_object_of_another_class(void)
{
	bide_source *first = first_free();

	bide_current_thread_->pool[1].free = first;
}

TEST(a_broken_list_is_named)
{
	needs_fast_mode();
	EXPECT_BROKEN(list_becomes_a_circle(), "f->left > 0");
	EXPECT_BROKEN(list_has_an_object_in_use(), "!bide_is_in_use_(source)");
	EXPECT_BROKEN(list_has_a_part_of_an_object(), "((uintptr_t)source");
	EXPECT_BROKEN(list_has_an_object_of_another_class(), "k != NULL");
}

TEST(a_broken_invariant_is_named_with_its_place)
{
	needs_fast_mode();
	EXPECT_ABORT((list_becomes_a_circle(), (void)bide_pool_is_valid_(bide_thread_()), abort()),
	             "src/memory/pool_valid.c:");
	EXPECT_ABORT((list_becomes_a_circle(), (void)bide_pool_is_valid_(bide_thread_()), abort()),
	             ": object_is_free: this must hold");
	EXPECT_ABORT((list_becomes_a_circle(), BIDE_ASSERT_ALWAYS_(all_is_valid())),
	             "tests/test_memory_invariants.c:");
}

static void room_is(intptr_t room)
{
	(void)first_free();
	bide_current_thread_->pool[0].room = room;
}

TEST(room_that_does_not_fit_the_list_is_named)
{
	needs_fast_mode();
	EXPECT_BROKEN(room_is(-1), "pool->room >= 0");
	EXPECT_BROKEN(room_is(0), "length + (uint64_t)pool->room >= BIDE_POOL_ROOM_START_");
}

static void depot_is_a_circle(void)
{
	(void)first_free();
	bide_pools_leave_(bide_thread_of_(bide_thread_()));
	BIDE_ASSERT_ALWAYS_(all_is_valid());
	bide_pools_.depot[0]->payload.p = bide_pools_.depot[0];
}

static void chunk_has_more_than_fits(void)
{
	(void)first_free();
	bide_pools_.chunks[0]->made = bide_pools_.chunks[0]->count + 1;
}

TEST(a_broken_depot_or_chunk_is_named)
{
	needs_fast_mode();
	EXPECT_BROKEN(depot_is_a_circle(), "f->left > 0");
	EXPECT_BROKEN(chunk_has_more_than_fits(), "k->made <= k->count");
}

static void take_two_and_give_them(void)
{
	bide_thread_head *head = bide_thread_();
	bide_source *one = bide_pool_take_(head, 0, NULL), *other = bide_pool_take_(head, 0, NULL);

	bide_pool_give_(head, one, 0);
	bide_pool_give_(head, other, 0);
	BIDE_ASSERT_ALWAYS_(all_is_valid());
}

static void checked_list_is_cut(void)
{
	take_two_and_give_them();
	bide_pools_.checked[0]->next_checked = NULL;
}

TEST(a_shutdown_in_debug_mode_names_what_is_broken)
{
	choose("1", "");
	EXPECT_BROKEN(checked_list_is_cut(), "bide_pools_.checked_tail[size_class] == end");
	EXPECT_ABORT((checked_list_is_cut(), (void)shut_down()), "checked_are_valid: this must hold");
	EXPECT_ABORT((checked_list_is_cut(), (void)shut_down()), "src/memory/pool_end.c:");
}

static void singles_do_not_link_back(void)
{
	bide_thread_head *head = bide_thread_();

	(void)bide_pool_take_(head, 0, NULL);
	(void)bide_pool_take_(head, 0, NULL);
	BIDE_ASSERT_ALWAYS_(all_is_valid());
	bide_pools_.singles->next->previous = NULL;
}

static void big_has_another_size(void)
{
	bide_thread_head *head = bide_thread_();
	bide_source *big = bide_pool_take_big_(BIG_BYTES, NULL);

	bide_pool_give_(head, big, BIDE_CLASS_BIG_);
	BIDE_ASSERT_ALWAYS_(all_is_valid());
	bide_record_of_(big)->size_bytes++;
}

TEST(broken_records_are_named)
{
	choose("", "malloc");
	EXPECT_BROKEN(singles_do_not_link_back(), "r->previous == previous");
	choose("", "");
	EXPECT_BROKEN(big_has_another_size(), "bide_big_bucket_(&size_bytes) == bucket");
}

static void records_are_a_circle(void)
{
	bide_thread *thread = bide_thread_of_(bide_thread_());

	thread->next_counted = thread;
}

TEST(a_circle_of_records_is_named)
{
	EXPECT_BROKEN(records_are_a_circle(), "!fast || slow != fast");
}
