/*
 * Channels: closing, canceling, forgetting, releasing and misusing them. Names that begin with CH
 * have the number of the row of docs/behaviours.tsv that they cover.
 */
/* threads */
#include "support/task_support.h"

#include "support/channel_support.h"

/* --- closing */

TEST(what_was_written_before_the_close_is_read_first)
{
	make(4, BIDE_CHANNEL_WAIT);
	assert_true(channel_try_write(c, (int64_t)1));
	assert_true(channel_close(c, 0));
	assert_false(channel_try_write(c, (int64_t)2));
	assert_int_equal(error_of(channel_write(c, (int64_t)2)), EPIPE);
	assert_int_equal(result_of(channel_read(c)), 1);
	assert_int_equal(error_of(channel_read(c)), BIDE_EEND);
	assert_int_equal(error_of(channel_read_many(c, &(int64_t){ 0 }, 1)), BIDE_EEND);
	channel_unref(c);
}

TEST(CH_07_only_the_first_close_counts)
{
	make(4, BIDE_CHANNEL_WAIT);
	assert_true(channel_close(c, EIO));
	assert_false(channel_close(c, 0));
	assert_int_equal(error_of(channel_read(c)), EIO);
	assert_int_equal(error_of(channel_write(c, (int64_t)1)), EIO);
	assert_int_equal(error_of(channel_wait_closed(c)), EIO);
	channel_unref(c);
}

TEST(CH_14_a_close_ends_the_readers_that_wait)
{
	static const int errors[][2] = { { 0, BIDE_EEND }, { BIDE_EEND, BIDE_EEND }, { EIO, EIO } };

	for (int i = 0; i < 3; i++) {
		make(i ? 4 : 0, BIDE_CHANNEL_WAIT);
		value_task v = channel_read(c), w = channel_read_many(c, &(int64_t){ 0 }, 1);
		value_task closed = channel_wait_closed(c);
		assert_false(value_task_is_ready(v));
		assert_true(channel_close(c, errors[i][0]));
		assert_int_equal(error_of(v), errors[i][1]);
		assert_int_equal(error_of(w), errors[i][1]);
		assert_int_equal(error_of(closed), i == 2 ? EIO : 0);
		channel_unref(c);
	}
}

TEST(a_close_ends_the_writers_that_wait_and_their_elements_stay_theirs)
{
	for (int i = 0; i < 2; i++) {
		make(1, BIDE_CHANNEL_WAIT);
		assert_true(channel_try_write(c, (int64_t)1));
		value_task v = channel_write(c, (int64_t)2);
		value_task w = channel_write_many(c, (int64_t[]){ 3, 4 }, 2);
		assert_true(channel_close(c, i ? EIO : 0));
		assert_int_equal(error_of(v), i ? EIO : EPIPE);
		assert_int_equal(error_of(w), i ? EIO : EPIPE);
		assert_int_equal(result_of(channel_read(c)), 1);
		assert_int_equal(error_of(channel_read(c)), i ? EIO : BIDE_EEND);
		channel_unref(c);
		assert_int_equal(dropped_count, 0);
	}
}

TEST(a_close_with_ECANCELED_looks_like_no_cancellation_of_the_reader)
{
	make(1, BIDE_CHANNEL_WAIT);
	value_task v = channel_read(c);
	assert_true(channel_close(c, ECANCELED));
	assert_int_equal(error_of(v), EPIPE);
	assert_int_equal(error_of(channel_read(c)), EPIPE);
	channel_unref(c);
}

TEST(CH_05_a_wait_for_the_close_ends_when_the_last_element_was_read)
{
	make(4, BIDE_CHANNEL_WAIT);
	assert_true(channel_try_write(c, (int64_t)1));
	value_task v = channel_wait_closed(c);
	assert_true(channel_close(c, 0));
	assert_false(value_task_is_ready(v));
	assert_int_equal(result_of(channel_read(c)), 1);
	assert_int_equal(error_of(v), 0);
	assert_int_equal(error_of(channel_wait_closed(c)), 0);
	channel_unref(c);
}

TEST(the_last_unref_ends_those_that_wait_and_drops_the_elements)
{
	make(2, BIDE_CHANNEL_WAIT);
	value_task v = channel_read(c), w = channel_wait_closed(c);
	assert_ptr_equal(channel_ref(c), c);
	channel_unref(c);
	assert_false(value_task_is_ready(v));
	channel_unref(c);
	assert_int_equal(error_of(v), BIDE_EBROKEN);
	assert_int_equal(error_of(w), BIDE_EBROKEN);
	make(2, BIDE_CHANNEL_WAIT);
	assert_true(channel_try_write_many(c, (int64_t[]){ 1, 2 }, 2, NULL));
	v = channel_write(c, (int64_t)3);
	channel_unref(c);
	assert_int_equal(error_of(v), BIDE_EBROKEN);
	assert_dropped(1, 2);
	channel_unref(NULL);
}

TEST(an_element_that_was_handed_over_outlives_the_channel)
{
	make(2, BIDE_CHANNEL_WAIT);
	int64_t got[2];
	value_task v = channel_read(c), w = channel_read_many(c, got, 2);
	assert_true(channel_try_write(c, (int64_t)1));
	assert_true(channel_try_write(c, (int64_t)2));
	channel_unref(c);
	assert_int_equal(result_of(v), 1);
	assert_int_equal(result_of(w), 1);
	assert_int_equal(got[0], 2);
	assert_int_equal(dropped_count, 0);
}

TEST(CH_10_a_write_after_a_close_with_an_error_fails_with_it)
{
	make(2, BIDE_CHANNEL_WAIT);
	assert_true(channel_close(c, EIO));
	assert_int_equal(error_of(channel_write(c, (int64_t)1)), EIO);
	assert_int_equal(error_of(channel_write_many(c, &(int64_t){ 1 }, 1)), EIO);
	channel_unref(c);
}

TEST(CH_15_a_read_of_an_empty_channel_that_was_closed_with_an_error_fails_with_it)
{
	make(2, BIDE_CHANNEL_WAIT);
	assert_true(channel_try_write(c, (int64_t)1));
	assert_true(channel_close(c, EIO));
	assert_int_equal(result_of(channel_read(c)), 1);
	assert_int_equal(error_of(channel_read(c)), EIO);
	channel_unref(c);
}

TEST(CH_19_the_try_functions_of_a_closed_channel_return_false)
{
	size_t count = 7;
	int64_t x;

	make(2, BIDE_CHANNEL_WAIT);
	channel_close(c, 0);
	assert_false(channel_try_read(c, &x));
	assert_false(channel_try_read_many(c, &x, 1, &count));
	assert_int_equal(count, 0);
	assert_false(channel_try_write(c, (int64_t)1));
	assert_false(channel_try_write_many(c, &x, 1, &count));
	assert_int_equal(count, 0);
	channel_unref(c);
}

TEST(CH_20_a_write_to_a_closed_channel_fails_with_EPIPE)
{
	for (int full = BIDE_CHANNEL_WAIT; full <= BIDE_CHANNEL_DROP_WRITE; full++) {
		make(2, (bide_channel_full)full);
		channel_close(c, 0);
		assert_int_equal(error_of(channel_write(c, (int64_t)1)), EPIPE);
		channel_unref(c);
		assert_int_equal(dropped_count, 0);
	}
}

TEST(CH_41_after_the_end_each_read_ends)
{
	make(2, BIDE_CHANNEL_WAIT);
	channel_close(c, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(error_of(channel_read(c)), BIDE_EEND);
	channel_unref(c);
}

/* --- canceling and forgetting */

TEST(CH_24_after_a_canceled_read_the_channel_works)
{
	context *scope = context_create(NULL);

	make(1, BIDE_CHANNEL_WAIT);
	value_task v = in_context(scope, channel_read(c));
	context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(v), ECANCELED);
	assert_true(channel_try_write(c, (int64_t)1));
	assert_int_equal(result_of(channel_read(c)), 1);
	context_unref(scope);
	channel_unref(c);
}

TEST(CH_25_of_two_reads_the_first_of_which_is_canceled_the_second_gets_the_element)
{
	context *scope = context_create(NULL);

	make(1, BIDE_CHANNEL_WAIT);
	value_task v = in_context(scope, channel_read(c)), w = channel_read(c);
	context_cancel(scope, ECANCELED);
	assert_true(channel_try_write(c, (int64_t)1));
	assert_int_equal(error_of(v), ECANCELED);
	assert_int_equal(result_of(w), 1);
	context_unref(scope);
	channel_unref(c);
}

TEST(CH_34_of_three_writes_the_middle_one_of_which_is_canceled_two_arrive)
{
	context *scope = context_create(NULL);

	make(1, BIDE_CHANNEL_WAIT);
	assert_true(channel_try_write(c, (int64_t)1));
	value_task v = channel_write(c, (int64_t)2);
	value_task w = in_context(scope, channel_write(c, (int64_t)3));
	value_task x = channel_write(c, (int64_t)4);
	context_cancel(scope, ECANCELED);
	assert_int_equal(result_of(channel_read(c)), 1);
	assert_int_equal(result_of(channel_read(c)), 2);
	assert_int_equal(result_of(channel_read(c)), 4);
	assert_int_equal(error_of(v), 0);
	assert_int_equal(error_of(w), ECANCELED);
	assert_int_equal(error_of(x), 0);
	context_unref(scope);
	channel_unref(c);
}

TEST(CH_27_a_read_that_was_consumed_is_stale)
{
	if (getenv("BIDE_POOL"))
		SKIP("without pools the memory of a consumed value task is gone");
	make(1, BIDE_CHANNEL_WAIT);
	value_task v = channel_read(c), copy = v;
	assert_true(channel_try_write(c, (int64_t)1));
	assert_int_equal(result_of(v), 1);
	catch_misuse();
	assert_int_equal(value_task_error(copy), BIDE_ESTALE);
	assert_int_equal(misuse_count, 1);
	channel_unref(c);
}

TEST(a_canceled_wait_takes_nothing_and_writes_nothing)
{
	context *scope = context_create(NULL);

	make(1, BIDE_CHANNEL_WAIT);
	value_task v = in_context(scope, channel_read(c));
	value_task w = in_context(scope, channel_read_many(c, &(int64_t){ 0 }, 1));
	value_task x = in_context(scope, channel_wait_closed(c));
	context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(v), ECANCELED);
	assert_int_equal(error_of(w), ECANCELED);
	assert_int_equal(error_of(x), ECANCELED);
	context_unref(scope);
	scope = context_create(NULL);
	assert_true(channel_try_write(c, (int64_t)1));
	assert_int_equal(channel_count(c), 1);
	v = in_context(scope, channel_write(c, (int64_t)2));
	w = channel_write(c, (int64_t)3);
	context_cancel(scope, ETIMEDOUT);
	assert_int_equal(error_of(v), ETIMEDOUT);
	assert_int_equal(result_of(channel_read(c)), 1);
	assert_int_equal(result_of(channel_read(c)), 3);
	assert_int_equal(error_of(w), 0);
	context_unref(scope);
	channel_unref(c);
}

TEST(a_canceled_context_fails_a_call_that_could_succeed)
{
	context *scope = context_create(NULL);
	int64_t got;

	make(2, BIDE_CHANNEL_WAIT);
	assert_true(channel_try_write(c, (int64_t)1));
	context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(in_context(scope, channel_read(c))), ECANCELED);
	assert_int_equal(error_of(in_context(scope, channel_read_many(c, &got, 1))), ECANCELED);
	assert_int_equal(error_of(in_context(scope, channel_write(c, (int64_t)2))), ECANCELED);
	assert_int_equal(error_of(in_context(scope, channel_write_many(c, &got, 1))), ECANCELED);
	assert_int_equal(error_of(in_context(scope, channel_wait_closed(c))), ECANCELED);
	assert_int_equal(channel_count(c), 1);
	context_unref(scope);
	channel_unref(c);
}

TEST(what_was_served_before_the_cancellation_stays)
{
	context *scope = context_create(NULL);

	make(1, BIDE_CHANNEL_WAIT);
	value_task v = in_context(scope, channel_read(c));
	assert_true(channel_try_write(c, (int64_t)1));
	context_cancel(scope, ECANCELED);
	assert_int_equal(result_of(v), 1);
	context_unref(scope);
	channel_unref(c);
}

TEST(a_forgotten_read_takes_no_element)
{
	make(1, BIDE_CHANNEL_WAIT);
	value_task_forget(channel_read(c));
	value_task_forget(channel_read_many(c, &(int64_t){ 0 }, 1));
	value_task_forget(channel_wait_closed(c));
	assert_true(channel_try_write(c, (int64_t)1));
	value_task_forget(channel_write(c, (int64_t)2));
	assert_int_equal(result_of(channel_read(c)), 1);
	assert_int_equal(channel_count(c), 0);
	channel_unref(c);
	assert_int_equal(dropped_count, 0);
}

TEST(an_element_of_a_read_that_is_forgotten_afterwards_is_dropped)
{
	make(2, BIDE_CHANNEL_WAIT);
	value_task v = channel_read(c), w = channel_read_many(c, &(int64_t){ 0 }, 1);
	assert_true(channel_try_write(c, (int64_t)1));
	assert_true(channel_try_write(c, (int64_t)2));
	value_task_forget(v);
	value_task_forget(w);
	assert_dropped(1, 2);
	assert_true(channel_try_write(c, (int64_t)3)); /* ready at once */
	value_task_forget(channel_read(c));
	assert_dropped(1, 2, 3);
	channel_unref(c);
}

TEST(an_element_of_a_task_that_nothing_looked_at_is_dropped)
{
	make(2, BIDE_CHANNEL_WAIT);
	task *t = value_task_as_task(channel_read(c));
	assert_true(channel_try_write(c, (int64_t)1));
	task_unref(t);
	assert_dropped(1);
	t = value_task_as_task(channel_read(c));
	task_unref(t); /* it leaves */
	assert_true(channel_try_write(c, (int64_t)2));
	assert_int_equal(channel_count(c), 1);
	channel_unref(c);
	assert_dropped(1, 2);
}

TEST(an_element_that_nothing_takes_before_the_shutdown_is_dropped)
{
	make(2, BIDE_CHANNEL_WAIT);
	value_task v = channel_read(c);
	assert_true(channel_try_write(c, (int64_t)1));
	channel_unref(c);
	(void)v;
	assert_int_equal(shut_down(), 0);
	assert_dropped(1);
}

TEST(a_read_with_a_limit_leaves_when_it_is_over)
{
	make(2, BIDE_CHANNEL_WAIT);
	assert_int_equal(error_of(value_task_await_for(channel_read(c), BIDE_MS(1))), ETIMEDOUT);
	assert_true(channel_try_write(c, (int64_t)1));
	assert_int_equal(channel_count(c), 1);
	channel_unref(c);
}

/* --- memory */

TEST(waits_take_no_memory_from_the_allocator_in_steady_state)
{
	if (getenv("BIDE_POOL"))
		SKIP("without pools every object is an allocation");
	make(1, BIDE_CHANNEL_WAIT);
	for (int i = 0; i < 1000; i++) {
		uint64_t before = stats().allocation_count;
		context *scope = context_create(NULL);
		value_task v = in_context(scope, channel_read(c));
		context_cancel(scope, ECANCELED);
		assert_int_equal(error_of(v), ECANCELED);
		context_unref(scope);
		v = channel_read(c);
		assert_true(channel_try_write(c, (int64_t)i));
		assert_int_equal(result_of(v), i);
		if (i >= 10)
			assert_int_equal(stats().allocation_count, before);
	}
	channel_unref(c);
}

/* Each of a million: 100 at a time are canceled, or forgotten, in three channels. */
TEST(a_million_canceled_waits_leave_no_memory)
{
	enum { AT_A_TIME = 100 };
	static const char element[24];
	value_task waits[AT_A_TIME];
	uint64_t bytes = 0, objects = 0;
	channel *full;
	watch *level = watch_create(sizeof(int64_t), &(int64_t){ 1 });

	if (getenv("BIDE_POOL"))
		SKIP("without pools every object is an allocation");
	make(0, BIDE_CHANNEL_WAIT);
	full = channel_create(&(channel_options){ .capacity = 0, .element_bytes = 24 });
	for (int i = 0; test_round(i, 10000); i++) {
		context *scope = context_create(NULL);
		for (int k = 0; k < AT_A_TIME; k++)
			waits[k] =
				in_context(i & 1 ? scope : NULL, k % 3 == 0   ? channel_read(c)
			                                     : k % 3 == 1 ? channel_write_many(full, element, 1)
			                                                  : watch_changed(level, 1));
		context_cancel(scope, ECANCELED);
		for (int k = 0; k < AT_A_TIME; k++) {
			if (i & 1)
				assert_int_equal(error_of(waits[k]), ECANCELED);
			else
				value_task_forget(waits[k]);
		}
		context_unref(scope);
		if (i == 10) {
			bytes = stats().live_bytes;
			objects = stats().allocation_count;
		}
	}
	assert_int_equal(stats().live_bytes, bytes);
	assert_int_equal(stats().allocation_count, objects);
	channel_unref(c);
	channel_unref(full);
	watch_unref(level);
}

/* --- fairness */

struct busy_writer {
	ASYNC_FRAME;
	struct {
		int64_t number;
	} in;
	int i;
};

async(busy_writer)
{
	async_begin;
	for (;;)
		await_or(channel_write(c, my->in.number), break);
async_finally:
	async_end;
}

TEST(writers_that_wait_are_served_in_turn)
{
	int64_t counts[4] = { 0 }, x;
	value_task writers[4];

	one_worker();
	make(1, BIDE_CHANNEL_WAIT);
	for (int i = 0; i < 4; i++)
		writers[i] = async_start(busy_writer, .number = i);
	for (int i = 0; i < 400; i++) {
		assert_true(channel_try_read(c, &x));
		counts[x]++;
		settle(0);
	}
	for (int i = 0; i < 4; i++)
		assert_in_range(counts[i], 99, 101);
	channel_close(c, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(error_of(writers[i]), 0);
	channel_unref(c);
}

/* --- misuse */

static void never(void *element, void *argument)
{
	(void)element;
	(void)argument;
}

TEST(options_out_of_range_are_misuse)
{
	catch_misuse();
	assert_null(channel_create(&(channel_options){ .element_bytes = 257 }));
	ASSERT_MISUSE("bide_channel_create: element_bytes is 257; at most 256 are allowed");
	assert_null(channel_create(&(channel_options){ .capacity = (size_t)1 << 40 }));
	ASSERT_MISUSE("bide_channel_create: capacity is 1099511627776; at most 1073741824 and "
	              "BIDE_CHANNEL_UNBOUNDED are");
	assert_null(
		channel_create(&(channel_options){ .full = (bide_channel_full)3, .dropped = never }));
	ASSERT_MISUSE("bide_channel_create: full is 3; BIDE_CHANNEL_WAIT");
	assert_non_null(strstr(misuse_text, "test_channel_end.c:"));
}

TEST(an_element_of_another_size_is_misuse)
{
	make(1, BIDE_CHANNEL_WAIT);
	catch_misuse();
	assert_int_equal(error_of(channel_write(c, 1)), EINVAL);
	ASSERT_MISUSE("bide_channel_write: the element has 4 bytes; those of the channel have 8");
	assert_non_null(strstr(misuse_text, "test_channel_end.c:"));
	assert_false(channel_try_write(c, (char)1));
	ASSERT_MISUSE("bide_channel_try_write: the element has 1 bytes");
	assert_int_equal(channel_count(c), 0);
	channel_unref(c);
}

TEST(NULL_is_misuse)
{
	size_t count = 7;

	catch_misuse();
	make(1, BIDE_CHANNEL_WAIT);
	assert_int_equal(error_of(channel_read(NULL)), EINVAL);
	ASSERT_MISUSE("bide_channel_read: channel is NULL");
	assert_int_equal(error_of(channel_write(NULL, (int64_t)1)), EINVAL);
	ASSERT_MISUSE("bide_channel_write: channel is NULL");
	assert_int_equal(error_of(channel_wait_closed(NULL)), EINVAL);
	ASSERT_MISUSE("bide_channel_wait_closed: channel is NULL");
	assert_int_equal(channel_count(NULL), 0);
	ASSERT_MISUSE("bide_channel_count: channel is NULL");
	assert_false(channel_close(NULL, 0));
	ASSERT_MISUSE("bide_channel_close: channel is NULL");
	assert_null(channel_ref(NULL));
	ASSERT_MISUSE("bide_channel_ref: channel is NULL");
	assert_false(channel_try_read(c, NULL));
	ASSERT_MISUSE("bide_channel_try_read: the place for the elements is NULL");
	assert_false(channel_try_read_many(c, &(int64_t){ 0 }, 0, &count));
	ASSERT_MISUSE("bide_channel_try_read_many: max_count is 0; 1 or more is allowed");
	assert_int_equal(count, 0);
	assert_int_equal(error_of(channel_read_many(c, NULL, 1)), EINVAL);
	ASSERT_MISUSE("bide_channel_read_many: the place for the elements is NULL");
	assert_int_equal(error_of(channel_write_many(c, NULL, 1)), EINVAL);
	ASSERT_MISUSE("bide_channel_write_many: elements is NULL, but count is 1");
	assert_false(channel_try_write_many(c, NULL, 1, NULL));
	ASSERT_MISUSE("bide_channel_try_write_many: elements is NULL, but count is 1");
	assert_true(channel_try_write_many(c, NULL, 0, NULL));
	assert_int_equal(error_of(channel_write_many(c, NULL, 0)), 0);
	channel_unref(c);
}

TEST(errors_out_of_range_are_misuse_of_a_close)
{
	make(1, BIDE_CHANNEL_WAIT);
	catch_misuse();
	assert_false(channel_close(c, -1));
	ASSERT_MISUSE("bide_channel_close: error is -1; 0 to 4095 are allowed");
	assert_false(channel_close(c, 4096));
	ASSERT_MISUSE("bide_channel_close: error is 4096");
	assert_true(channel_close(c, EAGAIN));
	assert_int_equal(error_of(channel_read(c)), EAGAIN);
	channel_unref(c);
}

TEST(a_channel_of_an_earlier_runtime_is_misuse)
{
	make(1, BIDE_CHANNEL_WAIT);
	channel *before = c;
	shut_down();
	catch_misuse();
	assert_false(channel_try_write(before, (int64_t)1));
	ASSERT_MISUSE("bide_channel_try_write: channel was made before bide_shutdown, which ended it");
	skip_final_check = true;
}
