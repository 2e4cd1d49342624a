/*
 * bide's answer to the rows of I/O, by the public interface, as a user would write it. The first
 * argument says which server it is, or what it measures of itself; the second the number of
 * workers.
 */
#include <errno.h>
#include <stdbool.h>

#include <bide/bide.h>

#include "io_bide.h"

#include <bide/short.h> /* last, because it defines short names */

#ifndef IO_ENGINE
#define IO_ENGINE BIDE_IO_NONE /* the default */
#endif

/* ---- echo: the request and the answer are in the frame */

struct echo {
	ASYNC_FRAME;
	struct {
		stream *client;
		bool is_own; /* no server closes it */
	} in;
	int64_t size_bytes;
	char data[1024];
};

async(echo)
{
	async_in(client);
	for (;;) {
		await(my->size_bytes, stream_read(client, my->data, sizeof my->data));
		if (my->size_bytes == 0)
			break;
		await(stream_write(client, my->data, (size_t)my->size_bytes));
	}
async_finally:
	if (my->in.is_own)
		stream_close(my->in.client);
	async_end;
}

static value_task start_echo(stream *client, void *is_own)
{
	return async_start(echo, .client = client, .is_own = is_own != NULL);
}

/* ---- deadline: each request in a scope of its own */

struct limited_echo {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	context *limits;
	int64_t size_bytes;
	char data[1024];
};

async(limited_echo)
{
	async_in(client);
	do {
		my->limits = context_create(&(context_options){ .timeout_ns = BIDE_SECONDS(30) });
		if (my->limits == NULL)
			async_fail(ENOMEM);
		async_enter(my->limits);
		await(my->size_bytes, stream_read(client, my->data, sizeof my->data));
		if (my->size_bytes > 0)
			await(stream_write(client, my->data, (size_t)my->size_bytes));
		async_leave;
		context_unref(my->limits);
		my->limits = NULL;
	} while (my->size_bytes > 0);
async_finally:
	context_unref(my->limits);
	async_end;
}

static value_task start_limited_echo(stream *client, void *unused)
{
	(void)unused;
	return async_start(limited_echo, .client = client);
}

/* ---- sink: what comes is dropped, so all connections read to the same place */

static char dropped[IO_BLOCK];

struct sink {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	int64_t size_bytes;
	size_t taken;
};

async(sink)
{
	async_in(client);
	for (;;) {
		await(my->size_bytes, stream_read(client, dropped, sizeof dropped));
		if (my->size_bytes == 0)
			break;
		my->taken += (size_t)my->size_bytes;
		if (my->taken >= IO_BLOCK)
			await(stream_write(client, "................", my->taken / IO_BLOCK));
		my->taken %= IO_BLOCK;
	}
async_finally:
	async_end;
}

static value_task start_sink(stream *client, void *unused)
{
	(void)unused;
	return async_start(sink, .client = client);
}

/* ---- idle: an echo that holds no buffer while it waits */

struct idle_echo {
	ASYNC_FRAME;
	struct {
		stream *client;
		bool is_own; /* no server closes it */
	} in;
	char *data;
	size_t size_bytes;
};

async(idle_echo)
{
	async_in(client);
	for (;;) {
		await(my->data, stream_peek(client, 1));
		if (my->data == NULL)
			break;
		my->size_bytes = stream_available(client);
		await(stream_write(client, my->data, my->size_bytes));
		stream_consume(client, my->size_bytes);
	}
async_finally:
	if (my->in.is_own)
		stream_close(my->in.client);
	async_end;
}

static value_task start_idle_echo(stream *client, void *is_own)
{
	return async_start(idle_echo, .client = client, .is_own = is_own != NULL);
}

/* ---- lines */

struct lines {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	char *line;
};

async(lines)
{
	async_in(client);
	for (;;) {
		await(my->line, stream_read_line(client));
		if (my->line == NULL)
			break;
		await(stream_put(client, my->line, stream_taken(client)));
		await(stream_put(client, "\n", 1));
	}
async_finally:
	async_end;
}

static value_task start_lines(stream *client, void *unused)
{
	(void)unused;
	return async_start(lines, .client = client);
}

/* ---- the server */

enum manner { SERVES, SERVES_WITHIN_A_DEADLINE, ACCEPTS };

struct server {
	ASYNC_FRAME;
	struct {
		bide_serve_function *function;
		enum manner manner;
	} in;
	listener *listener;
	stream *client;
	context *limits;
};

async(server)
{
	async_in(function);
	address local;

	await(my->listener, tcp_listen("127.0.0.1", "0", NULL));
	must(listener_address(my->listener, &local) == 0, "no address");
	io_say_port((int)address_port(&local));
	while (my->in.manner == ACCEPTS) {
		await(my->client, bide_accept(my->listener));
		value_task_forget(function(my->client, my->listener));
	}
	if (my->in.manner == SERVES_WITHIN_A_DEADLINE) {
		my->limits = context_create(&(context_options){ .timeout_ns = BIDE_SECONDS(3600) });
		must(my->limits != NULL, "no memory");
		async_enter(my->limits);
	}
	await(serve(my->listener, function, NULL,
	            &(serve_options){ .limit = 20000, .idle_ns = BIDE_FOREVER }));
async_finally:
	context_unref(my->limits);
	listener_close(my->listener);
	async_end;
}

static int run_server(bide_serve_function *function, enum manner manner)
{
	int error;

	io_raise_limit();
	error = value_task_wait(async_start(server, .function = function, .manner = manner), NULL);
	fprintf(stderr, "io_bide: %s\n", bide_strerror(error));
	return 1;
}

/* ---- mixed: a function computes for 5 ms, again and again */

struct computing {
	ASYNC_FRAME;
};

async(computing)
{
	async_begin;
	for (;;) {
		await(async_yield());
		io_spin_ns(IO_COMPUTE_NS);
	}
async_finally:
	async_end;
}

/* ---- cancel_read */

static stream *quiet;

static void make_quiet(void)
{
	static int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no sockets");
	must(stream_take_fd(&quiet, ends[0]) == 0, "no stream");
}

struct canceling {
	ASYNC_FRAME;
	int64_t i, canceled;
	context *scope;
	value_task read;
	char data[64];
};

async(canceling)
{
	async_begin;
	for (my->i = 0; my->i < IO_CANCELS; my->i++) {
		my->scope = context_create(NULL);
		must(my->scope != NULL, "no memory");
		my->read = in_context(my->scope, stream_read(quiet, my->data, sizeof my->data));
		context_cancel(my->scope, ECANCELED);
		context_unref(my->scope);
		my->scope = NULL;
		await_or(my->read, my->canceled += await_error == ECANCELED);
	}
	async_return(my->canceled);
async_finally:
	async_end;
}

static double measure_cancel(void)
{
	int64_t start = io_now_ns(CLOCK_MONOTONIC);
	payload canceled;

	must(value_task_wait(async_start(canceling), &canceled) == 0, "canceling failed");
	must(canceled.i == IO_CANCELS, "some were not canceled");
	return (double)(io_now_ns(CLOCK_MONOTONIC) - start) / IO_CANCELS;
}

/* ---- wake: a thread that is no worker ends the wait of a function; the workers wait in epoll */

static bide_user_source bell;
static int64_t woken_ns;

struct listening {
	ASYNC_FRAME;
};

async(listening)
{
	async_begin;
	await(user_source_value_task(&bell));
	woken_ns = io_now_ns(CLOCK_MONOTONIC);
	sem_post(io_woken());
async_finally:
	async_end;
}

static double measure_wake(void)
{
	static int64_t took[IO_WAKES];
	static char bytes[8];

	for (int i = 0; quiet == NULL && i < 2; i++) {
		make_quiet(); /* the reads of two streams wait in the reactors of both workers */
		value_task_forget(stream_read(quiet, &bytes[i], 1));
	}
	for (int i = 0; i < IO_WAKES; i++) {
		value_task waiting;
		int64_t start;

		user_source_init(&bell, NULL);
		waiting = async_start(listening);
		io_sleep_ns(IO_WAKE_PAUSE_NS);
		start = io_now_ns(CLOCK_MONOTONIC);
		user_source_complete(&bell, (payload){ .i = 0 });
		sem_wait(io_woken());
		took[i] = woken_ns - start;
		must(value_task_wait(waiting, NULL) == 0, "listening failed");
	}
	return io_median_us(took, IO_WAKES);
}

/* ---- read_line: the lines come from a pipe, fed as those of getline */

enum { FILL = 16384 };

static stream *input;
static int feed;
static char *text;
static size_t text_size;

struct reading {
	ASYNC_FRAME;
	struct {
		int64_t lines;
	} in;
	char *line;
	int64_t i, sum;
};

async(reading)
{
	async_begin;
	for (my->i = 0; my->i < my->in.lines; my->i++) {
		await(my->line, stream_read_line(input));
		my->sum += my->line[0] >= 'a';
	}
	async_return(my->sum);
async_finally:
	async_end;
}

/* Feeds whole lines, at most FILL bytes. Returns their number. */
static int64_t feed_lines(size_t *at)
{
	size_t end = *at + FILL < text_size ? *at + FILL : text_size;
	int64_t lines = 0;

	while (text[end - 1] != '\n')
		end--;
	for (size_t i = *at; i < end; i++)
		lines += text[i] == '\n';
	must(write(feed, text + *at, end - *at) == (ssize_t)(end - *at), "the pipe is full");
	*at = end;
	return lines;
}

static double measure_lines(void)
{
	int64_t spent_ns = 0;
	size_t at = 0;

	if (input == NULL) {
		int ends[2];

		must(pipe(ends) == 0, "no pipe");
		must(stream_take_fd(&input, ends[0]) == 0, "no stream");
		feed = ends[1];
		text_size = io_make_lines(&text);
	}
	while (at < text_size) {
		int64_t lines = feed_lines(&at), start = io_now_ns(CLOCK_THREAD_CPUTIME_ID);
		payload sum;

		must(value_task_wait(async_start(reading, .lines = lines), &sum) == 0, "reading failed");
		must(sum.i == lines, "lines are missing");
		spent_ns += io_now_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	}
	return (double)spent_ns / IO_LINES;
}

/* ---- http: examples/http_files, with a port that is free */

static int run_http_files(char *workers, char *folder, bool has_tls)
{
#ifdef HTTP_FILES_PROGRAM
	static char program[] = HTTP_FILES_PROGRAM, port_option[] = "--port", port_text[16],
				workers_option[] = "--workers", tls_option[] = "--tls", certificate[256], key[256];
	char *words[10] = { program, port_option, port_text, workers_option, workers, folder };
	int fd = socket(AF_INET, SOCK_STREAM, 0), port = io_bind(fd);

	close(fd);
	if (has_tls) {
		io_tls_files(certificate, key, sizeof key);
		words[5] = tls_option;
		words[6] = certificate;
		words[7] = key;
		words[8] = folder;
	}
	snprintf(port_text, sizeof port_text, "%d", port);
	if (IO_ENGINE == BIDE_IO_URING)
		setenv("BIDE_IO", "uring", 1);
	io_say_port(port);
	execv(program, words);
	io_fail(program);
	return 1;
#else
	(void)workers;
	(void)folder;
	puts("its example http_files was not built");
	return 0;
#endif
}

static const struct {
	const char *name;
	bide_serve_function *function;
	enum manner manner;
} servers[] = {
	{ "echo", start_echo, SERVES },
	{ "shared", start_echo, SERVES_WITHIN_A_DEADLINE },
	{ "accept", start_echo, ACCEPTS },
	{ "idle", start_idle_echo, ACCEPTS },
	{ "idle_served", start_idle_echo, SERVES },
	{ "deadline", start_limited_echo, SERVES },
	{ "sink", start_sink, SERVES },
	{ "lines", start_lines, SERVES },
	{ "mixed", start_echo, SERVES },
#ifdef BENCH_HAS_TLS
	{ "tls_echo", start_tls_echo, SERVES },
#endif
};

int main(int argc, char **argv)
{
	const char *wanted = argc > 2 ? argv[1] : "";
	unsigned workers = argc > 2 ? (unsigned)atoi(argv[2]) : 1;

	must(configure(&(config){ .workers = workers, .io_engine = IO_ENGINE }) == 0,
	     "bide refuses this number of workers");
	if (IO_ENGINE == BIDE_IO_URING && bide_io_engine_used() != BIDE_IO_URING)
		return printf("skipped: %s\n", bide_io_engine_reason()) < 0;
	if (argc > 3 && strcmp(wanted, "http") == 0)
		return run_http_files(argv[2], argv[3], false);
	if (argc > 3 && strcmp(wanted, "https") == 0)
		return run_http_files(argv[2], argv[3], true);
#ifdef BENCH_HAS_TLS
	if (strcmp(wanted, "tls_echo") == 0)
		prepare_tls();
#endif
	if (strcmp(wanted, "wake") == 0)
		return io_answer(measure_wake);
	if (strcmp(wanted, "read_line") == 0)
		return io_answer(measure_lines);
	if (strcmp(wanted, "file_read") == 0)
		return io_answer(measure_file_read);
	if (strcmp(wanted, "file_read_32") == 0)
		return io_answer(measure_file_read_32);
	if (strcmp(wanted, "copy_file") == 0)
		return io_answer(measure_copy_file);
	if (strcmp(wanted, "udp") == 0)
		return run_datagrams();
	if (strcmp(wanted, "cancel_read") == 0) {
		make_quiet();
		return io_answer(measure_cancel);
	}
	if (strcmp(wanted, "mixed") == 0)
		value_task_forget(async_start(computing));
	for (size_t i = 0; i < sizeof servers / sizeof *servers; i++)
		if (strcmp(wanted, servers[i].name) == 0)
			return run_server(servers[i].function, servers[i].manner);
	return io_not_offered();
}
