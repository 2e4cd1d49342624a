/*
 * The fences of the explorer (litmus tests) and the queues of workers: the deque with its
 * asymmetric fence (async/deque.c, fork.h) and the ring (runtime/ring.h). They have two or four
 * places, so that a few entries go around them.
 */
#define BIDE_RING_SIZE 4u
#include "explore.h"

#include <string.h>

#include "async/deque.h"
#include "async/fork.h"
#include "bide/async.h"
#include "os/os.h"
#include "runtime/ring.h"

/* ---- litmus: each thread stores one word and loads the other */

static uint32_t words[3];
static uint32_t got[3];
/* Counts over all executions: both loads old; the first new; the second new; both new. */
static unsigned outcomes[4];

static void setup_words(void)
{
	memset(words, 0, sizeof words);
	memset(got, 9, sizeof got);
}

static void count_outcome(void)
{
	outcomes[got[0] + 2 * got[1]]++;
}

#define LITMUS(name_, one, two, fenced_, both_old)                                                \
	TEST(explore_litmus_##name_)                                                                  \
	{                                                                                             \
		static const explore_scenario scenario = { .setup = setup_words,                          \
			                                       .threads = { one, two },                       \
			                                       .check = count_outcome,                        \
			                                       .no_membarrier = fenced_ };                    \
		explore("explore_litmus_" #name_, &scenario);                                             \
		assert_true(outcomes[1] && outcomes[2] && outcomes[3]); /* it does not forbid too much */ \
		assert_int_equal(outcomes[0] != 0, both_old);                                             \
	}

#define STORE_LOAD(name_, order_, between, mine)           \
	static void name_(void)                                \
	{                                                      \
		BIDE_STORE(&words[mine], 1u, order_);              \
		between;                                           \
		got[mine] = BIDE_LOAD(&words[1 - (mine)], order_); \
	}

STORE_LOAD(plain_0, RELAXED, (void)0, 0)
STORE_LOAD(plain_1, RELAXED, (void)0, 1)
STORE_LOAD(released_0, RELEASE, BIDE_FENCE(ACQ_REL), 0)
STORE_LOAD(sequential_0, SEQ_CST, (void)0, 0)
STORE_LOAD(sequential_1, SEQ_CST, (void)0, 1)
STORE_LOAD(light_0, RELAXED, BIDE_LIGHT_FENCE(), 0)
STORE_LOAD(light_1, RELAXED, BIDE_LIGHT_FENCE(), 1)
STORE_LOAD(full_0, RELAXED, BIDE_FENCE(SEQ_CST), 0)
STORE_LOAD(full_1, RELAXED, BIDE_FENCE(SEQ_CST), 1)
STORE_LOAD(heavy_0, RELAXED, (void)bide_port_heavy_fence_(), 0)
STORE_LOAD(heavy_1, RELAXED, (void)bide_port_heavy_fence_(), 1)

LITMUS(nothing, plain_0, plain_1, false, true)
LITMUS(acquire_release, released_0, plain_1, false, true)
LITMUS(sequential, sequential_0, sequential_1, false, false)
LITMUS(sequential_against_plain, sequential_0, plain_1, false, true)
LITMUS(full_against_full, full_0, full_1, false, false)
LITMUS(full_against_sequential, full_0, sequential_1, false, false)
LITMUS(full_against_plain, full_0, plain_1, false, true)
LITMUS(light_against_heavy, light_0, heavy_1, false, false)
LITMUS(heavy_against_heavy, heavy_0, heavy_1, false, false)
LITMUS(full_against_heavy, full_0, heavy_1, false, false)
/* light_against_heavy needs the heavy fence, and the light fence on the other side. */
LITMUS(light_against_heavy_that_is_none, light_0, heavy_1, true, true)
LITMUS(light_against_light, light_0, light_1, false, true)
LITMUS(light_against_full, light_0, full_1, false, true)
LITMUS(nothing_against_heavy, plain_0, heavy_1, false, true)

/* A message passed by relaxed accesses: a fence on each side prevents a race. */
static void send_fenced(void)
{
	words[0] = 1; /* plain */
	BIDE_FENCE(RELEASE);
	BIDE_STORE(&words[1], 1u, RELAXED);
}

static void receive_fenced(void)
{
	got[1] = BIDE_LOAD(&words[1], RELAXED);
	BIDE_FENCE(ACQUIRE);
	got[0] = got[1] ? words[0] : 0;
	EXPLORE_CHECK(got[0] == got[1]);
}

static void check_passed(void)
{
	outcomes[got[1]]++;
}

TEST(explore_litmus_message_by_fences)
{
	static const explore_scenario scenario = { .setup = setup_words,
		                                       .threads = { send_fenced, receive_fenced },
		                                       .check = check_passed };

	explore("explore_litmus_message_by_fences", &scenario);
	assert_true(outcomes[0] && outcomes[1]);
}

/* A futex: a waker that stores before it wakes never misses the sleeper. */
static void sleep_thread(void)
{
	while (BIDE_LOAD(&words[0], ACQUIRE) == 0)
		bide_os_wait_(&words[0], 0, INT64_MAX);
}

static void wake_thread(void)
{
	BIDE_STORE(&words[0], 1u, RELEASE);
	bide_os_wake_(&words[0], 1);
}

static void check_woken(void)
{
}

SCENARIO(litmus_futex, setup_words, THREADS(sleep_thread, wake_thread), check_woken, .external = 0)

/* ---- the deque */

enum { ITEMS = 8 };

/*
 * The entries of the deque. Each is taken once, by a thread that sees what the owner wrote before
 * the push.
 */
static struct item {
	BIDE_ASYNC_FORK;
	struct {
		unsigned payload;
	} in;
	unsigned taken; /* plain: two takers would race */
} items[ITEMS];

static unsigned pushed; /* number of items pushed */
static unsigned refused;
static bool sleeps; /* the owner falls asleep */

bide_async_forked(item)
{
	EXPLORE_CHECK(my->in.payload == 7u + (unsigned)(my - items));
	my->taken++;
	return bide_value_task_completed();
}

static bide_thread_head *owner(void)
{
	return explore_head(0);
}

/* `entries` is the size of the ring; `first` is the initial index of both ends. */
static void deque_set_up(uint32_t entries, uint32_t first)
{
	bide_deque *deque = &owner()->deque;

	memset(items, 0, sizeof items);
	pushed = refused = 0;
	sleeps = false;
	if (deque->mask)
		bide_deque_none_(owner()); /* the explorer's memory is large enough to leak it */
	EXPLORE_CHECK(bide_deque_init_(owner()));
	deque->mask = entries - 1;
	deque->top = deque->bottom = deque->limit = first;
	owner()->deque.wanted = 0;
}

static void add_next(bool (*add)(bide_thread_head *head, uintptr_t entry))
{
	struct item *item = &items[pushed];

	item->in.payload = 7u + pushed;
	item->bide_fork_.call = item_forked_;
	if (add(owner(), (uintptr_t)item))
		pushed++;
	else
		refused++;
}

static void push_next(void)
{
	add_next(bide_deque_owner_push_);
}

static void take_entry(uintptr_t entry)
{
	if (entry)
		(void)((bide_fork *)entry)->call((bide_fork *)entry);
}

static void setup_deque_2(void)
{
	deque_set_up(2, UINT32_MAX); /* the indices wrap around */
}

static void setup_deque_2_with_1(void)
{
	setup_deque_2();
	push_next();
}

static void setup_deque_4(void)
{
	deque_set_up(4, 2);
}

static void setup_deque_4_with_2(void)
{
	setup_deque_4();
	push_next();
	push_next();
}

static void setup_deque_4_with_3(void)
{
	setup_deque_4_with_2();
	push_next();
}

/* Takes the entries that are left, and checks that each was taken once. */
static void check_deque(void)
{
	uintptr_t entry;

	EXPLORE_CHECK(bide_deque_is_valid_(owner()));
	EXPLORE_CHECK(!sleeps || bide_deque_size_(owner()) == 0);
	while ((entry = bide_deque_owner_pop_(owner())) != 0)
		take_entry(entry);
	EXPLORE_CHECK(bide_deque_size_(owner()) == 0);
	for (unsigned i = 0; i < pushed; i++)
		EXPLORE_CHECK(items[i].taken == 1);
	bide_deque_free_(owner());
}

static void pop_thread(void)
{
	take_entry(bide_deque_owner_pop_(owner()));
}

static void pop_twice_thread(void)
{
	pop_thread();
	pop_thread();
}

static void steal_thread(void)
{
	take_entry(bide_deque_thief_steal_(owner()));
}

static void steal_twice_thread(void)
{
	steal_thread();
	steal_thread();
}

static void push_pop_thread(void)
{
	push_next();
	pop_thread();
}

static void pop_push_pop_thread(void)
{
	pop_thread();
	push_pop_thread();
}

/* The owner sleeps if the deque is empty. A next step is pushed without telling any thread. */
static void pop_push_pop_sleep_thread(void)
{
	pop_push_pop_thread();
	sleeps = bide_deque_owner_is_empty_(owner());
}

static void pop_add_pop_sleep_thread(void)
{
	pop_thread();
	add_next(bide_deque_owner_push_quietly_);
	pop_thread();
	sleeps = bide_deque_owner_is_empty_(owner());
}

static void push_push_pop_thread(void)
{
	push_next();
	push_pop_thread();
}

/* While the deque is full, pushes are refused. */
static void push_three_times_thread(void)
{
	push_next();
	push_next();
	push_next();
}

#define DEQUE(name_, setup_, threads_, ...)                                                     \
	SCENARIO(deque_##name_, setup_, THREADS threads_, check_deque, .shared = true, __VA_ARGS__) \
	SCENARIO(deque_fenced_##name_, setup_, THREADS threads_, check_deque, .shared = true,       \
	         .no_membarrier = true, __VA_ARGS__)

/* The threads compete for the last entry. */
DEQUE(pop_against_steal, setup_deque_2_with_1, (pop_thread, steal_thread), .external = 0)
DEQUE(pop_against_two_thieves, setup_deque_2_with_1, (pop_thread, steal_thread, steal_thread),
      .newest_only = true)
DEQUE(two_pops_against_two_steals, setup_deque_4_with_2, (pop_twice_thread, steal_twice_thread),
      .external = 0)
DEQUE(pop_against_two_thieves_of_two, setup_deque_4_with_2,
      (pop_thread, steal_thread, steal_thread), .switches_max = 2)
DEQUE(push_and_pop_against_steal, setup_deque_2, (push_pop_thread, steal_thread), .external = 0)
DEQUE(pop_push_pop_against_steals, setup_deque_2_with_1, (pop_push_pop_thread, steal_twice_thread),
      .switches_max = 3)
DEQUE(pop_push_pop_sleep_against_steal, setup_deque_2_with_1,
      (pop_push_pop_sleep_thread, steal_thread), .external = 0)
DEQUE(pop_add_pop_sleep_against_steal, setup_deque_2_with_1,
      (pop_add_pop_sleep_thread, steal_thread), .external = 0)
DEQUE(pushes_and_pop_against_steals, setup_deque_4, (push_push_pop_thread, steal_twice_thread),
      .external = 0)
/* Around the ring: the place of an entry is overwritten while a thief may still read it. */
DEQUE(pushes_to_a_full_one_against_steals, setup_deque_2_with_1,
      (push_three_times_thread, steal_twice_thread), .external = 0)
DEQUE(pushes_to_a_full_one_against_two_thieves, setup_deque_2_with_1,
      (push_three_times_thread, steal_thread, steal_thread), .newest_only = true)

static void take_oldest_thread(void)
{
	take_entry(bide_deque_owner_pop_oldest_(owner()));
}

static void take_oldest_pop_thread(void)
{
	take_oldest_thread();
	pop_thread();
}

DEQUE(oldest_against_steal, setup_deque_2_with_1, (take_oldest_thread, steal_thread), .external = 0)
DEQUE(oldest_and_pop_against_steals, setup_deque_4_with_2,
      (take_oldest_pop_thread, steal_twice_thread), .external = 0)

/* A thief takes several. The owner may pop some of them, or push to where they were. */
static void take_loot(const bide_deque_loot *loot)
{
	for (unsigned i = 0; i < loot->count; i++)
		take_entry(loot->entry[i]);
}

static void steal_some_thread(void)
{
	bide_deque_loot loot;

	EXPLORE_CHECK(bide_deque_thief_steal_some_(owner(), 2, &loot) == (loot.count > 0));
	take_loot(&loot);
}

static void pop_three_times_thread(void)
{
	pop_twice_thread();
	pop_thread();
}

static void pop_push_twice_thread(void)
{
	pop_thread();
	push_next();
	push_next();
}

DEQUE(pops_against_theft_of_some, setup_deque_4_with_3, (pop_three_times_thread, steal_some_thread),
      .external = 0)
DEQUE(pops_against_theft_of_some_and_steal, setup_deque_4_with_3,
      (pop_twice_thread, steal_some_thread, steal_thread), .newest_only = true)
DEQUE(pushes_to_a_full_one_against_theft_of_some, setup_deque_4_with_3,
      (push_three_times_thread, steal_some_thread), .external = 0)
DEQUE(pop_and_pushes_against_theft_of_some, setup_deque_4_with_3,
      (pop_push_twice_thread, steal_some_thread), .external = 0)

/* --- a thief asks */

/* As a push that finds `wanted` set. */
static void answer(bide_thread_head *head)
{
	BIDE_STORE(&head->deque.wanted, 0u, RELAXED);
	BIDE_FENCE(SEQ_CST);
	bide_deque_owner_answer_(head);
}

static void answer_thread(void)
{
	bide_deque_owner_answer_(owner());
}

static void pop_answer_thread(void)
{
	pop_thread();
	answer_thread();
}

static void push_twice_thread(void)
{
	push_next();
	push_next();
}

/* Asks, looks once, and takes the ask back. Returns true if it was answered. */
static bool ask(unsigned max)
{
	bide_deque_loot loot;

	if (!bide_deque_thief_ask_(owner(), max))
		return false;
	if (!bide_deque_thief_look_(owner(), &loot) && !bide_deque_thief_take_back_(owner(), &loot))
		return false;
	take_loot(&loot);
	return true;
}

static void ask_thread(void)
{
	(void)ask(2);
}

static void ask_or_steal_thread(void)
{
	if (!ask(1))
		steal_thread();
}

static void check_asked(void)
{
	EXPLORE_CHECK(owner()->deque.asked == 0);
	check_deque();
}

#define ASK(name_, setup_, threads_, ...)                                                 \
	SCENARIO(deque_##name_, setup_, THREADS threads_, check_asked, .shared = true,        \
	         .offered = answer, __VA_ARGS__)                                              \
	SCENARIO(deque_fenced_##name_, setup_, THREADS threads_, check_asked, .shared = true, \
	         .offered = answer, .no_membarrier = true, __VA_ARGS__)

/* The answer is late: the thief has taken the ask back, or finds the answer as it does. */
ASK(answer_against_ask, setup_deque_4_with_2, (answer_thread, ask_thread), .external = 0)
ASK(pop_and_answer_against_ask, setup_deque_4_with_3, (pop_answer_thread, ask_thread),
    .external = 0)
ASK(pushes_against_ask, setup_deque_4, (push_twice_thread, ask_thread), .external = 0)
/* The thief takes by force after it has asked, or another one does. */
ASK(pushes_and_pop_against_ask_and_steal, setup_deque_4,
    (push_push_pop_thread, ask_or_steal_thread), .switches_max = 3)
ASK(answer_against_ask_and_steal, setup_deque_4_with_2,
    (pop_answer_thread, ask_or_steal_thread, steal_thread), .newest_only = true)
ASK(answer_against_two_asks, setup_deque_4_with_3, (answer_thread, ask_thread, ask_or_steal_thread),
    .newest_only = true)
ASK(push_and_pops_against_two_asks, setup_deque_4_with_2,
    (push_pop_thread, ask_or_steal_thread, ask_thread), .newest_only = true, .switches_max = 2)

/* The thief waits for ever. */
static void ask_only_thread(void)
{
	EXPLORE_CHECK(bide_deque_thief_ask_(owner(), 1));
}

/* Another worker, which falls asleep, sets `wanted`, too. */
static void want_thread(void)
{
	BIDE_STORE(&owner()->deque.wanted, 1u, RELAXED);
}

/* If the ask was not answered, the next push of the owner sees `wanted`. */
static void check_not_overlooked(void)
{
	bide_deque_loot loot;

	if (!bide_deque_thief_look_(owner(), &loot)) {
		EXPLORE_CHECK(owner()->deque.wanted);
		push_next();
		answer(owner());
		EXPLORE_CHECK(bide_deque_thief_look_(owner(), &loot));
	}
	take_loot(&loot);
	check_asked();
}

SCENARIO(deque_ask_is_not_overlooked, setup_deque_4_with_2,
         THREADS(push_next, ask_only_thread, want_thread), check_not_overlooked, .shared = true,
         .offered = answer)

/* Takes a fork that is joined out of turn: a middle one, or the oldest. */
static void take_item(unsigned index)
{
	if (bide_deque_owner_remove_(owner(), &items[index].bide_fork_))
		take_entry((uintptr_t)&items[index]);
}

static void setup_to_be_taken(void)
{
	setup_deque_4_with_3();
	for (uint32_t i = 0; i < 3; i++)
		items[i].bide_fork_.source.line = owner()->deque.bottom - 3 + i;
}

static void take_middle_thread(void)
{
	take_item(1);
	pop_twice_thread();
}

static void take_first_thread(void)
{
	take_item(0);
	pop_thread();
}

static void take_last_thread(void)
{
	take_item(2);
	take_item(1);
}

DEQUE(middle_and_pops_against_steals, setup_to_be_taken, (take_middle_thread, steal_twice_thread),
      .newest_only = true)
DEQUE(first_and_pop_against_steal, setup_to_be_taken, (take_first_thread, steal_thread),
      .external = 0)
DEQUE(last_ones_against_steals, setup_to_be_taken, (take_last_thread, steal_twice_thread),
      .newest_only = true)

/* ---- fork and join, as fork.h inlines them */

static bide_forking_frame parent;
static bide_value_task joined[2];

static const bide_function_info parent_async = { .name = "parent", .file = __FILE__ };

static void setup_forks(void)
{
	setup_deque_4();
	memset(&parent, 0, sizeof parent);
	parent.frame.async = &parent_async;
	memset(joined, 0, sizeof joined);
}

static void fork_item(unsigned index)
{
	items[index].in.payload = 7u + index;
	bide_fork_push_(&parent, &items[index].bide_fork_, item_forked_);
	pushed++;
}

/* A thief that took the fork completes its source; a frame would wait for that. */
static void join_item(unsigned index)
{
	joined[index] = item_join_(&parent, &items[index]);
}

static void fork_join_thread(void)
{
	fork_item(0);
	join_item(0);
}

static void fork_join_twice_thread(void)
{
	fork_join_thread();
	fork_item(1);
	join_item(1);
}

static void fork_join_two_thread(void)
{
	fork_item(0);
	fork_item(1);
	join_item(1);
	join_item(0);
}

static void fork_join_out_of_turn_thread(void)
{
	fork_item(0);
	fork_item(1);
	join_item(0);
	join_item(1);
}

static void steal_fork_thread(void)
{
	uintptr_t entry = bide_deque_thief_steal_(owner());

	if (entry)
		bide_fork_run_(bide_thread_(), (bide_fork *)entry);
}

static void steal_forks_thread(void)
{
	steal_fork_thread();
	steal_fork_thread();
}

static void run_loot(const bide_deque_loot *loot)
{
	for (unsigned i = 0; i < loot->count; i++)
		bide_fork_run_(bide_thread_(), (bide_fork *)loot->entry[i]);
}

static void ask_for_forks_thread(void)
{
	bide_deque_loot loot;

	if (bide_deque_thief_ask_(owner(), 2) &&
	    (bide_deque_thief_look_(owner(), &loot) || bide_deque_thief_take_back_(owner(), &loot)))
		run_loot(&loot);
	else
		steal_fork_thread();
}

/* The thief keeps what it was given in its own deque, and takes it from there. */
static void ask_and_keep_thread(void)
{
	bide_thread_head *mine = explore_head(1);
	bide_deque_loot loot;
	uintptr_t entry;

	if (!bide_deque_thief_ask_(owner(), 2) || !bide_deque_thief_take_back_(owner(), &loot))
		return;
	for (unsigned i = 0; i < loot.count; i++)
		EXPLORE_CHECK(bide_deque_owner_keep_(mine, loot.entry[i]));
	while ((entry = bide_deque_owner_pop_(mine)) != 0)
		bide_fork_run_(mine, (bide_fork *)entry);
}

static void setup_forks_of_two(void)
{
	setup_forks();
	EXPLORE_CHECK(bide_deque_init_(explore_head(1)));
}

static void check_forks(void)
{
	EXPLORE_CHECK(bide_deque_is_valid_(owner()));
	for (unsigned i = 0; i < pushed; i++) {
		EXPLORE_CHECK(items[i].taken == 1);
		if (bide_is_pending_(joined[i])) {
			EXPLORE_CHECK(bide_is_done_(&items[i].bide_fork_.source));
			(void)bide_consume_(&items[i].bide_fork_.source, NULL).state;
		}
	}
	/* The mark of a fork that was joined out of turn may be left. */
	EXPLORE_CHECK(bide_deque_owner_pop_(owner()) == 0);
	bide_deque_free_(owner());
}

#define FORK(name_, threads_, ...)                                                            \
	SCENARIO(fork_##name_, setup_forks, THREADS threads_, check_forks, .shared = true,        \
	         __VA_ARGS__)                                                                     \
	SCENARIO(fork_fenced_##name_, setup_forks, THREADS threads_, check_forks, .shared = true, \
	         .no_membarrier = true, __VA_ARGS__)

FORK(and_join_against_thief, (fork_join_thread, steal_fork_thread), .external = 0)
FORK(and_join_against_two_thieves, (fork_join_thread, steal_fork_thread, steal_fork_thread),
     .newest_only = true)
/*
 * A thief reads an index that a pop restored, for an entry that was pushed since it first looked.
 */
SCENARIO(fork_and_join_twice_against_thief, setup_forks,
         THREADS(fork_join_twice_thread, steal_forks_thread), check_forks, .shared = true,
         .switches_max = 2)
FORK(two_and_join_against_thief, (fork_join_two_thread, steal_forks_thread), .switches_max = 3)
FORK(and_join_out_of_turn_against_thief, (fork_join_out_of_turn_thread, steal_forks_thread),
     .switches_max = 3)

SCENARIO(fork_two_and_join_against_ask, setup_forks,
         THREADS(fork_join_two_thread, ask_for_forks_thread), check_forks, .shared = true,
         .offered = answer, .switches_max = 3)
SCENARIO(fork_fenced_two_and_join_against_ask, setup_forks,
         THREADS(fork_join_two_thread, ask_for_forks_thread), check_forks, .shared = true,
         .offered = answer, .no_membarrier = true, .switches_max = 3)
SCENARIO(fork_two_and_join_out_of_turn_against_ask, setup_forks,
         THREADS(fork_join_out_of_turn_thread, ask_for_forks_thread), check_forks, .shared = true,
         .offered = answer, .switches_max = 3)

static void check_forks_of_two(void)
{
	EXPLORE_CHECK(bide_deque_is_valid_(explore_head(1)));
	bide_deque_free_(explore_head(1));
	check_forks();
}

SCENARIO(fork_two_that_a_thief_keeps, setup_forks_of_two,
         THREADS(fork_join_two_thread, ask_and_keep_thread), check_forks_of_two, .shared = true,
         .offered = answer, .switches_max = 3)

/* ---- the ring */

static struct ball {
	bide_frame frame;
	unsigned payload, taken;
} balls[ITEMS];

static bide_ring rings[2];
static unsigned balls_refused;

static void push_ball(void)
{
	balls[pushed].payload = 7u + pushed;
	if (bide_ring_push_(&rings[0], &balls[pushed].frame))
		pushed++;
	else
		balls_refused++;
}

static void catch_ball(bide_frame *frame)
{
	struct ball *ball = (struct ball *)(void *)frame;

	if (!ball)
		return;
	EXPLORE_CHECK(ball->payload == 7u + (unsigned)(ball - balls));
	ball->taken++;
}

static void setup_ring(void)
{
	memset(rings, 0, sizeof rings);
	memset(balls, 0, sizeof balls);
	pushed = balls_refused = 0;
	rings[0].head = rings[0].tail = UINT32_MAX; /* the indices wrap around */
}

static void setup_ring_with_1(void)
{
	setup_ring();
	push_ball();
}

static void setup_ring_with_2(void)
{
	setup_ring_with_1();
	push_ball();
}

static void setup_ring_with_3(void)
{
	setup_ring_with_2();
	push_ball();
}

static void setup_ring_full(void)
{
	setup_ring_with_3();
	push_ball();
}

static void check_ring(void)
{
	bide_frame *frame;

	for (int i = 0; i < 2; i++)
		while ((frame = bide_ring_take_(&rings[i])) != NULL)
			catch_ball(frame);
	for (unsigned i = 0; i < pushed; i++)
		EXPLORE_CHECK(balls[i].taken == 1);
	EXPLORE_CHECK(bide_ring_size_(&rings[0]) == 0 && bide_ring_size_(&rings[1]) == 0);
}

static void ring_push_thread(void)
{
	push_ball();
}

static void ring_push_twice_thread(void)
{
	push_ball();
	push_ball();
}

static void ring_push_take_push_thread(void)
{
	push_ball();
	catch_ball(bide_ring_take_(&rings[0]));
	push_ball();
}

static void ring_take_thread(void)
{
	catch_ball(bide_ring_take_(&rings[0]));
}

static void ring_take_twice_thread(void)
{
	ring_take_thread();
	ring_take_thread();
}

static void ring_steal_thread(void)
{
	catch_ball(bide_ring_steal_(&rings[0], &rings[1]));
}

static void ring_steal_and_take_thread(void)
{
	ring_steal_thread();
	catch_ball(bide_ring_take_(&rings[1]));
}

/* Takes an entry that the thief put into its own ring. */
static void ring_take_stolen_thread(void)
{
	catch_ball(bide_ring_take_(&rings[1]));
}

static void ring_steal_back_thread(void)
{
	catch_ball(bide_ring_steal_(&rings[1], &rings[0]));
}

#define RING(name_, setup_, threads_, ...) \
	SCENARIO(ring_##name_, setup_, THREADS threads_, check_ring, __VA_ARGS__)

RING(push_against_take, setup_ring, (ring_push_twice_thread, ring_take_twice_thread), .external = 0)
RING(push_to_a_full_one_against_take, setup_ring_full,
     (ring_push_twice_thread, ring_take_twice_thread), .external = 0)
RING(take_against_take, setup_ring_with_2, (ring_take_twice_thread, ring_take_thread),
     .external = 0)
RING(push_against_two_takers, setup_ring_with_1,
     (ring_push_twice_thread, ring_take_thread, ring_take_thread), .external = 0)
RING(push_take_push_against_take, setup_ring_with_1,
     (ring_push_take_push_thread, ring_take_twice_thread), .external = 0)
/* A thief steals half: three or four entries become two. */
RING(push_against_steal, setup_ring, (ring_push_twice_thread, ring_steal_and_take_thread),
     .external = 0)
RING(push_to_a_full_one_against_steal, setup_ring_full,
     (ring_push_twice_thread, ring_steal_and_take_thread), .external = 0)
RING(take_against_steal, setup_ring_with_3, (ring_take_twice_thread, ring_steal_and_take_thread),
     .external = 0)
RING(push_to_a_full_one_against_take_and_steal, setup_ring_full,
     (ring_push_thread, ring_take_thread, ring_steal_thread), .external = 0)
RING(steal_against_take_of_what_was_stolen, setup_ring_with_1,
     (ring_push_twice_thread, ring_steal_thread, ring_take_stolen_thread), .external = 0)
RING(steal_against_steal_back, setup_ring_with_3, (ring_steal_back_thread, ring_steal_thread),
     .external = 0)
