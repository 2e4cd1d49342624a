/*
 * virtual_clock.h - shared by tests that run in virtual time.
 */
#ifndef VIRTUAL_CLOCK_H
#define VIRTUAL_CLOCK_H

#include "library.h"

BIDE_UNUSED static const int64_t ms = 1000000;

BIDE_UNUSED static void use_virtual_clock(void)
{
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
}

/* Lets this much virtual time pass and runs the loop. */
BIDE_UNUSED static void pass_ns(int64_t time_ns)
{
	assert_int_equal(bide_value_task_wait(bide_delay(time_ns), NULL), 0);
}

BIDE_UNUSED static size_t timer_count(void)
{
	bide_stats stats;

	bide_stats_get(&stats);
	return stats.timer_count;
}

#endif
