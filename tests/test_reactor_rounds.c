/*
 * Rounds: the events of a worker that runs one function for long are handled by another worker, and
 * events that come one by one, or a few at once, wake no other worker.
 */
/* threads */
#include <limits.h>
#include <sys/resource.h>

#include "support/limits_of_tools.h"
#include "support/reactor_support.h"

#include "base/settings.h"
#include "runtime/worker.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

/* Runs on one worker until functions on the others have done their work. */
struct hog {
	BIDE_ASYNC_FRAME;
	struct {
		const int *fd;
		int count;
		int *left;
	} in;
};

bide_async(hog)
{
	bide_async_begin;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < my->in.count; i++)
			counter_add(my->in.fd[i]);
		for (int i = 0; i < my->in.count; i++)
			while (is_readable(my->in.fd[i], 0))
				;
	}
	while (__atomic_load_n(my->in.left, __ATOMIC_ACQUIRE) > 0)
		;
bide_async_finally:
	bide_async_end;
}

static void run_with_a_hog(unsigned workers, int count)
{
	bide_value_task v[MANY];
	int fd[MANY], left = count;

	NEEDS_IO();
	needs_threads();
	assert_int_equal(bide_configure(&(bide_config){ .workers = workers }), 0);
	for (int i = 0; i < count; i++) {
		fd[i] = counter_open();
		v[i] = bide_async_start(take, .fd = fd[i], .times = 3, .left = &left);
	}
	settle(0);
	assert_int_equal(error_of(bide_async_start_cold(hog, .fd = fd, .count = count, .left = &left)),
	                 0);
	for (int i = 0; i < count; i++) {
		assert_int_equal(error_of(v[i]), 0);
		close(fd[i]);
	}
}

TEST_SLOW(a_function_that_runs_for_long_does_not_keep_the_events_of_its_worker, 60)
{
	run_with_a_hog(2, MANY);
	assert_true(io_stats_now().rescued_count > 0);
}

TEST_SLOW(the_same_if_only_one_worker_has_a_reactor, 60)
{
	run_with_a_hog(2, 1);
}

TEST_SLOW(the_same_with_three_workers, 60)
{
	run_with_a_hog(3, MANY);
}

TEST_SLOW(the_same_with_eight_workers, 60)
{
	run_with_a_hog(8, MANY);
}

/* Keeps the worker that is woken first from the function that is started next. */
struct keep_busy {
	BIDE_ASYNC_FRAME;
};

bide_async(keep_busy)
{
	bide_async_begin;
	usleep(10000);
bide_async_finally:
	bide_async_end;
}

/*
 * Opens the reactor of its own worker when the other worker has slept for some time. Runs until the
 * other worker has handled the event.
 */
struct late_hog {
	BIDE_ASYNC_FRAME;
	struct {
		int fd;
	} in;
	int left;
	bide_value_task taken;
};

bide_async(late_hog)
{
	bide_async_begin;
	usleep(20000);
	my->left = 1;
	my->taken = bide_async_start(take, .fd = my->in.fd, .times = 1, .left = &my->left);
	counter_add(my->in.fd);
	while (__atomic_load_n(&my->left, __ATOMIC_ACQUIRE) > 0)
		sched_yield();
	bide_await(my->taken);
bide_async_finally:
	bide_async_end;
}

TEST_SLOW(a_worker_that_slept_before_the_first_reactor_was_opened_looks_after_it, 60)
{
	int fd = counter_open();
	bide_value_task busy;

	NEEDS_IO();
	needs_threads();
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	busy = bide_async_start_cold(keep_busy);
	usleep(3000);
	assert_int_equal(error_of(bide_async_start_cold(late_hog, .fd = fd)), 0);
	assert_int_equal(error_of(busy), 0);
	close(fd);
}

/* The function runs on the worker that is woken first. That is not the first worker. */
TEST_SLOW(a_worker_that_slept_while_nothing_ran_looks_after_a_reactor_opened_later, 60)
{
	int fd = counter_open(), first_fd = counter_open();
	bide_value_task first;

	NEEDS_IO();
	needs_threads();
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	first = takes(first_fd, 1); /* the reactor of the first worker */
	settle(0);
	usleep(500000); /* until no worker monitors, or makes rounds */
	assert_int_equal(error_of(bide_async_start_cold(late_hog, .fd = fd)), 0);
	counter_add(first_fd);
	assert_int_equal(error_of(first), 0);
	close(fd);
	close(first_fd);
}

/* A function of 1 ms that is always running goes from worker to worker. */
struct jumper {
	BIDE_ASYNC_FRAME;
	struct {
		const int *left;
	} in;
	int64_t until_ns;
};

bide_async(jumper)
{
	bide_async_begin;
	while (__atomic_load_n(my->in.left, __ATOMIC_ACQUIRE) > 0) {
		my->until_ns = bide_now_ns() + 1000000;
		while (bide_now_ns() < my->until_ns)
			;
		bide_await(bide_async_yield());
	}
bide_async_finally:
	bide_async_end;
}

TEST_SLOW(events_come_while_a_long_function_goes_from_worker_to_worker, 60)
{
	enum { TIMES = 200 };
	bide_value_task v[MANY], busy;
	int fd[MANY], left = MANY;

	NEEDS_IO();
	needs_threads();
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	for (int i = 0; i < MANY; i++) {
		fd[i] = counter_open();
		v[i] = bide_async_start(take, .fd = fd[i], .times = TIMES / MANY, .left = &left);
	}
	busy = bide_async_start_cold(jumper, .left = &left);
	for (int i = 0; i < TIMES / MANY * MANY; i++) {
		counter_add(fd[i % MANY]);
		while (is_readable(fd[i % MANY], 0))
			sched_yield();
	}
	assert_int_equal(error_of(busy), 0);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(error_of(v[i]), 0);
		close(fd[i]);
	}
}

/* The limits are those of a busy machine: without the monitors there would be a wake for each. */
TEST_SLOW(events_that_come_one_by_one_wake_no_other_worker, 60)
{
	enum { TIMES = 300 };
	bide_io_stats before;
	bide_value_task v;
	int fd = counter_open();

	NEEDS_IO();
	v = takes(fd, TIMES);
	settle(0);
	before = io_stats_now();
	for (int i = 0; i < TIMES; i++) {
		counter_add(fd);
		while (is_readable(fd, 0))
			settle(0);
		usleep(300);
	}
	assert_int_equal(error_of(v), 0);
	assert_int_equal(io_stats_now().event_count - before.event_count, TIMES);
	assert_in_range(io_stats_now().wake_count - before.wake_count, 0, TIMES / 2);
	close(fd);
}

static long switches(void)
{
	struct rusage used;

	assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
	return used.ru_nvcsw;
}

/* The sleep of this thread is one. */
TEST_SLOW(when_nothing_happens_no_worker_wakes, 60)
{
	int fd = counter_open();
	bide_value_task v;
	long woke = LONG_MAX;

	NEEDS_IO();
	if (UNDER_TSAN)
		SKIP("ThreadSanitizer has a thread of its own, which wakes every 100 ms");
	v = takes(fd, 20);
	for (int i = 0; i < 20; i++) {
		counter_add(fd);
		while (is_readable(fd, 0))
			settle(0);
	}
	assert_int_equal(error_of(v), 0);
	v = takes(fd, 1);
	for (int i = 0; i < 20 && woke > 2; i++) {
		settle(0);
		woke = switches();
		usleep(500000);
		woke = switches() - woke;
	}
	assert_in_range(woke, 0, 2);
	counter_add(fd);
	assert_int_equal(error_of(v), 0);
	close(fd);
}

/* --- batches: events that one worker fetches at once --- */

enum { BATCH = 3 };

/* Functions of hidden batches that ran before the first check, and that came too late for it. */
static int unchecked, overdue;

static void see_check(void)
{
	const bide_worker *w = bide_shared_ ? bide_worker_this_() : NULL;

	if (!w || w->batch.check != 1)
		return;
	__atomic_add_fetch(w->steps - w->batch.steps == 1 ? &unchecked : &overdue, 1, __ATOMIC_RELAXED);
}

/* One of the functions that a batch makes runnable. */
struct member {
	BIDE_ASYNC_FRAME;
	struct {
		int fd;
		int times;
		int *taken;  /* counted up; atomic */
		int *inside; /* if not NULL: the last time it stays until two members have come; atomic */
	} in;
	int i;
	int64_t events;
};

bide_async(member)
{
	eventfd_t value;

	bide_async_begin;
	for (my->i = 1; my->i <= my->in.times; my->i++) {
		bide_await(my->events, bide_fd_wait(my->in.fd, BIDE_FD_IN));
		assert_int_equal(eventfd_read(my->in.fd, &value), 0);
		see_check();
		if (my->i == my->in.times && my->in.inside) {
			__atomic_add_fetch(my->in.inside, 1, __ATOMIC_RELEASE);
			while (__atomic_load_n(my->in.inside, __ATOMIC_ACQUIRE) < 2)
				sched_yield();
		}
		__atomic_add_fetch(my->in.taken, 1, __ATOMIC_RELEASE);
	}
bide_async_finally:
	bide_async_end;
}

/*
 * Starts the members on its own worker. At each event of its own it makes all their descriptors
 * readable, so its worker fetches them at once.
 */
struct ringer {
	BIDE_ASYNC_FRAME;
	struct {
		int bell;
		int times;
		int *taken;
		int *inside;
	} in;
	int i, fd[BATCH];
	int64_t events;
	bide_value_task members[BATCH];
};

bide_async(ringer)
{
	eventfd_t value;

	bide_async_begin;
	for (my->i = 0; my->i <= my->in.times; my->i++) {
		bide_await(my->events, bide_fd_wait(my->in.bell, BIDE_FD_IN));
		assert_int_equal(eventfd_read(my->in.bell, &value), 0);
		for (int k = 0; k < BATCH && my->i == 0; k++) {
			my->fd[k] = counter_open();
			my->members[k] = bide_async_start(member, .fd = my->fd[k], .times = my->in.times,
			                                  .taken = my->in.taken, .inside = my->in.inside);
		}
		for (int k = 0; k < BATCH && my->i > 0; k++)
			counter_add(my->fd[k]);
		__atomic_add_fetch(my->in.taken, 1, __ATOMIC_RELEASE);
	}
	for (my->i = 0; my->i < BATCH; my->i++) {
		bide_await(my->members[my->i]);
		close(my->fd[my->i]);
	}
bide_async_finally:
	bide_async_end;
}

/* How often the system took the processor from a thread of this process. */
static long interruptions(void)
{
	struct rusage used;

	assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
	return used.ru_nivcsw;
}

/*
 * Returns how many sleeping workers were woken while a worker fetched `times` / 2 batches. A
 * function that is interrupted seems long, so up to three wakes are not counted for that.
 */
static int64_t wakes_of_batches(int times, int *inside)
{
	int bell = counter_open(), taken = 0;
	long interrupted = 0;
	bide_stats before, after;
	bide_value_task v =
		bide_async_start(ringer, .bell = bell, .times = times, .taken = &taken, .inside = inside);

	for (int i = 0; i <= times; i++) {
		counter_add(bell);
		while (__atomic_load_n(&taken, __ATOMIC_ACQUIRE) < 1 + i * (1 + BATCH))
			usleep(50);
		usleep(200);          /* the workers fall asleep */
		if (i == times / 2) { /* by now the worker knows how short the members are */
			interrupted = interruptions();
			assert_int_equal(bide_stats_get(&before), 0);
		}
	}
	assert_int_equal(bide_stats_get(&after), 0);
	interrupted = interruptions() - interrupted;
	assert_int_equal(error_of(v), 0);
	close(bell);
	return (int64_t)(after.wake_count - before.wake_count) - 3 * interrupted;
}

TEST_SLOW(a_batch_of_short_functions_wakes_no_other_worker, 60)
{
	enum { TIMES = 40, WAKES_MAX = TIMES / 2 / 4 };
	int64_t wakes = WAKES_MAX + 1;

	NEEDS_IO();
	needs_threads();
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	for (int i = 0; i < 50 && wakes > WAKES_MAX; i++)
		wakes = wakes_of_batches(TIMES, NULL);
	assert_true(wakes <= WAKES_MAX);
}

TEST_SLOW(a_hidden_batch_is_measured_after_its_first_function, 60)
{
	NEEDS_IO();
	needs_threads();
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	unchecked = overdue = 0;
	for (int i = 0; i < 10 && unchecked < 20; i++)
		(void)wakes_of_batches(20, NULL);
	assert_int_equal(overdue, 0);
}

TEST_SLOW(what_waits_behind_a_function_that_was_always_short_runs_on_another_worker, 60)
{
	NEEDS_IO();
	needs_threads();
	assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), 0);
	for (int i = 0; i < 5; i++) {
		int inside = 0;

		(void)wakes_of_batches(10, &inside);
		assert_int_equal(inside, BATCH);
	}
}
