/*
 * Files: how operations and files end: cancellation, forgetting, close while something is pending,
 * no memory, misuse, fork. Nothing is left: no descriptor, no object, no memory.
 */
/* threads */
#define _GNU_SOURCE
#include <sys/wait.h>

#include "support/file_support.h"
#include "support/limits_of_tools.h"

static char room[4096];

/*
 * One thread for blocking calls, which a FIFO keeps until its other end is opened. So all other
 * calls queue.
 */
static bide_value_task keeps_the_thread;

static void keep_the_thread(void)
{
	const char *path = path_of("fifo");

	NOT_SEEDED("a simulation has no other thread");
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	keeps_the_thread = bide_file_open(path, O_RDONLY, 0).untyped;
	while (stats().blocking_queue_count > 0)
		sched_yield();
}

static void release_the_thread(void)
{
	int fd;

	while ((fd = open(path_of("fifo"), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		sched_yield(); /* the thread is not in open(2) yet */
	bide_file_close(opened((bide_file_task){ .untyped = keeps_the_thread }));
	close(fd);
}

/* --- cancellation --- */

TEST(what_is_queued_is_canceled_at_once)
{
	bide_file *f;
	bide_value_task v[4];
	bide_context *scope;
	size_t before;

	make_file("a", "0123");
	keep_the_thread();
	before = descriptor_count();
	scope = bide_context_create(NULL);
	assert_int_equal(bide_file_take_fd(&f, open(path_of("a"), O_RDWR)), 0);
	v[0] = bide_in_context(scope, bide_file_sync(f));
	v[1] = bide_in_context(scope, bide_file_resize(f, 2));
	v[2] = bide_in_context(scope, bide_file_open(path_of("a"), O_RDONLY, 0).untyped);
	v[3] = bide_in_context(scope, bide_file_size(f));
	for (int i = 0; i < 4; i++)
		assert_pending(v[i]);
	assert_true(bide_context_cancel(scope, ECANCELED));
	for (int i = 0; i < 4; i++)
		assert_int_equal(error_of(v[i]), ECANCELED);
	assert_int_equal(error_of(bide_in_context(scope, bide_file_read_at(f, room, 1, 0))), ECANCELED);
	assert_int_equal(error_of(bide_in_context(scope, bide_file_read_at(f, room, 0, 0))), ECANCELED);
	bide_context_unref(scope);
	bide_file_close(f);
	release_the_thread();
	await_descriptors(before);
	assert_file(path_of("a"), "0123");
}

TEST(a_deadline_ends_what_is_queued)
{
	keep_the_thread();
	assert_int_equal(error_of(
						 bide_with_timeout_ms(1, bide_file_open("/dev/null", O_RDONLY, 0).untyped)),
	                 ETIMEDOUT);
	release_the_thread();
}

/* The memory is the operation's until then. */
TEST(what_runs_is_over_when_its_system_call_is)
{
	bide_context *scope;
	bide_value_task v;
	int fd;

	NOT_SEEDED("a simulation has no other thread");
	scope = bide_context_create(NULL);
	assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
	v = bide_in_context(scope, bide_file_open(path_of("fifo"), O_RDONLY, 0).untyped);
	while (stats().blocking_queue_count > 0)
		sched_yield();
	while ((fd = open(path_of("fifo"), O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		sched_yield(); /* until the thread is in open(2), whose end this is, too */
	(void)bide_context_cancel(scope, ECANCELED);
	bide_file_close(opened((bide_file_task){ .untyped = v }));
	close(fd);
	bide_context_unref(scope);
}

/* --- forgotten --- */

TEST(an_opened_file_that_nobody_takes_is_closed)
{
	size_t before = 0;

	make_file("a", "0123");
	for (int i = 0; i < 50; i++) {
		bide_value_task_forget(bide_file_open(path_of("a"), O_RDWR, 0).untyped);
		assert_int_equal(bide_drain(BIDE_FOREVER), 0);
		if (i == 0)
			before = descriptor_count();
	}
	await_descriptors(before);
}

TEST(a_forgotten_operation_goes_on)
{
	static const char text[] = "abcd";
	const char *path = make_file("a", "0123456789");
	bide_file *f = open_it(path, O_RDWR);

	bide_value_task_forget(bide_file_resize(f, 4));
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_file(path, "0123");
	bide_value_task_forget(bide_file_write_at(f, text, 4, 2));
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_file(path, "01abcd");
	bide_file_close(f);
}

/* --- close --- */

TEST(a_close_leaves_what_is_pending_alone)
{
	static char got[8];
	bide_value_task reads, sizes;
	bide_file *f;
	size_t before;

	keep_the_thread();
	before = descriptor_count();
	assert_int_equal(bide_file_take_fd(&f, open("/proc/self/status", O_RDONLY)), 0);
	reads = bide_file_read_at(f, got, 5, 0);
	sizes = bide_file_size(f);
	assert_pending(reads);
	bide_file_close(f);
	assert_int_equal(descriptor_count(), before + 1);
	release_the_thread();
	assert_int_equal(result_of(reads), 5);
	assert_memory_equal(got, "Name:", 5);
	assert_int_equal(result_of(sizes), 0);
	await_descriptors(before);
}

TEST(a_file_that_is_written_is_closed_on_a_thread)
{
	bide_file *f;
	size_t before;

	keep_the_thread();
	before = descriptor_count();
	assert_int_equal(bide_file_take_fd(&f, open(path_of("a"), O_WRONLY | O_CREAT, 0600)), 0);
	bide_file_close(f);
	assert_int_equal(descriptor_count(), before + 1);
	release_the_thread();
	await_descriptors(before);
}

TEST(a_file_that_is_read_is_closed_at_once)
{
	const char *path = make_file("a", "0123");
	size_t before;
	bide_file *f;

	NOT_SEEDED("a simulation reads on no thread");
	if (!reads_without_wait(path))
		SKIP("the system cannot tell whether a read would wait");
	f = open_it(path, O_RDONLY);
	before = descriptor_count();
	assert_int_equal(result_of(bide_file_read_at(f, room, 4, 0)), 4);
	bide_file_close(f);
	assert_int_equal(descriptor_count(), before - 1);
}

TEST(a_shutdown_closes_what_is_about_to_be_closed)
{
	size_t before;
	bide_file *f;

	for (int i = 0; i < 20; i++) {
		f = open_it(path_of("a"), O_WRONLY | O_CREAT);
		bide_file_close(f);
		assert_int_equal(shut_down(), 0);
		if (i == 0)
			before = descriptor_count();
		assert_int_equal(descriptor_count(), before);
	}
}

TEST(a_shutdown_cancels_what_is_queued_and_closes_the_files)
{
	NOT_SEEDED("a simulation has no other thread");
	for (int i = 0; i < 20; i++) {
		bide_file *f;

		assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
		assert_int_equal(bide_file_take_fd(&f, open(path_of("a"), O_RDWR | O_CREAT, 0600)), 0);
		for (int j = 0; j < 10; j++)
			bide_value_task_forget(bide_file_sync_data(f));
		bide_file_close(f);
		bide_report_hook_set(NULL, NULL);
		(void)shut_down(); /* it reports what never ran */
	}
}

/* --- one worker in 64 operations --- */

struct reader {
	BIDE_ASYNC_FRAME;
	struct {
		bide_file *file;
	} in;
	int64_t count;
	int i, suspended;
	char byte;
};
static _Atomic int others;

bide_async(reader)
{
	bide_async_begin;
	for (; my->i < 1000; my->i++) {
		bide_await(my->count, bide_file_read_at(my->in.file, &my->byte, 1, my->i % 4));
		if (my->count != 1 || my->byte != "0123"[my->i % 4])
			bide_async_fail(EIO);
	}
	bide_async_return(others);
bide_async_finally:
	bide_async_end;
}

struct other {
	BIDE_ASYNC_FRAME;
	int i;
};

bide_async(other)
{
	bide_async_begin;
	for (; my->i < 10; my->i++) {
		others++;
		bide_await(bide_async_yield());
	}
bide_async_finally:
	bide_async_end;
}

TEST(a_function_whose_reads_are_done_at_once_lets_others_run)
{
	bide_file *f = open_it(make_file("a", "0123"), O_RDONLY);
	bide_value_task first, second;

	first = bide_async_start(other);
	second = bide_async_start(reader, .file = f);
	if (many_workers())
		(void)result_of(second);
	else
		assert_true(result_of(second) >= 2);
	assert_int_equal(error_of(first), 0);
	bide_file_close(f);
}
