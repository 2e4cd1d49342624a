/*
 * Channels: what reads and writes do, one after the other and waiting for each other. Names that
 * begin with CH have the number of the row of docs/behaviours.tsv that they cover.
 */
/* threads */
#include "support/task_support.h"

#include "support/channel_support.h"

TEST(elements_are_read_in_the_order_of_the_writes)
{
	make(4, BIDE_CHANNEL_WAIT);
	for (int64_t i = 1; i <= 4; i++)
		assert_true(channel_try_write(c, i));
	assert_int_equal(channel_count(c), 4);
	assert_false(channel_try_write(c, (int64_t)5));
	for (int64_t i = 1; i <= 4; i++)
		assert_int_equal(result_of(channel_read(c)), i);
	assert_false(channel_try_read(c, &(int64_t){ 0 }));
	channel_unref(c);
}

TEST(CH_40_a_read_of_what_is_there_is_ready_and_another_waits)
{
	make(4, BIDE_CHANNEL_WAIT);
	assert_true(channel_try_write(c, (int64_t)6));
	value_task v = channel_read(c);
	assert_true(value_task_is_ready(v));
	assert_int_equal(result_of(v), 6);
	v = channel_read(c);
	assert_false(value_task_is_ready(v));
	assert_true(value_task_is_successful(channel_write(c, (int64_t)7)));
	assert_int_equal(channel_count(c), 0);
	assert_int_equal(result_of(v), 7);
	channel_unref(c);
}

TEST(a_write_to_a_full_channel_waits_for_a_read)
{
	make(1, BIDE_CHANNEL_WAIT);
	assert_int_equal(error_of(channel_write(c, (int64_t)1)), 0);
	value_task v = channel_write(c, (int64_t)2), w = channel_write(c, (int64_t)3);
	assert_false(value_task_is_ready(v));
	assert_int_equal(result_of(channel_read(c)), 1);
	assert_int_equal(error_of(v), 0);
	assert_false(value_task_is_ready(w));
	assert_int_equal(result_of(channel_read(c)), 2);
	assert_int_equal(result_of(channel_read(c)), 3);
	assert_int_equal(error_of(w), 0);
	channel_unref(c);
}

TEST(CH_16_a_read_of_an_element_that_is_there_takes_no_memory)
{
	c = channel_create(&(channel_options){ .capacity = 1 });
	assert_true(channel_try_write(c, (int64_t)1));
	uint64_t before = stats().allocation_count;
	value_task v = channel_read(c);
	assert_true(value_task_is_successful(v));
	assert_int_equal(v.payload.i, 1);
	assert_int_equal(stats().allocation_count, before);
	assert_none(operation_count);
	channel_unref(c);
}

TEST(CH_43_a_rendezvous_holds_no_element)
{
	make(0, BIDE_CHANNEL_WAIT);
	value_task v = channel_write(c, (int64_t)1);
	assert_int_equal(channel_count(c), 0);
	assert_int_equal(result_of(channel_read(c)), 1);
	assert_int_equal(error_of(v), 0);
	assert_int_equal(channel_count(c), 0);
	channel_unref(c);
}

TEST(CH_44_a_rendezvous_where_nothing_waits_takes_and_gives_nothing)
{
	int64_t x;

	make(0, BIDE_CHANNEL_WAIT);
	assert_false(channel_try_write(c, (int64_t)1));
	assert_false(channel_try_read(c, &x));
	channel_unref(c);
}

TEST(with_capacity_0_a_write_waits_until_its_element_is_read)
{
	make(0, BIDE_CHANNEL_WAIT);
	assert_false(channel_try_write(c, (int64_t)1));
	value_task v = channel_write(c, (int64_t)1);
	assert_false(value_task_is_ready(v));
	int64_t x = 0;
	assert_true(channel_try_read(c, &x));
	assert_int_equal(x, 1);
	assert_int_equal(error_of(v), 0);
	v = channel_read(c);
	assert_true(channel_try_write(c, (int64_t)2));
	assert_int_equal(result_of(v), 2);
	channel_unref(c);
}

TEST(drop_oldest_drops_the_oldest_element_and_never_waits)
{
	make(2, BIDE_CHANNEL_DROP_OLDEST);
	for (int64_t i = 1; i <= 5; i++)
		assert_int_equal(error_of(channel_write(c, i)), 0);
	assert_dropped(1, 2, 3);
	assert_int_equal(result_of(channel_read(c)), 4);
	assert_int_equal(result_of(channel_read(c)), 5);
	channel_unref(c);
	assert_int_equal(dropped_count, 3);
}

TEST(drop_write_drops_what_is_written_and_never_waits)
{
	make(2, BIDE_CHANNEL_DROP_WRITE);
	for (int64_t i = 1; i <= 4; i++)
		assert_true(channel_try_write(c, i));
	assert_dropped(3, 4);
	assert_int_equal(result_of(channel_read(c)), 1);
	channel_unref(c);
	assert_dropped(3, 4, 2);
}

TEST(CH_45_a_rendezvous_that_drops_hands_over_to_a_reader_that_waits)
{
	for (int full = BIDE_CHANNEL_DROP_OLDEST; full <= BIDE_CHANNEL_DROP_WRITE; full++) {
		make(0, (bide_channel_full)full);
		value_task v = channel_read(c);
		assert_int_equal(error_of(channel_write(c, (int64_t)1)), 0);
		assert_int_equal(dropped_count, 0);
		assert_int_equal(result_of(v), 1);
		channel_unref(c);
	}
}

TEST(a_rendezvous_that_drops_drops_without_a_reader)
{
	for (int full = BIDE_CHANNEL_DROP_OLDEST; full <= BIDE_CHANNEL_DROP_WRITE; full++) {
		make(0, (bide_channel_full)full);
		assert_int_equal(error_of(channel_write(c, (int64_t)1)), 0);
		assert_dropped(1);
		channel_unref(c);
	}
}

static void write_again(void *element, void *argument)
{
	(void)argument;
	drop(element, NULL);
	if (dropped_count < 3)
		assert_true(channel_try_write(c, (int64_t)(10 + dropped_count)));
}

TEST(the_hook_for_what_is_dropped_may_call_the_channel)
{
	dropped_count = 0;
	c = channel_create(&(channel_options){
		.capacity = 1, .full = BIDE_CHANNEL_DROP_OLDEST, .dropped = write_again });
	assert_true(channel_try_write(c, (int64_t)1));
	assert_true(channel_try_write(c, (int64_t)2));
	assert_dropped(1, 2, 11);
	assert_int_equal(result_of(channel_read(c)), 12);
	channel_unref(c);
}

/* --- elements of all sizes */

struct point {
	ASYNC_FRAME;
	struct {
		channel *from;
	} in;
	struct triple {
		int64_t x, y, z;
	} triple;
};

async(point)
{
	async_begin;
	await_large(my->triple, channel_read(my->in.from));
	async_return(my->triple.x + my->triple.y + my->triple.z);
async_finally:
	async_end;
}

TEST(a_larger_element_is_a_large_result)
{
	c = channel_create(&(channel_options){
		.capacity = 2, .element_bytes = sizeof(struct triple), .dropped = drop });
	dropped_count = 0;
	assert_true(channel_try_write(c, (struct triple){ 1, 2, 3 }));
	assert_int_equal(result_of(async_start(point, .from = c)), 6);
	value_task v = async_start(point, .from = c);
	assert_int_equal(error_of(channel_write(c, (struct triple){ 4, 5, 6 })), 0);
	assert_int_equal(result_of(v), 15);
	channel_close(c, EIO);
	assert_int_equal(error_of(async_start(point, .from = c)), EIO);
	channel_unref(c);
	assert_int_equal(dropped_count, 0);
}

struct triples {
	ASYNC_FRAME;
	struct triple triple;
	int64_t sum;
};

async(triples)
{
	async_begin;
	await_each(my->triple, c) {
		my->sum += my->triple.x + my->triple.y + my->triple.z;
		if (my->triple.x == 4)
			break;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

struct pairs {
	ASYNC_FRAME;
	struct pair {
		int16_t a, b;
	} pair;
	int64_t sum;
};

async(pairs)
{
	async_begin;
	await_each(my->pair, c)
		my->sum += my->pair.a + my->pair.b;
	async_return(my->sum);
async_finally:
	async_end;
}

TEST(await_each_reads_structs_of_any_size)
{
	c = channel_create(&(channel_options){ .capacity = 2, .element_bytes = sizeof(struct triple) });
	value_task v = async_start(triples);
	assert_true(channel_try_write(c, (struct triple){ 1, 2, 3 }));
	assert_true(channel_try_write(c, (struct triple){ 4, 5, 6 }));
	assert_int_equal(result_of(v), 21);
	channel_close(c, EIO);
	assert_int_equal(error_of(async_start(triples)), EIO);
	channel_unref(c);
}

TEST(await_each_reads_structs_of_four_bytes)
{
	c = channel_create(&(channel_options){ .capacity = 3, .element_bytes = sizeof(struct pair) });
	assert_true(channel_try_write(c, (struct pair){ 1, 2 }));
	assert_true(channel_try_write(c, (struct pair){ -3, 7 }));
	channel_close(c, 0);
	assert_int_equal(result_of(async_start(pairs)), 7);
	channel_unref(c);
}

TEST(await_each_into_a_struct_of_another_size_is_misuse)
{
	catch_misuse();
	c = channel_create(&(channel_options){ .capacity = 3, .element_bytes = 24 });
	assert_true(channel_try_write(c, (struct triple){ 1, 2, 3 }));
	assert_int_equal(error_of(async_start(pairs)), EINVAL);
	ASSERT_MISUSE("bide_await_each: the variable has 4 bytes; the elements of the channel have 24");
	channel_unref(c);
}

TEST(a_large_element_of_a_task_lies_in_the_task)
{
	c = channel_create(&(channel_options){ .element_bytes = sizeof(struct triple) });
	task *t = value_task_as_task(channel_read(c));
	assert_true(channel_try_write(c, ((struct triple){ 4, 5, 6 })));
	assert_int_equal(((struct triple *)task_result(t).p)->y, 5);
	task_unref(t);
	channel_unref(c);
}

TEST(small_elements_keep_their_sign)
{
	c = channel_create(&(channel_options){ .capacity = 4, .element_bytes = sizeof(int) });
	assert_true(channel_try_write(c, -5));
	assert_int_equal(result_of(channel_read(c)), -5);
	value_task v = channel_read(c);
	assert_true(channel_try_write(c, -6));
	assert_int_equal(result_of(v), -6);
	channel_unref(c);
	c = channel_create(&(channel_options){ .capacity = 4, .element_bytes = 1 });
	assert_true(channel_try_write(c, (signed char)-7));
	assert_int_equal(result_of(channel_read(c)), -7);
	channel_unref(c);
}

TEST(elements_of_each_size_arrive_whole)
{
	static const unsigned char pattern[256] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, [100] = 10, [255] = 11 };
	unsigned char got[256];

	for (size_t size = 1; size <= 256; size++) {
		c = channel_create(&(channel_options){ .capacity = 3, .element_bytes = size });
		for (int i = 0; i < 5; i++) {
			memset(got, 0, sizeof got);
			assert_true(channel_try_write_many(c, pattern + 256 - size, 1, NULL));
			assert_true(channel_try_read(c, got));
			assert_memory_equal(got, pattern + 256 - size, size);
		}
		channel_unref(c);
	}
}

/* --- unbounded ones */

TEST(an_unbounded_channel_takes_all_and_gives_its_memory_back)
{
	enum { COUNT = 20000 };
	c = channel_create(&(channel_options){ .capacity = BIDE_CHANNEL_UNBOUNDED });
	int64_t before = (int64_t)stats().live_bytes;
	for (int64_t i = 0; i < COUNT; i++)
		assert_int_equal(error_of(channel_write(c, i)), 0);
	assert_int_equal(channel_count(c), COUNT);
	assert_true((int64_t)stats().live_bytes >= before + COUNT * 8);
	for (int64_t i = 0; i < COUNT; i++)
		assert_int_equal(result_of(channel_read(c)), i);
	assert_true((int64_t)stats().live_bytes <= before + 3 * 4096);
	value_task v = channel_read(c);
	assert_true(channel_try_write(c, (int64_t)7));
	assert_int_equal(result_of(v), 7);
	channel_unref(c);
}

TEST(an_unbounded_channel_takes_no_memory_in_steady_state)
{
	int64_t got[600];
	size_t count;
	uint64_t allocations = 0;

	c = channel_create(&(channel_options){ .capacity = BIDE_CHANNEL_UNBOUNDED });
	for (int i = 0; i < 100; i++) {
		if (i == 20)
			allocations = stats().allocation_count;
		for (int64_t k = 0; k < 600; k++)
			got[k] = k;
		assert_true(channel_try_write_many(c, got, 500 + (size_t)i, &count));
		assert_int_equal(count, 500 + i);
		assert_true(channel_try_read_many(c, got, 600, &count));
		assert_int_equal(count, 500 + i);
		for (int64_t k = 0; k < (int64_t)count; k++)
			assert_int_equal(got[k], k);
	}
	assert_int_equal(stats().allocation_count, allocations);
	channel_unref(c);
}

TEST(an_unbounded_channel_drops_what_is_in_it_at_the_end)
{
	dropped_count = 0;
	c = channel_create(&(channel_options){ .capacity = BIDE_CHANNEL_UNBOUNDED, .dropped = drop });
	for (int64_t i = 0; i < 2000; i++)
		assert_true(channel_try_write(c, i));
	channel_close(c, 0);
	assert_false(channel_try_write(c, (int64_t)1));
	channel_unref(c);
	assert_int_equal(dropped_count, 2000);
	assert_int_equal(dropped_elements[63], 63);
}

/* --- batches */

struct batch {
	ASYNC_FRAME;
	struct {
		channel *from;
		size_t max_count;
	} in;
	int64_t got[64], count, sum;
};

async(batch)
{
	async_begin;
	await(my->count, channel_read_many(my->in.from, my->got, my->in.max_count));
	my->sum = 0;
	for (int i = 0; i < my->count; i++)
		my->sum += my->got[i];
	async_return(my->count * 1000 + my->sum);
async_finally:
	async_end;
}

TEST(read_many_takes_what_there_is)
{
	make(8, BIDE_CHANNEL_WAIT);
	for (int64_t i = 1; i <= 5; i++)
		assert_true(channel_try_write(c, i));
	assert_int_equal(result_of(async_start(batch, .from = c, .max_count = 3)), 3006);
	assert_int_equal(result_of(async_start(batch, .from = c, .max_count = 64)), 2009);
	channel_unref(c);
}

TEST(read_many_that_waits_gets_a_whole_batch_of_a_writer)
{
	make(8, BIDE_CHANNEL_WAIT);
	value_task v = async_start(batch, .from = c, .max_count = 3);
	assert_int_equal(result_of(channel_write_many(c, (int64_t[]){ 1, 2, 3, 4 }, 4)), 4);
	assert_int_equal(result_of(v), 3006);
	assert_int_equal(result_of(channel_read(c)), 4);
	channel_unref(c);
	assert_int_equal(dropped_count, 0);
}

TEST(read_many_with_a_limit_gets_its_elements)
{
	make(8, BIDE_CHANNEL_WAIT);
	int64_t got[4] = { 0 };
	value_task v = value_task_await_for(channel_read_many(c, got, 4), BIDE_SECONDS(1000));
	assert_true(channel_try_write_many(c, (int64_t[]){ 1, 2 }, 2, NULL));
	assert_int_equal(result_of(v), 2);
	assert_int_equal(got[1], 2);
	channel_unref(c);
}

TEST(write_many_writes_what_there_is_room_for)
{
	make(3, BIDE_CHANNEL_WAIT);
	assert_int_equal(result_of(channel_write_many(c, (int64_t[]){ 1, 2, 3, 4 }, 4)), 3);
	value_task v = channel_write_many(c, (int64_t[]){ 4, 5, 6, 7 }, 4);
	assert_false(value_task_is_ready(v));
	int64_t got[8];
	size_t count;
	assert_true(channel_try_read_many(c, got, 2, &count));
	assert_int_equal(count, 2);
	assert_int_equal(result_of(v), 2);
	assert_true(channel_try_read_many(c, got, 8, &count));
	assert_int_equal(count, 3);
	assert_int_equal(got[2], 5);
	channel_unref(c);
}

TEST(batches_are_larger_than_a_piece)
{
	enum { COUNT = 10000 };
	static int64_t sent[COUNT], got[COUNT];
	size_t count;

	c = channel_create(&(channel_options){ .capacity = COUNT });
	for (int64_t i = 0; i < COUNT; i++)
		sent[i] = i;
	assert_true(channel_try_write_many(c, sent, COUNT, &count));
	assert_int_equal(count, COUNT);
	assert_true(channel_try_read_many(c, got, COUNT, &count));
	assert_int_equal(count, COUNT);
	assert_memory_equal(sent, got, sizeof sent);
	channel_unref(c);
}

TEST(a_batch_meets_readers_and_writers_of_a_rendezvous)
{
	make(0, BIDE_CHANNEL_WAIT);
	value_task v = channel_read(c), w = channel_read(c);
	size_t count;
	assert_true(channel_try_write_many(c, (int64_t[]){ 1, 2, 3 }, 3, &count));
	assert_int_equal(count, 2);
	assert_int_equal(result_of(v), 1);
	assert_int_equal(result_of(w), 2);
	v = channel_write(c, (int64_t)3);
	w = channel_write_many(c, (int64_t[]){ 4, 5 }, 2);
	int64_t got[8];
	assert_true(channel_try_read_many(c, got, 8, &count));
	assert_int_equal(count, 3);
	assert_int_equal(got[2], 5);
	assert_int_equal(error_of(v), 0);
	assert_int_equal(result_of(w), 2);
	channel_unref(c);
}

TEST(a_batch_of_a_channel_that_drops_is_dropped_one_by_one)
{
	make(2, BIDE_CHANNEL_DROP_OLDEST);
	assert_int_equal(result_of(channel_write_many(c, (int64_t[]){ 1, 2, 3, 4 }, 4)), 4);
	assert_dropped(1, 2);
	assert_int_equal(result_of(channel_read(c)), 3);
	channel_unref(c);
}
