/* libuv: one loop. A read is answered by uv_try_write; what the socket does not take is queued. */
#include <pthread.h>
#include <stdbool.h>
#include <uv.h>

#include "io_peer.h"

enum { ROOM = 65536 };

struct client {
	uv_tcp_t tcp;
	uv_timer_t timer; /* of the mode "deadline" */
	size_t kept, taken;
	char *line; /* of the mode "lines": the begin of one */
	int open;   /* handles that are not closed */
};

struct request {
	uv_write_t write;
	char bytes[];
};

enum mode { MODE_ECHO, MODE_LINES, MODE_SINK, MODE_DEADLINE };

static uv_loop_t *loop;
static char room[ROOM];
static enum mode mode;

static void on_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	if (--client->open > 0)
		return;
	free(client->line);
	free(client);
}

static void close_client(struct client *client)
{
	if (uv_is_closing((uv_handle_t *)&client->tcp))
		return;
	uv_close((uv_handle_t *)&client->tcp, on_closed);
	if (mode == MODE_DEADLINE)
		uv_close((uv_handle_t *)&client->timer, on_closed);
}

static void on_written(uv_write_t *write, int status)
{
	(void)status;
	free(write);
}

static void send_all(struct client *client, char *from, size_t size)
{
	uv_buf_t buffer = uv_buf_init(from, (unsigned)size);
	int sent = uv_try_write((uv_stream_t *)&client->tcp, &buffer, 1);
	struct request *request;

	if (sent == (int)size)
		return;
	if (sent < 0 && sent != UV_EAGAIN) {
		close_client(client);
		return;
	}
	if (sent > 0) {
		from += sent;
		size -= (size_t)sent;
	}
	request = malloc(sizeof *request + size);
	if (request == NULL)
		io_fail("malloc");
	memcpy(request->bytes, from, size);
	buffer = uv_buf_init(request->bytes, (unsigned)size);
	if (uv_write(&request->write, (uv_stream_t *)&client->tcp, &buffer, 1, on_written) != 0) {
		free(request);
		close_client(client);
	}
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct client *client = handle->data;

	(void)suggested;
	if (client->kept > 0)
		memcpy(room, client->line, client->kept);
	*buffer = uv_buf_init(room + client->kept, (unsigned)(ROOM - client->kept));
}

/* Line by line, as a server that answers each: the answers go out in one piece. */
static void answer_lines(struct client *client, size_t size)
{
	static char answers[ROOM];
	char *line = room, *end = room + size, *next, *answer = answers;

	while ((next = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		size_t length = (size_t)(next + 1 - line);

		memcpy(answer, line, length);
		answer += length;
		line = next + 1;
	}
	free(client->line);
	client->line = NULL;
	client->kept = (size_t)(end - line);
	if (client->kept > 0) {
		client->line = malloc(client->kept);
		if (client->line == NULL)
			io_fail("malloc");
		memcpy(client->line, line, client->kept);
	}
	if (answer > answers)
		send_all(client, answers, (size_t)(answer - answers));
}

static void answer_sink(struct client *client, size_t size)
{
	size_t blocks;

	client->taken += size;
	blocks = client->taken / IO_BLOCK;
	client->taken %= IO_BLOCK;
	if (blocks > 0)
		send_all(client, room, blocks);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
	struct client *client = stream->data;

	(void)buffer;
	if (size < 0)
		close_client(client);
	if (size <= 0)
		return;
	if (mode == MODE_DEADLINE)
		uv_timer_again(&client->timer);
	if (mode == MODE_LINES)
		answer_lines(client, client->kept + (size_t)size);
	else if (mode == MODE_SINK)
		answer_sink(client, (size_t)size);
	else
		send_all(client, room, (size_t)size);
}

static void on_late(uv_timer_t *timer)
{
	close_client(timer->data);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct client *client = calloc(1, sizeof *client);

	if (status < 0 || client == NULL)
		io_fail("connection");
	client->tcp.data = client->timer.data = client;
	client->open = mode == MODE_DEADLINE ? 2 : 1;
	uv_tcp_init(loop, &client->tcp);
	if (mode == MODE_DEADLINE) {
		uv_timer_init(loop, &client->timer);
		uv_timer_start(&client->timer, on_late, IO_IDLE_LIMIT_S * 1000, IO_IDLE_LIMIT_S * 1000);
	}
	if (uv_accept(listener, (uv_stream_t *)&client->tcp) != 0) {
		close_client(client);
		return;
	}
	uv_tcp_nodelay(&client->tcp, 1);
	uv_read_start((uv_stream_t *)&client->tcp, on_room, on_read);
}

static int run_server(void)
{
	struct sockaddr_in address;
	int size = sizeof address;
	uv_tcp_t listener;

	io_raise_limit();
	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_tcp_init(loop, &listener);
	if (uv_tcp_bind(&listener, (struct sockaddr *)&address, 0) != 0 ||
	    uv_listen((uv_stream_t *)&listener, 4096, on_connection) != 0 ||
	    uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &size) != 0)
		io_fail("listen");
	io_say_port(ntohs(address.sin_port));
	return uv_run(loop, UV_RUN_DEFAULT);
}

/* ---- what measures itself */

static int64_t woken_ns;
static uv_async_t bell;

static void on_bell(uv_async_t *unused)
{
	(void)unused;
	woken_ns = io_now_ns(CLOCK_MONOTONIC);
	sem_post(io_woken());
}

static void *run_loop(void *unused)
{
	(void)unused;
	uv_run(loop, UV_RUN_DEFAULT);
	return NULL;
}

static double measure_wake(void)
{
	static int64_t took[IO_WAKES];
	static bool runs;
	pthread_t id;

	if (!runs) {
		uv_async_init(loop, &bell, on_bell);
		pthread_create(&id, NULL, run_loop, NULL);
		runs = true;
	}
	for (int i = 0; i < IO_WAKES; i++) {
		int64_t start;

		io_sleep_ns(IO_WAKE_PAUSE_NS);
		start = io_now_ns(CLOCK_MONOTONIC);
		uv_async_send(&bell);
		sem_wait(io_woken());
		took[i] = woken_ns - start;
	}
	return io_median_us(took, IO_WAKES);
}

/* A read is started, the loop turns, so that it is registered, and the read is stopped. */
static double measure_cancel(void)
{
	static uv_pipe_t reader;
	static int ends[2];
	int64_t start;

	if (ends[1] == 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
			io_fail("socketpair");
		uv_pipe_init(loop, &reader, 0);
		uv_pipe_open(&reader, ends[0]);
		reader.data = calloc(1, sizeof(struct client));
	}
	start = io_now_ns(CLOCK_MONOTONIC);
	for (int i = 0; i < IO_CANCELS; i++) {
		uv_read_start((uv_stream_t *)&reader, on_room, on_read);
		uv_run(loop, UV_RUN_NOWAIT);
		uv_read_stop((uv_stream_t *)&reader);
	}
	return (double)(io_now_ns(CLOCK_MONOTONIC) - start) / IO_CANCELS;
}

/* ---- file_read, file_read_32: by the threads of the loop */

static int file_left, file_fd = -1;
static uint32_t file_at;

struct file_read {
	uv_fs_t request;
	uv_buf_t buffer;
	char bytes[IO_FILE_BLOCK];
};

static void on_file_read(uv_fs_t *request)
{
	struct file_read *read = request->data;
	bool good = request->result == IO_FILE_BLOCK;

	uv_fs_req_cleanup(request);
	if (!good)
		io_fail("a read");
	if (file_left-- > 0)
		uv_fs_read(loop, request, file_fd, &read->buffer, 1, io_next_offset(&file_at),
		           on_file_read);
}

static double measure_files(int readers)
{
	static struct file_read reads[IO_FILE_READERS];
	int64_t start;

	if (file_fd < 0)
		file_fd = io_make_file();
	file_at = 7;
	file_left = IO_FILE_READS - readers;
	start = io_now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < readers; i++) {
		reads[i].request.data = &reads[i];
		reads[i].buffer = uv_buf_init(reads[i].bytes, IO_FILE_BLOCK);
		uv_fs_read(loop, &reads[i].request, file_fd, &reads[i].buffer, 1, io_next_offset(&file_at),
		           on_file_read);
	}
	uv_run(loop, UV_RUN_DEFAULT);
	return (double)(io_now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / IO_FILE_READS;
}

static double measure_file_read(void)
{
	return measure_files(1);
}

static double measure_file_read_32(void)
{
	return measure_files(IO_FILE_READERS);
}

/* ---- copy_file_1m: by the threads of the loop, to a socket that blocks */

static int copy_left, copy_to, copy_file = -1;
static size_t copied_bytes; /* of the present mebibyte */

static void on_copied(uv_fs_t *request);

static void copy_on(uv_fs_t *request)
{
	int64_t at =
		(int64_t)(copy_left % (IO_FILE_BLOCKS * IO_FILE_BLOCK / IO_COPY_BYTES)) * IO_COPY_BYTES;

	uv_fs_sendfile(loop, request, copy_to, copy_file, at + (int64_t)copied_bytes,
	               IO_COPY_BYTES - copied_bytes, on_copied);
}

static void on_copied(uv_fs_t *request)
{
	if (request->result <= 0)
		io_fail("sendfile");
	copied_bytes += (size_t)request->result;
	uv_fs_req_cleanup(request);
	if (copied_bytes == IO_COPY_BYTES) {
		copied_bytes = 0;
		copy_left--;
	}
	if (copy_left > 0)
		copy_on(request);
}

static double measure_copy(void)
{
	static uv_fs_t request;
	int64_t start;

	if (copy_file < 0) {
		copy_file = io_make_file();
		copy_to = io_connect_to_drain();
	}
	copy_left = IO_COPIES;
	start = io_now_ns(CLOCK_PROCESS_CPUTIME_ID);
	copy_on(&request);
	uv_run(loop, UV_RUN_DEFAULT);
	return (double)(io_now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e3 / IO_COPIES;
}

/* ---- udp */

static void on_datagram_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
	static char datagrams[IO_DATAGRAMS * 65536]; /* so that libuv takes 32 by one call */

	(void)handle, (void)wanted;
	*buffer = uv_buf_init(datagrams, sizeof datagrams);
}

static void on_datagram(uv_udp_t *udp, ssize_t size, const uv_buf_t *buffer,
                        const struct sockaddr *from, unsigned flags)
{
	uv_buf_t answer = uv_buf_init(buffer->base, (unsigned)(size > 0 ? size : 0));

	(void)flags;
	if (from != NULL && size > 0 && uv_udp_try_send(udp, &answer, 1, from) < 0)
		io_fail("send");
}

static int run_datagrams(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int size = sizeof address;
	uv_udp_t udp;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	uv_udp_init_ex(loop, &udp, AF_INET | UV_UDP_RECVMMSG);
	if (uv_udp_bind(&udp, (struct sockaddr *)&address, 0) != 0 ||
	    uv_udp_getsockname(&udp, (struct sockaddr *)&address, &size) != 0)
		io_fail("bind");
	uv_udp_recv_start(&udp, on_datagram_room, on_datagram);
	io_say_port(ntohs(address.sin_port));
	return uv_run(loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
	const char *wanted = argc > 2 ? argv[1] : "";
	int workers = argc > 2 ? atoi(argv[2]) : 1;

	loop = uv_default_loop();
	if (strcmp(wanted, "wake") == 0)
		return io_answer(measure_wake);
	if (strcmp(wanted, "cancel_read") == 0)
		return io_answer(measure_cancel);
	if (strcmp(wanted, "file_read") == 0)
		return io_answer(measure_file_read);
	if (strcmp(wanted, "file_read_32") == 0)
		return io_answer(measure_file_read_32);
	if (strcmp(wanted, "copy_file") == 0)
		return io_answer(measure_copy);
	if (strcmp(wanted, "udp") == 0)
		return run_datagrams();
	if (workers > 1)
		return io_not_offered(); /* a loop has one thread */
	if (strcmp(wanted, "echo") == 0 || strcmp(wanted, "shared") == 0 ||
	    strcmp(wanted, "idle") == 0 || strcmp(wanted, "accept") == 0)
		mode = MODE_ECHO;
	else if (strcmp(wanted, "lines") == 0)
		mode = MODE_LINES;
	else if (strcmp(wanted, "sink") == 0)
		mode = MODE_SINK;
	else if (strcmp(wanted, "deadline") == 0)
		mode = MODE_DEADLINE;
	else
		return io_not_offered();
	return run_server();
}
