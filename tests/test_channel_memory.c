/*
 * Channels when there is no memory: each allocation of a scenario fails once. The call fails with
 * ENOMEM, and no element is lost, doubled or half written.
 */
#include "support/task_support.h"

#include "support/channel_support.h"
#include "support/limited_memory.h"

/* Returns true if the value task has failed for want of memory. */
static bool no_memory(value_task v)
{
	bool failed = value_task_is_ready(v) && value_task_error(v) == ENOMEM;

	if (failed)
		value_task_forget(v);
	return failed;
}

/* The reads and the writes of one channel. Returns how many of them have failed. */
static int play(size_t element_bytes)
{
	static const char elements[3 * 256];
	char got[2 * 256];
	int failed = 0, in = 0;
	size_t count;
	value_task v;

	dropped_count = 0;
	c = channel_create(
		&(channel_options){ .capacity = 1, .element_bytes = element_bytes, .dropped = drop });
	if (!c)
		return 1;
	v = channel_read_many(c, got, 2);
	if (no_memory(v)) {
		failed++;
	} else {
		assert_true(channel_try_write_many(c, elements, 1, NULL));
		assert_int_equal(result_of(v), 1);
	}
	v = channel_read(c);
	if (no_memory(v)) {
		failed++;
	} else {
		assert_true(channel_try_write_many(c, elements, 1, NULL));
		value_task_forget(v);
		assert_int_equal(dropped_count, 1);
	}
	assert_true(channel_try_write_many(c, elements, 1, NULL));
	v = bide_channel_write_(c, elements, element_bytes);
	if (no_memory(v)) {
		failed++;
	} else {
		in++;
		value_task_forget(v); /* it leaves */
		in--;
	}
	v = channel_write_many(c, elements, 3);
	if (no_memory(v)) {
		failed++;
		v = value_task_completed();
	} else {
		in++; /* there will be room for one */
	}
	assert_true(channel_try_read(c, got));
	assert_int_equal(result_of(v), in);
	assert_int_equal(channel_count(c), in);
	v = channel_read(c);
	if (in && no_memory(v)) {
		failed++;
		assert_int_equal(channel_count(c), 1);
		assert_true(channel_try_read_many(c, got, 2, &count));
	} else if (in || !no_memory(v)) {
		value_task_forget(v);
	}
	v = channel_wait_closed(c);
	if (no_memory(v))
		failed++;
	else
		value_task_forget(v);
	channel_unref(c);
	return failed;
}

TEST(a_write_to_an_unbounded_channel_fails_without_memory)
{
	int64_t i = 0, x;

	NOT_SEEDED("its allocations are counted");
	limit_objects();
	c = channel_create(&(channel_options){ .capacity = BIDE_CHANNEL_UNBOUNDED });
	allowed_allocations = 2;
	while (error_of(channel_write(c, i)) == 0)
		i++;
	assert_in_range(i, 500, 2000);
	assert_false(channel_try_write(c, i));
	assert_true(channel_try_read(c, &x));
	allowed_allocations = -1;
	assert_int_equal(channel_count(c), i - 1);
	assert_int_equal(error_of(channel_write(c, i)), 0);
	channel_unref(c);
}

TEST_SLOW(each_allocation_of_a_channel_fails_once, 20)
{
	static const size_t sizes[] = { 8, 24, 256 };
	bool complete;

	NOT_SEEDED("its allocations are counted");
	limit_objects();
	for (int i = 0; i < 3; i++) {
		complete = false;
		long n = 0;
		for (; !complete; n++) {
			assert_true(n < 100);
			value_task_forget(async_yield());
			allowed_allocations = n;
			complete = play(sizes[i]) == 0 && allowed_allocations > 0;
			allowed_allocations = -1;
		}
		assert_true(n > 6);
	}
}
