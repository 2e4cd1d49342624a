/*
 * channel_support.h - shared by the tests of channels: a channel of numbers, and a log of what it
 * has dropped.
 */
#ifndef CHANNEL_SUPPORT_H
#define CHANNEL_SUPPORT_H

#include "task_support.h"

static channel *c;
static int64_t dropped_elements[64];
static atomic_int dropped_count;

static void drop(void *element, void *argument)
{
	int at = atomic_fetch_add(&dropped_count, 1);

	(void)argument;
	if (at < 64)
		memcpy(&dropped_elements[at], element, sizeof dropped_elements[0]);
}

BIDE_UNUSED static void make(size_t capacity, bide_channel_full full)
{
	dropped_count = 0;
	c = channel_create(&(channel_options){ .capacity = capacity, .full = full, .dropped = drop });
	assert_non_null(c);
}

#define assert_dropped(...)                                                 \
	do {                                                                    \
		const int64_t expected_[] = { __VA_ARGS__ };                        \
		assert_int_equal(dropped_count, sizeof expected_ / 8);              \
		assert_memory_equal(dropped_elements, expected_, sizeof expected_); \
	} while (0)

/* Waits for the value task. */
BIDE_UNUSED static int64_t result_of(value_task v)
{
	bide_payload result = { .i = -1 };

	assert_int_equal(value_task_wait(v, &result), 0);
	return result.i;
}

BIDE_UNUSED static int error_of(value_task v)
{
	return value_task_wait(v, NULL);
}

#endif
