/*
 * fork(2): the child has a runtime of its own, and no state of its parent makes it hang.
 */
/* threads */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "support/child_support.h"

/* So long is pending what must be pending at the fork, however busy the machine is. */
#define PENDING_NS (300 * MS)

static void no_line(const char *line, void *argument)
{
	(void)argument;
	fprintf(stderr, "%s\n", line);
}

/* Checks functions, timers, blocking calls and tasks, and that the runtime ends clean. */
static void assert_works(void)
{
	int64_t got = 0;
	task *t = task_create(0);
	value_task v = await_it(t, NULL, 0);

	assert_int_equal(bide_dump(no_line, NULL), 1);
	assert_int_equal(wait_int(later_value(MS, 3), &got), 0);
	assert_int_equal(got, 3);
	bide_task_complete_int(t, 4);
	assert_int_equal(wait_int(v, &got), 0);
	assert_int_equal(got, 4);
	task_unref(t);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_int_equal(shut_down(), 0);
	assert_none(frame_count);
}

/* --- what the child has */

TEST(a_child_starts_with_a_new_runtime_and_the_parent_continues)
{
	task *t = task_create(0);
	value_task waits = await_it(t, NULL, 0), sleeps = later_value(PENDING_NS, 5);
	unsigned count = bide_worker_count();
	int64_t got;

	IN_CHILD({
		assert_int_equal(bide_worker_count(), count);
		assert_works();
		assert_works(); /* without a configuration */
	});
	bide_task_complete_int(t, 1);
	assert_int_equal(wait_int(waits, NULL), 0);
	assert_int_equal(wait_int(sleeps, &got), 0);
	assert_int_equal(got, 5);
	task_unref(t);
}

TEST(nothing_of_the_parent_is_pending_in_the_child)
{
	static task *volatile kept; /* the child never gives it back; leak checkers find it here */
	task *t = kept = task_create(0);
	value_task waits = await_it(t, NULL, 0), sleeps = later_value(PENDING_NS, 5);

	assert_int_equal(stats().frame_count, 2);
	IN_CHILD({
		assert_int_equal(bide_dump(no_line, NULL), 0);
		assert_none(frame_count);
		assert_none(timer_count);
		assert_int_equal(bide_drain(0), 0);
		assert_int_equal(shut_down(), 0);
	});
	IN_CHILD({
		assert_int_equal(wait_int(later_value(MS, 1), NULL), 0);
		assert_int_equal(bide_dump(no_line, NULL), 0);
		assert_none(frame_count);
		assert_none(timer_count);
		assert_int_equal(bide_drain(0), 0);
		assert_int_equal(shut_down(), 0);
		task_unref(t);
		assert_int_equal(stats().live_bytes, 0);
	});
	bide_task_complete_int(t, 1);
	assert_int_equal(wait_int(waits, NULL), 0);
	assert_int_equal(wait_int(sleeps, NULL), 0);
	task_unref(t);
}

TEST(a_child_keeps_the_configuration_or_gets_another)
{
	NOT_SEEDED("it is about configurations");
	assert_int_equal(bide_configure(&(bide_config){ .workers = 3 }), 0);
	IN_CHILD({
		assert_int_equal(bide_worker_count(), 3);
		assert_int_equal(bide_configure(&(bide_config){ .workers = 2 }), EBUSY);
		assert_works();
	});
	IN_CHILD({
		assert_int_equal(bide_configure(&(bide_config){ .workers = 1, .debug = true }), 0);
		assert_int_equal(bide_worker_count(), 1);
		assert_int_equal(run_what_is_ready(0), BIDE_FOREVER); /* this thread is the worker */
		assert_works();
		IN_CHILD(assert_works());
	});
	assert_int_equal(shut_down(), 0);
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	assert_int_equal(wait_int(delay_ms(60 * 60 * 1000), NULL), 0);
	IN_CHILD({
		assert_int_equal(wait_int(delay_ms(60 * 60 * 1000), NULL), 0);
		assert_int_equal(bide_now_ns(), 60 * 60 * 1000 * MS); /* counted from the child's start */
	});
}

/* Like daemon(3): the parent exits, and the child's child does all the work. */
TEST(a_daemon_may_be_configured_before_it_forks)
{
	int ends[2], got = 0;
	pid_t child;

	CHILD_STARTS_THREADS();
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 2 }), 0);
	child = fork_here();
	if (child == 0) {
		child = fork_here();
		if (child == 0) {
			assert_works();
			got = 7;
			_exit(write(ends[1], &got, sizeof got) == sizeof got ? 0 : 1);
		}
		_exit(child > 0 ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(status_of(child), 0);
	assert_int_equal(read(ends[0], &got, sizeof got), sizeof got);
	assert_int_equal(got, 7);
	close(ends[0]);
}

TEST(a_child_that_calls_exec_is_left_alone)
{
	value_task sleeps = later_value(5 * MS, 5);
	pid_t child = fork_here();

	if (child == 0) {
		execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(status_of(child), 7);
	assert_int_equal(wait_int(sleeps, NULL), 0);
}

/* --- what was made before */

TEST(a_value_task_of_the_parent_is_caught)
{
	value_task sleeps = later_value(PENDING_NS, 5), pause = delay(PENDING_NS);

	catch_misuse();
	IN_CHILD({
		run_all();
		assert_int_equal(wait_int(sleeps, NULL), BIDE_ESTALE);
		assert_non_null(strstr(misuse_text, "bide_value_task_wait: "));
		ASSERT_MISUSE("this value task was made before the fork");
		assert_int_equal(wait_int(pause, NULL), BIDE_ESTALE);
		ASSERT_MISUSE("this value task was made before the fork");
	});
	assert_int_equal(wait_int(sleeps, NULL), 0);
	assert_int_equal(wait_int(pause, NULL), 0);
}

/* The child has not used bide before. */
TEST(a_value_task_of_the_parent_is_caught_at_once)
{
	value_task sleeps = later_value(PENDING_NS, 5);

	catch_misuse();
	IN_CHILD({
		assert_int_equal(wait_int(sleeps, NULL), BIDE_ESTALE);
		ASSERT_MISUSE("this value task was made before the fork");
	});
	assert_int_equal(wait_int(sleeps, NULL), 0);
}

TEST(a_task_that_was_pending_has_failed_and_one_that_was_over_is)
{
	task *pending = value_task_as_task(later_value(PENDING_NS, 5)),
		 *over = value_task_as_task(later_value(1, 6));
	bide_payload got;

	assert_int_equal(bide_task_wait(over, NULL), 0);
	IN_CHILD({
		assert_int_equal(bide_task_wait(pending, NULL), BIDE_EBROKEN);
		assert_int_equal(wait_int(await_it(pending, NULL, 0), NULL), BIDE_EBROKEN);
		assert_int_equal(bide_task_wait(over, &got), 0);
		assert_int_equal(got.i, 6);
		task_unref(pending);
		task_unref(over);
		assert_int_equal(shut_down(), 0);
	});
	assert_int_equal(bide_task_wait(pending, NULL), 0);
	task_unref(pending);
	task_unref(over);
}

TEST(parent_and_child_each_have_their_own_completion_source)
{
	turn_log log = { 0 };
	task *t = task_create(0);
	value_task waits = await_it(t, &log, 1);

	IN_CHILD({
		value_task v = await_it(t, NULL, 0);
		bide_task_complete_int(t, 8);
		assert_int_equal(wait_int(v, NULL), 0);
		assert_int_equal(log.count, 0); /* the parent's function does not run here */
		task_unref(t);
		assert_int_equal(shut_down(), 0);
	});
	IN_CHILD({ /* the first use of bide in this child */
			   bide_task_complete_int(t, 9);
			   assert_int_equal(bide_task_wait(t, NULL), 0);
			   assert_int_equal(bide_drain(BIDE_FOREVER), 0);
			   assert_int_equal(log.count, 0);
	});
	assert_false(task_is_ready(t));
	bide_task_complete_int(t, 1);
	assert_int_equal(wait_int(waits, NULL), 0);
	ASSERT_TURNS(&log, 1);
	task_unref(t);
}

/* Daemons close all descriptors, and the numbers are used again. */
TEST(descriptors_of_the_parent_are_not_touched)
{
	bide_executor *loop = bide_loop_create(), *other;
	int fd = fd_of_loop(loop);

	assert_true(fd >= 0);
	IN_CHILD({
		for (int i = 3; i < 64; i++)
			close(i);
		for (int i = 3; i < 64; i++)
			assert_int_equal(open("/dev/zero", O_RDONLY), i);
		assert_works();
		other = bide_loop_create(); /* the child gets descriptors of its own */
		assert_true(fd_of_loop(other) >= 64);
		bide_executor_unref(other);
		assert_int_equal(shut_down(), 0);
		for (int i = 3; i < 64; i++)
			assert_true(fcntl(i, F_GETFD) >= 0);
	});
	bide_executor_unref(loop);
}

static bool is_readable(int fd)
{
	struct pollfd it = { .fd = fd, .events = POLLIN };

	return poll(&it, 1, 0) == 1;
}

/* The parent sleeps in the program's poll; what the child makes runnable must not wake it. */
TEST(the_child_does_not_wake_the_parent)
{
	bide_executor *loop;
	task *t;
	value_task v;
	int fd;

	one_worker();
	loop = bide_loop_create();
	fd = fd_of_loop(loop);
	t = task_create(0);
	v = await_it(t, NULL, 0);
	(void)run_loop_once(loop, 0);
	assert_false(is_readable(fd));
	IN_CHILD(bide_task_complete_int(t, 1));
	assert_false(is_readable(fd));
	bide_task_complete_int(t, 1);
	assert_true(is_readable(fd));
	assert_int_equal(wait_int(v, NULL), 0);
	task_unref(t);
	bide_executor_unref(loop);
}

/* --- inside of functions */

enum { EXITS, RETURNS, AWAITS };

struct forks {
	ASYNC_FRAME;
	struct {
		int way;
		bool yields; /* Yields first, so that it does not run on the stack of its starter. */
	} in;
	pid_t child;
};

async(forks)
{
	async_begin;
	if (my->in.yields)
		await(bide_async_yield());
	my->child = fork_here();
	if (my->child == 0 && my->in.way == EXITS)
		_exit(7);
	if (my->child == 0 && my->in.way == AWAITS)
		await(delay_ms(1));
	if (my->child == 0)
		async_return(0);
	async_return(status_of(my->child));
async_finally:
	async_end;
}

static int forks_inside(int way, bool yields)
{
	int64_t status = 0;
	pid_t self = getpid();

	assert_int_equal(wait_int(async_start(forks, .way = way, .yields = yields), &status), 0);
	if (getpid() != self)
		_exit(99);
	return (int)status;
}

TEST(a_function_may_fork_for_a_child_that_exits)
{
	assert_int_equal(forks_inside(EXITS, false), 7);
	assert_int_equal(forks_inside(EXITS, true), 7);
}

TEST(the_child_of_a_function_must_not_return_to_the_runtime)
{
	assert_int_equal(forks_inside(RETURNS, true), -SIGABRT);
	assert_int_equal(forks_inside(AWAITS, true), -SIGABRT);
}

static void come_back(int way)
{
	forks_inside(way, true);
}

TEST(the_child_of_a_function_is_told_that_it_must_not_return)
{
	EXPECT_ABORT(bide_worker_count(); come_back(RETURNS);
	             abort(), "in the child the function that called it, of an async function");
	EXPECT_ABORT(bide_worker_count(); come_back(AWAITS);
	             abort(), "in the child the function that called it, of an async function");
}

/* The child returns to code outside the library, which cannot use bide either. */
TEST(a_function_that_has_not_suspended_forks)
{
	int64_t status;
	value_task v;
	pid_t self = getpid();

	if (!many_workers())
		(void)run_what_is_ready(0);
	v = async_start(forks, .way = RETURNS);
	if (getpid() != self) {
		catch_misuse();
		assert_int_equal(bide_value_task_wait(v, NULL), EDEADLK);
		ASSERT_MISUSE("called inside the async function that called fork, in the child");
		assert_int_equal(bide_drain(0), EDEADLK);
		ASSERT_MISUSE("called inside the async function that called fork, in the child");
		assert_int_equal(bide_shutdown(NULL), EDEADLK);
		ASSERT_MISUSE("inside an async function");
		assert_int_equal(bide_configure(&(bide_config){ 0 }), EBUSY);
		assert_int_equal(wait_int(later_value(1, 1), NULL), EDEADLK);
		_exit(7);
	}
	assert_int_equal(wait_int(v, &status), 0);
	assert_int_equal(status, 7);
}

static value_task forks_and_works(void *argument)
{
	bool returns = argument;
	pid_t child = fork_here();

	if (child == 0) {
		if (returns)
			return value_task_from(0);
		assert_works();
		_exit(7);
	}
	return value_task_from(status_of(child) + 1000);
}

TEST(a_blocking_call_forks_and_its_child_may_use_bide)
{
	int64_t got;

	NOT_SEEDED("under a seed the call runs on the worker");
	assert_int_equal(wait_int(bide_run_blocking(forks_and_works, NULL), &got), 0);
	assert_int_equal(got, 1007);
	assert_int_equal(wait_int(bide_run_on_new_thread(forks_and_works, NULL), &got), 0);
	assert_int_equal(got, 1007);
}

TEST(the_child_of_a_blocking_call_must_not_return_from_it)
{
	int64_t got;

	NOT_SEEDED("under a seed the call runs on the worker");
	assert_int_equal(wait_int(bide_run_blocking(forks_and_works, "returns"), &got), 0);
	assert_int_equal(got, 1000 - SIGABRT);
}

/* --- locks that others hold */

static atomic_bool busy_ends;

static void *is_busy(void *argument)
{
	while (!atomic_load(&busy_ends)) {
		task *t = value_task_as_task(later_value(1000, 1)), *source = task_create(0);
		value_task v = await_it(source, NULL, 0);
		bide_context *context = bide_context_create(NULL);

		value_task_forget(bide_in_context(context, async_start(later, .ns = 1000)));
		bide_context_cancel(context, ECANCELED);
		bide_context_unref(context);
		(void)stats();
		bide_task_complete_int(source, 1);
		assert_int_equal(wait_int(v, NULL), 0);
		assert_int_equal(bide_task_wait(t, NULL), 0);
		task_unref(t);
		task_unref(source);
	}
	return argument;
}

static atomic_int growing; /* 1: the pools are asked to grow, 2: they grow, 3: they have grown */

static void *allocate_slowly(size_t size_bytes, size_t alignment, void *argument)
{
	int asked = 1;

	(void)argument;
	if (size_bytes >= 8192 && atomic_compare_exchange_strong(&growing, &asked, 2)) {
		sleep_ms(50);
		atomic_store(&growing, 3);
	}
	return aligned_alloc(alignment, (size_bytes + alignment - 1) & ~(alignment - 1));
}

static void release_it(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes;
	(void)argument;
	free(memory);
}

struct wide {
	ASYNC_FRAME;
	char bytes[4000];
};

async(wide)
{
	async_begin;
	await(delay_ms(1));
async_finally:
	async_end;
}

static void *starts_wide(void *argument)
{
	atomic_store(&growing, 1);
	value_task_forget(async_start(wide));
	return argument;
}

/* A child must not read a list that is half changed. */
TEST(a_fork_waits_for_a_thread_that_changes_the_lists)
{
	bide_allocator slow = { allocate_slowly, release_it, NULL };
	pthread_t thread;

	if (getenv("BIDE_POOL"))
		SKIP("without pools no list grows");
	assert_int_equal(bide_allocator_set(&slow), 0);
	task_unref(bide_task_from_int(100));
	assert_int_equal(pthread_create(&thread, NULL, starts_wide, NULL), 0);
	while (atomic_load(&growing) < 2)
		sched_yield();
	IN_CHILD({
		assert_int_equal(growing, 3);
		assert_works();
	});
	pthread_join(thread, NULL);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
}

static void fork_while_others_are_busy(void)
{
	pthread_t threads[2];

	FORKS_WITH_THREADS();
	task_unref(bide_task_from_int(100));
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, is_busy, NULL), 0);
	for (int i = 0; i < 100; i++) {
		if (many_workers())
			sleep_ms(1);
		else
			(void)run_what_is_ready(1 + (size_t)i % 50);
		IN_CHILD(assert_works());
	}
	atomic_store(&busy_ends, true);
	if (!many_workers())
		for (int i = 0; i < 200; i++) {
			sleep_ms(1);
			(void)run_what_is_ready(0);
		}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
}

TEST_SLOW(locks_of_other_threads_do_not_hang_the_child, 60)
{
	fork_while_others_are_busy();
}

TEST_SLOW(locks_of_other_threads_do_not_hang_the_child_without_pools, 60)
{
	setenv("BIDE_POOL", "malloc", 1);
	fork_while_others_are_busy();
}
