/*
 * The file server over sockets, and each exchange cut after each of its bytes: by an end, a close
 * and a reset. No descriptor may be left, and what was asked for whole must be answered whole.
 */
/* threads */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connection.h"
#include "support/peer.h"
#include "support/task_support.h"

static char folder[64];
static struct site site;

static void make_site(void)
{
	char path[128];
	int file;

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

/* What bide_serve does with a client, for one client. */
struct session {
	ASYNC_FRAME;
	struct {
		bide_stream *client;
		int64_t idle_ns;
	} in;
};

async(session)
{
	async_in(client, idle_ns);
	if (idle_ns)
		bide_stream_set_idle(client, idle_ns);
	await(connection_serve(client, &site));
	await(bide_stream_end(client));
async_finally:
	bide_stream_close(my->in.client);
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

	while ((got = read_peer(client, text + size, sizeof text - 1 - size)) > 0)
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
	int client, error;
	value_task served = async_start(session, .client = make_tcp_stream(&client));

	put_bytes(client, exchange, size);
	if (end == CLOSE)
		close_peer(client);
	else if (end == RESET)
		reset_peer(client);
	else
		end_peer(client);
	error = value_task_wait(served, NULL);
	if (end != END_OF_SIDE)
		return;
	assert_int_equal(error, 0);
	assert_int_equal(count_answers(client), whole_requests(size));
	close_peer(client);
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
	bide_stream *server;
	int client;
	value_task served;

	server = make_tcp_stream(&client);
	served = async_start(session, .client = server);
	put_bytes(client, request, sizeof request - 1);
	while (size > 0) {
		run_on(); /* with one worker, this thread is the worker */
		ssize_t got = try_read_peer(client, text, size < sizeof text ? size : sizeof text);

		assert_true(got > 0 || errno == EAGAIN);
		size -= got > 0 ? (size_t)got : 0;
	}
	if (end == CLOSE)
		close_peer(client);
	else
		reset_peer(client);
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
	bide_stream *server;
	int client;
	value_task served;

	make_site();
	server = make_tcp_stream(&client);
	served = async_start(session, .client = server, .idle_ns = BIDE_MS(50));
	put_bytes(client, request, sizeof request - 1);
	assert_int_not_equal(value_task_wait(served, NULL), 0);
	close_peer(client);
	remove_site();
}

/* Takes a few bytes now and then, until the connection ends. */
static void *take_slowly(void *argument)
{
	char text[64];
	int client = *(int *)argument;

	while (read_peer(client, text, sizeof text) > 0)
		sleep_ms(10);
	return NULL;
}

TEST(a_client_that_takes_an_answer_byte_by_byte_is_ended)
{
	static const char request[] = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n";
	bide_stream *server;
	int client;
	pthread_t reader;

	NEEDS_SYSTEM("threads");
	make_site();
	site.send_ns = BIDE_MS(100);
	server = make_tcp_stream(&client);
	put_bytes(client, request, sizeof request - 1);
	assert_int_equal(pthread_create(&reader, NULL, take_slowly, &client), 0);
	assert_int_not_equal(value_task_wait(async_start(session, .client = server), NULL), 0);
	shutdown(client, SHUT_RDWR);
	pthread_join(reader, NULL);
	close_peer(client);
	remove_site();
}

TEST(a_client_that_asks_nothing_is_ended)
{
	bide_stream *server;
	int client;
	char byte;

	make_site();
	server = make_tcp_stream(&client);
	assert_int_equal(value_task_wait(async_start(session, .client = server, .idle_ns = BIDE_MS(50)),
	                                 NULL),
	                 0);
	assert_int_equal(read_peer(client, &byte, 1), 0);
	close_peer(client);
	remove_site();
}

TEST(a_request_that_takes_too_long_is_refused)
{
	bide_stream *server;
	int client;
	value_task served;
	char text[64] = "";

	make_site();
	site.request_ns = BIDE_MS(50);
	server = make_tcp_stream(&client);
	put_bytes(client, "GET / HT", 8);
	served = async_start(session, .client = server);
	assert_int_equal(value_task_wait(served, NULL), 0);
	read_exactly(client, text, 12);
	assert_memory_equal(text, "HTTP/1.1 408", 12);
	close_peer(client);
	remove_site();
}

TEST(a_server_that_ends_ends_silent_connections)
{
	bide_stream *server;
	int client;
	value_task served;

	make_site();
	server = make_tcp_stream(&client);
	served = async_start(session, .client = server);
	run_all();
	site_end(&site);
	(void)value_task_wait(served, NULL);
	close_peer(client);
	remove_site();
}

TEST_SLOW(garbage_ends_a_connection, 40)
{
	static char garbage[3000];
	unsigned seed = 1;

	make_site();
	for (int round = 0; round < 300; round++) {
		size_t size = 1 + (size_t)rand_r(&seed) % sizeof garbage;
		bide_stream *server;
		int client;
		value_task served;

		for (size_t i = 0; i < size; i++)
			garbage[i] = (char)rand_r(&seed);
		server = make_tcp_stream(&client);
		served = async_start(session, .client = server);
		assert_true(try_write_peer(client, garbage, size) > 0);
		if (round % 2)
			end_peer(client);
		else
			reset_peer(client);
		(void)value_task_wait(served, NULL);
		if (round % 2)
			close_peer(client);
	}
	remove_site();
}
