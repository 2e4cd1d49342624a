/*
 * peer.c - one end of a connection, for peers.sh. The other end is a program of others.
 *
 *     peer echo ADDRESS COUNT   listens, prints "listening on ADDRESS", and echoes what COUNT
 *                               connections send, one after the other
 *     peer send ADDRESS         connects, sends its standard input, and prints what comes back
 *
 * ADDRESS is a text of bide_address_parse.
 */
#include <bide/bide.h>

#include <bide/short.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void fail(const char *what, int error)
{
	fprintf(stderr, "peer: %s: %s\n", what, bide_strerror(error));
	exit(1);
}

struct copy {
	ASYNC_FRAME;
	struct {
		bide_stream *from, *to;
	} in;
	int64_t got;
	char bytes[4096];
};

async(copy, bytes)
{
	async_begin;
	for (;;) {
		await(my->got, bide_stream_read(my->in.from, my->bytes, sizeof my->bytes));
		if (my->got == 0)
			break;
		await(bide_stream_write(my->in.to, my->bytes, (size_t)my->got));
	}
async_finally:
	async_end;
}

struct echo {
	ASYNC_FRAME;
	struct {
		bide_listener *listener;
		int count;
	} in;
	bide_stream *client;
	int left;
};

async(echo)
{
	async_begin;
	for (my->left = my->in.count; my->left > 0; my->left--) {
		await(my->client, bide_accept(my->in.listener));
		await_or(async_start(copy, .from = my->client, .to = my->client),
		         fprintf(stderr, "peer: %s\n", bide_strerror(bide_await_error)));
		bide_stream_close(my->client);
	}
async_finally:
	async_end;
}

struct send {
	ASYNC_FRAME;
	struct {
		const bide_address *address;
		const char *text;
	} in;
	bide_stream *stream, *input, *output;
};

static bide_stream_task connect_to(const bide_address *address, const char *text)
{
	if (bide_address_family(address) != AF_UNIX)
		return bide_tcp_connect_address(address, NULL);
	return bide_unix_connect(strncmp(text, "unix:", 5) == 0 ? text + 5 : text);
}

async(send)
{
	async_begin;
	await(my->stream, connect_to(my->in.address, my->in.text));
	if (bide_stream_standard(&my->input, 0) || bide_stream_standard(&my->output, 1))
		async_fail(EBADF);
	await(async_start(copy, .from = my->input, .to = my->stream));
	await(bide_stream_finish(my->stream));
	await(async_start(copy, .from = my->stream, .to = my->output));
async_finally:
	bide_stream_close(my->stream);
	bide_stream_close(my->input);
	bide_stream_close(my->output);
	async_end;
}

static int listen_on(bide_listener **listener, const bide_address *address, const char *text)
{
	if (bide_address_family(address) != AF_UNIX)
		return bide_tcp_listen_address(listener, address, NULL);
	return bide_unix_listen(listener, strncmp(text, "unix:", 5) == 0 ? text + 5 : text, NULL);
}

static int be_echo(const bide_address *address, const char *text, int count)
{
	char where[BIDE_ADDRESS_TEXT_BYTES];
	bide_listener *listener;
	bide_address bound;
	int error = listen_on(&listener, address, text);

	if (error)
		fail("listen", error);
	error = bide_listener_address(listener, &bound);
	if (error)
		fail("address", error);
	printf("listening on %s\n", bide_address_text(&bound, where, sizeof where));
	fflush(stdout);
	error = value_task_wait(async_start(echo, .listener = listener, .count = count), NULL);
	bide_listener_close(listener);
	return error;
}

int main(int count, char **arguments)
{
	bide_address_fault fault;
	bide_address address;
	int error;

	if (count < 3)
		return 2;
	if (bide_address_parse(&address, arguments[2], &fault)) {
		fprintf(stderr, "peer: %s: character %zu: %s\n", arguments[2], fault.at + 1, fault.what);
		return 2;
	}
	if (strcmp(arguments[1], "echo") == 0)
		error = be_echo(&address, arguments[2], count > 3 ? atoi(arguments[3]) : 1);
	else
		error = value_task_wait(async_start(send, .address = &address, .text = arguments[2]), NULL);
	if (error)
		fail(arguments[1], error);
	return bide_shutdown(NULL);
}
