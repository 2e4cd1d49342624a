/*
 * netcat.c - a client or server on bide's streams, for scripts that set it against other software.
 *
 *     netcat tcp HOST PORT        connects; sends standard input, and prints what comes
 *     netcat unix PATH            the same; "@name" is an abstract socket
 *     netcat device PATH          the same with a terminal or a FIFO
 *     netcat listen-tcp PORT      the same with the first client; prints "port N" to standard error
 *     netcat listen-unix PATH
 *     netcat udp ADDRESS          sends standard input as one datagram, and prints the answer
 *     netcat listen-udp COUNT     sends COUNT datagrams back; prints "listens on ADDRESS"
 *     netcat get HOST PORT PATH COUNT    COUNT requests on one connection; prints the bodies
 *
 * Exits with 0 if both sides have ended, else it prints the error and exits with 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <bide/short.h>

/* --- both directions --- */

struct send_input {
	ASYNC_FRAME;
	struct {
		stream *peer;
		bool is_socket;
	} in;
	stream *input;
};

async(send_input)
{
	async_in(peer, is_socket);
	if (stream_standard(&my->input, 0) != 0)
		async_fail(EBADF);
	await(stream_copy(my->input, peer, SIZE_MAX));
	await(stream_flush(peer));
	if (is_socket)
		await(stream_finish(peer));
async_finally:
	stream_close(my->input);
	async_end;
}

struct print_output {
	ASYNC_FRAME;
	struct {
		stream *peer;
	} in;
	stream *output;
};

async(print_output)
{
	async_in(peer);
	if (stream_standard(&my->output, 1) != 0)
		async_fail(EBADF);
	await(stream_copy(peer, my->output, SIZE_MAX));
	await(stream_flush(my->output));
async_finally:
	stream_close(my->output);
	async_end;
}

struct exchange {
	ASYNC_FRAME;
	struct {
		stream *peer;
		bool is_socket;
	} in;
	group directions;
};

async(exchange)
{
	async_in(peer, is_socket);
	stream_split(peer);
	if (group_init(&my->directions, NULL) != 0)
		async_fail(ENOMEM);
	group_start(&my->directions, async_start(send_input, .peer = peer, .is_socket = is_socket));
	group_start(&my->directions, async_start(print_output, .peer = peer));
	await(group_wait(&my->directions));
async_finally:
	async_end;
}

/* --- a client of HTTP --- */

struct get {
	ASYNC_FRAME;
	struct {
		stream *server;
		const char *host, *path;
		int count;
	} in;
	stream *output;
	char *line;
	int i, status;
	long long size;
};

async(get)
{
	async_in(server, host, path, count);
	if (stream_standard(&my->output, 1) != 0)
		async_fail(EBADF);
	for (my->i = 0; my->i < count; my->i++) {
		await(stream_print(server, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host));
		await(my->line, stream_read_line(server));
		if (!my->line || sscanf(my->line, "HTTP/1.%*d %d", &my->status) != 1 || my->status != 200)
			async_fail(EPROTO);
		my->size = -1;
		do {
			await(my->line, stream_read_line(server));
			if (!my->line)
				async_fail(BIDE_EEND);
			if (strncasecmp(my->line, "Content-Length:", 15) == 0)
				my->size = atoll(my->line + 15);
		} while (*my->line);
		if (my->size < 0)
			async_fail(EPROTO);
		await(my->size, stream_copy(server, my->output, (size_t)my->size));
	}
	await(stream_flush(my->output));
async_finally:
	stream_close(my->output);
	async_end;
}

/* --- datagrams --- */

enum { DATAGRAM_BYTES = 65536 };

struct datagrams {
	ASYNC_FRAME;
	struct {
		const char *address; /* NULL for listen-udp */
		int count;
	} in;
	udp *socket;
	bide_datagram datagram;
	int64_t left;
	char data[DATAGRAM_BYTES]; /* not zeroed */
};

/* Opens the socket, and fills the first datagram of a client. Returns 0 or the error. */
static int open_datagrams(struct datagrams *my)
{
	char text[BIDE_ADDRESS_TEXT_BYTES];
	bide_udp_options options = { .peer = NULL };
	address at;
	int error = address_parse(&at, my->in.address ? my->in.address : "127.0.0.1:0", NULL);

	options.peer = &at;
	if (!error && my->in.address)
		error = udp_open(&my->socket, NULL, &options);
	else if (!error)
		error = udp_open(&my->socket, &at, NULL);
	if (error)
		return error;
	my->datagram = (bide_datagram){ .data = my->data, .room_bytes = sizeof my->data };
	if (my->in.address)
		my->datagram.size_bytes = fread(my->data, 1, sizeof my->data, stdin);
	else if (udp_address(my->socket, &at) == 0)
		fprintf(stderr, "listens on %s\n", address_text(&at, text, sizeof text));
	return 0;
}

async(datagrams, data)
{
	int error;

	async_begin;
	error = open_datagrams(my);
	if (error)
		async_fail(error);
	if (my->in.address) {
		await(udp_send(my->socket, &my->datagram, 1));
		await(with_timeout(BIDE_SECONDS(60), udp_receive(my->socket, &my->datagram, 1)));
		fwrite(my->data, 1, my->datagram.size_bytes, stdout);
	}
	for (my->left = my->in.count; my->left > 0; my->left--) {
		await(with_timeout(BIDE_SECONDS(60), udp_receive(my->socket, &my->datagram, 1)));
		await(udp_send(my->socket, &my->datagram, 1));
	}
async_finally:
	udp_close(my->socket);
	async_end;
}

/* --- the command --- */

struct run {
	ASYNC_FRAME;
	struct {
		char **words;
		int count;
	} in;
	stream *peer;
	listener *listener;
};

static int listen_by(struct run *my)
{
	return strcmp(my->in.words[0], "listen-unix") == 0
	           ? unix_listen(&my->listener, my->in.words[1], NULL)
	           : 0;
}

static void say_port(const listener *listener)
{
	char text[BIDE_ADDRESS_TEXT_BYTES];
	address at;

	if (listener_address(listener, &at) == 0)
		fprintf(stderr, "listens on %s\n", address_text(&at, text, sizeof text));
}

static int open_device(struct run *my)
{
	int fd = open(my->in.words[1], O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), error;

	if (fd < 0)
		return errno;
	error = stream_take_fd(&my->peer, fd);
	if (error)
		close(fd);
	return error;
}

async(run)
{
	int error;

	async_in(words);
	if (strcmp(words[0], "udp") == 0)
		async_return(async_start(datagrams, .address = words[1]));
	if (strcmp(words[0], "listen-udp") == 0)
		async_return(async_start(datagrams, .count = atoi(words[1])));
	if (strcmp(words[0], "tcp") == 0 || strcmp(words[0], "get") == 0) {
		await(my->peer, tcp_connect(words[1], words[2], NULL));
	} else if (strcmp(words[0], "unix") == 0) {
		await(my->peer, unix_connect(words[1]));
	} else if (strcmp(words[0], "device") == 0) {
		error = open_device(my);
		if (error)
			async_fail(error);
	} else {
		error = listen_by(my);
		if (error)
			async_fail(error);
		if (!my->listener)
			await(my->listener, tcp_listen("127.0.0.1", words[1], NULL));
		say_port(my->listener);
		await(my->peer, bide_accept(my->listener));
	}
	if (strcmp(words[0], "get") == 0)
		async_return(async_start(get, .server = my->peer, .host = words[1], .path = words[3],
		                         .count = atoi(words[4])));
	async_return(
		async_start(exchange, .peer = my->peer, .is_socket = strcmp(words[0], "device") != 0));
async_finally:
	stream_close(my->peer);
	listener_close(my->listener);
	async_end;
}

int main(int count, char **words)
{
	static const struct {
		const char *way;
		int count;
	} ways[] = { { "tcp", 4 },         { "unix", 3 }, { "device", 3 }, { "listen-tcp", 3 },
		         { "listen-unix", 3 }, { "get", 6 },  { "udp", 3 },    { "listen-udp", 3 } };
	int error;

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (count < 2 || strcmp(words[1], ways[i].way) != 0 || count != ways[i].count)
			continue;
		error = value_task_wait(async_start(run, .words = words + 1, .count = count - 1), NULL);
		if (error)
			fprintf(stderr, "netcat: %s\n", bide_strerror(error));
		(void)bide_shutdown(NULL);
		return error != 0;
	}
	fprintf(stderr, "usage: see the top of netcat.c\n");
	return 2;
}
