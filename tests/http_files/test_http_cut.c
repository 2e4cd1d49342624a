/*
 * The file server over sockets, and each exchange cut after each of its bytes: by an end, a close
 * and a reset. No descriptor may be left, and what was asked for whole must be answered whole.
 */
/* threads */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connection.h"
#include "support/task_support.h"

static char folder[64];
static struct site site;

static void make_site(void)
{
	char path[128];
	int file;

	NOT_SEEDED("it talks by sockets");
	snprintf(folder, sizeof folder, "/tmp/bide-http-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/a.txt", folder);
	file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	assert_int_equal(write(file, "hello", 5), 5);
	close(file);
	snprintf(path, sizeof path, "%s/large", folder);
	file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	assert_int_equal(ftruncate(file, 64000000), 0);
	close(file);
	memset(&site, 0, sizeof site);
	assert_int_equal(site_open(&site, folder), 0);
	site.lists = true;
	site.request_ns = site.send_ns = BIDE_SECONDS(60);
}

static void remove_site(void)
{
	char path[128];

	site_close(&site);
	snprintf(path, sizeof path, "%s/a.txt", folder);
	unlink(path);
	snprintf(path, sizeof path, "%s/large", folder);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

/* Connects two sockets by TCP. */
static void connect_pair(int *client, int *server)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	*client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(*client, (struct sockaddr *)&address, size), 0);
	*server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(*server >= 0);
	close(listener);
}

static void reset(int fd)
{
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 }, sizeof(struct linger));
	close(fd);
}

/* What bide_serve does with a client, for one client. */
struct session {
	ASYNC_FRAME;
	struct {
		int fd;
		int64_t idle_ns;
	} in;
	bide_stream *client;
};

async(session)
{
	async_in(fd, idle_ns);
	if (bide_stream_take_fd(&my->client, fd) != 0)
		async_fail(EBADF);
	if (idle_ns)
		bide_stream_set_idle(my->client, idle_ns);
	await(connection_serve(my->client, &site));
	await(bide_stream_end(my->client));
async_finally:
	bide_stream_close(my->client);
	async_end;
}

enum end { END_OF_SIDE, CLOSE, RESET, END_COUNT };

static const char exchange[] = "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n"
							   "GET /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
							   "HEAD /a.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n"
							   "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
							   "GET /none HTTP/1.1\r\nHost: a\r\n\r\n";

/* How many of the requests are whole in the first `size` bytes. */
static int whole_requests(size_t size)
{
	static const char *const ends[] = { "Host: a\r\n\r\nGET /a.txt", "abcHEAD", "0-1\r\n\r\nGET",
		                                "Host: a\r\n\r\nGET /none", NULL };
	static const size_t back[] = { 10, 4, 3, 9 };
	int count = 0;

	for (size_t i = 0; i < 4; i++) {
		const char *at = strstr(exchange, ends[i]);

		assert_non_null(at);
		count += size >= (size_t)(at - exchange) + strlen(ends[i]) - back[i];
	}
	return count + (size >= sizeof exchange - 1);
}

static int count_answers(int client)
{
	static char text[65536];
	size_t size = 0;
	ssize_t got;
	int count = 0;

	while ((got = recv(client, text + size, sizeof text - 1 - size, 0)) > 0)
		size += (size_t)got;
	assert_int_equal(got, 0);
	text[size] = '\0';
	for (const char *at = text; (at = strstr(at, "HTTP/1.1 ")); at++)
		count++;
	/* The last answer is whole, too. */
	assert_true(count == 0 || strstr(text, "\r\n\r\n") != NULL);
	return count;
}

static void cut_request(size_t size, enum end end)
{
	int client, server, error;
	value_task served;

	connect_pair(&client, &server);
	served = async_start(session, .fd = server);
	if (size > 0)
		assert_int_equal(send(client, exchange, size, MSG_NOSIGNAL), size);
	if (end == CLOSE)
		close(client);
	else if (end == RESET)
		reset(client);
	else
		shutdown(client, SHUT_WR);
	error = value_task_wait(served, NULL);
	if (end != END_OF_SIDE)
		return;
	assert_int_equal(error, 0);
	assert_int_equal(count_answers(client), whole_requests(size));
	close(client);
}

TEST_SLOW(requests_may_be_cut_after_any_byte, 60)
{
	make_site();
	for (size_t size = 0; size < sizeof exchange; size++)
		for (int end = 0; end < END_COUNT; end++)
			cut_request(size, (enum end)end);
	remove_site();
}

/* The client goes away after it has read that number of bytes of a long answer. */
static void cut_answer(size_t size, enum end end)
{
	static const char request[] = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
	static char text[4096];
	int client, server;
	value_task served;

	connect_pair(&client, &server);
	served = async_start(session, .fd = server);
	assert_int_equal(send(client, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
	while (size > 0) {
		/* With one worker, this thread is the worker. */
		run_all();
		ssize_t got = recv(client, text, size < sizeof text ? size : sizeof text,
		                   many_workers() ? 0 : MSG_DONTWAIT);

		assert_true(got > 0 || (!many_workers() && errno == EAGAIN));
		size -= got > 0 ? (size_t)got : 0;
	}
	if (end == CLOSE)
		close(client);
	else
		reset(client);
	assert_int_not_equal(value_task_wait(served, NULL), 0);
}

TEST_SLOW(answers_may_be_cut_after_any_byte, 60)
{
	make_site();
	for (size_t size = 0; size < 500; size += size < 320 ? 1 : 17)
		for (int end = CLOSE; end < END_COUNT; end++)
			cut_answer(size, (enum end)end);
	remove_site();
}

TEST(a_client_that_takes_no_answer_is_ended)
{
	static const char request[] = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
	int client, server;
	value_task served;

	make_site();
	connect_pair(&client, &server);
	served = async_start(session, .fd = server, .idle_ns = BIDE_MS(50));
	assert_int_equal(send(client, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
	assert_int_not_equal(value_task_wait(served, NULL), 0);
	close(client);
	remove_site();
}

/* Takes a few bytes now and then, until the connection ends. */
static void *take_slowly(void *argument)
{
	char text[64];
	int client = *(int *)argument;

	while (recv(client, text, sizeof text, 0) > 0)
		sleep_ms(10);
	return NULL;
}

TEST(a_client_that_takes_an_answer_byte_by_byte_is_ended)
{
	static const char request[] = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
	int client, server;
	pthread_t reader;

	make_site();
	site.send_ns = BIDE_MS(100);
	connect_pair(&client, &server);
	assert_int_equal(send(client, request, sizeof request - 1, MSG_NOSIGNAL), sizeof request - 1);
	assert_int_equal(pthread_create(&reader, NULL, take_slowly, &client), 0);
	assert_int_not_equal(value_task_wait(async_start(session, .fd = server), NULL), 0);
	shutdown(client, SHUT_RDWR);
	pthread_join(reader, NULL);
	close(client);
	remove_site();
}

TEST(a_client_that_asks_nothing_is_ended)
{
	int client, server;
	char byte;

	make_site();
	connect_pair(&client, &server);
	assert_int_equal(value_task_wait(async_start(session, .fd = server, .idle_ns = BIDE_MS(50)),
	                                 NULL),
	                 0);
	assert_int_equal(recv(client, &byte, 1, 0), 0);
	close(client);
	remove_site();
}

TEST(a_request_that_takes_too_long_is_refused)
{
	int client, server;
	value_task served;
	char text[64] = "";

	make_site();
	site.request_ns = BIDE_MS(50);
	connect_pair(&client, &server);
	assert_int_equal(send(client, "GET / HT", 8, MSG_NOSIGNAL), 8);
	served = async_start(session, .fd = server);
	assert_int_equal(value_task_wait(served, NULL), 0);
	assert_true(recv(client, text, sizeof text - 1, 0) > 12);
	assert_memory_equal(text, "HTTP/1.1 408", 12);
	close(client);
	remove_site();
}

TEST(a_server_that_ends_ends_silent_connections)
{
	int client, server;
	value_task served;

	make_site();
	connect_pair(&client, &server);
	served = async_start(session, .fd = server);
	run_all();
	site_end(&site);
	(void)value_task_wait(served, NULL);
	close(client);
	remove_site();
}

TEST_SLOW(garbage_ends_a_connection, 40)
{
	static char garbage[3000];
	unsigned seed = 1;

	make_site();
	for (int round = 0; round < 300; round++) {
		size_t size = 1 + (size_t)rand_r(&seed) % sizeof garbage;
		int client, server;
		value_task served;

		for (size_t i = 0; i < size; i++)
			garbage[i] = (char)rand_r(&seed);
		connect_pair(&client, &server);
		served = async_start(session, .fd = server);
		assert_int_equal(send(client, garbage, size, MSG_NOSIGNAL), size);
		if (round % 2)
			shutdown(client, SHUT_WR);
		else
			reset(client);
		(void)value_task_wait(served, NULL);
		if (round % 2)
			close(client);
	}
	remove_site();
}
