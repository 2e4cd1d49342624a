/*
 * A conversation in lines, cut after each of its bytes: by an end, a close and a reset, on either
 * side. Whole lines are answered, what was acknowledged is there, and no descriptor is left.
 */
/* threads */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <sys/socket.h>

#include "support/task_support.h"

enum end { END_OF_SIDE, CLOSE, RESET, END_COUNT };

/* Connects two sockets by TCP. */
static void connect_pair(int *one, int *other)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	NOT_SEEDED("it talks by sockets");
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	*one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(*one, (struct sockaddr *)&address, size), 0);
	*other = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(*other >= 0);
	close(listener);
}

/* Ends the connection in one of the ways. After END_OF_SIDE the caller closes it. */
static void end_by(int fd, enum end end)
{
	if (end == END_OF_SIDE)
		shutdown(fd, SHUT_WR);
	if (end == RESET)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	if (end != END_OF_SIDE)
		close(fd);
}

/* --- a server */

struct talk {
	ASYNC_FRAME;
	struct {
		int fd;
	} in;
	bide_stream *client;
	char *line;
	int lines;
};

async(talk)
{
	async_in(fd);
	if (bide_stream_take_fd(&my->client, fd) != 0)
		async_fail(EBADF);
	for (;;) {
		await(my->line, bide_stream_read_line(my->client));
		if (!my->line)
			break;
		my->lines++;
		await(bide_stream_print(my->client, "%s!\n", my->line));
	}
	await(bide_stream_end(my->client));
	async_return(my->lines);
async_finally:
	bide_stream_close(my->client);
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
	int mine, others, error;
	value_task served;

	connect_pair(&mine, &others);
	served = async_start(talk, .fd = others);
	if (size > 0)
		assert_int_equal(send(mine, lines, size, MSG_NOSIGNAL), size);
	end_by(mine, end);
	error = value_task_wait(served, NULL);
	assert_true(error == 0 || (end != END_OF_SIDE && (error == ECONNRESET || error == EPIPE)));
	if (end != END_OF_SIDE)
		return;
	assert_int_equal(error, 0);
	while ((count = recv(mine, got + got_bytes, sizeof got - got_bytes, 0)) > 0)
		got_bytes += (size_t)count;
	assert_int_equal(count, 0);
	assert_int_equal(got_bytes, expected_bytes);
	assert_memory_equal(got, expected, got_bytes);
	close(mine);
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
	int mine, others;
	value_task served;

	connect_pair(&mine, &others);
	served = async_start(talk, .fd = others);
	for (size_t i = 0; i < sizeof lines - 1; i++) {
		assert_int_equal(send(mine, lines + i, 1, MSG_NOSIGNAL), 1);
		run_all();
	}
	shutdown(mine, SHUT_WR);
	assert_int_equal(value_task_wait(served, NULL), 0);
	while ((count = recv(mine, got + got_bytes, sizeof got - got_bytes, 0)) > 0)
		got_bytes += (size_t)count;
	assert_int_equal(got_bytes, sizeof answers - 1);
	assert_memory_equal(got, answers, got_bytes);
	close(mine);
}

/* --- a client */

struct ask {
	ASYNC_FRAME;
	struct {
		int fd;
	} in;
	bide_stream *server;
	char *line;
	int64_t size;
	char body[16];
};

/* Asks, and reads an answer of two lines and a body of 16 bytes. */
async(ask)
{
	async_in(fd);
	if (bide_stream_take_fd(&my->server, fd) != 0)
		async_fail(EBADF);
	await(bide_stream_print(my->server, "question\n"));
	await(my->line, bide_stream_read_line(my->server));
	if (!my->line || strcmp(my->line, "first line") != 0)
		async_fail(EPROTO);
	await(my->line, bide_stream_read_line(my->server));
	if (!my->line || strcmp(my->line, "second line") != 0)
		async_fail(EPROTO);
	await(my->size, bide_stream_read_exactly(my->server, my->body, sizeof my->body));
	async_return(memcmp(my->body, "0123456789abcdef", 16) == 0);
async_finally:
	bide_stream_close(my->server);
	async_end;
}

static void cut_answer(size_t size, enum end end)
{
	static const char answer[] = "first line\r\nsecond line\n0123456789abcdef";
	char question[16];
	int mine, others, error;
	int64_t good = 0;
	value_task asked;

	connect_pair(&mine, &others);
	asked = async_start(ask, .fd = others);
	run_all();
	assert_int_equal(recv(mine, question, 9, MSG_WAITALL), 9);
	assert_int_equal(send(mine, answer, size, MSG_NOSIGNAL), size);
	end_by(mine, end);
	error = wait_int(asked, &good);
	if (end == END_OF_SIDE)
		close(mine);
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
