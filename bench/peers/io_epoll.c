/*
 * The floor: a server over epoll with nothing between. Edge triggered, each descriptor registered
 * once for both directions; a read that is shorter than its buffer means that the socket is empty,
 * unless the peer has closed. With two threads each has its own epoll, and the connections are
 * dealt to them in turn.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>

#include "io_peer.h"

enum { THREADS_MAX = 8, EVENTS = 256, ROOM = 65536 };

struct connection {
	int fd;
	uint32_t closing;          /* the closed events that came; they stay */
	char *unsent;              /* what the socket did not take, or the begin of a line */
	size_t unsent_size, taken; /* taken: of the sink, bytes since the last answer */
	int64_t deadline_ns;       /* of the mode "deadline": each request gets a new one */
	struct connection *next, *previous;
};

struct thread {
	pthread_t id;
	int poller;
	char room[ROOM], answers[ROOM];
	int64_t now_ns;            /* at the last return of epoll_wait */
	struct connection waiting; /* of the mode "deadline": a ring, the earliest deadline first */
};

enum mode { MODE_ECHO, MODE_LINES, MODE_SINK, MODE_DEADLINE };

static struct thread threads[THREADS_MAX];
static int thread_count = 1, listener;
static enum mode mode;

static void unlink_deadline(struct connection *connection)
{
	if (connection->next == NULL)
		return;
	connection->next->previous = connection->previous;
	connection->previous->next = connection->next;
	connection->next = NULL;
}

/* All deadlines are equally long, so a new one is the last. */
static void set_deadline(struct thread *thread, struct connection *connection)
{
	struct connection *head = &thread->waiting;

	unlink_deadline(connection);
	connection->deadline_ns = thread->now_ns + (int64_t)IO_IDLE_LIMIT_S * 1000000000;
	connection->next = head;
	connection->previous = head->previous;
	head->previous->next = connection;
	head->previous = connection;
}

static void close_connection(struct connection *connection)
{
	unlink_deadline(connection);
	close(connection->fd);
	free(connection->unsent);
	free(connection);
}

static bool keep(struct connection *connection, const char *from, size_t size)
{
	char *room = malloc(size);

	if (room == NULL)
		return false;
	memcpy(room, from, size);
	free(connection->unsent);
	connection->unsent = room;
	connection->unsent_size = size;
	return true;
}

/* Sends what the socket takes and keeps the rest. */
static bool send_or_keep(struct connection *connection, const char *from, size_t size)
{
	ssize_t sent = send(connection->fd, from, size, MSG_NOSIGNAL);

	if (sent == (ssize_t)size)
		return true;
	if (sent < 0 && errno != EAGAIN)
		return false;
	return keep(connection, from + (sent > 0 ? sent : 0), size - (size_t)(sent > 0 ? sent : 0));
}

/* Returns 1 if nothing is left, 0 if the socket is full, -1 if it failed. */
static int send_kept(struct connection *connection)
{
	char *kept = connection->unsent;
	bool good;

	if (kept == NULL || mode == MODE_LINES)
		return 1;
	connection->unsent = NULL;
	good = send_or_keep(connection, kept, connection->unsent_size);
	free(kept);
	return !good ? -1 : connection->unsent == NULL;
}

/*
 * Line by line, as a server that answers each: the answers go out in one piece. The begin of
 * another line is kept.
 */
static bool answer_lines(struct thread *thread, struct connection *connection, size_t size)
{
	char *line = thread->room, *end = thread->room + size, *next, *answer = thread->answers;

	while ((next = memchr(line, '\n', (size_t)(end - line))) != NULL) {
		size_t length = (size_t)(next + 1 - line);

		memcpy(answer, line, length);
		answer += length;
		line = next + 1;
	}
	if (answer > thread->answers &&
	    send(connection->fd, thread->answers, (size_t)(answer - thread->answers), MSG_NOSIGNAL) !=
	        answer - thread->answers)
		return false; /* this client reads its answers */
	return line == end || keep(connection, line, (size_t)(end - line));
}

static bool answer_sink(struct connection *connection, size_t size)
{
	static const char bytes[16];
	size_t blocks;

	connection->taken += size;
	blocks = connection->taken / IO_BLOCK;
	connection->taken %= IO_BLOCK;
	return blocks == 0 || send_or_keep(connection, bytes, blocks);
}

static bool answer(struct thread *thread, struct connection *connection, size_t size)
{
	switch (mode) {
	case MODE_LINES:
		return answer_lines(thread, connection, size);
	case MODE_SINK:
		return answer_sink(connection, size);
	case MODE_DEADLINE:
		set_deadline(thread, connection);
		break;
	case MODE_ECHO:
		break;
	}
	return send_or_keep(connection, thread->room, size);
}

static void serve(struct thread *thread, struct connection *connection, uint32_t events)
{
	connection->closing |= events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	for (;;) {
		int state = send_kept(connection);
		size_t had = 0, size;
		ssize_t got;

		if (state == 0)
			return; /* the next event says that there is room */
		if (mode == MODE_LINES && connection->unsent != NULL) {
			had = connection->unsent_size;
			memcpy(thread->room, connection->unsent, had);
			free(connection->unsent);
			connection->unsent = NULL;
		}
		size = mode == MODE_SINK ? ROOM : had + 4096;
		got = state > 0 ? recv(connection->fd, thread->room + had, size - had, 0) : 0;
		if (got < 0 && errno == EAGAIN) {
			if (had > 0 && !keep(connection, thread->room, had))
				break;
			return;
		}
		if (got <= 0 || !answer(thread, connection, had + (size_t)got))
			break;
		if ((size_t)got < size - had && connection->closing == 0)
			return;
	}
	close_connection(connection);
}

static void accept_all(void)
{
	static unsigned turn;

	for (;;) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
		struct connection *connection = calloc(1, sizeof *connection);

		if (fd < 0 || connection == NULL) {
			free(connection);
			return;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		connection->fd = fd;
		event.data.ptr = connection;
		epoll_ctl(threads[turn++ % (unsigned)thread_count].poller, EPOLL_CTL_ADD, fd, &event);
	}
}

static int time_left_ms(struct thread *thread)
{
	struct connection *first = thread->waiting.next;

	if (first == &thread->waiting)
		return -1;
	return first->deadline_ns > thread->now_ns
	           ? (int)((first->deadline_ns - thread->now_ns) / 1000000 + 1)
	           : 0;
}

static void *run_thread(void *argument)
{
	struct thread *thread = argument;
	struct epoll_event events[EVENTS];

	for (;;) {
		int count = epoll_wait(thread->poller, events, EVENTS, time_left_ms(thread));

		if (mode == MODE_DEADLINE) {
			thread->now_ns = io_now_ns(CLOCK_MONOTONIC);
			while (time_left_ms(thread) == 0)
				close_connection(thread->waiting.next);
		}
		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == NULL)
				accept_all();
			else
				serve(thread, events[i].data.ptr, events[i].events);
		}
	}
	return NULL;
}

static void *compute(void *unused)
{
	(void)unused;
	for (;;)
		io_spin_ns(IO_COMPUTE_NS);
	return NULL;
}

static int run_server(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int port;

	io_raise_limit();
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	port = io_bind(listener);
	if (listen(listener, 4096) != 0)
		io_fail("listen");
	for (int i = 0; i < thread_count; i++) {
		threads[i].poller = epoll_create1(EPOLL_CLOEXEC);
		threads[i].waiting.next = threads[i].waiting.previous = &threads[i].waiting;
	}
	epoll_ctl(threads[0].poller, EPOLL_CTL_ADD, listener, &event);
	for (int i = 1; i < thread_count; i++)
		pthread_create(&threads[i].id, NULL, run_thread, &threads[i]);
	io_say_port(port);
	run_thread(&threads[0]);
	return 0;
}

/* ---- what measures itself */

static int bell;
static int64_t woken_ns;

static void *sleep_in_epoll(void *argument)
{
	struct epoll_event event;

	for (;;)
		if (epoll_wait(*(int *)argument, &event, 1, -1) == 1) {
			woken_ns = io_now_ns(CLOCK_MONOTONIC);
			sem_post(io_woken());
		}
	return NULL;
}

static double measure_wake(void)
{
	static int64_t took[IO_WAKES];
	static int poller;
	pthread_t id;

	if (poller == 0) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLET };

		poller = epoll_create1(EPOLL_CLOEXEC);
		bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		epoll_ctl(poller, EPOLL_CTL_ADD, bell, &event);
		pthread_create(&id, NULL, sleep_in_epoll, &poller);
	}
	for (int i = 0; i < IO_WAKES; i++) {
		const uint64_t one = 1;
		int64_t start;

		io_sleep_ns(IO_WAKE_PAUSE_NS);
		start = io_now_ns(CLOCK_MONOTONIC);
		if (write(bell, &one, sizeof one) != sizeof one)
			io_fail("write");
		sem_wait(io_woken());
		took[i] = woken_ns - start;
	}
	return io_median_us(took, IO_WAKES);
}

/* ---- file_read: plain calls, one after the other; nothing is faster in memory */

static double measure_file_read(void)
{
	static char room[IO_FILE_BLOCK];
	static int fd = -1;
	uint32_t x = 7;
	int64_t start;

	if (fd < 0)
		fd = io_make_file();
	start = io_now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < IO_FILE_READS; i++)
		if (pread(fd, room, sizeof room, io_next_offset(&x)) != (ssize_t)sizeof room)
			io_fail("pread");
	return (double)(io_now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / IO_FILE_READS;
}

/* ---- copy_file_1m: sendfile as much as goes; then epoll tells of room */

static double measure_copy(void)
{
	static int fd = -1, to, poller;
	struct epoll_event event = { .events = EPOLLOUT | EPOLLET };
	int64_t start;

	if (fd < 0) {
		fd = io_make_file();
		to = io_connect_to_drain();
		fcntl(to, F_SETFL, O_NONBLOCK);
		poller = epoll_create1(EPOLL_CLOEXEC);
		epoll_ctl(poller, EPOLL_CTL_ADD, to, &event);
	}
	start = io_now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < IO_COPIES; i++) {
		off_t at = (off_t)(i % (IO_FILE_BLOCKS * IO_FILE_BLOCK / IO_COPY_BYTES)) * IO_COPY_BYTES;
		off_t end = at + IO_COPY_BYTES;

		while (at < end) {
			ssize_t done = sendfile(to, fd, &at, (size_t)(end - at));

			if (done < 0 && errno == EAGAIN)
				epoll_wait(poller, &event, 1, -1);
			else if (done <= 0)
				io_fail("sendfile");
		}
	}
	return (double)(io_now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / 1e3 / IO_COPIES;
}

/* ---- udp: one socket, as many datagrams a call as are there */

static int run_datagrams(void)
{
	static struct mmsghdr messages[IO_DATAGRAMS];
	static struct iovec parts[IO_DATAGRAMS];
	static struct sockaddr_in from[IO_DATAGRAMS];
	static char room[IO_DATAGRAMS][IO_DATAGRAM_ROOM];
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int poller = epoll_create1(EPOLL_CLOEXEC), port = io_bind(fd), count;

	epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
	io_say_port(port);
	for (;;) {
		for (int i = 0; i < IO_DATAGRAMS; i++) {
			parts[i] = (struct iovec){ room[i], sizeof room[i] };
			messages[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
				                                   .msg_namelen = sizeof from[i],
				                                   .msg_iov = &parts[i],
				                                   .msg_iovlen = 1 };
		}
		count = recvmmsg(fd, messages, IO_DATAGRAMS, MSG_DONTWAIT, NULL);
		if (count < 0 && errno == EAGAIN)
			epoll_wait(poller, &event, 1, -1);
		for (int i = 0; i < count; i++)
			parts[i].iov_len = messages[i].msg_len;
		for (int sent = 0, now; sent < count; sent += now)
			if ((now = sendmmsg(fd, messages + sent, (unsigned)(count - sent), 0)) < 0)
				io_fail("sendmmsg");
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *wanted = argc > 2 ? argv[1] : "";

	thread_count = argc > 2 ? atoi(argv[2]) : 1;
	if (strcmp(wanted, "wake") == 0)
		return io_answer(measure_wake);
	if (strcmp(wanted, "file_read") == 0)
		return io_answer(measure_file_read);
	if (strcmp(wanted, "copy_file") == 0)
		return io_answer(measure_copy);
	if (strcmp(wanted, "udp") == 0)
		return run_datagrams();
	if (strcmp(wanted, "mixed") == 0) {
		pthread_t id;

		/* One thread computes, and one serves. */
		thread_count = 1;
		pthread_create(&id, NULL, compute, NULL);
		return run_server();
	}
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
