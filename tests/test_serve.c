/*
 * Servers: the life of a client, limits, and an orderly end.
 *
 * The clients are peers on a thread of their own, the script. The test's thread waits for the
 * server, so that the one worker runs. On the simulated network the test's thread is both.
 */
/* threads */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "support/limited_memory.h"
#include "support/limits_of_tools.h"
#include "support/peer.h"
#include "support/task_support.h"

/* --- a server and a script --- */

static listener *listening;
static context *scope;
static address local;

typedef void script_function(void);

static void *run_script(void *script)
{
	((script_function *)(uintptr_t)script)();
	return NULL;
}

static void open_listener(void)
{
	payload opened;

	if (!test_seeded())
		needs_threads();
	assert_int_equal(value_task_wait(tcp_listen("127.0.0.1", "0", NULL).untyped, &opened), 0);
	listening = opened.p;
	assert_int_equal(listener_address(listening, &local), 0);
	scope = context_create(NULL);
	assert_non_null(scope);
}

static void close_listener(void)
{
	listener_close(listening);
	context_unref(scope);
}

/* Runs the server and the script, which cancels the scope. Returns the error of the server. */
static int play(serve_function *function, void *argument, const serve_options *options,
                script_function *script)
{
	value_task server;
	pthread_t thread;
	int error;

	if (!listening)
		open_listener();
	server = in_context(scope, serve(listening, function, argument, options));
	if (test_seeded()) {
		script();
		error = value_task_wait(server, NULL);
	} else {
		assert_int_equal(pthread_create(&thread, NULL, run_script, (void *)(uintptr_t)script), 0);
		error = value_task_wait(server, NULL);
		pthread_join(thread, NULL);
	}
	close_listener();
	return error;
}

static void stop(void)
{
	context_cancel(scope, ECANCELED);
}

/* --- a client --- */

static int client(void)
{
	return connect_peer(&local, 0);
}

static void say(int peer, const char *text)
{
	put_bytes(peer, text, strlen(text));
}

static void hear(int peer, const char *text)
{
	char got[256] = "";

	read_exactly(peer, got, strlen(text));
	assert_string_equal(got, text);
}

static void hear_the_end(int peer)
{
	char byte;

	assert_int_equal(read_peer(peer, &byte, 1), 0);
	close_peer(peer);
}

/* --- what is served --- */

static atomic_int begun, ended, most, now;
static atomic_int last_error; /* what a function of a client ended with */

/* Answers lines until the peer ends, and notes how it ended. */
struct lines {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	char *line;
	int count;
};

async(lines)
{
	async_in(client);
	begun++;
	my->count = ++now;
	if (my->count > most)
		most = my->count;
	for (;;) {
		await(my->line, stream_read_line(client));
		if (!my->line)
			break;
		if (strcmp(my->line, "fail") == 0)
			async_fail(EIO);
		if (strcmp(my->line, "cancel me") == 0)
			context_cancel(context_current(), BIDE_EUSER);
		await(stream_print(client, "<%s>\n", my->line));
	}
async_finally:
	last_error = async_error;
	now--;
	ended++;
	async_end;
}

static value_task start_lines(stream *client, void *argument)
{
	if (argument)
		assert_ptr_equal(argument, &local);
	return async_start(lines, .client = client);
}

/* --- the life of a client --- */

static void two_clients_talk(void)
{
	int one = client(), two = client();

	say(one, "a\n");
	hear(one, "<a>\n");
	say(two, "b\nc\n");
	hear(two, "<b>\n<c>\n");
	say(one, "d"); /* a last line without an end */
	end_peer(one);
	hear(one, "<d>\n");
	hear_the_end(one);
	end_peer(two);
	hear_the_end(two);
	stop();
}

TEST(each_client_is_served_and_its_stream_closed)
{
	assert_int_equal(play(start_lines, &local, NULL, two_clients_talk), ECANCELED);
	assert_int_equal(begun, 2);
	assert_int_equal(ended, 2);
	assert_int_equal(last_error, 0);
}

enum { ANSWER_BYTES = 1 << 20 };
static char answer[ANSWER_BYTES];

/* Does not read its request. */
struct big_answer {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
};

async(big_answer)
{
	async_in(client);
	await(stream_write(client, answer, sizeof answer));
	await(stream_print(client, "end"));
async_finally:
	async_end;
}

static value_task start_big_answer(stream *client, void *argument)
{
	(void)argument;
	return async_start(big_answer, .client = client);
}

static void hear_all_of_it(void)
{
	static char request[1000], got[ANSWER_BYTES + 4];
	int fd = client();

	put_bytes(fd, request, sizeof request);
	for (int i = 0; i < 20; i++) /* so that it is there when the server closes */
		wait_a_moment();
	read_exactly(fd, got, sizeof answer + 3);
	assert_memory_equal(got, answer, sizeof answer);
	assert_memory_equal(got + sizeof answer, "end", 3);
	hear_the_end(fd);
	stop();
}

TEST(the_last_answer_arrives_though_the_request_was_not_read)
{
	for (size_t i = 0; i < sizeof answer; i++)
		answer[i] = (char)(i / 3);
	assert_int_equal(play(start_big_answer, NULL, NULL, hear_all_of_it), ECANCELED);
}

static void one_cancels_itself(void)
{
	int one = client(), two = client();

	say(one, "a\n");
	hear(one, "<a>\n");
	say(two, "cancel me\n");
	hear_the_end(two);
	assert_int_equal(last_error, BIDE_EUSER);
	say(one, "b\n");
	hear(one, "<b>\n");
	end_peer(one);
	hear_the_end(one);
	stop();
}

TEST(a_client_has_a_context_of_its_own)
{
	assert_int_equal(play(start_lines, NULL, NULL, one_cancels_itself), ECANCELED);
	assert_int_equal(last_error, 0);
}

static int key;

static value_task look_up(stream *client, void *argument)
{
	(void)client;
	*(void **)argument = context_get(&key);
	stop();
	return value_task_completed();
}

static void connect_once(void)
{
	hear_the_end(client());
}

TEST(a_client_sees_the_values_of_the_server)
{
	void *seen = NULL;
	context *plain;

	open_listener();
	plain = scope;
	scope = context_create(&(context_options){ .key = &key, .value = answer });
	context_unref(plain);
	assert_int_equal(play(look_up, &seen, NULL, connect_once), ECANCELED);
	assert_ptr_equal(seen, answer);
}

static atomic_bool is_named, is_counted;

static void find_server(const char *line, void *argument)
{
	(void)argument;
	if (strstr(line, "bide_serve of descriptor ") && strstr(line, " (clients: 1)"))
		is_named = true;
	if (strstr(line, "made without an async function"))
		is_counted = true; /* the server's own tasks are not the program's */
}

static void dump_with_one_client(void)
{
	int fd = client();

	say(fd, "x\n");
	hear(fd, "<x>\n");
	(void)bide_dump(find_server, NULL);
	end_peer(fd);
	hear_the_end(fd);
	stop();
}

TEST(a_dump_names_the_server_and_how_many_clients_it_has)
{
	assert_int_equal(play(start_lines, NULL, NULL, dump_with_one_client), ECANCELED);
	assert_true(is_named);
	assert_false(is_counted);
}

/* --- limits --- */

static void twenty_come_and_go(void)
{
	int fds[20];

	for (int i = 0; i < 20; i++) {
		fds[i] = client();
		say(fds[i], "x\n");
	}
	for (int i = 0; i < 20; i++) {
		hear(fds[i], "<x>\n");
		end_peer(fds[i]);
		hear_the_end(fds[i]);
	}
	stop();
}

TEST(at_its_limit_the_server_accepts_no_more_until_a_client_has_left)
{
	serve_options options = { .limit = 3 };

	assert_int_equal(play(start_lines, NULL, &options, twenty_come_and_go), ECANCELED);
	assert_int_equal(begun, 20);
	assert_int_equal(most, 3);
}

static atomic_int failures, failed_with;

static void note_failure(stream *client, int error, void *argument)
{
	assert_non_null(client);
	assert_null(argument);
	failed_with = error;
	failures++;
}

static void say_nothing(void)
{
	int fd = client();

	say(fd, "half a line");
	hear_the_end(fd);
	stop();
}

TEST(a_client_that_is_idle_is_ended)
{
	serve_options options = { .idle_ns = BIDE_MS(20), .failed = note_failure };

	assert_int_equal(play(start_lines, NULL, &options, say_nothing), ECANCELED);
	assert_int_equal(failures, 1);
	assert_int_equal(failed_with, BIDE_EIDLE);
}

/* --- failures --- */

static void fail_three_times(void)
{
	for (int i = 0; i < 3; i++) {
		int fd = client();

		say(fd, "fail\n");
		hear_the_end(fd);
	}
	stop();
}

TEST(failures_go_to_the_function_that_was_given)
{
	serve_options options = { .failed = note_failure };

	assert_int_equal(play(start_lines, NULL, &options, fail_three_times), ECANCELED);
	assert_int_equal(failures, 3);
	assert_int_equal(failed_with, EIO);
}

/* Waits for its client, and is content if the program ends the connection. */
struct patient {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	char *at;
};

static stream *_Atomic waiting;

async(patient)
{
	async_in(client);
	waiting = client;
	await_or(my->at, stream_peek(client, 1), my->at = NULL);
async_finally:
	async_end;
}

static value_task start_patient(stream *client, void *argument)
{
	(void)argument;
	return async_start(patient, .client = client);
}

static void end_the_connection(void)
{
	int fd = client();

	while (!waiting)
		wait_a_moment();
	stream_abort(waiting, ECANCELED);
	hear_the_end(fd);
	stop();
}

TEST(a_connection_that_the_program_aborts_is_no_failure)
{
	serve_options options = { .failed = note_failure };

	assert_int_equal(play(start_patient, NULL, &options, end_the_connection), ECANCELED);
	assert_int_equal(failures, 0);
}

static atomic_int report_count;
static char report[512];

static void note_report(const char *line, void *argument)
{
	(void)argument;
	if (report_count++ == 0)
		snprintf(report, sizeof report, "%s", line);
}

TEST(failures_are_reported_at_most_once_a_second)
{
	bide_report_hook_set(note_report, NULL);
	assert_int_equal(play(start_lines, NULL, NULL, fail_three_times), ECANCELED);
	assert_true(report_count >= 1 && report_count <= 3);
	if (!strstr(report, "serve: a client's function failed: Input/output error (") ||
	    !strstr(report, "test_serve.c:"))
		fail_msg("%s", report);
}

static void reset_at_once(void)
{
	int fd = client();

	say(fd, "x\n");
	hear(fd, "<x>\n");
	reset_peer(fd);
	while (ended < 1)
		wait_a_moment();
	stop();
}

TEST(what_a_peer_causes_is_not_reported)
{
	bide_report_hook_set(note_report, NULL);
	assert_int_equal(play(start_lines, NULL, NULL, reset_at_once), ECANCELED);
	assert_int_equal(last_error, ECONNRESET);
	assert_int_equal(report_count, 0);
}

/* --- the end --- */

TEST(without_clients_it_ends_at_once)
{
	assert_int_equal(play(start_lines, NULL, NULL, stop), ECANCELED);
}

TEST(a_deadline_ends_it)
{
	context *plain;

	open_listener();
	plain = scope;
	scope = context_create(&(context_options){ .timeout_ns = BIDE_MS(10) });
	context_unref(plain);
	assert_int_equal(value_task_wait(in_context(scope, serve(listening, start_lines, NULL, NULL)),
	                                 NULL),
	                 ETIMEDOUT);
	close_listener();
}

static void go_on_after_the_stop(void)
{
	int fd = client(), late;

	say(fd, "a\n");
	hear(fd, "<a>\n");
	stop();
	say(fd, "b\n");
	hear(fd, "<b>\n");
	late = client(); /* in the kernel's queue */
	end_peer(fd);
	hear_the_end(fd);
	close_peer(late);
}

TEST(after_the_stop_clients_may_go_on_and_nobody_is_accepted)
{
	serve_options options = { .drain_ns = BIDE_FOREVER };

	assert_int_equal(play(start_lines, NULL, &options, go_on_after_the_stop), ECANCELED);
	assert_int_equal(begun, 1);
	assert_int_equal(last_error, 0);
}

static void stay(void)
{
	int fd = client();

	say(fd, "a\n");
	hear(fd, "<a>\n");
	stop();
	hear_the_end(fd);
}

TEST(when_the_time_to_drain_is_over_clients_are_canceled)
{
	serve_options options = { .drain_ns = BIDE_MS(20), .failed = note_failure };

	assert_int_equal(play(start_lines, NULL, &options, stay), ECANCELED);
	assert_int_equal(last_error, ECANCELED);
	assert_int_equal(failed_with, ECANCELED);
}

/* Its cleanup writes more than the peer reads. */
struct stubborn {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	int i;
};

async(stubborn)
{
	async_in(client);
	begun++;
	await(delay(BIDE_FOREVER));
async_finally:
	for (; my->i < 64; my->i++) /* 64 MiB: more than the kernel takes */
		await_or(stream_write(my->in.client, answer, sizeof answer), {
			last_error = await_error;
			break;
		});
	ended++;
	async_end;
}

static value_task start_stubborn(stream *client, void *argument)
{
	(void)argument;
	return async_start(stubborn, .client = client);
}

static void read_nothing(void)
{
	int fd = connect_peer(&local, 4096);

	while (begun < 1)
		wait_a_moment();
	stop();
	while (ended < 1)
		wait_a_moment();
	close_peer(fd);
}

TEST(a_cleanup_that_waits_for_its_peer_is_aborted)
{
	serve_options options = { .drain_ns = 1 };

	assert_int_equal(play(start_stubborn, NULL, &options, read_nothing), ECANCELED);
	assert_int_equal(ended, 1);
	assert_int_equal(last_error, ECANCELED);
}

static void abort_the_listener(void)
{
	int fd = client();

	say(fd, "a\n");
	hear(fd, "<a>\n");
	listener_abort(listening, BIDE_EUSER);
	say(fd, "b\n");
	hear(fd, "<b>\n");
	end_peer(fd);
	hear_the_end(fd);
}

TEST(if_the_listener_fails_it_ends_in_the_same_order)
{
	assert_int_equal(play(start_lines, NULL, NULL, abort_the_listener), BIDE_EUSER);
	assert_int_equal(last_error, 0);
}

TEST(a_server_that_is_forgotten_goes_on)
{
	pthread_t thread;

	open_listener();
	value_task_forget(serve(listening, start_lines, NULL, &(serve_options){ .drain_ns = 1 }));
	if (test_seeded())
		two_clients_talk();
	else
		assert_int_equal(pthread_create(&thread, NULL, run_script,
		                                (void *)(uintptr_t)two_clients_talk),
		                 0);
	while (ended < 2)
		run_on();
	if (!test_seeded())
		pthread_join(thread, NULL);
	listener_abort(listening, ECANCELED);
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_int_equal(begun, 2);
	close_listener();
}

static void many_stay(void)
{
	int fds[200];

	for (int i = 0; i < 200; i++) {
		fds[i] = client();
		say(fds[i], "a\n");
	}
	for (int i = 0; i < 200; i++)
		hear(fds[i], "<a>\n");
	stop();
	for (int i = 0; i < 200; i++)
		hear_the_end(fds[i]);
}

TEST(two_hundred_clients_are_canceled_together)
{
	serve_options options = { .drain_ns = 1 };

	for (int i = 0; test_round(i, test_seeded() ? 1 : 20); i++) {
		listening = NULL;
		begun = ended = now = 0;
		assert_int_equal(play(start_lines, NULL, &options, many_stay), ECANCELED);
		assert_int_equal(ended, 200);
	}
}

/* --- shortage --- */

static int sockets[30];

static void connect_socket(int fd)
{
	size_t size_bytes;
	const struct sockaddr *to = address_sockaddr(&local, &size_bytes);

	assert_int_equal(connect(fd, to, (socklen_t)size_bytes), 0);
}

static void more_than_there_are_descriptors(void)
{
	for (int i = 0; i < 30; i++) {
		connect_socket(sockets[i]);
		say(sockets[i], "x\n");
	}
	for (int i = 0; i < 30; i++) {
		hear(sockets[i], "<x>\n");
		end_peer(sockets[i]);
		hear_the_end(sockets[i]);
	}
	stop();
}

TEST(without_descriptors_connections_wait)
{
	struct rlimit limit, before;
	int highest;

	NEEDS_SYSTEM("a lack of descriptors");
	open_listener();
	for (int i = 0; i < 30; i++) {
		sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(sockets[i] >= 0);
	}
	highest = dup(0);
	close(highest);
	bide_report_hook_set(note_report, NULL); /* bide_accept says what it waits for */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)highest + 12; /* some of these are for reactors */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(play(start_lines, NULL, NULL, more_than_there_are_descriptors), ECANCELED);
	assert_int_equal(begun, 30);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* A client that may be closed for want of memory, or may never be accepted. */
static void talk_once(void)
{
	int fd = client();
	struct pollfd answer_or_end = { .fd = fd, .events = POLLIN };

	say(fd, "x\n");
	(void)poll(&answer_or_end, 1, 20);
	close_peer(fd);
	stop();
}

TEST_SLOW(each_allocation_may_fail, 40)
{
	serve_options options = { .drain_ns = 1 };
	int error;

	NEEDS_SYSTEM("memory that ends, and the network takes some");
	limit_objects();
	bide_report_hook_set(note_report, NULL);
	for (long allowed = 0; test_round((int)allowed, 200); allowed++) {
		open_listener();
		error = 0;
		/* Other threads allocate, too, so what fails is not always the same. */
		allowed_allocations = allowed;
		error = play(start_lines, NULL, &options, talk_once);
		allowed_allocations = -1;
		listening = NULL;
		if (error != ECANCELED)
			assert_int_equal(error, ENOMEM);
	}
}

/* --- misuse --- */

TEST(misuse_is_reported)
{
	open_listener();
	catch_misuse();
	assert_int_equal(value_task_wait(serve(NULL, start_lines, NULL, NULL), NULL), EINVAL);
	ASSERT_MISUSE("listener is NULL");
	assert_int_equal(value_task_wait(serve(listening, NULL, NULL, NULL), NULL), EINVAL);
	ASSERT_MISUSE("function is NULL");
	assert_int_equal(value_task_wait(serve(listening, start_lines, NULL,
	                                       &(serve_options){ .idle_ns = -1 }),
	                                 NULL),
	                 EINVAL);
	ASSERT_MISUSE("idle_ns");
	close_listener();
}
