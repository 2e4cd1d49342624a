/*
 * echo_server.c - sends back what it gets, to 10,000 clients at most. A client that does nothing
 * for a minute is ended. SIGTERM or Ctrl-C stops the server: clients may go on for 5 seconds.
 *
 *     echo_server [HOST [PORT]]        all addresses, 7777; port 0: one that is free
 */
#include <signal.h>
#include <stdio.h>

#include <bide/short.h>

struct echo {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	char *data;
	size_t size_bytes;
};

async(echo)
{
	async_in(client);
	for (;;) {
		await(my->data, stream_peek(client, 1)); /* holds no buffer while it waits */
		if (!my->data)
			break; /* the client has ended its side */
		my->size_bytes = stream_available(client);
		await(stream_write(client, my->data, my->size_bytes));
		stream_consume(client, my->size_bytes);
	}
async_finally:
	async_end; /* serve ends the stream and closes it */
}

static value_task start_echo(stream *client, void *argument)
{
	(void)argument;
	return async_start(echo, .client = client);
}

static void announce(const listener *where)
{
	address local;
	char text[BIDE_ADDRESS_TEXT_BYTES];

	if (listener_address(where, &local) == 0)
		printf("listening on %s\n", address_text(&local, text, sizeof text));
	fflush(stdout);
}

struct server {
	ASYNC_FRAME;
	struct {
		const char *host, *service;
	} in;
	listener *listener;
};

async(server)
{
	async_in(host, service);
	await(my->listener, tcp_listen(host, service, NULL));
	announce(my->listener);
	/* A signal cancels the server, which then lets its clients end. */
	await(until_signal(serve(my->listener, start_echo, NULL, NULL), SIGTERM, SIGINT));
async_finally:
	listener_close(my->listener);
	async_end;
}

int main(int count, char **arguments)
{
	int error = value_task_wait(async_start(server, .host = count > 1 ? arguments[1] : NULL,
	                                        .service = count > 2 ? arguments[2] : "7777"),
	                            NULL);

	if (error)
		fprintf(stderr, "echo_server: %s\n", bide_strerror(error));
	return error != 0;
}
