/*
 * connections.c - functions connect, by address, by name and to UNIX sockets; others accept, with
 * deadlines that fire in the middle. Value tasks are forgotten and made tasks that are dropped; a
 * thread aborts listeners; now and then there are no descriptors. At the end no descriptor is left
 * that was not there before.
 */
#include "descriptors.h"
#include "stress.h"

#include <sys/resource.h>

enum { SERVERS = 3, CLIENTS_MAX = 8, ABORTED = 3334 };

typedef struct scene {
	bide_listener *listeners[SERVERS];
	bide_address addresses[SERVERS];
	char path[64];
	atomic_uint clients; /* that still run */
	bool aborts;
	struct rlimit limit;
} scene;

static scene s;

/* What a connect may fail with: descriptors, a full queue, an aborted listener, a deadline. */
static void check_error(int error)
{
	if (error != ETIMEDOUT && error != ECONNREFUSED && error != EMFILE && error != ENFILE &&
	    error != EADDRNOTAVAIL && error != ECONNRESET && error != EAGAIN)
		stress_failed(__FILE__, __LINE__, "error %d", error);
}

static bide_value_task connect_somehow(dice *d)
{
	unsigned which = below(d, SERVERS);
	char service[16];

	if (which == 2)
		return bide_unix_connect(s.path).untyped;
	if (chance(d, 50))
		return bide_tcp_connect_address(&s.addresses[which], NULL).untyped;
	snprintf(service, sizeof service, "%u", bide_address_port(&s.addresses[which]));
	return bide_tcp_connect("127.0.0.1", service, NULL).untyped;
}

struct client {
	ASYNC_FRAME;
	struct {
		dice dice;
		unsigned count;
	} in;
	bide_value_task connecting;
	bide_stream *stream;
	int64_t got;
	unsigned i;
	char byte;
};

/* Returns false if the value task was given away. */
static bool is_awaited(dice *d, bide_value_task *connecting)
{
	unsigned way = below(d, 6);

	stress_count(1);
	/* Nothing takes connections from a listener that was aborted, so a full queue stays full. */
	if (way == 2 || s.aborts)
		*connecting = bide_with_timeout(1000 * below(d, 300), connect_somehow(d));
	else
		*connecting = connect_somehow(d);
	if (way == 0)
		bide_value_task_forget(*connecting);
	else if (way == 1)
		bide_task_unref(bide_value_task_as_task(*connecting));
	return way > 1;
}

async(client)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		if (!is_awaited(&my->in.dice, &my->connecting))
			continue;
		await_or(my->stream, my->connecting, check_error(await_error));
		if (my->stream && chance(&my->in.dice, 50))
			await_or(my->got,
			         bide_with_timeout(2000000, bide_stream_read(my->stream, &my->byte, 1)),
			         check_error(await_error));
		bide_stream_close(my->stream);
		my->stream = NULL;
		await(pause_a_bit(&my->in.dice));
	}
async_finally:
	atomic_fetch_sub(&s.clients, 1);
	async_end;
}

struct server {
	ASYNC_FRAME;
	struct {
		bide_listener *listener;
		dice dice;
	} in;
	bide_stream *stream;
	int error;
};

async(server)
{
	async_begin;
	while (my->error != EBADF && my->error != ABORTED) {
		my->error = 0;
		my->stream = NULL;
		if (chance(&my->in.dice, 5))
			bide_value_task_forget(bide_accept(my->in.listener).untyped);
		/* One that was forgotten on another thread may be on its way to the one worker. */
		await_or(my->stream,
		         bide_with_timeout(1000 * (1 + below(&my->in.dice, 3000)),
		                           bide_accept(my->in.listener).untyped),
		         my->error = await_error);
		CHECK(!my->error || my->error == ETIMEDOUT || my->error == EBADF || my->error == ABORTED ||
		      my->error == EMFILE);
		if (my->stream && chance(&my->in.dice, 20))
			await(pause_a_bit(&my->in.dice));
		bide_stream_close(my->stream);
		if (atomic_load(&s.clients) == 0)
			break;
	}
async_finally:
	async_end;
}

static void disturb(void *argument, dice *d, unsigned index)
{
	struct rlimit few;

	(void)argument;
	for (unsigned i = below(d, 20); i > 0; i--)
		dawdle(d);
	if (index == 0 && s.aborts)
		bide_listener_abort(s.listeners[below(d, SERVERS)], ABORTED);
	if (index == 1 && chance(d, 30)) { /* for a moment nothing can be opened */
		few = s.limit;
		few.rlim_cur = 0;
		CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &few), 0);
		for (unsigned i = below(d, 20); i > 0; i--)
			dawdle(d);
		CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &s.limit), 0);
	}
}

static void no_report(const char *line, void *argument)
{
	(void)line;
	(void)argument;
}

static void open_listeners(void)
{
	CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &s.limit), 0);
	snprintf(s.path, sizeof s.path, "@bide-stress-%d", (int)getpid());
	for (int i = 0; i < 2; i++) {
		CHECK_EQUAL(bide_address_parse(&s.addresses[i], "127.0.0.1:0", NULL), 0);
		CHECK_EQUAL(bide_tcp_listen_address(&s.listeners[i], &s.addresses[i], NULL), 0);
		CHECK_EQUAL(bide_listener_address(s.listeners[i], &s.addresses[i]), 0);
	}
	CHECK_EQUAL(bide_unix_listen(&s.listeners[2], s.path, &(bide_unix_options){ .backlog = 4 }), 0);
}

STRESS(connections)
{
	unsigned before = descriptors(), clients = 1 + below(d, CLIENTS_MAX);
	task *servers[SERVERS], *running[CLIENTS_MAX];
	crowd c;

	memset(&s, 0, sizeof s);
	bide_report_hook_set(no_report, NULL);
	open_listeners();
	s.aborts = chance(d, 30);
	atomic_store(&s.clients, clients);
	for (int i = 0; i < SERVERS; i++)
		servers[i] = value_task_as_task(
			async_start(server, .listener = s.listeners[i], .dice = fork_dice(d)));
	for (unsigned i = 0; i < clients; i++)
		running[i] = value_task_as_task(
			async_start(client, .dice = fork_dice(d), .count = 1 + below(d, 30)));
	crowd_start(&c, 2, disturb, NULL, d);
	for (unsigned i = 0; i < clients; i++) {
		CHECK_EQUAL(task_wait(running[i], NULL), 0);
		task_unref(running[i]);
	}
	for (int i = 0; i < SERVERS; i++) {
		CHECK_EQUAL(task_wait(servers[i], NULL), 0);
		task_unref(servers[i]);
	}
	crowd_join(&c);
	for (int i = 0; i < SERVERS; i++)
		bide_listener_close(s.listeners[i]);
	CHECK_EQUAL(bide_drain(BIDE_SECONDS(100)), 0);
	/* A connect that was forgotten may end on another thread. */
	await_descriptors(before, workers);
}
