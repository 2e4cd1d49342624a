/*
 * The budget of the buffers: however little it is, nothing deadlocks, and a stream with a few bytes
 * is served.
 */
/* threads */
#define _GNU_SOURCE
#include <sys/resource.h>

#include "support/buffer_support.h"

enum { BUDGET = 4 * BIDE_CHUNK_USUAL_, STREAMS = 1000 };

static bide_stream *streams[STREAMS];
static int peers[STREAMS];
static bide_text_task lines[STREAMS];

static void begin(size_t count)
{
	struct rlimit limit;
	bide_config config = { .io_buffers_max_bytes = BUDGET };

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 2 * count + 100)
		SKIP("it needs %zu descriptors", 2 * count + 100);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(bide_configure(&config), 0);
	for (size_t i = 0; i < count; i++)
		streams[i] = make_stream(&peers[i]);
}

static void one_worker_with_budget(void)
{
	bide_config config = { .workers = test_seeded() ? 0 : 1, .io_buffers_max_bytes = BUDGET };

	assert_int_equal(bide_configure(&config), 0);
}

static void end(size_t count)
{
	for (size_t i = 0; i < count; i++)
		close_both(streams[i], peers[i]);
}

/* Sends `size` bytes of the line of a stream. */
static void send_part(size_t i, char byte, size_t size)
{
	static char data[65536];

	memset(data, byte, size);
	put_bytes(peers[i], data, size);
}

static void wait_for_all(size_t count)
{
	for (size_t i = 0; i < count; i++)
		lines[i] = bide_stream_read_line(streams[i]);
	settle(0);
}

/* All streams hold half a line. Another one is served, and so are they when the rest comes. */
static void half_lines(size_t size)
{
	int peer;
	bide_stream *other;
	char *line;

	begin(STREAMS);
	wait_for_all(STREAMS);
	for (size_t i = 0; i < STREAMS; i++)
		send_part(i, 'a', size);
	settle(0);
	other = make_stream(&peer);
	for (int i = 0; i < 100; i++) {
		send_text(peer, "served\n");
		assert_string_equal(text_of(bide_stream_read_line(other)), "served");
		assert_int_equal(result_of(bide_stream_put(other, "yes", 3)), 3);
		assert_int_equal(result_of(bide_stream_flush(other)), 0);
		expect_bytes(peer, "yes");
	}
	close_both(other, peer);
	assert_in_range(bide_chunks_bytes_(), 0, STREAMS * 512 + 3 * BUDGET * bide_worker_count());
	for (size_t i = 0; i < STREAMS; i++)
		send_part(i, '\n', 1);
	for (size_t i = 0; i < STREAMS; i++) {
		line = text_of(lines[i]);
		assert_int_equal(bide_stream_taken(streams[i]), size);
		assert_int_equal(line[size - 1], 'a');
		close_both(streams[i], peers[i]);
		assert_true(bide_chunks_are_valid_());
	}
}

TEST_SLOW(half_lines_of_a_few_bytes_keep_nothing_from_being_served, 60)
{
	half_lines(30);
}

TEST_SLOW(half_lines_above_a_small_chunk_keep_nothing_from_being_served, 60)
{
	half_lines(300);
}

TEST_SLOW(half_lines_of_many_sizes_keep_nothing_from_being_served, 60)
{
	half_lines(5000);
}

/* Each line is larger than the budget. They are read one after the other. */
TEST_SLOW(lines_as_long_as_the_budget_are_read_one_by_one, 60)
{
	enum { COUNT = 20, SIZE = 60000 };
	char *line;

	begin(COUNT);
	wait_for_all(COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		send_part(i, 'b', SIZE);
		send_part(i, '\n', 1);
	}
	for (size_t i = 0; i < COUNT; i++) {
		line = text_of(lines[i]);
		assert_int_equal(bide_stream_taken(streams[i]), SIZE);
		assert_int_equal(line[SIZE - 1], 'b');
		bide_stream_close(streams[i]);
		close_peer(peers[i]);
	}
}

/* The one that may exceed the budget ends in another way than by its line. */
TEST(the_right_to_exceed_the_budget_passes_on)
{
	enum { COUNT = 12, SIZE = 50000 };
	bide_context *scopes[COUNT];

	begin(COUNT);
	for (size_t i = 0; i < COUNT; i++)
		lines[i] = IN_SCOPE(scopes[i], bide_stream_read_line(streams[i]));
	for (size_t i = 0; i < COUNT; i++)
		send_part(i, 'c', SIZE);
	settle(0);
	for (size_t i = 0; i < COUNT; i += 3)
		assert_int_equal(cancel_and_wait(scopes[i], lines[i].untyped), ECANCELED);
	for (size_t i = 1; i < COUNT; i += 3)
		end_peer(peers[i]);
	for (size_t i = 2; i < COUNT; i += 3)
		send_part(i, '\n', 1);
	for (size_t i = 0; i < COUNT; i++) {
		if (i % 3) {
			assert_int_equal(strlen(text_of(lines[i])), SIZE);
			bide_context_unref(scopes[i]);
		}
	}
	end(COUNT);
}

/* The bytes are in the socket, and no event tells the next reading call of them. */
TEST(after_a_read_that_waited_for_the_budget_was_canceled_the_next_one_goes_on)
{
	bide_context *scope;
	bide_value_task v;

	one_worker_with_budget();
	for (size_t i = 0; i < 2; i++)
		streams[i] = make_stream(&peers[i]);
	lines[0] = bide_stream_read_line(streams[0]);
	send_part(0, 'a', 50000);
	settle(0);
	v = IN_SCOPE(scope, bide_stream_read_line(streams[1])).untyped;
	send_part(1, 'b', 20000);
	settle(0);
	send_part(1, '\n', 1);
	settle(0);
	assert_pending(v);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	lines[1] = bide_stream_read_line(streams[1]);
	send_part(0, '\n', 1);
	assert_int_equal(strlen(text_of(lines[0])), 50000);
	close_both(streams[0], peers[0]);
	assert_int_equal(strlen(text_of(lines[1])), 20000);
	close_both(streams[1], peers[1]);
}

/* --- hold and wait --- */

/* Puts an answer while it holds the request. */
struct answer {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *client;
		size_t count;
	} in;
	char *data;
	size_t size, at;
};

bide_async(answer)
{
	bide_async_begin;
	while (my->at < my->in.count) {
		bide_await(my->data, bide_stream_peek(my->in.client, 1));
		if (!my->data)
			break;
		my->size = bide_stream_available(my->in.client);
		bide_await(bide_stream_put(my->in.client, my->data, my->size));
		bide_await(bide_stream_put(my->in.client, my->data, my->size));
		bide_stream_consume(my->in.client, my->size);
		my->at += my->size;
	}
	bide_await(bide_stream_flush(my->in.client));
bide_async_finally:
	bide_async_end;
}

TEST_SLOW(functions_that_hold_a_request_and_put_an_answer_do_not_deadlock, 60)
{
	enum { COUNT = 100, SIZE = 20000 };
	static bide_value_task answers[COUNT];
	static size_t received[COUNT];
	static char data[SIZE];
	size_t done = 0;
	ssize_t now;

	begin(COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		put_bytes(peers[i], data, SIZE);
		answers[i] = bide_async_start(answer, .client = streams[i], .count = SIZE);
	}
	while (done < (size_t)COUNT * 2 * SIZE) {
		for (size_t i = 0; i < COUNT; i++) {
			now = try_read_peer(peers[i], data, 500 + i);
			if (now > 0) {
				received[i] += (size_t)now;
				done += (size_t)now;
			}
		}
		if (!many_workers())
			run_on();
		assert_in_range(bide_chunks_bytes_(), 0, COUNT * (65536 + BIDE_CHUNK_USUAL_));
	}
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(received[i], 2 * SIZE);
		assert_int_equal(result_of(answers[i]), 0);
	}
	end(COUNT);
}
