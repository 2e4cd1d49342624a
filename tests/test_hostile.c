/*
 * A server as the guide shows it, among clients that flood, stall, send garbage, vanish, and do not
 * read: a client that behaves is answered all the time, and nothing is left afterwards.
 *
 * All clients are plain blocking sockets on threads of their own.
 */
/* threads */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "support/task_support.h"

/* --- the server --- */

struct talk {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	char *line;
};

async(talk)
{
	async_in(client);
	await(stream_print(client, "hello\n"));
	for (;;) {
		long a, b;

		await(my->line, stream_read_line(client));
		if (!my->line || strcmp(my->line, "quit") == 0)
			break;
		if (sscanf(my->line, "add %ld %ld", &a, &b) == 2)
			await(stream_print(client, "%lld\n", (long long)a + b));
		else
			await(stream_print(client, "what? add A B, or quit\n"));
	}
async_finally:
	if (async_error == EMSGSIZE)
		await(stream_print(client, "that line is too long\n"));
	async_end;
}

static value_task start_talk(stream *client, void *argument)
{
	(void)argument;
	return async_start(talk, .client = client);
}

static unsigned port;
static context *scope;
static atomic_int attackers; /* that still attack */

/* --- clients --- */

/* Returns -1 if the server's queue is full. */
static int client_with_room(int receive_bytes)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                      .sin_port = htons((uint16_t)port),
		                      .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval patience = { .tv_sec = 60 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (receive_bytes)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return fd;
	close(fd);
	return -1;
}

static void close_hard(int fd)
{
	struct linger none = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	close(fd);
}

/* Reads and drops all until the server ends the connection, which it must. */
static void read_to_the_end(int fd)
{
	char dropped[4096];
	ssize_t count;

	do
		count = recv(fd, dropped, sizeof dropped, 0);
	while (count > 0);
	if (count < 0 && errno != ECONNRESET)
		fail_msg("the server did not end the connection: %s", strerror(errno));
	close(fd);
}

static void send_garbage(int round)
{
	static _Thread_local unsigned char garbage[100000];
	unsigned state = (unsigned)round * 2654435761u + 1;
	int fd = client_with_room(0);

	for (size_t i = 0; i < sizeof garbage; i++) {
		state = state * 1103515245u + 12345u;
		garbage[i] = (unsigned char)(state >> 16);
		if (round % 2 && garbage[i] == '\n')
			garbage[i] = 0; /* one line that never ends */
	}
	if (fd < 0)
		return;
	(void)send(fd, garbage, sizeof garbage, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	read_to_the_end(fd);
}

static void stall(int round)
{
	int fds[20];

	for (int i = 0; i < 20; i++) {
		fds[i] = client_with_room(0);
		if (fds[i] >= 0)
			(void)send(fds[i], "add 1 ", (size_t)((round + i) % 7), MSG_NOSIGNAL);
	}
	for (int i = 0; i < 20; i++)
		if (fds[i] >= 0)
			read_to_the_end(fds[i]);
}

/* Ends after each number of bytes of a request, in order or not. */
static void vanish(int round)
{
	static const char request[] = "add 2 3\nadd 4 5\nquit\n";
	int fd = client_with_room(0);

	if (fd < 0)
		return;
	(void)send(fd, request, (size_t)round % sizeof request, MSG_NOSIGNAL);
	if (round & 1) {
		close_hard(fd);
	} else {
		shutdown(fd, SHUT_WR);
		read_to_the_end(fd);
	}
}

static void flood(int round)
{
	for (int i = 0; i < 50; i++) {
		int fd = client_with_room(0);

		if (fd < 0)
			continue;
		if ((round + i) & 1)
			close_hard(fd);
		else
			close(fd);
	}
}

/* Asks for much more than the buffers hold, and reads nothing. */
static void be_deaf(int round)
{
	static char requests[64000];
	int fd = client_with_room(4096);

	(void)round;
	for (size_t i = 0; i + 8 <= sizeof requests; i += 8)
		memcpy(requests + i, "add 1 1\n", 8);
	if (fd < 0)
		return;
	for (int i = 0; i < 1000; i++)
		if (send(fd, requests, sizeof requests, MSG_NOSIGNAL) < 0)
			break; /* the server has had enough */
	close(fd);
}

typedef struct attack {
	void (*attack)(int round);
	int rounds;
} attack;

static void *run_attack(void *argument)
{
	const attack *a = argument;

	for (int i = 0; test_round(i, a->rounds); i++)
		a->attack(i);
	attackers--;
	return NULL;
}

/* --- the client that behaves --- */

static void hear(int fd, const char *text)
{
	char got[64] = "";

	assert_int_equal(recv(fd, got, strlen(text), MSG_WAITALL), (ssize_t)strlen(text));
	assert_string_equal(got, text);
}

static void ask(int fd, int a, int b)
{
	char question[64], expected[32];
	int size = snprintf(question, sizeof question, "add %d %d\n", a, b);

	assert_int_equal(send(fd, question, (size_t)size, MSG_NOSIGNAL), size);
	snprintf(expected, sizeof expected, "%d\n", a + b);
	hear(fd, expected);
}

/* Goes on until the attacks are over, and a little longer. */
static void *behave(void *argument)
{
	int visits = 0, after = 0;

	(void)argument;
	while (after < 3) {
		int fd = client_with_room(0);

		if (attackers == 0)
			after++;
		assert_true(fd >= 0);
		hear(fd, "hello\n");
		for (int i = 0; i < 10; i++)
			ask(fd, visits, i);
		visits++;
		assert_int_equal(send(fd, "quit\n", 5, MSG_NOSIGNAL), 5);
		read_to_the_end(fd);
	}
	context_cancel(scope, ECANCELED);
	return NULL;
}

static void serve_among(const attack *attacks, int count)
{
	serve_options options = { .limit = 40, .idle_ns = BIDE_SECONDS(2), .drain_ns = 1 };
	listener *listening;
	address local;
	payload opened;
	pthread_t good, bad[8];
	value_task server;

	NOT_SEEDED("it is about sockets");
	needs_threads();
	assert_int_equal(value_task_wait(tcp_listen("127.0.0.1", "0", NULL).untyped, &opened), 0);
	listening = opened.p;
	assert_int_equal(listener_address(listening, &local), 0);
	port = address_port(&local);
	scope = context_create(NULL);
	server = in_context(scope, serve(listening, start_talk, NULL, &options));
	attackers = count;
	assert_int_equal(pthread_create(&good, NULL, behave, NULL), 0);
	for (int i = 0; i < count; i++)
		assert_int_equal(pthread_create(&bad[i], NULL, run_attack, (void *)(uintptr_t)&attacks[i]),
		                 0);
	assert_int_equal(value_task_wait(server, NULL), ECANCELED);
	for (int i = 0; i < count; i++)
		pthread_join(bad[i], NULL);
	pthread_join(good, NULL);
	listener_close(listening);
	context_unref(scope);
}

TEST(garbage_harms_nobody)
{
	serve_among(&(attack){ send_garbage, 50 }, 1);
}

TEST(stalls_harm_nobody)
{
	serve_among((const attack[]){ { stall, 2 }, { stall, 2 } }, 2);
}

TEST(peers_that_vanish_harm_nobody)
{
	serve_among(&(attack){ vanish, 300 }, 1);
}

TEST(a_flood_harms_nobody)
{
	serve_among(&(attack){ flood, 30 }, 1);
}

TEST(peers_that_do_not_read_harm_nobody)
{
	serve_among((const attack[]){ { be_deaf, 1 }, { be_deaf, 1 } }, 2);
}

TEST_SLOW(all_of_them_together_harm_nobody, 40)
{
	static const attack attacks[] = {
		{ send_garbage, 20 }, { stall, 2 }, { vanish, 100 }, { flood, 10 }, { be_deaf, 1 }
	};

	serve_among(attacks, 5);
}
