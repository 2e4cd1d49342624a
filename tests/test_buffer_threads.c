/*
 * Buffers on many workers: a send of what was put ends on one thread, while the function puts on
 * another; reads are canceled as bytes come; streams are closed and aborted meanwhile.
 */
/* threads */
#define _GNU_SOURCE
#include "support/buffer_support.h"

enum { LINES = 400, LINE_MAX_BYTES = 3000 };

/* The length of a line, which its number decides. */
static size_t length_of(unsigned number)
{
	unsigned mixed = number * 2654435761u;

	return mixed >> 28 == 0 ? (mixed >> 8) % LINE_MAX_BYTES : (mixed >> 8) % 60;
}

static char byte_of(unsigned number)
{
	return (char)('a' + number % 26);
}

/* Sends back each line, until the end. */
struct echo {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *client;
	} in;
	char *line;
	size_t size;
};

bide_async(echo)
{
	bide_async_begin;
	for (;;) {
		bide_await(my->line, bide_stream_read_line(my->in.client));
		if (!my->line)
			break;
		my->size = bide_stream_taken(my->in.client);
		my->line[my->size] = '\n'; /* in place of the zero */
		bide_await(bide_stream_put(my->in.client, my->line, my->size + 1));
	}
	bide_await(bide_stream_end(my->in.client));
bide_async_finally:
	bide_stream_close(my->in.client);
	bide_async_end;
}

struct write_lines {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *server;
		unsigned count;
	} in;
	char line[LINE_MAX_BYTES + 1];
	unsigned at;
	size_t size;
};

bide_async(write_lines)
{
	bide_async_begin;
	for (; my->at < my->in.count; my->at++) {
		my->size = length_of(my->at);
		memset(my->line, byte_of(my->at), my->size);
		my->line[my->size] = '\n';
		bide_await(bide_stream_put(my->in.server, my->line, my->size + 1));
		if (my->at % 7 == 0)
			bide_await(bide_stream_flush(my->in.server));
	}
	bide_await(bide_stream_finish(my->in.server));
bide_async_finally:
	bide_async_end;
}

/* Reads the lines, with limits that often pass. Returns how many were right. */
struct read_lines {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *server;
		unsigned count;
		bool hurries;
	} in;
	bide_payload line;
	unsigned at, tries;
	int error;
	char *text;
};

bide_async(read_lines)
{
	bide_async_begin;
	while (my->at < my->in.count) {
		my->error = 0;
		my->tries++;
		if (my->in.hurries && my->tries % 3 == 0)
			bide_await_or(my->text,
			              bide_with_timeout(1000 * (my->tries % 200),
			                                bide_stream_read_line(my->in.server).untyped),
			              my->error = bide_await_error);
		else
			bide_await(my->text, bide_stream_read_line(my->in.server));
		if (my->error == ETIMEDOUT)
			continue;
		if (my->error)
			bide_async_fail(my->error);
		if (!my->text || bide_stream_taken(my->in.server) != length_of(my->at))
			break;
		for (size_t i = 0; i < length_of(my->at); i++)
			if (my->text[i] != byte_of(my->at))
				bide_async_fail(EILSEQ);
		my->at++;
	}
	bide_async_return(my->at);
bide_async_finally:
	bide_async_end;
}

static void make_streams(bide_stream *ends[2], int room)
{
	int fd[2];

	make_pair(fd);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
		ends[i] = take(fd[i]);
	}
}

static void talk(unsigned pairs, bool hurries)
{
	enum { PAIRS_MAX = 16 };
	static bide_stream *ends[PAIRS_MAX][2];
	static bide_value_task echoes[PAIRS_MAX], writers[PAIRS_MAX], readers[PAIRS_MAX];

	for (unsigned i = 0; i < pairs; i++) {
		make_streams(ends[i], i % 2 ? 2000 : 100000);
		bide_stream_split(ends[i][0]);
		(void)bide_stream_set_limits(ends[i][i % 2], 0, 8000);
		echoes[i] = bide_async_start_cold(echo, .client = ends[i][1]);
		writers[i] = bide_async_start_cold(write_lines, .server = ends[i][0], .count = LINES);
		readers[i] = bide_async_start_cold(read_lines, .server = ends[i][0], .count = LINES,
		                                   .hurries = hurries);
	}
	for (unsigned i = 0; i < pairs; i++) {
		assert_int_equal(result_of(writers[i]), 0);
		assert_int_equal(result_of(readers[i]), LINES);
		assert_int_equal(error_of(echoes[i]), 0);
		assert_true(bide_buffer_is_valid_(ends[i][0]));
		bide_stream_close(ends[i][0]);
	}
}

TEST_SLOW(many_conversations_lose_no_byte, 60)
{
	NEEDS_SYSTEM("threads");
	for (int round = 0; test_round(round, 20); round++) {
		talk(16, false);
		assert_true(bide_chunks_are_valid_());
	}
}

TEST_SLOW(reads_that_are_canceled_as_bytes_come_lose_none, 60)
{
	NEEDS_SYSTEM("threads");
	for (int round = 0; test_round(round, 20); round++)
		talk(8, true);
}

TEST_SLOW(conversations_with_a_small_budget_end, 60)
{
	bide_config config = { .io_buffers_max_bytes = 4 * BIDE_CHUNK_USUAL_ };

	NEEDS_SYSTEM("threads");
	assert_int_equal(bide_configure(&config), 0);
	for (int round = 0; test_round(round, 20); round++)
		talk(16, round % 2);
}

/* A thread that is no worker talks to a function. With one worker, that worker does the sends. */
static void *talk_from_outside(void *argument)
{
	bide_stream *server = argument;

	for (unsigned i = 0; i < 300; i++) {
		char line[32];
		int length = snprintf(line, sizeof line, "line %u", i);

		if (i % 2)
			assert_int_equal(result_of(bide_stream_print(server, "%s\n", line)), length + 1);
		else
			assert_int_equal(result_of(bide_stream_put(server, line, (size_t)length)), length);
		if (i % 2 == 0)
			assert_int_equal(result_of(bide_stream_write(server, "\n", 1)), 1);
		if (i % 5 == 0)
			assert_int_equal(result_of(bide_stream_flush(server)), 0);
		assert_string_equal(text_of(bide_stream_read_line(server)), line);
	}
	assert_int_equal(result_of(bide_stream_end(server)), 0);
	bide_stream_close(server);
	return NULL;
}

TEST_SLOW(a_thread_that_is_no_worker_may_use_buffers, 60)
{
	bide_stream *ends[2];
	bide_value_task echoes;
	pthread_t thread;

	NEEDS_SYSTEM("threads");
	for (int round = 0; round < 3; round++) {
		make_streams(ends, 4000);
		echoes = bide_async_start_cold(echo, .client = ends[1]);
		assert_int_equal(pthread_create(&thread, NULL, talk_from_outside, ends[0]), 0);
		assert_int_equal(error_of(echoes), 0);
		/* With one worker, what the thread waits for is done here. */
		while (!many_workers() && pthread_tryjoin_np(thread, NULL) != 0)
			run_what_is_ready(0);
		if (many_workers())
			assert_int_equal(pthread_join(thread, NULL), 0);
		else
			run_what_is_ready(0); /* the close, which the thread has sent last */
	}
}

/* One side ends in the middle, by an abort, a close, or an idle limit. Nothing is left. */
TEST_SLOW(conversations_may_be_broken_off_at_any_time, 60)
{
	NEEDS_SYSTEM("threads");
	for (int round = 0; test_round(round, 300); round++) {
		bide_stream *ends[2];
		bide_value_task echoes, writer, reader;

		make_streams(ends, 4000);
		bide_stream_split(ends[0]);
		bide_stream_set_idle(ends[round % 2], BIDE_MS(1 + round % 3));
		echoes = bide_async_start_cold(echo, .client = ends[1]);
		writer = bide_async_start_cold(write_lines, .server = ends[0], .count = 100000);
		reader = round % 3 ? bide_async_start_cold(read_lines, .server = ends[0], .count = 100000)
		                   : bide_value_task_completed();
		if (!many_workers())
			run_what_is_ready((size_t)round);
		if (round % 4 == 1)
			bide_stream_abort(ends[0], EIO);
		if (round % 4 == 2)
			bide_stream_abort(ends[0], BIDE_EUSER);
		if (round % 3 == 0 && round % 4 == 0)
			assert_int_equal(error_of(bide_delay_ms(4)), 0);
		else if (round % 4 == 0)
			bide_stream_abort(ends[0], ECONNRESET);
		if (round % 4 == 3)
			bide_stream_set_idle(ends[0], BIDE_MS(1));
		(void)error_of(writer);
		(void)error_of(reader);
		bide_stream_close(ends[0]);
		(void)error_of(echoes);
	}
}
