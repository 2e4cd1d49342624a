/*
 * service.c - a service that goes on with its work after the answer: each client hands over mails,
 * gets an answer at once, and leaves; an open group owns the deliveries. At the end the server is
 * canceled and the group is closed. The wait lasts until each mail that was accepted is delivered.
 * It runs on the simulated network, so seconds pass in a blink.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <bide/short.h>

static bide_group deliveries; /* lives as long as the service: anything may add to it */
static atomic_int accepted, delivered, failed;

struct deliver {
	ASYNC_FRAME;
	struct {
		int number;
	} in;
};

async(deliver)
{
	async_in(number);
	await(delay_ms(500)); /* stands for the server of the receiver */
	if (number % 10 == 0)
		async_fail(ECONNREFUSED);
	delivered++;
async_finally:
	async_end;
}

/* One delivery that fails must not end the others. */
static void note_failure(int error, void *argument)
{
	(void)error, (void)argument;
	failed++;
}

/* --- the server --- */

struct talk {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	char *line;
	int error;
};

async(talk)
{
	async_in(client);
	for (;;) {
		await(my->line, stream_read_line(client));
		if (!my->line)
			break;
		my->error = group_start(&deliveries, async_start(deliver, .number = accepted + 1));
		if (!my->error)
			accepted++;
		await(stream_print(client, my->error ? "closed\n" : "accepted\n"));
	}
async_finally:
	async_end;
}

static value_task start_talk(stream *client, void *argument)
{
	(void)argument;
	return async_start(talk, .client = client);
}

struct service {
	ASYNC_FRAME;
	listener *listener;
	bool has_group;
};

async(service)
{
	async_begin;
	/* Detached: the deliveries go on when the service is canceled. */
	if (in_detached(
			group_init(&deliveries, &(group_options){ .open = true, .failed = note_failure })))
		async_fail(ENOMEM);
	my->has_group = true;
	await(my->listener, tcp_listen(NULL, "25", NULL));
	await(serve(my->listener, start_talk, NULL, NULL)); /* until it is canceled */
async_finally:
	listener_close(my->listener);
	if (my->has_group) {
		group_close(&deliveries);
		printf("no more clients; deliveries on their way: %d\n", (int)group_pending(&deliveries));
		await(group_wait(&deliveries));
	}
	async_end;
}

/* --- its clients --- */

struct send_mails {
	ASYNC_FRAME;
	stream *server;
	char *line;
	int sent;
};

async(send_mails)
{
	async_begin;
	await(my->server, tcp_connect("relay", "25", NULL));
	for (my->sent = 0; my->sent < 10; my->sent++) {
		await(stream_print(my->server, "mail %d\n", my->sent));
		await(my->line, stream_read_line(my->server));
		if (!my->line || strcmp(my->line, "accepted") != 0)
			async_fail(EPROTO);
	}
async_finally:
	stream_close(my->server); /* it does not wait for the deliveries */
	async_end;
}

struct run {
	ASYNC_FRAME;
	value_task service, clients[5];
};

async(run)
{
	async_begin;
	my->service = on_host("relay", with_timeout_ms(1000, async_start(service)));
	for (int i = 0; i < 5; i++)
		my->clients[i] = async_start(send_mails);
	await(when_all(my->clients, 5));
	await_or(my->service, {
		if (await_error != ETIMEDOUT)
			async_return(await_failure);
	});
async_finally:
	async_end;
}

int main(void)
{
	static const simulated_link link = { .delay_min_ns = BIDE_MS(10), .delay_max_ns = BIDE_MS(90) };
	uint64_t leak_count;
	int error = configure(&(config){ .virtual_clock = true, .seed = 1 });

	if (!error)
		error = simulated_host_add("relay");
	if (!error)
		error = simulated_link_set(NULL, NULL, &link);
	if (!error)
		error = value_task_wait(async_start(run), NULL);
	if (error) {
		fprintf(stderr, "service: %s\n", bide_strerror(error));
		return 1;
	}
	printf("accepted %d, delivered %d, failed %d\n", accepted, delivered, failed);
	return accepted != 50 || delivered + failed != accepted || failed != 5 ||
	       bide_shutdown(&leak_count) != 0 || leak_count != 0;
}
