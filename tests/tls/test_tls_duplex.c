/*
 * Both ways at the same time: one function reads while another one writes, and keys are updated.
 */
/* threads */
#include "tls_support.h"

#include "tls/connection.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

/* Byte number n of what a direction carries. */
static unsigned char byte_at(size_t n, unsigned salt)
{
	return (unsigned char)(n * 31 + (n >> 8) * 7 + salt);
}

struct send_much {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *to;
		size_t size_bytes;
		unsigned salt;
		bool updates; /* keys, now and then */
	} in;
	unsigned char bytes[20000];
	size_t done_bytes, now_bytes;
	unsigned round;
};

static void update_keys(bide_stream *stream, int how)
{
	bide_tls_connection *c = bide_stream_object(stream, &bide_tls_stream_type_);

	bide_tls_lock_(c);
	assert_int_equal(SSL_key_update(c->ssl, how), 1);
	bide_tls_unlock_(c);
}

bide_async(send_much, bytes)
{
	bide_async_begin;
	my->done_bytes = 0;
	my->round = 0;
	while (my->done_bytes < my->in.size_bytes) {
		my->now_bytes = 1 + (my->round * 7919) % sizeof my->bytes;
		if (my->now_bytes > my->in.size_bytes - my->done_bytes)
			my->now_bytes = my->in.size_bytes - my->done_bytes;
		for (size_t i = 0; i < my->now_bytes; i++)
			my->bytes[i] = byte_at(my->done_bytes + i, my->in.salt);
		if (my->in.updates && my->round % 5 == 4)
			update_keys(my->in.to,
			            my->round % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
		bide_await(bide_stream_write(my->in.to, my->bytes, my->now_bytes));
		my->done_bytes += my->now_bytes;
		my->round++;
	}
	bide_await(bide_stream_finish(my->in.to));
bide_async_finally:
	bide_async_end;
}

struct take_all {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *from;
		unsigned salt;
	} in;
	char *data;
	size_t done_bytes, size_bytes;
};

bide_async(take_all)
{
	bide_async_begin;
	for (;;) {
		bide_await(my->data, bide_stream_peek(my->in.from, 1));
		if (!my->data)
			break;
		my->size_bytes = bide_stream_available(my->in.from);
		for (size_t i = 0; i < my->size_bytes; i++)
			if ((unsigned char)my->data[i] != byte_at(my->done_bytes + i, my->in.salt))
				bide_async_fail(EILSEQ);
		my->done_bytes += my->size_bytes;
		bide_stream_consume(my->in.from, my->size_bytes);
	}
	bide_async_return((int64_t)my->done_bytes);
bide_async_finally:
	bide_async_end;
}

static void exchange(bool updates, bool is_old)
{
	enum { SIZE = 3000000 };
	world w = make_world();
	ends e = make_plain_ends();
	bide_value_task v[4];

	if (is_old) { /* TLS 1.2 */
		SSL_CTX_set_max_proto_version(w.server_config->contexts[0], TLS1_2_VERSION);
		updates = false;
	}
	shake_hands(&e, w.client_config, w.server_config, "a.test");
	assert_int_equal(e.client_error, 0);
	bide_stream_split(e.client);
	bide_stream_split(e.server);
	v[0] = bide_async_start(send_much, .to = e.client, .size_bytes = SIZE, .salt = 1,
	                        .updates = updates);
	v[1] = bide_async_start(send_much, .to = e.server, .size_bytes = SIZE, .salt = 2,
	                        .updates = updates);
	v[2] = bide_async_start(take_all, .from = e.client, .salt = 2);
	v[3] = bide_async_start(take_all, .from = e.server, .salt = 1);
	for (int i = 0; i < 4; i++) {
		bide_payload count = { .i = 0 };
		int error = bide_value_task_wait(v[i], &count);

		if (error)
			fail_msg("%d: error %d, %s, %s", i, error, bide_tls_error_text(e.client),
			         bide_tls_error_text(e.server));
		if (i >= 2)
			assert_int_equal(count.i, SIZE);
	}
	close_ends(&e);
	free_world(&w);
}

TEST(much_goes_both_ways_at_the_same_time)
{
	exchange(false, false);
}

TEST(much_goes_both_ways_over_tls_1_2)
{
	exchange(false, true);
}

TEST(keys_are_updated_while_both_ends_read_and_write)
{
	exchange(true, false);
}

TEST(what_was_put_goes_through_in_order_with_what_was_written)
{
	char line[40];
	world w;
	ends e;

	w = make_world();
	e = make_ends(&w);
	for (int i = 0; i < 200; i++) {
		size_t size = (size_t)snprintf(line, sizeof line, "line %d\n", i);

		if (i % 3)
			assert_int_equal(result_of(bide_stream_put(e.client, line, size)), (int64_t)size);
		else
			assert_int_equal(result_of(bide_stream_write(e.client, line, size)), (int64_t)size);
	}
	assert_int_equal(error_of(bide_stream_flush(e.client)), 0);
	for (int i = 0; i < 200; i++) {
		(void)snprintf(line, sizeof line, "line %d", i);
		assert_string_equal(line_of(e.server), line);
	}
	close_ends(&e);
	free_world(&w);
}

TEST(a_vector_goes_through_as_one)
{
	static char large[100000];
	struct iovec parts[4] = { { "abc", 3 }, { NULL, 0 }, { large, sizeof large }, { "xyz\n", 4 } };
	bide_value_task v;
	bide_payload text;
	world w;
	ends e;

	w = make_world();
	e = make_ends(&w);
	memset(large, 'l', sizeof large);
	assert_int_equal(bide_stream_set_limits(e.server, 1 << 20, 0), 0);
	v = bide_stream_write_vector(e.client, parts, 4);
	assert_int_equal(bide_value_task_wait(bide_stream_read_line(e.server), &text), 0);
	assert_int_equal(bide_stream_taken(e.server), 3 + sizeof large + 3);
	assert_memory_equal(text.p, "abcl", 4);
	assert_int_equal(result_of(v), 3 + sizeof large + 4);
	close_ends(&e);
	free_world(&w);
}

TEST(a_connection_that_waits_holds_no_buffer)
{
	bide_io_stats before, now;
	bide_text_task v;
	bide_payload line;
	world w;
	ends e;

	w = make_world();
	bide_io_stats_get(&before);
	e = make_ends(&w);
	v = bide_stream_read_line(e.server);
	settle(0);
	bide_io_stats_get(&now);
	assert_int_equal(now.buffer_bytes, before.buffer_bytes);
	assert_int_equal(result_of(bide_stream_write(e.client, "line\n", 5)), 5);
	assert_int_equal(bide_value_task_wait(v, &line), 0);
	assert_string_equal(line.p, "line");
	close_ends(&e);
	free_world(&w);
}
