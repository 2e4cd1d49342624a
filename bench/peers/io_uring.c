/*
 * The floor of io_uring: a server over one ring with nothing between. A connection has one request
 * in the ring: a read that waits for readiness first, or the send of the answer. One call submits
 * what a turn has brought, and waits for the next. One thread; "echo" and "sink".
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "io_peer.h"

enum { ENTRIES = 4096, COMPLETIONS = 16384, ROOM = 1024 };

struct connection {
	int fd;
	bool sends;
	uint32_t unsent; /* of the answer */
	size_t taken;    /* of the sink: bytes since the last answer */
	char *answer;
	char data[ROOM];
};

static struct {
	int fd;
	uint32_t *queued_tail, *done_head, *done_tail;
	struct io_uring_sqe *entries;
	struct io_uring_cqe *completions;
	uint32_t queued;
} ring;

static struct connection listener; /* its request is an accept */
static bool is_sink;
static char dropped[IO_BLOCK];

static void set_up(void)
{
	struct io_uring_params p = { .cq_entries = COMPLETIONS };
	size_t size;
	char *memory;

	p.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
	          IORING_SETUP_SUBMIT_ALL;
	ring.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
	if (ring.fd < 0)
		io_fail("io_uring_setup");
	size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	if (size < p.sq_off.array + p.sq_entries * sizeof(uint32_t))
		size = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	ring.entries = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
	                    MAP_SHARED, ring.fd, (off_t)IORING_OFF_SQES);
	if (memory == MAP_FAILED || ring.entries == MAP_FAILED)
		io_fail("mmap");
	ring.queued_tail = (uint32_t *)(void *)(memory + p.sq_off.tail);
	ring.done_head = (uint32_t *)(void *)(memory + p.cq_off.head);
	ring.done_tail = (uint32_t *)(void *)(memory + p.cq_off.tail);
	ring.completions = (struct io_uring_cqe *)(void *)(memory + p.cq_off.cqes);
	for (uint32_t i = 0; i < p.sq_entries; i++)
		((uint32_t *)(void *)(memory + p.sq_off.array))[i] = i;
}

static void enter(unsigned wanted)
{
	long done =
		syscall(SYS_io_uring_enter, ring.fd, ring.queued, wanted, IORING_ENTER_GETEVENTS, NULL, 0);

	if (done < 0 && errno != EINTR)
		io_fail("io_uring_enter");
	ring.queued -= done > 0 ? (uint32_t)done : 0;
}

static struct io_uring_sqe *next_entry(struct connection *connection, uint8_t opcode)
{
	struct io_uring_sqe *entry;

	if (ring.queued == ENTRIES)
		enter(0);
	entry = &ring.entries[*ring.queued_tail & (ENTRIES - 1)];
	memset(entry, 0, sizeof *entry);
	entry->opcode = opcode;
	entry->fd = connection->fd;
	entry->user_data = (uintptr_t)connection;
	return entry;
}

static void queue(void)
{
	__atomic_store_n(ring.queued_tail, *ring.queued_tail + 1, __ATOMIC_RELEASE);
	ring.queued++;
}

static void start_accept(void)
{
	next_entry(&listener, IORING_OP_ACCEPT)->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	queue();
}

static void start_read(struct connection *connection)
{
	struct io_uring_sqe *entry = next_entry(connection, IORING_OP_RECV);

	entry->addr = (uintptr_t)(is_sink ? dropped : connection->data);
	entry->len = is_sink ? IO_BLOCK : ROOM;
	entry->ioprio = IORING_RECVSEND_POLL_FIRST;
	connection->sends = false;
	queue();
}

static void start_send(struct connection *connection)
{
	struct io_uring_sqe *entry = next_entry(connection, IORING_OP_SEND);

	entry->addr = (uintptr_t)connection->answer;
	entry->len = connection->unsent;
	entry->msg_flags = MSG_NOSIGNAL;
	connection->sends = true;
	queue();
}

static void accepted(int fd)
{
	struct connection *connection = fd >= 0 ? calloc(1, sizeof *connection) : NULL;
	int on = 1;

	start_accept();
	if (connection == NULL)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	connection->fd = fd;
	start_read(connection);
}

static void was_read(struct connection *connection, uint32_t size)
{
	connection->answer = connection->data;
	connection->unsent = size;
	if (is_sink) {
		connection->taken += size;
		connection->unsent = (uint32_t)(connection->taken / IO_BLOCK);
		connection->taken %= IO_BLOCK;
	}
	if (connection->unsent > 0)
		start_send(connection);
	else
		start_read(connection);
}

static void completed(const struct io_uring_cqe *done)
{
	struct connection *connection = (struct connection *)(uintptr_t)done->user_data;

	if (connection == &listener) {
		accepted(done->res);
	} else if (done->res <= 0) {
		close(connection->fd);
		free(connection);
	} else if (!connection->sends) {
		was_read(connection, (uint32_t)done->res);
	} else {
		connection->unsent -= (uint32_t)done->res;
		connection->answer += done->res;
		if (connection->unsent > 0)
			start_send(connection);
		else
			start_read(connection);
	}
}

/* ---- file_read, file_read_32: this many reads in the ring at a time */

static int readers;

static void start_file_read(int fd, char *room, uint32_t *x)
{
	struct connection file = { .fd = fd };
	struct io_uring_sqe *entry = next_entry(&file, IORING_OP_READ);

	entry->addr = (uintptr_t)room;
	entry->len = IO_FILE_BLOCK;
	entry->off = (uint64_t)io_next_offset(x);
	entry->user_data = (uintptr_t)room;
	queue();
}

/* As many as have come, and no call for those that are there already. */
static int take_file_reads(int fd, int *left, uint32_t *x)
{
	uint32_t head = *ring.done_head, tail = __atomic_load_n(ring.done_tail, __ATOMIC_ACQUIRE);
	int count = (int)(tail - head);

	for (; head != tail; head++) {
		const struct io_uring_cqe *done = &ring.completions[head & (COMPLETIONS - 1)];

		if (done->res != IO_FILE_BLOCK)
			io_fail("a read");
		if ((*left)-- > 0)
			start_file_read(fd, (char *)(uintptr_t)done->user_data, x);
	}
	__atomic_store_n(ring.done_head, head, __ATOMIC_RELEASE);
	return count;
}

static double measure_file_read(void)
{
	static char rooms[IO_FILE_READERS][IO_FILE_BLOCK];
	static int fd = -1;
	uint32_t x = 7;
	int left = IO_FILE_READS - readers, done = 0;
	int64_t start;

	if (fd < 0) {
		fd = io_make_file();
		set_up();
	}
	start = io_now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < readers; i++)
		start_file_read(fd, rooms[i], &x);
	while (done < IO_FILE_READS) {
		enter(1);
		done += take_file_reads(fd, &left, &x);
	}
	return (double)(io_now_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / IO_FILE_READS;
}

int main(int argc, char **argv)
{
	const char *wanted = argc > 2 ? argv[1] : "";
	int port;

	readers = strcmp(wanted, "file_read_32") == 0 ? IO_FILE_READERS : 1;
	if (readers > 1 || strcmp(wanted, "file_read") == 0)
		return io_answer(measure_file_read);
	is_sink = strcmp(wanted, "sink") == 0;
	if ((!is_sink && strcmp(wanted, "echo") != 0) || strcmp(argv[2], "1") != 0)
		return io_not_offered();
	io_raise_limit();
	listener.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	port = io_bind(listener.fd);
	if (listen(listener.fd, 4096) != 0)
		io_fail("listen");
	set_up();
	start_accept();
	io_say_port(port);
	for (;;) {
		uint32_t head = *ring.done_head, tail;

		enter(1);
		tail = __atomic_load_n(ring.done_tail, __ATOMIC_ACQUIRE);
		for (; head != tail; head++)
			completed(&ring.completions[head & (COMPLETIONS - 1)]);
		__atomic_store_n(ring.done_head, head, __ATOMIC_RELEASE);
	}
}
