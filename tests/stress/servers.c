/*
 * servers.c - a server with random limits, whose functions fail, are slow and cancel themselves,
 * and visitors that ask, vanish, send half a question, or read nothing. A signal, a cancellation or
 * an abort of the listener ends the server in the middle. Each answer is the right one, no more
 * clients are served at a time than the limit allows, and each function that began has ended.
 */
#include "descriptors.h"
#include "stress.h"

#include <signal.h>

enum { VISITORS_MAX = 24, LISTENER_ABORTED = 3444, CLIENT_FAILED = 3445 };

typedef struct shop {
	listener *listener;
	address address;
	uint64_t seed;
	unsigned limit;
	atomic_uint begun, ended, present;
} shop;

static shop s;

/* --- the server --- */

struct clerk {
	ASYNC_FRAME;
	struct {
		stream *client;
		dice dice;
	} in;
	char *line;
	long number;
};

async(clerk)
{
	async_in(client);
	CHECK(atomic_fetch_add(&s.present, 1) < s.limit);
	for (;;) {
		await(my->line, stream_read_line(client));
		if (!my->line)
			break;
		my->number = strtol(my->line, NULL, 10);
		if (chance(&my->in.dice, 10))
			await(pause_a_bit(&my->in.dice));
		if (chance(&my->in.dice, 2))
			async_fail(CLIENT_FAILED);
		if (chance(&my->in.dice, 2))
			(void)context_cancel(context_current(), ECANCELED);
		await(stream_print(client, "%ld\n", 2 * my->number));
		stress_count(1);
	}
async_finally:
	if (chance(&my->in.dice, 10))
		await(pause_a_bit(&my->in.dice));
	if (chance(&my->in.dice, 10))
		await_or(stream_print(my->in.client, "bye\n"), (void)0);
	s.present--;
	s.ended++;
	async_end;
}

static value_task start_clerk(stream *client, void *argument)
{
	dice d = { s.seed + atomic_fetch_add(&s.begun, 1) };

	CHECK(argument == &s);
	return async_start(clerk, .client = client, .dice = fork_dice(&d));
}

static void failed(stream *client, int error, void *argument)
{
	CHECK(client && argument == &s);
	if (error != CLIENT_FAILED && error != ECANCELED && error != BIDE_EIDLE &&
	    error != ECONNRESET && error != EPIPE && error != ENOTCONN)
		stress_failed(__FILE__, __LINE__, "a client failed with %d", error);
}

/* --- the visitors --- */

struct visitor {
	ASYNC_FRAME;
	struct {
		dice dice;
	} in;
	stream *server;
	char *line;
	long asked, answered;
	unsigned batch;
};

static void check_answer(struct visitor *my)
{
	if (!my->line || strcmp(my->line, "bye") == 0) {
		my->line = NULL;
		return;
	}
	CHECK_EQUAL(strtol(my->line, NULL, 10), 2 * ++my->answered);
	CHECK(my->answered <= my->asked);
}

async(visitor)
{
	async_begin;
	if (chance(&my->in.dice, 50))
		await(pause_a_bit(&my->in.dice));
	await(my->server, tcp_connect_address(&s.address, NULL));
	do {
		for (my->batch = 1 + below(&my->in.dice, 4); my->batch > 0; my->batch--)
			await(stream_print(my->server, "%ld\n", ++my->asked));
		while (my->answered < my->asked) {
			if (chance(&my->in.dice, 3))
				async_return(0); /* vanishes */
			await(my->line, stream_read_line(my->server));
			check_answer(my);
			if (!my->line)
				async_return(0);
		}
	} while (!chance(&my->in.dice, 10));
	if (chance(&my->in.dice, 30))
		await(stream_print(my->server, "1234"));
	if (chance(&my->in.dice, 50))
		await(stream_end(my->server));
async_finally:
	if (chance(&my->in.dice, 10) && my->server)
		stream_abort(my->server, ECANCELED);
	stream_close(my->server);
	async_end;
}

/* --- a round --- */

struct round {
	ASYNC_FRAME;
	struct {
		dice *dice;
	} in;
	context *scope;
	value_task server, visitors[VISITORS_MAX];
	unsigned count, i, way;
	int error;
};

static value_task start_server(struct round *my)
{
	dice *d = my->in.dice;
	serve_options options = { .limit = s.limit,
		                      .idle_ns = chance(d, 50) ? BIDE_FOREVER : BIDE_MS(1 + below(d, 20)),
		                      .drain_ns = chance(d, 50) ? 1 : BIDE_MS(1 + below(d, 5)),
		                      .failed = failed };

	my->way = below(d, 3);
	if (my->way == 0)
		return until_signal(serve(s.listener, start_clerk, &s, &options), SIGUSR1, SIGUSR2);
	return in_context(my->scope, serve(s.listener, start_clerk, &s, &options));
}

static void end_server(struct round *my)
{
	if (my->way == 0)
		kill(getpid(), chance(my->in.dice, 50) ? SIGUSR1 : SIGUSR2);
	else if (my->way == 1)
		CHECK(context_cancel(my->scope, ECANCELED));
	else
		listener_abort(s.listener, LISTENER_ABORTED);
}

static void check_end(int way, int error)
{
	CHECK_EQUAL(error, way == 0 ? 0 : way == 1 ? ECANCELED : LISTENER_ABORTED);
	CHECK_EQUAL(s.begun, s.ended);
	CHECK_EQUAL(s.present, 0);
}

async(round)
{
	async_begin;
	s.seed = draw(my->in.dice);
	s.limit = 1 + below(my->in.dice, 10);
	s.begun = s.ended = s.present = 0;
	await(s.listener, tcp_listen("127.0.0.1", "0", NULL));
	CHECK_EQUAL(listener_address(s.listener, &s.address), 0);
	my->scope = context_create(NULL);
	CHECK(my->scope);
	my->server = start_server(my);
	my->count = below(my->in.dice, VISITORS_MAX + 1);
	for (my->i = 0; my->i < my->count; my->i++)
		my->visitors[my->i] = async_start(visitor, .dice = fork_dice(my->in.dice));
	for (my->i = below(my->in.dice, 6); my->i > 0; my->i--)
		await(pause_a_bit(my->in.dice));
	end_server(my);
	await_or(my->server, my->error = await_error);
	check_end((int)my->way, my->error);
	listener_close(s.listener); /* resets the visitors that were not accepted */
	s.listener = NULL;
	for (my->i = 0; my->i < my->count; my->i++)
		await_or(my->visitors[my->i], my->error = await_error); /* any: the server has gone */
async_finally:
	listener_close(s.listener);
	context_unref(my->scope);
	async_end;
}

STRESS(servers)
{
	unsigned before = descriptors();

	(void)must(async_start(round, .dice = d));
	await_descriptors(before, workers);
}
