/*
 * line_server.c - a protocol of lines: "add 2 3" is answered by "5". Many questions at once are
 * answered by one send, because a read that has to wait sends what was printed.
 *
 *     line_server [HOST [PORT]]        localhost, 7778; port 0: one that is free
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <bide/short.h>

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

		await(my->line, stream_read_line(client)); /* valid until the next read */
		if (!my->line || strcmp(my->line, "quit") == 0)
			break;
		if (sscanf(my->line, "add %ld %ld", &a, &b) == 2)
			await(stream_print(client, "%lld\n", (long long)a + b));
		else
			await(stream_print(client, "what? add A B, or quit\n"));
	}
async_finally:
	/* The cleanup may write. A cancellation is masked here, but the idle limit is not. */
	if (async_error == EMSGSIZE) {
		await(stream_print(client, "that line is too long\n"));
		await(stream_flush(client));
	}
	async_end;
}

static value_task start_talk(stream *client, void *argument)
{
	(void)argument;
	return async_start(talk, .client = client);
}

/* One client that breaks the protocol is no reason to say more than this. */
static void client_failed(stream *client, int error, void *argument)
{
	(void)client;
	(void)argument;
	fprintf(stderr, "line_server: a client: %s\n", bide_strerror(error));
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
	static const serve_options limits = { .limit = 1000,
		                                  .idle_ns = BIDE_SECONDS(30),
		                                  .failed = client_failed };

	async_in(host, service);
	await(my->listener, tcp_listen(host, service, NULL));
	announce(my->listener);
	await(until_signal(serve(my->listener, start_talk, NULL, &limits), SIGTERM, SIGINT));
async_finally:
	listener_close(my->listener);
	async_end;
}

int main(int count, char **arguments)
{
	int error = value_task_wait(async_start(server, .host = count > 1 ? arguments[1] : "localhost",
	                                        .service = count > 2 ? arguments[2] : "7778"),
	                            NULL);

	if (error)
		fprintf(stderr, "line_server: %s\n", bide_strerror(error));
	return error != 0;
}
