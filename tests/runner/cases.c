/* Test cases for the runner (run.sh): tests that end, that compute for ever, and that hang. */
#include <limits.h>
#include <time.h>
#include <unistd.h>

#include "support/test.h"

TEST(ends)
{
	assert_true(true);
}

TEST_SLOW(sleeps_longer_than_its_limit, 2)
{
	usleep(2500000);
}

TEST_SLOW(computes_for_ever, 0.2)
{
	for (volatile unsigned long n = 0; n < ULONG_MAX; n++)
		;
}

TEST_SLOW(hangs, 0.5)
{
	for (;;)
		pause();
}

/* Computes a little now and then, so it is neither idle nor busy. */
TEST_SLOW(waits_for_ever, 0.1)
{
	const struct timespec pause = { 0, 1000000 };

	for (;;) {
		for (volatile int n = 0; n < 20000; n++)
			;
		nanosleep(&pause, NULL);
	}
}

TEST(comes_after_three_that_timed_out)
{
}
