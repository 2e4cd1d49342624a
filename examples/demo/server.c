/*
 * server.c - part three of the demo: a server and its clients, on one worker, and what an answer
 * costs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <bide/short.h>

#include "demo.h"

/* --- the server: answers "add A B" --- */

struct answer {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	char *line;
};

async(answer)
{
	async_in(client);
	for (;;) {
		long a, b;

		await(my->line, stream_read_line(client));
		if (!my->line)
			break;
		if (sscanf(my->line, "add %ld %ld", &a, &b) != 2)
			async_fail(EPROTO);
		await(stream_print(client, "%ld\n", a + b));
	}
async_finally:
	async_end;
}

static value_task start_answer(stream *client, void *argument)
{
	(void)argument;
	return async_start(answer, .client = client);
}

/* --- a client: asks some questions --- */

struct visits {
	address server;
	int question_count;
};

struct ask {
	ASYNC_FRAME;
	struct {
		const struct visits *visits;
		long number;
	} in;
	stream *server;
	char *line;
	int i;
};

async(ask)
{
	async_in(visits, number);
	await(my->server, tcp_connect_address(&visits->server, NULL));
	for (; my->i < visits->question_count; my->i++) {
		await(stream_print(my->server, "add %ld %d\n", number, my->i));
		await(my->line, stream_read_line(my->server));
		if (!my->line || strtol(my->line, NULL, 10) != number + my->i)
			async_fail(EPROTO);
	}
async_finally:
	stream_close(my->server);
	async_end;
}

static value_task start_ask(int64_t number, void *visits)
{
	return async_start(ask, .visits = visits, .number = (long)number);
}

/* --- both, and the measurement --- */

struct town {
	ASYNC_FRAME;
	struct {
		int client_count, question_count;
	} in;
	listener *listener;
	context *scope;
	value_task server;
	bool serves;
	struct visits visits;
	int64_t took_ns;
	int round;
	int error;
	struct allocations allocations;
};

static void report(const struct town *my)
{
	int64_t answer_count = (int64_t)my->in.client_count * my->in.question_count;

	printf("  %s clients asked %s questions each: %s for an answer, client and server together,\n"
	       "  and %s allocations in all.\n",
	       text_count(my->in.client_count), text_count(my->in.question_count),
	       text_duration((double)my->took_ns / (double)answer_count),
	       text_count((int64_t)my->allocations.calls));
}

async(town)
{
	async_in(client_count, question_count);
	await(my->listener, tcp_listen("127.0.0.1", "0", NULL));
	my->error = listener_address(my->listener, &my->visits.server);
	if (my->error)
		async_fail(my->error);
	my->visits.question_count = question_count;
	my->scope = context_create(NULL);
	if (!my->scope)
		async_fail(ENOMEM);
	my->server = in_context(my->scope, serve(my->listener, start_answer, NULL, NULL));
	my->serves = true;
	for (; my->round < 2; my->round++) { /* the first time the pools fill */
		my->took_ns = -clock_ns();
		count_start();
		await(for_each(0, client_count, start_ask, &my->visits,
		               &(parallel_options){ .limit = BIDE_UNLIMITED }));
		my->allocations = count_stop();
		my->took_ns += clock_ns();
	}
	report(my);
async_finally:
	if (my->serves) {
		context_cancel(my->scope, ECANCELED); /* no more clients: the server has nothing to drain */
		await_or(my->server, (void)0);        /* it ends with that error */
	}
	context_unref(my->scope);
	listener_close(my->listener);
	async_end;
}

int show_server(int client_count, int question_count)
{
	int error;

	heading("3. A server");
	printf("  A server that answers lines, and its clients, on the same worker. Each client is a "
	       "function that\n"
	       "  looks as if it were alone: examples/demo/server.c.\n\n");
	error = value_task_wait(async_start(town, .client_count = client_count,
	                                    .question_count = question_count),
	                        NULL);
	return error ? complain("the server", error) : 0;
}
