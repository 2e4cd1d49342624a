/*
 * How a test is written. A file tests/test_*.c holds tests of the form
 *
 *	TEST(VT_01_zero_initialised_value_task_is_completed)
 *	{
 *		assert_true(...);                                (cmocka's assertions)
 *	}
 *
 * and becomes one executable. Each test runs in its own process, with a time limit, and fails if it
 * leaves a file descriptor open. A line that is exactly a comment with the word "threads" in the
 * file has it run under ThreadSanitizer too. Assertions may be used on any thread.
 *
 * Run one: build/dev/tests/test_x [--list] [-v] [part of a test's name]...
 */
#ifndef BIDE_TEST_H
#define BIDE_TEST_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*
 * cmocka's macros with plain names, in all versions up to 2.0: what tests include may use the
 * words. SKIP takes the place of skip. tests/runner/macros.sh tells of a new one.
 */
#undef function_called
#undef group_test_setup
#undef group_test_teardown
#undef ignore_function_calls
#undef run_group_tests
#undef run_test
#undef run_tests
#undef skip
#undef stop
#undef test_calloc
#undef test_free
#undef test_malloc
#undef test_realloc
#undef unit_test
#undef unit_test_setup
#undef unit_test_setup_teardown
#undef unit_test_teardown

/* Of unsigned numbers, with the limits; cmocka 2 has other names for it. */
#undef assert_in_range
#define assert_in_range(value, minimum, maximum)                                            \
	test_in_range((uintmax_t)(value), (uintmax_t)(minimum), (uintmax_t)(maximum), __FILE__, \
	              __LINE__)
void test_in_range(uintmax_t value, uintmax_t minimum, uintmax_t maximum, const char *file,
                   int line);

struct test_case {
	const char *name;
	void (*run)(void);
	double limit_s;
	struct test_case *next;
};

void test_register(struct test_case *test);

/*
 * A test of at most limit_s seconds of CPU time on each CPU; by the clock it may take ten times as
 * long, because a busy machine must fail nothing. One that computes nothing for twice the limit
 * hangs. The limit is multiplied by BIDE_TEST_TIME_FACTOR, if set.
 */
#define TEST_SLOW(name_, limit_s_)                                       \
	static void test_run_##name_(void);                                  \
	__attribute__((constructor)) static void test_register_##name_(void) \
	{                                                                    \
		static struct test_case test = { .name = #name_,                 \
			                             .run = test_run_##name_,        \
			                             .limit_s = (limit_s_) };        \
		test_register(&test);                                            \
	}                                                                    \
	static void test_run_##name_(void)

#define TEST(name_) TEST_SLOW(name_, 20)

/*
 * For the rounds of a race: true for each of 0..count-1, but not after a quarter of the test's
 * limit. A round is a matter of microseconds, or of several switches of threads where these
 * outnumber the CPUs: milliseconds each.
 */
bool test_round(int round, int count);

/* Ends the test here, from any thread. The reason (as for printf) is printed with its name. */
#define SKIP(...) test_skip(__VA_ARGS__)
_Noreturn void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Runs the statement in a process of its own, which must end by abort() after it wrote the text
 * somewhere in its standard error. What the statement changes is not seen by the test.
 */
#define EXPECT_ABORT(statement, text)                             \
	do {                                                          \
		if (test_abort_begin()) {                                 \
			statement;                                            \
			test_abort_missed();                                  \
		}                                                         \
		test_abort_check(#statement, (text), __FILE__, __LINE__); \
	} while (0)

bool test_abort_begin(void);
_Noreturn void test_abort_missed(void);
void test_abort_check(const char *statement, const char *text, const char *file, int line);

/*
 * Called in the test's process after each test that has passed, before descriptors are counted: an
 * executable that defines it can stop there what it started. The default does nothing.
 */
void test_after_each(void);

/* How much slower than natively this run is expected to be (BIDE_TEST_TIME_FACTOR, at least 1). */
double test_time_factor(void);

/*
 * With BIDE_TEST_SEEDS=first..last each test runs once for each of these seeds, in a process that
 * has the seed in BIDE_SEED: the library makes a simulation of it. test_schedule, if an executable
 * sets it, tells what became of the order; it is asked after each test, and by test_note_schedule
 * before what would make it forget.
 */
bool test_seeded(void);
void test_note_schedule(void);
extern uint64_t (*test_schedule)(void);

/*
 * Where BIDE_TEST_NO_THREADS is set a test that starts a thread is skipped: valgrind runs one
 * thread at a time, too slowly for what spins or counts seconds; asan and tsan run these. Under
 * a seed it is skipped, too: a simulation is one thread.
 */
int test_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                        void *argument);
#define pthread_create test_pthread_create

#endif
