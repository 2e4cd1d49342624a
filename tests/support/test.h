/*
 * test.h - the form of a test. A file tests/test_*.c holds tests of the form
 *
 *	TEST(VT_01_zero_initialised_value_task_is_completed)
 *	{
 *		assert_true(...);                                (cmocka's assertions)
 *	}
 *
 * and becomes one executable. Each test runs in its own process, with a time limit, and fails if it
 * leaves a file descriptor open. A file that contains a line that is exactly a comment with the
 * word "threads" also runs under ThreadSanitizer. Assertions may be used on any thread.
 *
 * Run some: build/dev/tests/test_x [--list] [-v] [part of a test's name]...
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
 * Plain names for cmocka's macros of all versions up to 2.0, because headers that tests include may
 * use these words. SKIP replaces skip. tests/runner/macros.sh fails if cmocka has a new one.
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

/* Compares unsigned numbers and includes the limits; cmocka 2 has other names for it. */
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
 * A test that takes at most limit_s seconds of CPU time on each CPU. It may take ten times as long
 * by the clock, so that it passes on a busy machine. A test that computes nothing for 40 s, or for
 * twice the limit if that is shorter, has hung. BIDE_TEST_TIME_FACTOR, if set, multiplies the
 * limit, up to 60 s.
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
 * Counts the rounds of a race. Returns true for each of 0..count-1, but false after 3 s. A round
 * takes microseconds, but milliseconds if it needs several thread switches and there are more
 * threads than CPUs.
 */
bool test_round(int round, int count);

/* Ends the test here, from any thread, and prints the reason (as printf does) after its name. */
#define SKIP(...) test_skip(__VA_ARGS__)
_Noreturn void test_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Runs the statement in a process of its own, which must write the text to standard error and then
 * end by abort(). The test does not see what the statement changes.
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
 * Called in the test's process after each test that passed, before descriptors are counted. An
 * executable may define it to stop what it started. The default does nothing.
 */
void test_after_each(void);

/* Returns how much slower than a native run this one may be (BIDE_TEST_TIME_FACTOR, at least 1). */
double test_time_factor(void);

/*
 * With BIDE_TEST_SEEDS=first..last each test runs once for each of these seeds, in a process that
 * has the seed in BIDE_SEED, which makes the library a simulation. An executable may set
 * test_schedule to a function that returns a hash of the schedule. The runner calls it after each
 * test, and test_note_schedule calls it before an action that would reset the hash.
 */
bool test_seeded(void);
void test_note_schedule(void);
extern uint64_t (*test_schedule)(void);

/*
 * If BIDE_TEST_NO_THREADS is set, a test that starts a thread is skipped: valgrind runs one thread
 * at a time, which is too slow for code that spins or counts seconds, and asan and tsan run these
 * tests. Under a seed it is skipped as well, because a simulation has a single thread.
 */
int test_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                        void *argument);
#define pthread_create test_pthread_create

#endif
