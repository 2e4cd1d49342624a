/*
 * What systems lack or do in their own way, faked by a filter of system calls: docs/quirks.md has
 * the table. Each test does the same as on a system that has everything.
 */
/* threads */
#define _GNU_SOURCE
#include <signal.h>

#include "support/file_support.h"
#include "support/filter.h"

enum { TEXT_BYTES = 8192 };

static char text[TEXT_BYTES], room[TEXT_BYTES];

static int64_t read_at(bide_file *f, size_t size_bytes, int64_t offset)
{
	memset(room, 0, sizeof room);
	return result_of(bide_file_read_at(f, room, size_bytes, offset));
}

/* A try of a transfer has this outcome. */
static void transfers_below_a_filter(int error)
{
	bide_file *f = open_it(make_file("a", ""), O_RDWR);

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i % 251);
	deny_call(SYS_preadv2, error);
	deny_call(SYS_pwritev2, error);
	assert_int_equal(result_of(bide_file_write_at(f, text, sizeof text, 0)), sizeof text);
	assert_int_equal(read_at(f, sizeof text, 0), sizeof text);
	assert_memory_equal(room, text, sizeof text);
	assert_int_equal(read_at(f, 100, sizeof text - 10), 10);
	assert_memory_equal(room, text + sizeof text - 10, 10);
	assert_int_equal(read_at(f, 100, sizeof text), 0);
	assert_int_equal(read_at(f, 100, 1 << 20), 0);
	bide_file_close(f);
}

TEST(a_try_that_the_file_system_cannot_make)
{
	transfers_below_a_filter(EOPNOTSUPP);
}

TEST(a_try_that_a_file_system_can_make_for_reads_only)
{
	transfers_below_a_filter(EINVAL);
}

TEST(a_system_without_tries)
{
	transfers_below_a_filter(ENOSYS);
}

TEST(a_try_of_a_file_of_which_nothing_is_in_memory)
{
	transfers_below_a_filter(EAGAIN);
}

/* As Linux 5.9 and 5.10. */
TEST(a_try_that_takes_what_is_not_in_memory_for_the_end)
{
	transfers_below_a_filter(0);
}

TEST(what_a_try_would_wait_for_is_not_tried)
{
	static const int flags[] = { O_APPEND, O_DSYNC, O_SYNC };
	_Alignas(4096) static char block[4096];
	bide_payload got = { .p = NULL };
	bide_file *f;

	deny_call(SYS_preadv2, EIO); /* a try fails */
	deny_call(SYS_pwritev2, EIO);
	for (int i = 0; i < 3; i++) {
		f = open_it(make_file("a", ""), O_WRONLY | flags[i]);
		assert_int_equal(result_of(bide_file_write_at(f, "abc", 3, 0)), 3);
		bide_file_close(f);
		assert_file(path_of("a"), "abc");
	}
	if (bide_value_task_wait(bide_file_open(path_of("a"), O_RDONLY | O_DIRECT, 0).untyped, &got))
		SKIP("the file system has no O_DIRECT");
	assert_int_equal(result_of(bide_file_read_at(got.p, block, sizeof block, 0)), 3);
	bide_file_close(got.p);
}

/* --- processes --- */

static int64_t run(const char *command)
{
	const char *const words[] = { "sh", "-c", command, NULL };
	bide_process_options options = { .arguments = words };
	bide_payload got = { .p = NULL };
	bide_process_output *output;
	int64_t status;

	assert_int_equal(bide_value_task_wait(bide_process_run(&options, NULL, 0, 0).untyped, &got), 0);
	output = got.p;
	status = output->status;
	bide_process_output_free(output);
	return status;
}

TEST(descriptors_are_closed_one_by_one_where_no_call_closes_many)
{
	static const int numbers[] = { 7, 40, 91 };

	NOT_SEEDED("processes are not simulated");
	for (int i = 0; i < 3; i++)
		assert_int_equal(dup2(STDERR_FILENO, numbers[i]), numbers[i]);
#ifdef SYS_close_range
	deny_call(SYS_close_range, ENOSYS);
#else
	SKIP("the headers do not know the call");
#endif
	assert_int_equal(run("for i in 7 40 91; do [ ! -e /proc/self/fd/$i ] || exit 1; done"), 0);
	for (int i = 0; i < 3; i++)
		close(numbers[i]);
}

TEST(a_signal_goes_by_the_number_where_a_pidfd_takes_none)
{
	const char *const words[] = { "cat", NULL };
	bide_process_options options = { .arguments = words, .in = BIDE_PROCESS_PIPE };
	bide_payload got = { .p = NULL };

	NOT_SEEDED("processes are not simulated");
#ifdef SYS_pidfd_send_signal
	deny_call(SYS_pidfd_send_signal, ENOSYS);
#endif
	assert_int_equal(bide_value_task_wait(bide_process_spawn(&options).untyped, &got), 0);
	assert_int_equal(bide_process_kill(got.p, SIGTERM), 0);
	assert_int_equal(bide_process_exit_signal(result_of(bide_process_wait(got.p))), SIGTERM);
	bide_process_close(got.p);
}

/* --- threads --- */

static bide_value_task add_one(int64_t i, void *sum)
{
	(void)__atomic_add_fetch((int64_t *)sum, i, __ATOMIC_RELAXED);
	return bide_value_task_completed();
}

/* As gVisor, and filters of some containers. */
TEST(workers_do_without_membarrier)
{
	int64_t sum = 0;

	deny_call(SYS_membarrier, ENOSYS);
	for (int i = 0; i < 20; i++)
		assert_int_equal(error_of(bide_for_each(0, 1000, add_one, &sum, NULL)), 0);
	assert_int_equal(sum, 20 * 999 * 500);
}
