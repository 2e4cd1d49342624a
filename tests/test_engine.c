/*
 * The engine of the reactors: how it is chosen, what is said of it, and what happens where the one
 * that was asked for cannot be had.
 */
/* threads */
#define _GNU_SOURCE
#include <signal.h>

#include "support/filter.h"
#include "support/reactor_support.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static void environment(const char *engine)
{
	assert_int_equal(engine ? setenv("BIDE_IO", engine, 1) : unsetenv("BIDE_IO"), 0);
}

static void configure(bide_io_engine engine)
{
	assert_int_equal(bide_configure(&(bide_config){ .io_engine = engine }), 0);
}

static void expect(bide_io_engine engine, const char *reason)
{
	assert_int_equal(bide_io_engine_used(), engine);
	if (!strstr(bide_io_engine_reason(), reason))
		fail_msg("the reason is: %s", bide_io_engine_reason());
}

/* An operation that has to wait. */
static void wait_once(int error)
{
	int fd = counter_open();
	bide_value_task v = takes(fd, 1);

	if (!error)
		counter_add(fd);
	assert_int_equal(error_of(v), error);
	close(fd);
}

static void needs_uring(void)
{
	NEEDS_IO();
	environment("uring");
	if (bide_io_engine_used() != BIDE_IO_URING)
		SKIP("%s", bide_io_engine_reason());
	assert_int_equal(bide_shutdown(NULL), 0);
}

TEST(the_default_engine_is_epoll)
{
	NEEDS_IO();
	environment(NULL);
	expect(BIDE_IO_EPOLL, "epoll: the default");
	wait_once(0);
}

TEST(the_environment_chooses_the_engine)
{
	NEEDS_IO();
	environment("epoll");
	expect(BIDE_IO_EPOLL, "epoll: BIDE_IO asks for it");
	assert_int_equal(bide_shutdown(NULL), 0);
	environment("fire");
	expect(BIDE_IO_EPOLL, "does not exist");
	assert_int_equal(bide_shutdown(NULL), 0);
	needs_uring();
	expect(BIDE_IO_URING, "uring: BIDE_IO asks for it");
	wait_once(0);
}

TEST(the_configuration_chooses_the_engine_before_the_environment)
{
	bide_config config;

	NEEDS_IO();
	environment("uring");
	configure(BIDE_IO_EPOLL);
	expect(BIDE_IO_EPOLL, "epoll: bide_configure asks for it");
	assert_int_equal(bide_config_get(&config), 0);
	assert_int_equal(config.io_engine, BIDE_IO_EPOLL);
	wait_once(0);
	assert_int_equal(bide_shutdown(NULL), 0);
	needs_uring();
	environment("epoll");
	configure(BIDE_IO_URING);
	expect(BIDE_IO_URING, "uring: bide_configure asks for it");
	wait_once(0);
}

TEST(an_engine_that_does_not_exist_is_misuse)
{
	expect_misuse();
	assert_int_equal(bide_configure(&(bide_config){ .io_engine = BIDE_IO_SIMULATED }), EINVAL);
	assert_int_equal(misuse_count, 1);
	assert_non_null(
		strstr(misuse_text, "io_engine: 0 (the default), BIDE_IO_EPOLL or BIDE_IO_URING"));
}

TEST(the_engine_may_be_another_one_in_each_life)
{
	needs_uring();
	for (int life = 0; life < 4; life++) {
		environment(life % 2 ? "uring" : "epoll");
		expect(life % 2 ? BIDE_IO_URING : BIDE_IO_EPOLL, "BIDE_IO");
		wait_once(0);
		assert_int_equal(bide_shutdown(NULL), 0);
	}
}

static void forced_below_a_filter(unsigned number, uint32_t outcome, const char *reason)
{
	const bide_value_task nothing = bide_value_task_from_int(0);

	needs_uring();
	filter_call(number, outcome);
	expect(BIDE_IO_NONE, reason);
	assert_int_equal(error_of(nothing), 0);
	wait_once(ENOTSUP);
	/* It is no fault of the other engine. */
	assert_int_equal(bide_shutdown(NULL), 0);
	configure(BIDE_IO_EPOLL);
	wait_once(0);
}

TEST(a_filter_that_refuses_the_ring_is_the_reason_that_there_is_none)
{
	forced_below_a_filter(SYS_io_uring_setup, SECCOMP_RET_ERRNO | EPERM,
	                      "BIDE_IO asks for uring, which cannot be had: io_uring_setup is refused");
}

TEST(a_filter_that_refuses_the_calls_on_a_ring_is_found_before_one_is_used)
{
	forced_below_a_filter(SYS_io_uring_enter, SECCOMP_RET_ERRNO | EPERM, "io_uring_enter");
}

TEST(a_filter_like_an_older_kernel_is_the_reason_that_there_is_none)
{
	forced_below_a_filter(SYS_io_uring_setup, SECCOMP_RET_ERRNO | ENOSYS, "Linux 6.1");
}

TEST(a_filter_that_kills_the_process_kills_a_child_that_tries)
{
	forced_below_a_filter(SYS_io_uring_setup, SECCOMP_RET_KILL_PROCESS, "ends the process");
}

TEST(a_filter_that_kills_the_thread_kills_a_child_that_tries)
{
	forced_below_a_filter(SYS_io_uring_setup, SECCOMP_RET_KILL_THREAD, "ends the process");
}

static void trapped(int number)
{
	(void)number;
	abort();
}

TEST(a_filter_that_traps_reaches_no_handler_of_the_program)
{
	signal(SIGSYS, trapped);
	forced_below_a_filter(SYS_io_uring_setup, SECCOMP_RET_TRAP, "ends the process");
}

TEST(a_filter_of_other_calls_does_not_matter)
{
	needs_uring();
	filter_call(SYS_personality, SECCOMP_RET_KILL_PROCESS);
	expect(BIDE_IO_URING, "uring: BIDE_IO asks for it");
	wait_once(0);
}

static void refuse_the_ring_that_is_used(void)
{
	int fd = counter_open();
	bide_value_task v;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 1 }), 0);
	v = takes(fd, 1);
	deny_call(SYS_io_uring_enter, EPERM);
	(void)bide_value_task_wait(v, NULL);
}

TEST(a_filter_that_is_set_later_ends_the_program_with_a_message)
{
	needs_uring();
	EXPECT_ABORT(refuse_the_ring_that_is_used(), "refuses io_uring");
}
