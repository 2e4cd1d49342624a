/*
 * A loop that watches (context/watch.h): completions by other threads against the thread of the
 * loop. The loop is the real one (runtime/loop.c); its descriptor is a word.
 */
#include "explore.h"

#include <string.h>

#include "bide/async.h"
#include "context/executor.h"
#include "context/watch.h"
#include "runtime/loop.c"

enum { FUNCTIONS = 3, FD = 7 };

static struct {
	bide_executor *loop;
	bide_user_source sources[FUNCTIONS];
	unsigned order[FUNCTIONS], count; /* plain: two functions at a time would race */
	bool won[2];
	uint32_t event; /* not 0: the descriptor is readable */
} m;

/* --- what the loop needs of the rest --- */

bide_runtime bide_runtime_;

int bide_runtime_missing_(void)
{
	return BIDE_ENOMEM_;
}

int bide_poll_open_(void)
{
	return -1;
}

int bide_run_ready(size_t max_count, int64_t *next_ns)
{
	(void)max_count;
	(void)next_ns;
	explore_fail("the loop is not one of the worker's own thread");
}

int bide_os_event_open_(void)
{
	return FD;
}

void bide_os_event_signal_(int fd)
{
	EXPLORE_CHECK(fd == FD);
	(void)BIDE_SWAP(&m.event, 1u, SEQ_CST);
}

void bide_os_event_clear_(int fd)
{
	EXPLORE_CHECK(fd == FD);
	(void)BIDE_SWAP(&m.event, 0u, SEQ_CST);
}

void bide_os_close_(int fd)
{
	EXPLORE_CHECK(fd == FD);
}

int bide_os_last_error_(void)
{
	return BIDE_EINVAL_;
}

/* --- functions of the loop --- */

struct waiter {
	BIDE_ASYNC_FRAME;
	struct {
		unsigned index;
	} in;
};

bide_async(waiter)
{
	bide_async_begin;
	bide_await(bide_user_source_value_task(&m.sources[my->in.index]));
bide_async_finally:
	m.order[m.count++] = my->in.index;
	bide_async_end;
}

static bide_value_task start_waiter(unsigned index)
{
	return bide_async_start(waiter, .index = index);
}

/* On the thread of the loop: the function runs at once, up to its await. */
static void start(unsigned index)
{
	bide_value_task_forget(bide_with_executor(m.loop, start_waiter(index)));
}

static void setup(void)
{
	memset(&m, 0, sizeof m);
	m.loop = bide_loop_create();
	for (int i = 0; i < FUNCTIONS; i++)
		bide_user_source_init(&m.sources[i], NULL);
}

static void setup_one(void)
{
	setup();
	start(0);
	EXPLORE_CHECK(bide_word_tag_(m.sources[0].source.word) == BIDE_WORD_WATCHED_);
}

/* The loop watches the second one. */
static void setup_two(void)
{
	setup_one();
	start(1);
	EXPLORE_CHECK(bide_word_has_frame_(m.sources[0].source.word));
	EXPLORE_CHECK(bide_word_tag_(m.sources[1].source.word) == BIDE_WORD_WATCHED_);
}

static void run(void)
{
	EXPLORE_CHECK(bide_loop_run(m.loop, 0, NULL) == 0);
}

static void run_twice(void)
{
	run();
	run();
}

static void start_first(void)
{
	start(0);
	run();
}

static void start_second(void)
{
	start(1);
	run();
}

static void start_third(void)
{
	start(2);
	run();
}

static void run_one(void)
{
	EXPLORE_CHECK(bide_loop_run(m.loop, 1, NULL) == 0);
	run();
}

static void complete(unsigned index)
{
	bide_user_source_complete(&m.sources[index], bide_payload_int_(index));
}

static void complete_0(void)
{
	complete(0);
}

static void complete_1(void)
{
	complete(1);
}

static void complete_0_1(void)
{
	complete(0);
	complete(1);
}

static void complete_1_0(void)
{
	complete(1);
	complete(0);
}

static void try_complete_0(void)
{
	m.won[0] = bide_user_source_try_complete(&m.sources[0], bide_payload_int_(0));
}

static void try_cancel_0(void)
{
	m.won[1] = bide_user_source_try_cancel(&m.sources[0]);
}

static void open_descriptor(void)
{
	int fd;

	EXPLORE_CHECK(bide_loop_fd(m.loop, &fd) == 0 && fd == FD);
}

/* --- afterwards --- */

static void check(unsigned count)
{
	EXPLORE_CHECK(m.count == count);
	EXPLORE_CHECK(!m.loop->watched && !m.loop->oldest);
	EXPLORE_CHECK(m.loop->inbox == BIDE_EXECUTOR_IDLE_);
	bide_executor_unref(m.loop);
}

static void check_one(void)
{
	run();
	check(1);
}

static void check_two(void)
{
	run();
	check(2);
}

static void check_0_before_1(void)
{
	run();
	EXPLORE_CHECK(m.order[0] == 0);
	check(2);
}

static void check_1_before_0(void)
{
	run();
	EXPLORE_CHECK(m.order[0] == 1);
	check(2);
}

static void check_third(void)
{
	complete(2);
	run();
	check(3);
}

static void check_third_1_before_0(void)
{
	run();
	EXPLORE_CHECK(m.order[0] == 1);
	check_third();
}

static void check_won(void)
{
	EXPLORE_CHECK(m.won[0] != m.won[1]);
	check_one();
}

/* The thread of the loop only knows the descriptor. */
static void check_by_descriptor(void)
{
	while (m.event)
		run();
	check(1);
}

#define WATCH(name_, setup_, threads_, check_, ...)                                          \
	SCENARIO(watch_##name_, setup_, THREADS threads_, check_, .shared = true, .external = 7, \
	         __VA_ARGS__)                                                                    \
	SCENARIO(watch_one_worker_##name_, setup_, THREADS threads_, check_, .external = 7, __VA_ARGS__)

WATCH(against_complete, setup_one, (run_twice, complete_0), check_one, .switches_max = 0)
WATCH(begins_against_complete, setup, (start_first, complete_0), check_one, .switches_max = 0)
WATCH(against_two_completers, setup_one, (run, try_complete_0, try_cancel_0), check_won,
      .newest_only = true, .switches_max = 3)
/* The one that is watched goes through no queue, and yet the order is kept. */
WATCH(queued_one_first, setup_two, (run_twice, complete_0_1), check_0_before_1, .switches_max = 4)
WATCH(watched_one_first, setup_two, (run_twice, complete_1_0), check_1_before_0, .switches_max = 4)
WATCH(watched_one_first_of_a_short_run, setup_two, (run_one, complete_1_0), check_1_before_0,
      .switches_max = 4)
WATCH(ends_against_complete, setup_one, (start_second, complete_0_1), check_two, .switches_max = 4)
WATCH(ends_against_complete_in_order, setup_one, (start_second, complete_0_1), check_0_before_1,
      .switches_max = 4)
WATCH(against_both_completers, setup_two, (run_twice, complete_0, complete_1), check_two,
      .newest_only = true, .switches_max = 3)
/* The owner ends the watch while the producer gives it up, or has finished. */
WATCH(ends_against_queued_completions, setup_two, (start_third, complete_0_1), check_third,
      .switches_max = 4)
WATCH(ends_in_order, setup_two, (start_third, complete_1_0), check_third_1_before_0,
      .switches_max = 4)
/* A descriptor is opened: from then on it tells of everything. */
WATCH(begins_against_descriptor, setup, (start_first, open_descriptor, complete_0),
      check_by_descriptor, .switches_max = 3)
WATCH(against_descriptor, setup_one, (run, open_descriptor, complete_0), check_by_descriptor,
      .switches_max = 3)
