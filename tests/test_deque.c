/*
 * The deque of a worker: its order, its bounds, and entries of both kinds. One owner also runs
 * random operations against thieves, and every entry that was pushed must be taken exactly once.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "async/deque.h"
#include "base/settings.h"
#include "os/os.h"
#include "runtime/worker.h"
#include "support/library.h"

#include <bide/async.h>
/* threads */

enum { ITEMS = 1500, THIEVES = 3 };

typedef struct item {
	bide_fork fork;
	uint32_t taken; /* counts the takes; atomic */
} item;

static bide_worker owner; /* a push that finds the deque wanted looks at its worker */
#define head owner.thread.head
static bide_frame root;
static bide_forking_frame parent;
static item items[ITEMS];

static bide_value_task count_it(bide_fork *fork)
{
	/* Once the owner has seen this, it uses the slot again. */
	BIDE_ADD(&((item *)(void *)fork)->taken, 1u, RELEASE);
	return bide_value_task_completed();
}

static void took(uintptr_t entry)
{
	assert_int_equal(entry & 3, 0);
	assert_int_equal(((bide_fork *)entry)->context, 0);
	(void)count_it((bide_fork *)entry).state;
}

static const bide_function_info parent_async = { .name = "parent", .file = "test_deque.c" };

/* Makes this thread the owner of a deque that no worker uses. */
static void begin(bool no_membarrier)
{
	(void)bide_thread_(); /* starts the runtime, for its allocator */
	memset(&owner, 0, sizeof owner);
	head.current = &root;
	head.frame_flags = BIDE_FLAG_SYNC_;
	bide_deque_none_(&head);
	assert_true(bide_deque_init_(&head));
	head.deque.no_membarrier = no_membarrier;
	/* The indices start just below the wrap-around. */
	head.deque.top = head.deque.bottom = head.deque.limit = 0u - 700u;
	parent.frame.async = &parent_async;
	parent.newest = 0;
}

static void end(void)
{
	bide_deque_free_(&head);
	assert_nothing_in_use();
}

static void push(item *i)
{
	bide_thread_head *outer = bide_current_thread_;

	bide_current_thread_ = &head;
	bide_fork_push_(&parent, &i->fork, count_it);
	bide_current_thread_ = outer;
}

static bool pop(item *i)
{
	bide_thread_head *outer = bide_current_thread_;
	bool popped;

	bide_current_thread_ = &head;
	popped = bide_fork_pop_(&parent, &i->fork);
	bide_current_thread_ = outer;
	return popped;
}

TEST(the_owner_takes_the_newest_and_thieves_the_oldest)
{
	for (int no_membarrier = 0; no_membarrier <= 1; no_membarrier++) {
		begin(no_membarrier);
		for (int i = 0; i < 5; i++)
			push(&items[i]);
		assert_int_equal(bide_deque_size_(&head), 5);
		assert_ptr_equal((void *)bide_deque_thief_steal_(&head), &items[0]);
		assert_ptr_equal((void *)bide_deque_owner_pop_(&head), &items[4]);
		assert_ptr_equal((void *)bide_deque_owner_pop_oldest_(&head), &items[1]);
		assert_int_equal(bide_deque_size_(&head), 2);
		assert_ptr_equal((void *)bide_deque_thief_steal_(&head), &items[2]);
		assert_ptr_equal((void *)bide_deque_thief_steal_(&head), &items[3]);
		assert_int_equal(bide_deque_thief_steal_(&head), 0);
		assert_int_equal(bide_deque_owner_pop_(&head), 0);
		assert_int_equal(bide_deque_owner_pop_oldest_(&head), 0);
		assert_int_equal(bide_deque_size_(&head), 0);
		end();
	}
}

TEST(a_fork_can_be_popped_only_if_it_is_the_newest)
{
	begin(false);
	push(&items[0]);
	push(&items[1]);
	assert_false(pop(&items[0]));
	if (bide_debug_)
		SKIP("every pop takes the slow path in debug mode");
	assert_true(pop(&items[1]));
	assert_true(pop(&items[0]));
	assert_false(pop(&items[0]));
	assert_int_equal(bide_deque_size_(&head), 0);
	end();
}

TEST(a_stolen_fork_is_not_popped)
{
	begin(false);
	push(&items[0]);
	assert_ptr_equal((void *)bide_deque_thief_steal_(&head), &items[0]);
	assert_false(pop(&items[0]));
	assert_false(bide_deque_owner_remove_(&head, &items[0].fork));
	assert_int_equal(bide_deque_size_(&head), 0);
	end();
}

TEST(forks_are_taken_from_the_middle)
{
	for (int no_membarrier = 0; no_membarrier <= 1; no_membarrier++) {
		begin(no_membarrier);
		for (int i = 0; i < 6; i++)
			push(&items[i]);
		assert_true(bide_deque_owner_remove_(&head, &items[0].fork));
		assert_true(bide_deque_owner_remove_(&head, &items[3].fork));
		assert_true(bide_deque_owner_remove_(&head, &items[4].fork));
		assert_false(bide_deque_owner_remove_(&head, &items[3].fork));
		assert_ptr_equal((void *)bide_deque_thief_steal_(&head), &items[1]);
		assert_true(bide_deque_owner_remove_(&head, &items[5].fork));
		assert_int_equal(bide_deque_size_(&head), 1); /* taking 5 also removed 3 and 4 */
		assert_ptr_equal((void *)bide_deque_owner_pop_(&head), &items[2]);
		assert_int_equal(bide_deque_thief_steal_(&head), 0);
		end();
	}
}

TEST(frames_and_forks_share_one_deque)
{
	bide_frame frame;
	uintptr_t entry = (uintptr_t)&frame | BIDE_ENTRY_FRAME_;

	for (int no_membarrier = 0; no_membarrier <= 1; no_membarrier++) {
		begin(no_membarrier);
		push(&items[0]);
		assert_true(bide_deque_owner_push_(&head, entry));
		assert_false(pop(&items[0])); /* the frame is above it */
		assert_true(bide_deque_owner_remove_(&head, &items[0].fork));
		assert_int_equal(bide_deque_thief_steal_(&head), entry);
		assert_true(bide_deque_owner_push_(&head, entry));
		assert_int_equal(bide_deque_owner_pop_(&head), entry);
		end();
	}
}

TEST(a_full_deque_refuses)
{
	for (int no_membarrier = 0; no_membarrier <= 1; no_membarrier++) {
		bide_frame frame;
		uintptr_t entry = (uintptr_t)&frame | BIDE_ENTRY_FRAME_;
		int count = 0;

		begin(no_membarrier);
		while (bide_deque_owner_push_(&head, entry))
			count++;
		assert_int_equal(count, BIDE_DEQUE_ENTRIES_ - 1);
		assert_false(bide_deque_owner_push_(&head, entry));
		assert_int_equal(bide_deque_thief_steal_(&head), entry);
		assert_true(bide_deque_owner_push_(&head, entry));
		assert_false(bide_deque_owner_push_(&head, entry));
		for (; count > 0; count--)
			assert_int_equal(bide_deque_owner_pop_(&head), entry);
		assert_int_equal(bide_deque_owner_pop_(&head), 0);
		end();
	}
}

TEST(an_owner_that_is_asked_gives_the_oldest_half)
{
	bide_deque_loot loot;

	for (int no_membarrier = 0; no_membarrier <= 1; no_membarrier++) {
		begin(no_membarrier);
		for (int i = 0; i < 5; i++)
			push(&items[i]);
		assert_true(bide_deque_thief_ask_(&head, BIDE_DEQUE_GIVEN_));
		assert_true(head.deque.wanted);
		assert_false(bide_deque_thief_ask_(&head, 1)); /* another thief asks already */
		assert_false(bide_deque_thief_look_(&head, &loot));
		bide_deque_owner_answer_(&head);
		assert_int_equal(bide_deque_size_(&head), 3);
		assert_true(bide_deque_thief_look_(&head, &loot));
		assert_int_equal(loot.count, 2);
		assert_ptr_equal((void *)loot.entry[0], &items[0]);
		assert_ptr_equal((void *)loot.entry[1], &items[1]);
		assert_true(bide_deque_thief_ask_(&head, 1));
		bide_deque_owner_answer_(&head);
		assert_true(bide_deque_thief_take_back_(&head, &loot)); /* finds the answer */
		assert_int_equal(loot.count, 1);
		assert_ptr_equal((void *)loot.entry[0], &items[2]);
		assert_false(bide_deque_owner_remove_(&head, &items[1].fork));
		assert_ptr_equal((void *)bide_deque_owner_pop_(&head), &items[4]);
		assert_ptr_equal((void *)bide_deque_owner_pop_(&head), &items[3]);
		assert_int_equal(bide_deque_owner_pop_(&head), 0);
		end();
	}
}

TEST(an_owner_that_is_asked_keeps_a_lone_entry)
{
	bide_deque_loot loot;

	begin(false);
	push(&items[0]);
	assert_true(bide_deque_thief_ask_(&head, 1));
	bide_deque_owner_answer_(&head);
	assert_true(bide_deque_thief_look_(&head, &loot));
	assert_int_equal(loot.count, 0);
	assert_ptr_equal((void *)bide_deque_owner_pop_(&head), &items[0]);
	end();
}

TEST(an_ask_that_was_taken_back_is_not_answered)
{
	bide_deque_loot loot;

	begin(false);
	push(&items[0]);
	push(&items[1]);
	assert_true(bide_deque_thief_ask_(&head, 1));
	assert_false(bide_deque_thief_take_back_(&head, &loot));
	bide_deque_owner_answer_(&head);
	assert_int_equal(bide_deque_size_(&head), 2);
	assert_true(bide_deque_thief_ask_(&head, 1)); /* another ask may begin */
	assert_false(bide_deque_thief_take_back_(&head, &loot));
	assert_ptr_equal((void *)bide_deque_owner_pop_(&head), &items[1]);
	assert_ptr_equal((void *)bide_deque_owner_pop_(&head), &items[0]);
	end();
}

TEST(a_thief_takes_the_oldest_half_by_force)
{
	bide_deque_loot loot;

	begin(false);
	for (int i = 0; i < 5; i++)
		push(&items[i]);
	assert_true(bide_deque_thief_steal_some_(&head, BIDE_DEQUE_GIVEN_, &loot));
	assert_int_equal(loot.count, 3);
	assert_ptr_equal((void *)loot.entry[0], &items[0]);
	assert_ptr_equal((void *)loot.entry[2], &items[2]);
	assert_true(bide_deque_thief_steal_some_(&head, BIDE_DEQUE_GIVEN_, &loot));
	assert_int_equal(loot.count, 1);
	assert_ptr_equal((void *)bide_deque_owner_pop_(&head), &items[4]);
	assert_false(bide_deque_thief_steal_some_(&head, BIDE_DEQUE_GIVEN_, &loot));
	end();
}

/* --- against thieves --- */

static uint32_t done;
static uint64_t state;

static unsigned draw(unsigned limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % limit;
}

/* Asks for `max` entries, and waits for a while. Returns false if nothing was given. */
static bool ask(unsigned max, bide_deque_loot *loot)
{
	if (!bide_deque_thief_ask_(&head, max))
		return false;
	for (unsigned looks = 0; looks < 50; looks++)
		if (bide_deque_thief_look_(&head, loot))
			return loot->count > 0;
	return bide_deque_thief_take_back_(&head, loot) && loot->count > 0;
}

/* Takes in one of the two ways, in turn, one entry or several. */
static void *thief(void *argument)
{
	uint64_t *stolen = argument;
	unsigned idle = 0;

	for (unsigned turn = 0; !BIDE_LOAD(&done, ACQUIRE); turn++) {
		unsigned max = 1 + turn / 2 % BIDE_DEQUE_GIVEN_;
		bide_deque_loot loot;

		if (turn % 2 ? ask(max, &loot) : bide_deque_thief_steal_some_(&head, max, &loot)) {
			for (unsigned i = 0; i < loot.count; i++)
				took(loot.entry[i]);
			*stolen += loot.count;
			idle = 0;
		} else if (++idle > 20) {
			sched_yield();
		}
	}
	return NULL;
}

/* The owner takes an entry, if there is one, in one of its ways, chosen at random. */
static void take_one(unsigned count)
{
	item *i = &items[draw(count)];
	uintptr_t entry;

	switch (draw(4)) {
	case 0:
		if (bide_deque_owner_remove_(&head, &i->fork))
			took((uintptr_t)i);
		break;
	case 1:
		entry = bide_deque_owner_pop_oldest_(&head);
		if (entry)
			took(entry);
		break;
	case 2:
		entry = bide_deque_owner_pop_(&head);
		if (entry)
			took(entry);
		break;
	default:
		i = (item *)parent.newest;
		if (i && pop(i))
			(void)count_it(&i->fork).state;
		else if (i)
			parent.newest = i->fork.older; /* another thread has it */
	}
}

static void round_of(unsigned count)
{
	unsigned pushed = 0;

	parent.newest = 0;
	for (unsigned i = 0; i < count; i++)
		BIDE_STORE(&items[i].taken, 0u, RELAXED);
	while (pushed < count) {
		push(&items[pushed++]);
		if (draw(2) == 0)
			bide_deque_owner_answer_(&head);
		while (draw(3) == 0)
			take_one(pushed);
	}
	while (bide_deque_size_(&head) > 0)
		take_one(count);
	for (unsigned i = 0; i < count; i++) {
		while (BIDE_LOAD(&items[i].taken, ACQUIRE) == 0)
			sched_yield(); /* the thief that took it has not counted it yet */
		assert_int_equal(BIDE_LOAD(&items[i].taken, RELAXED), 1);
	}
}

/* `rounds` is for a machine of usual speed. */
static void against_thieves(bool no_membarrier, int rounds)
{
	pthread_t threads[THIEVES];
	uint64_t stolen[THIEVES] = { 0 }, sum = 0;
	struct timespec now;
	const char *given = getenv("BIDE_TEST_SEED");

	clock_gettime(CLOCK_REALTIME, &now);
	rounds = (int)(rounds / test_time_factor());
	state = given ? strtoull(given, NULL, 0) : (uint64_t)now.tv_nsec * 2654435761u + 1;
	printf("BIDE_TEST_SEED=%llu repeats this\n", (unsigned long long)state);
	if (!no_membarrier && !bide_os_membarrier_start_())
		SKIP("the kernel has no membarrier");
	begin(no_membarrier);
	done = 0;
	for (int i = 0; i < THIEVES; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thief, &stolen[i]), 0);
	for (int r = 0; r < rounds; r++)
		round_of(r % 100 == 99 ? ITEMS : 1 + draw(12));
	BIDE_STORE(&done, 1u, RELEASE);
	for (int i = 0; i < THIEVES; i++) {
		pthread_join(threads[i], NULL);
		sum += stolen[i];
	}
	printf("%llu stolen\n", (unsigned long long)sum);
	assert_true(sum > 0);
	end();
}

TEST_SLOW(what_is_pushed_is_taken_exactly_once, 60)
{
	against_thieves(false, 100000);
}

TEST_SLOW(what_is_pushed_is_taken_exactly_once_without_membarrier, 60)
{
	against_thieves(true, 100000);
}
