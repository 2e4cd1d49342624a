/*
 * A conversation in lines, cut after each of its bytes: by an end, a close and a reset, on either
 * side. Whole lines are answered, what was acknowledged is there, and no descriptor is left.
 */
/* threads */
#define _GNU_SOURCE
#include "support/peer.h"
#include "support/task_support.h"

enum end { END_OF_SIDE, CLOSE, RESET, END_COUNT };

/* Ends the connection in one of the ways. After END_OF_SIDE the caller closes it. */
static void end_by(int peer, enum end end)
{
	if (end == END_OF_SIDE)
		end_peer(peer);
	else if (end == CLOSE)
		close_peer(peer);
	else
		reset_peer(peer);
}

/* --- a server */

struct talk {
	ASYNC_FRAME;
	struct {
		bide_stream *client;
	} in;
	char *line;
	int lines;
};

async(talk)
{
	async_in(client);
	for (;;) {
		await(my->line, bide_stream_read_line(client));
		if (!my->line)
			break;
		my->lines++;
		await(bide_stream_print(client, "%s!\n", my->line));
	}
	await(bide_stream_end(client));
	async_return(my->lines);
async_finally:
	bide_stream_close(my->in.client);
	async_end;
}

static const char lines[] = "one\ntwo\r\n\nfour is longer than the others\n5\nsix";
static const char answers[] = "one!\ntwo!\n!\nfour is longer than the others!\n5!\nsix!\n";

/* The answers to the first `size` bytes, which end with an end: a line without its end is one. */
static size_t expect_answers(size_t size, char *to)
{
	size_t used = 0, length = 0;

	for (size_t i = 0; i < size; i++) {
		if (lines[i] == '\n') {
			used += (size_t)sprintf(to + used, "!\n");
			length = 0;
		} else if (lines[i] != '\r' || i + 1 == size) {
			to[used++] = lines[i];
			length++;
		}
	}
	if (length > 0)
		used += (size_t)sprintf(to + used, "!\n");
	return used;
}

static void cut_lines(size_t size, enum end end)
{
	char got[sizeof answers + 16], expected[sizeof answers + 16];
	size_t got_bytes = 0, expected_bytes = expect_answers(size, expected);
	ssize_t count;
	int mine, error;
	value_task served;

	served = async_start(talk, .client = make_tcp_stream(&mine));
	put_bytes(mine, lines, size);
	end_by(mine, end);
	error = value_task_wait(served, NULL);
	assert_true(error == 0 || (end != END_OF_SIDE && (error == ECONNRESET || error == EPIPE)));
	if (end != END_OF_SIDE)
		return;
	assert_int_equal(error, 0);
	while ((count = read_peer(mine, got + got_bytes, sizeof got - got_bytes)) > 0)
		got_bytes += (size_t)count;
	assert_int_equal(count, 0);
	assert_int_equal(got_bytes, expected_bytes);
	assert_memory_equal(got, expected, got_bytes);
	close_peer(mine);
}

TEST_SLOW(a_client_may_be_cut_after_any_byte, 40)
{
	for (size_t size = 0; size < sizeof lines; size++)
		for (int end = 0; end < END_COUNT; end++)
			cut_lines(size, (enum end)end);
}

/* The same, while the server waits for the rest: each byte comes by itself. */
TEST_SLOW(lines_may_come_byte_by_byte, 40)
{
	char got[sizeof answers];
	size_t got_bytes = 0;
	ssize_t count;
	int mine;
	value_task served;

	served = async_start(talk, .client = make_tcp_stream(&mine));
	for (size_t i = 0; i < sizeof lines - 1; i++) {
		put_byte(mine, lines[i]);
		run_all();
	}
	end_peer(mine);
	assert_int_equal(value_task_wait(served, NULL), 0);
	while ((count = read_peer(mine, got + got_bytes, sizeof got - got_bytes)) > 0)
		got_bytes += (size_t)count;
	assert_int_equal(got_bytes, sizeof answers - 1);
	assert_memory_equal(got, answers, got_bytes);
	close_peer(mine);
}

/* --- a client */

struct ask {
	ASYNC_FRAME;
	struct {
		bide_stream *server;
	} in;
	char *line;
	int64_t size;
	char body[16];
};

/* Asks, and reads an answer of two lines and a body of 16 bytes. */
async(ask)
{
	async_in(server);
	await(bide_stream_print(server, "question\n"));
	await(my->line, bide_stream_read_line(server));
	if (!my->line || strcmp(my->line, "first line") != 0)
		async_fail(EPROTO);
	await(my->line, bide_stream_read_line(server));
	if (!my->line || strcmp(my->line, "second line") != 0)
		async_fail(EPROTO);
	await(my->size, bide_stream_read_exactly(server, my->body, sizeof my->body));
	async_return(memcmp(my->body, "0123456789abcdef", 16) == 0);
async_finally:
	bide_stream_close(my->in.server);
	async_end;
}

static void cut_answer(size_t size, enum end end)
{
	static const char answer[] = "first line\r\nsecond line\n0123456789abcdef";
	char question[16];
	int mine, error;
	int64_t good = 0;
	value_task asked;

	asked = async_start(ask, .server = make_tcp_stream(&mine));
	run_all();
	read_exactly(mine, question, 9);
	put_bytes(mine, answer, size);
	end_by(mine, end);
	error = wait_int(asked, &good);
	if (end == END_OF_SIDE)
		close_peer(mine);
	/* After a reset the kernel may have dropped what was sent. */
	if (size == sizeof answer - 1 && (end != RESET || error == 0)) {
		assert_int_equal(error, 0);
		assert_int_equal(good, 1);
	} else if (end == RESET) {
		assert_true(error == ECONNRESET || error == EPROTO || error == BIDE_EEND);
	} else {
		assert_int_equal(error, size < 23 ? EPROTO : BIDE_EEND);
	}
}

TEST_SLOW(a_server_may_be_cut_after_any_byte, 40)
{
	for (size_t size = 0; size < 41; size++)
		for (int end = 0; end < END_COUNT; end++)
			cut_answer(size, (enum end)end);
}
