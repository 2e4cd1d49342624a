/*
 * Streams of descriptors: reading and writing without a buffer.
 */
/* threads */
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>

#include "support/io_support.h"
#include "support/limits_of_tools.h"

static bool memory_stays;

void test_after_each(void)
{
	if (!memory_stays)
		assert_nothing_in_use();
}

static char room[65536];

/* --- reading --- */

TEST(a_read_waits_for_data_and_returns_what_there_is)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	bide_value_task v;

	calls_move_all();
	v = bide_stream_read(s, room, sizeof room);
	assert_pending(v);
	put_bytes(peer, "hello", 5);
	assert_int_equal(result_of(v), 5);
	assert_memory_equal(room, "hello", 5);
	put_bytes(peer, "more", 4);
	assert_int_equal(result_of(bide_stream_read(s, room, 2)), 2);
	assert_memory_equal(room, "mo", 2);
	assert_int_equal(result_of(bide_stream_read(s, room, 100)), 2);
	assert_memory_equal(room, "re", 2);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(a_read_of_what_is_there_is_ready_at_once)
{
	int peer;
	bide_stream *s = make_tcp_stream(&peer);
	bide_value_task v;

	calls_move_all();
	put_bytes(peer, "0123456789", 10);
	assert_int_equal(result_of(bide_stream_read(s, room, 1)), 1); /* learns that it is ready */
	v = bide_stream_read(s, room, 1);
	assert_true(bide_value_task_is_ready(v));
	assert_int_equal(result_of(v), 1);
	assert_int_equal(room[0], '1');
	bide_stream_close(s);
	close_peer(peer);
}

TEST(nothing_is_allocated_in_the_steady_state)
{
	if (getenv("BIDE_POOL"))
		SKIP("without the pools each object is an allocation");
	int peer;
	bide_stream *s = make_stream(&peer);
	uint64_t before = 0;

	NEEDS_SYSTEM("allocations, and the simulated network makes some");
	for (int i = 0; i < 200; i++) {
		bide_value_task v = bide_stream_read(s, room, sizeof room);

		put_byte(peer, 'x');
		assert_int_equal(result_of(v), 1);
		assert_int_equal(result_of(bide_stream_write(s, "y", 1)), 1);
		take_bytes(peer, 1);
		if (i == 100)
			before = stats().allocation_count;
	}
	assert_int_equal(stats().allocation_count, before);
	bide_stream_close(s);
	close_peer(peer);
}

/* No edge follows data and end that came together, so the short read must not count as empty. */
static void data_and_end(bide_stream *s, int peer)
{
	put_bytes(peer, "hello", 5);
	close_peer(peer);
	assert_int_equal(result_of(bide_stream_read(s, room, sizeof room)), 5);
	assert_int_equal(result_of(bide_stream_read(s, room, sizeof room)), 0);
	assert_int_equal(result_of(bide_stream_read(s, room, sizeof room)), 0);
	bide_stream_close(s);
}

TEST(data_and_end_that_come_together_by_tcp)
{
	bide_stream *s;
	int peer;

	calls_move_all();
	s = make_tcp_stream(&peer);
	data_and_end(s, peer);
}

TEST(data_and_end_that_come_together_by_a_unix_socket)
{
	int fd[2];

	NEEDS_SYSTEM("UNIX sockets");
	make_pair(fd);
	data_and_end(take(fd[0]), fd[1]);
}

TEST(data_and_end_that_come_together_by_a_pipe)
{
	int fd[2];

	NEEDS_SYSTEM("pipes");
	assert_int_equal(pipe(fd), 0);
	data_and_end(take(fd[0]), fd[1]);
}

/* The same, where the stream is registered, and waits, when both come. */
TEST(data_and_end_that_come_to_a_waiting_read)
{
	int fd[2];

	calls_move_all();
	for (int kind = 0; kind < (test_seeded() ? 1 : 3); kind++) {
		bide_value_task v;
		bide_stream *s;
		int peer;

		if (kind == 0) {
			s = make_tcp_stream(&peer);
		} else if (kind == 1) {
			s = make_stream(&peer);
		} else {
			assert_int_equal(pipe(fd), 0);
			s = take(fd[0]);
			peer = fd[1];
		}
		v = bide_stream_read(s, room, sizeof room);
		assert_pending(v);
		put_bytes(peer, "x", 1);
		assert_int_equal(result_of(v), 1);
		for (int i = 0; i < 10; i++) {
			v = bide_stream_read(s, room, sizeof room);
			put_bytes(peer, "hello", 5);
			if (i == 9)
				close_peer(peer);
			assert_int_equal(result_of(v), 5);
		}
		assert_int_equal(result_of(bide_stream_read(s, room, sizeof room)), 0);
		bide_stream_close(s);
	}
}

/* A read stops before the urgent byte, although more is there. */
TEST(a_read_stops_at_urgent_data_and_the_rest_is_not_lost)
{
	int peer;
	bide_stream *s = make_tcp_stream(&peer);
	bide_value_task v;
	size_t got = 0;

	NEEDS_SYSTEM("urgent data");
	v = bide_stream_read(s, room, sizeof room);
	assert_pending(v); /* registered */
	put_bytes(peer, "abc", 3);
	assert_int_equal(send(peer, "u", 1, MSG_OOB), 1);
	put_bytes(peer, "def", 3);
	got = (size_t)result_of(v);
	while (got < 6)
		got += (size_t)result_of(bide_stream_read(s, room + got, sizeof room - got));
	assert_int_equal(got, 6);
	assert_memory_equal(room, "abcdef", 6);
	bide_stream_close(s);
	close_peer(peer);
}

static void send_with_descriptor(int to, const char *text, size_t size, int fd)
{
	char control[CMSG_SPACE(sizeof fd)] = "";
	struct iovec part = { (void *)(uintptr_t)text, size };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(head), &fd, sizeof fd);
	assert_int_equal(sendmsg(to, &message, 0), (ssize_t)size);
}

/* A read stops behind a message with a descriptor, although more is there. */
TEST(a_read_stops_at_a_message_with_a_descriptor_and_the_rest_is_not_lost)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	bide_value_task v;
	size_t got = 0;

	NEEDS_SYSTEM("messages with descriptors");
	v = bide_stream_read(s, room, sizeof room);
	assert_pending(v);
	send_with_descriptor(peer, "ab", 2, 0);
	put_bytes(peer, "cdef", 4);
	got = (size_t)result_of(v);
	while (got < 6)
		got += (size_t)result_of(bide_stream_read(s, room + got, sizeof room - got));
	assert_memory_equal(room, "abcdef", 6);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(the_end_of_one_side_leaves_the_other)
{
	int peer;
	bide_stream *s = make_tcp_stream(&peer);

	end_peer(peer);
	assert_int_equal(result_of(bide_stream_read(s, room, 10)), 0);
	assert_int_equal(result_of(bide_stream_write(s, "answer", 6)), 6);
	take_bytes(peer, 6);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(a_reset_is_an_error_of_a_waiting_read)
{
	int peer;
	bide_stream *s = make_tcp_stream(&peer);
	bide_value_task v;

	v = bide_stream_read(s, room, 10);
	assert_pending(v);
	reset_peer(peer);
	assert_int_equal(error_of(v), ECONNRESET);
	bide_stream_close(s);
}

/* The kernel tells it once, and then an end in order. */
TEST(a_reset_is_an_error_of_every_read_behind_it)
{
	struct iovec part = { room, 10 };

	for (int how = 0; how < 2; how++) {
		int peer;
		bide_stream *s = make_tcp_stream(&peer);

		reset_peer(peer);
		for (int i = 0; i < 3; i++)
			assert_int_equal(error_of(how ? bide_stream_read_vector(s, &part, 1)
			                              : bide_stream_read(s, room, 10)),
			                 ECONNRESET);
		bide_stream_close(s);
	}
}

TEST(a_read_into_several_parts)
{
	int peer;
	bide_stream *s = make_tcp_stream(&peer);
	char a[3], b[4];
	struct iovec parts[4] = { { NULL, 0 }, { a, sizeof a }, { NULL, 0 }, { b, sizeof b } };
	static struct iovec many[1500];
	bide_value_task v;

	calls_move_all();
	v = bide_stream_read_vector(s, parts, 4);
	assert_pending(v);
	put_bytes(peer, "0123456789", 10);
	assert_int_equal(result_of(v), 7);
	assert_memory_equal(a, "012", 3);
	assert_memory_equal(b, "3456", 4);
	for (size_t i = 0; i < 1500; i++)
		many[i] = (struct iovec){ room + i, 1 };
	assert_int_equal(result_of(bide_stream_read_vector(s, many, 1500)), 3);
	assert_memory_equal(room, "789", 3);
	put_bytes(peer, room, 1500);
	v = bide_stream_read_vector(s, many, 1500);
	assert_in_range(result_of(v), 1, 1024);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(a_size_of_0_is_ready_with_0)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	struct iovec empty[2] = { { NULL, 0 }, { room, 0 } };

	assert_int_equal(result_of(bide_stream_read(s, room, 0)), 0);
	assert_int_equal(result_of(bide_stream_read(s, NULL, 0)), 0);
	assert_int_equal(result_of(bide_stream_read_vector(s, empty, 2)), 0);
	assert_int_equal(result_of(bide_stream_read_vector(s, NULL, 0)), 0);
	assert_int_equal(result_of(bide_stream_write(s, room, 0)), 0);
	assert_int_equal(result_of(bide_stream_write(s, NULL, 0)), 0);
	assert_int_equal(result_of(bide_stream_write_vector(s, empty, 2)), 0);
	assert_int_equal(result_of(bide_stream_write_vector(s, NULL, 0)), 0);
	bide_stream_close(s);
	close_peer(peer);
}

/* --- writing --- */

TEST(a_write_sends_all_of_it_as_the_peer_reads)
{
	enum { SIZE = 8 << 20 };
	int peer;
	bide_stream *s = make_tcp_stream(&peer);
	char *data = malloc(SIZE), *got = malloc(SIZE);
	bide_value_task v;
	size_t count = 0;

	for (size_t i = 0; i < SIZE; i++)
		data[i] = (char)(i * 7 + i / 251);
	v = bide_stream_write(s, data, SIZE);
	assert_pending(v);
	while (count < SIZE) {
		ssize_t now = try_read_peer(peer, got + count, SIZE - count);

		if (now > 0)
			count += (size_t)now;
		else
			run_on();
	}
	assert_int_equal(result_of(v), SIZE);
	assert_int_equal(bide_stream_written(s), SIZE);
	assert_memory_equal(data, got, SIZE);
	bide_stream_close(s);
	close_peer(peer);
	free(data);
	free(got);
}

TEST(a_write_of_many_parts_sends_all_of_them)
{
	enum { COUNT = 3000, BYTES = 700 };
	int peer;
	bide_stream *s = make_stream(&peer);
	char *data = malloc(COUNT * BYTES), *got = malloc(COUNT * BYTES);
	struct iovec *parts = calloc(2 * COUNT, sizeof *parts);
	bide_value_task v;
	size_t count = 0;

	for (size_t i = 0; i < COUNT * BYTES; i++)
		data[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < COUNT; i++) /* every second one is empty */
		parts[2 * i + 1] = (struct iovec){ data + i * BYTES, BYTES };
	v = bide_stream_write_vector(s, parts, 2 * COUNT);
	assert_pending(v);
	while (count < COUNT * BYTES) {
		ssize_t now = try_read_peer(peer, got + count, COUNT * BYTES - count);

		if (now > 0)
			count += (size_t)now;
		else
			run_on();
	}
	assert_int_equal(result_of(v), COUNT * BYTES);
	assert_memory_equal(data, got, COUNT * BYTES);
	bide_stream_close(s);
	close_peer(peer);
	free(data);
	free(got);
	free(parts);
}

/* One system call takes 2 GiB at most. */
TEST(a_write_of_more_than_2_GiB_is_split)
{
	const size_t size = (size_t)3 << 30;
	char *data;
	bide_stream *s;

	if (UNDER_TSAN)
		SKIP("ThreadSanitizer notes what is read: 12 GiB");
	data = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (data == MAP_FAILED)
		SKIP("no 3 GiB of addresses");
	s = take(open("/dev/null", O_WRONLY));
	struct iovec parts[2] = { { data, size }, { data, size } };

	assert_int_equal(result_of(bide_stream_write(s, data, size)), size);
	assert_int_equal(bide_stream_written(s), size);
	assert_int_equal(result_of(bide_stream_write_vector(s, parts, 2)), 2 * size);
	bide_stream_close(s);
	munmap(data, size);
}

/* SIGPIPE would end this process. */
TEST(a_write_that_no_peer_reads_is_EPIPE_and_never_a_signal)
{
	int peer;
	bide_stream *s = make_stream(&peer), *ends[2];
	bide_value_task v;
	sigset_t pending;
	size_t size;

	NEEDS_SYSTEM("signals");
	assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
	fill(s);
	v = bide_stream_write(s, room, 10);
	assert_pending(v);
	close_peer(peer);
	assert_int_equal(error_of(v), EPIPE);
	assert_int_equal(error_of(bide_stream_write(s, room, 10)), EPIPE);
	bide_stream_close(s);

	assert_int_equal(bide_stream_pipe(&ends[0], &ends[1]), 0);
	size = fill(ends[1]);
	assert_true(size > 0);
	v = bide_stream_write(ends[1], room, 10);
	assert_pending(v);
	bide_stream_close(ends[0]);
	assert_int_equal(error_of(v), EPIPE);
	assert_int_equal(error_of(bide_stream_write(ends[1], room, 10)), EPIPE);
	bide_stream_close(ends[1]);
	assert_int_equal(sigpending(&pending), 0);
	assert_false(sigismember(&pending, SIGPIPE));
}

TEST(a_reader_and_a_writer_use_one_stream_at_the_same_time)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	bide_value_task in, out;
	size_t filled;

	filled = fill(s);
	in = bide_stream_read(s, room, 10);
	out = bide_stream_write(s, "0123456789", 10);
	assert_pending(in);
	assert_pending(out);
	put_byte(peer, 'x');
	assert_int_equal(result_of(in), 1);
	assert_pending(out);
	take_bytes(peer, filled);
	assert_int_equal(result_of(out), 10);
	take_bytes(peer, 10);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(a_write_that_is_canceled_half_way_breaks_the_writing_side)
{
	enum { SIZE = 16 << 20 };
	int peer;
	bide_stream *s = make_tcp_stream(&peer);
	char *data = calloc(1, SIZE);
	bide_context *scope;
	bide_value_task v;
	size_t went;

	v = IN_SCOPE(scope, bide_stream_write(s, data, SIZE));
	assert_pending(v);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	went = bide_stream_written(s);
	assert_in_range(went, 1, SIZE - 1);
	take_bytes(peer, went);
	assert_int_equal(try_read_peer(peer, room, 1), -1);
	assert_int_equal(error_of(bide_stream_write(s, "x", 1)), EPIPE);
	assert_int_equal(error_of(bide_stream_write_vector(s, &(struct iovec){ room, 1 }, 1)), EPIPE);
	put_byte(peer, 'x'); /* reading goes on */
	assert_int_equal(result_of(bide_stream_read(s, room, 10)), 1);
	bide_stream_close(s);
	close_peer(peer);
	free(data);
}

TEST(a_write_that_is_canceled_before_a_byte_went_breaks_nothing)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	bide_context *scope;
	bide_value_task v;
	size_t filled;

	filled = fill(s);
	v = IN_SCOPE(scope, bide_stream_write(s, "abc", 3));
	assert_pending(v);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	assert_int_equal(bide_stream_written(s), 0);
	take_bytes(peer, filled);
	assert_int_equal(result_of(bide_stream_write(s, "abc", 3)), 3);
	take_bytes(peer, 3);
	bide_stream_close(s);
	close_peer(peer);
}

/* --- misuse --- */

TEST(two_operations_of_one_side_are_misuse)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	bide_value_task in, out, again;

	expect_misuse();
	fill(s);
	in = bide_stream_read(s, room, 10);
	MISUSE(again = bide_stream_read(s, room, 10), "bide_stream_read", "reads from the same stream");
	assert_int_equal(error_of(again), EBUSY);
	out = bide_stream_write(s, room, 10);
	MISUSE(again = bide_stream_write(s, room, 10), "bide_stream_write", "writes to the same");
	assert_int_equal(error_of(again), EBUSY);
	assert_pending(in);
	assert_pending(out);
	bide_stream_close(s);
	assert_int_equal(error_of(in), EBADF);
	assert_int_equal(error_of(out), EBADF);
	close_peer(peer);
}

TEST(wrong_arguments_are_misuse)
{
	int peer, fd;
	bide_stream *s = make_stream(&peer), *other;
	struct iovec bad[2] = { { NULL, 1 }, { room, SIZE_MAX } };
	bide_value_task v;

	expect_misuse();
	MISUSE(v = bide_stream_read(NULL, room, 1), "bide_stream_read", "is NULL");
	assert_int_equal(error_of(v), EINVAL);
	MISUSE(v = bide_stream_read(s, NULL, 1), "bide_stream_read", "to is NULL");
	assert_int_equal(error_of(v), EINVAL);
	MISUSE(v = bide_stream_write(NULL, room, 1), "bide_stream_write", "is NULL");
	assert_int_equal(error_of(v), EINVAL);
	MISUSE(v = bide_stream_write(s, NULL, 1), "bide_stream_write", "from is NULL");
	assert_int_equal(error_of(v), EINVAL);
	MISUSE(v = bide_stream_write(s, room, SIZE_MAX), "bide_stream_write", "too large");
	assert_int_equal(error_of(v), EINVAL);
	MISUSE(v = bide_stream_read_vector(s, NULL, 1), "bide_stream_read_vector", "parts is NULL");
	assert_int_equal(error_of(v), EINVAL);
	MISUSE(v = bide_stream_read_vector(s, bad, 1), "bide_stream_read_vector", "a part is NULL");
	assert_int_equal(error_of(v), EINVAL);
	MISUSE(v = bide_stream_write_vector(s, bad + 1, 1), "bide_stream_write_vector", "too large");
	assert_int_equal(error_of(v), EINVAL);
	MISUSE(bide_stream_abort(NULL, EIO), "bide_stream_abort", "is NULL");
	MISUSE(bide_stream_abort(s, 0), "bide_stream_abort", "error");
	MISUSE(assert_int_equal(bide_stream_fd(NULL, &fd), EINVAL), "bide_stream_fd", "is NULL");
	assert_int_equal(fd, -1);
	MISUSE(assert_int_equal(bide_stream_written(NULL), 0), "bide_stream_written", "is NULL");
	MISUSE(assert_int_equal(bide_stream_take_fd(NULL, 0), EINVAL), "bide_stream_take_fd", "NULL");
	MISUSE(assert_int_equal(bide_stream_pipe(NULL, &other), EINVAL), "bide_stream_pipe", "NULL");
	MISUSE(assert_int_equal(bide_stream_standard(&other, 3), EINVAL), "bide_stream_standard", "3");
	MISUSE(assert_null(bide_stream_create(NULL, NULL)), "bide_stream_create", "NULL");
	bide_stream_close(NULL);
	bide_stream_close(s);
	MISUSE(v = bide_stream_read(s, room, 1), "bide_stream_read", "is closed");
	assert_int_equal(error_of(v), EBADF);
	MISUSE(v = bide_stream_write(s, room, 1), "bide_stream_write", "is closed");
	assert_int_equal(error_of(v), EBADF);
	MISUSE(bide_stream_close(s), "bide_stream_close", "is closed");
	MISUSE(bide_stream_abort(s, EIO), "bide_stream_abort", "is closed");
	close_peer(peer);
}

/* After an error the descriptor is the caller's, as it was. */
static void refused(int fd, int error)
{
	int status = fcntl(fd, F_GETFL);
	bide_stream *s = (bide_stream *)1;

	assert_int_equal(bide_stream_take_fd(&s, fd), error);
	assert_null(s);
	assert_int_equal(fcntl(fd, F_GETFL), status);
	if (fd >= 0)
		close(fd);
}

TEST(descriptors_that_are_no_streams_are_refused)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int fd[2];

	refused(open("/proc/self/exe", O_RDONLY), EINVAL);
	refused(open("/", O_RDONLY), EINVAL);
	refused(eventfd(0, 0), EINVAL);
	refused(socket(AF_INET, SOCK_DGRAM, 0), EINVAL);
	refused(socket(AF_INET, SOCK_STREAM, 0), ENOTCONN);
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd[0], (struct sockaddr *)&any, sizeof any), 0);
	assert_int_equal(listen(fd[0], 1), 0);
	refused(fd[0], EINVAL);
	assert_int_equal(bide_stream_take_fd(&(bide_stream *){ NULL }, -1), EBADF);
	assert_int_equal(bide_stream_take_fd(&(bide_stream *){ NULL }, 1000), EBADF);
	limit_objects();
	make_pair(fd);
	allowed_allocations = 0;
	refused(fd[0], ENOMEM);
	allowed_allocations = -1;
	close(fd[1]);
}

/* --- pipes, devices, standard descriptors --- */

TEST(a_pipe_brings_bytes_from_one_end_to_the_other)
{
	bide_stream *in, *out;
	bide_value_task v;
	size_t filled;

	NEEDS_SYSTEM("pipes");
	assert_int_equal(bide_stream_pipe(&in, &out), 0);
	v = bide_stream_read(in, room, sizeof room);
	assert_pending(v);
	assert_int_equal(result_of(bide_stream_write(out, "hello", 5)), 5);
	assert_int_equal(result_of(v), 5);
	filled = fill(out);
	v = bide_stream_write(out, "0123456789", 10);
	assert_pending(v);
	while (filled + 10 > 0) {
		size_t now = (size_t)result_of(bide_stream_read(in, room, sizeof room));

		filled -= now;
		if (filled == (size_t)-10)
			break;
	}
	assert_int_equal(result_of(v), 10);
	bide_stream_close(out);
	assert_int_equal(result_of(bide_stream_read(in, room, sizeof room)), 0);
	bide_stream_close(in);
}

TEST(a_pipe_of_packets_keeps_them_apart)
{
	bide_stream *in;
	int fd[2];

	NEEDS_SYSTEM("pipes");
	assert_int_equal(pipe2(fd, O_DIRECT | O_CLOEXEC), 0);
	in = take(fd[0]);
	put_bytes(fd[1], "ab", 2);
	put_bytes(fd[1], "cde", 3);
	assert_int_equal(result_of(bide_stream_read(in, room, sizeof room)), 2);
	assert_int_equal(result_of(bide_stream_read(in, room, sizeof room)), 3);
	bide_stream_close(in);
	close(fd[1]);
}

TEST(a_terminal_is_a_stream)
{
	bide_stream *s;
	bide_value_task v;
	int master, slave;

	NEEDS_SYSTEM("terminals");
	if (openpty(&master, &slave, NULL, NULL, NULL))
		SKIP("no terminals");
	s = take(slave);
	v = bide_stream_read(s, room, sizeof room);
	assert_pending(v);
	put_bytes(master, "hel", 3); /* no line yet */
	settle(0);
	assert_pending(v);
	put_bytes(master, "lo\n", 3);
	assert_int_equal(result_of(v), 6);
	assert_memory_equal(room, "hello\n", 6);
	v = bide_stream_read(s, room, sizeof room);
	assert_pending(v);
	close(master);
	(void)bide_value_task_wait(v, NULL); /* the end, or EIO */
	bide_stream_close(s);
}

/* Runs with other files at 0 and 1. */
static void with_standard(int in, int out, void (*run)(void))
{
	int before[2] = { fcntl(0, F_DUPFD_CLOEXEC, 10), fcntl(1, F_DUPFD_CLOEXEC, 10) };

	dup2(in, 0);
	dup2(out, 1);
	run();
	dup2(before[0], 0);
	dup2(before[1], 1);
	close(before[0]);
	close(before[1]);
}

static int other_end[2];

static void use_standard(void)
{
	bide_stream *in, *out;
	bide_value_task v;

	assert_int_equal(bide_stream_standard(&in, 0), 0);
	assert_int_equal(bide_stream_standard(&out, 1), 0);
	v = bide_stream_read(in, room, sizeof room);
	assert_pending(v);
	put_bytes(other_end[1], "hello", 5);
	assert_int_equal(result_of(v), 5);
	assert_memory_equal(room, "hello", 5);
	v = bide_stream_write(out, room, 40000);
	take_bytes(other_end[0], 40000);
	assert_int_equal(result_of(v), 40000);
	assert_false(fcntl(0, F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(1, F_GETFL) & O_NONBLOCK);
	bide_stream_close(in);
	bide_stream_close(out);
	assert_true(fcntl(0, F_GETFD) >= 0); /* still open */
	assert_true(fcntl(1, F_GETFD) >= 0);
}

TEST(standard_descriptors_are_left_blocking_and_open)
{
	int in[2], out[2];

	NEEDS_SYSTEM("standard descriptors");
	for (int kind = 0; kind < 3; kind++) {
		if (kind == 0) {
			assert_int_equal(pipe(in), 0);
			assert_int_equal(pipe(out), 0);
		} else if (kind == 1) {
			make_pair(in);
			make_pair(out);
		} else {
			make_tcp_pair(in);
			make_tcp_pair(out);
		}
		other_end[1] = in[1];
		other_end[0] = out[0];
		with_standard(in[0], out[1], use_standard);
		close_pair(in);
		close_pair(out);
	}
}

static void read_file(void)
{
	bide_stream *in;

	assert_int_equal(bide_stream_standard(&in, 0), 0);
	assert_int_equal(result_of(bide_stream_read(in, room, 4)), 4);
	assert_memory_equal(room, "\177ELF", 4);
	bide_stream_close(in);
}

TEST(a_standard_descriptor_may_be_a_file)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	with_standard(fd, 1, read_file);
	close(fd);
}

static void without_descriptor(void)
{
	bide_stream *in = NULL;

	close(0);
	assert_int_equal(bide_stream_standard(&in, 0), EBADF);
	assert_null(in);
}

TEST(a_standard_descriptor_may_be_closed)
{
	with_standard(0, 1, without_descriptor);
}

/* --- abort --- */

TEST(an_abort_ends_what_is_pending_and_all_that_comes)
{
	const int errors[] = { EIO, EAGAIN, EBUSY, ECANCELED, 4095 };

	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		int peer;
		bide_stream *s = make_stream(&peer);
		bide_value_task in, out;

		fill(s);
		in = bide_stream_read(s, room, 10);
		out = bide_stream_write(s, room, 10);
		assert_pending(in);
		assert_pending(out);
		bide_stream_abort(s, errors[i]);
		bide_stream_abort(s, EPERM); /* the first one counts */
		assert_int_equal(error_of(in), errors[i]);
		assert_int_equal(error_of(out), errors[i]);
		assert_int_equal(error_of(bide_stream_read(s, room, 10)), errors[i]);
		assert_int_equal(error_of(bide_stream_write(s, room, 10)), errors[i]);
		while (read_peer(peer, room, sizeof room) > 0) /* the peer sees the end */
			;
		bide_stream_close(s);
		close_peer(peer);
	}
}

static void *abort_elsewhere(void *stream)
{
	bide_stream_abort(stream, EIO);
	return NULL;
}

TEST(any_thread_may_abort)
{
	NEEDS_SYSTEM("threads");
	for (int round = 0; test_round(round, 200); round++) {
		int peer, error;
		bide_stream *s = make_stream(&peer);
		bide_value_task v = bide_stream_read(s, room, 10);
		pthread_t thread;

		pthread_create(&thread, NULL, abort_elsewhere, s);
		if (round % 2)
			(void)send(peer, "x", 1, MSG_NOSIGNAL);
		error = error_of(v);
		assert_true(error == EIO || (round % 2 && error == 0));
		pthread_join(thread, NULL);
		if (!error)
			assert_int_equal(error_of(bide_stream_read(s, room, 10)), EIO);
		bide_stream_close(s);
		close_peer(peer);
	}
}

/* --- what always holds --- */

struct reader {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
		int rounds;
		int *other;
	} in;
	int i;
	int64_t count;
	char byte;
};

/* Reads from a stream that is always ready. Counts how often the other function ran in between. */
bide_async(reader)
{
	bide_async_begin;
	for (my->i = 0; my->i < my->in.rounds; my->i++) {
		bide_await(my->count, bide_stream_read(my->in.stream, &my->byte, 1));
		if (my->count != 1)
			bide_async_fail(EIO);
	}
bide_async_finally:
	bide_async_end;
}

struct ticker {
	BIDE_ASYNC_FRAME;
	struct {
		int *ticks;
		const bool *stop;
	} in;
};

bide_async(ticker)
{
	bide_async_begin;
	while (!__atomic_load_n(my->in.stop, __ATOMIC_RELAXED)) {
		++*my->in.ticks;
		bide_await(bide_async_yield());
	}
bide_async_finally:
	bide_async_end;
}

TEST(a_stream_that_is_always_ready_lets_others_run)
{
	bide_stream *s;
	bool stop = false;
	int ticks = 0;
	bide_value_task other, reading;

	one_worker();
	s = take(open("/dev/zero", O_RDONLY));
	other = bide_async_start(ticker, .ticks = &ticks, .stop = &stop);
	reading = bide_async_start(reader, .stream = s, .rounds = 64 * 20);
	assert_pending(reading);
	assert_int_equal(error_of(reading), 0);
	assert_in_range(ticks, 19, 100);
	stop = true;
	assert_int_equal(error_of(other), 0);
	bide_stream_close(s);
}

TEST(a_large_write_that_never_waits_lets_others_run)
{
	enum { SIZE = 64 << 20 };
	char *data = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bide_stream *s;
	bool stop = false;
	int ticks = 0;
	bide_value_task other, writing;

	one_worker();
	assert_true(data != MAP_FAILED);
	s = take(open("/dev/null", O_WRONLY));
	other = bide_async_start(ticker, .ticks = &ticks, .stop = &stop);
	writing = bide_stream_write(s, data, SIZE);
	assert_pending(writing);
	assert_int_equal(result_of(writing), SIZE);
	assert_in_range(ticks, 14, 100);
	writing = bide_stream_write_vector(s, &(struct iovec){ data, SIZE }, 1);
	assert_pending(writing);
	assert_int_equal(result_of(writing), SIZE);
	assert_in_range(ticks, 28, 200);
	stop = true;
	assert_int_equal(error_of(other), 0);
	bide_stream_close(s);
	munmap(data, SIZE);
}

static size_t dump_lines;

static void note_line(const char *line, void *argument)
{
	dump_lines += strstr(line, argument) != NULL;
}

TEST(a_dump_names_the_function_and_the_descriptor)
{
	int peer, fd;
	bide_stream *s = make_stream(&peer);
	char expected[64];
	bide_value_task v;

	NEEDS_SYSTEM("the number of a descriptor");
	v = bide_async_start(reader, .stream = s, .rounds = 1);
	settle(0);
	assert_int_equal(bide_stream_fd(s, &fd), 0);
	snprintf(expected, sizeof expected, "bide_stream_read of descriptor %d", fd);
	dump_lines = 0;
	bide_dump(note_line, expected);
	assert_int_equal(dump_lines, 1);
	put_byte(peer, 'x');
	assert_int_equal(error_of(v), 0);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(an_operation_that_is_left_at_the_end_is_a_leak)
{
	int peer, fd;
	bide_stream *s = make_stream(&peer);
	bide_value_task v;

	NEEDS_SYSTEM("a descriptor that is open after a shutdown");
	bide_report_hook_set(note_line, (void *)(uintptr_t) "reader");
	dump_lines = 0;
	v = bide_async_start(reader, .stream = s, .rounds = 1);
	settle(0);
	assert_pending(v);
	assert_int_equal(bide_stream_fd(s, &fd), 0);
	assert_int_equal(shut_down(), 1);
	assert_int_equal(dump_lines, 1);
	bide_report_hook_set(NULL, NULL);
	/* The stream is of before the shutdown: it can be closed, and nothing else. */
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_stream_read(s, room, 1)), EBADF), "bide_stream_read",
	       "before bide_shutdown");
	misuse_count = 0;
	bide_stream_close(s);
	assert_int_equal(misuse_count, 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	close_peer(peer);
	assert_int_equal(shut_down(), 0);
	memory_stays = true;
}

static void *read_elsewhere(void *argument)
{
	bide_stream *s = argument;
	char mine[10];

	assert_int_equal(result_of(bide_stream_read(s, mine, sizeof mine)), 5);
	assert_memory_equal(mine, "hello", 5);
	assert_int_equal(result_of(bide_stream_write(s, "answer", 6)), 6);
	bide_stream_close(s);
	return NULL;
}

struct feeder {
	BIDE_ASYNC_FRAME;
	struct {
		int fd;
	} in;
	int64_t seen;
};

bide_async(feeder)
{
	bide_async_begin;
	bide_await(bide_delay_ms(2));
	put_bytes(my->in.fd, "hello", 5);
	bide_await(my->seen, bide_fd_wait(my->in.fd, BIDE_FD_IN));
	take_bytes(my->in.fd, 6);
	bide_await(my->seen, bide_fd_wait(my->in.fd, BIDE_FD_IN)); /* until it is closed */
bide_async_finally:
	bide_async_end;
}

TEST(any_thread_may_read_write_and_close)
{
	NEEDS_SYSTEM("threads");
	(void)bide_worker_count(); /* with one worker, this thread is it */
	for (int round = 0; test_round(round, 20); round++) {
		int peer;
		bide_stream *s = make_stream(&peer);
		pthread_t thread;

		pthread_create(&thread, NULL, read_elsewhere, s);
		assert_int_equal(error_of(bide_async_start(feeder, .fd = peer)), 0);
		pthread_join(thread, NULL);
		close_peer(peer);
	}
}

TEST(a_function_of_a_strand_reads)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	bide_executor *strand;
	bide_value_task v;

	strand = bide_strand_create();
	v = bide_with_executor(strand, bide_async_start(reader, .stream = s, .rounds = 3));
	for (int i = 0; i < 3; i++) {
		settle(0);
		put_byte(peer, 'x');
	}
	assert_int_equal(error_of(v), 0);
	bide_executor_unref(strand);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(a_function_of_a_loop_reads)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	bide_executor *loop;
	bide_value_task v;
	struct pollfd poll_fd = { .events = POLLIN };
	bide_task *task;

	NEEDS_SYSTEM("the descriptor of a loop");
	loop = bide_loop_create();
	poll_fd.fd = fd_of_loop(loop);
	v = bide_with_executor(loop, bide_async_start(reader, .stream = s, .rounds = 3));
	task = bide_value_task_as_task(v);
	put_bytes(peer, "xyz", 3);
	while (bide_task_status(task) == BIDE_PENDING) {
		assert_int_equal(poll(&poll_fd, 1, -1), 1);
		(void)run_loop_once(loop, 0);
	}
	assert_int_equal(bide_task_error(task), 0);
	bide_task_unref(task);
	bide_executor_unref(loop);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(a_stream_of_the_parent_is_misuse_in_the_child_of_a_fork)
{
	int peer, status;
	bide_stream *s = make_stream(&peer);
	bide_value_task v;
	pid_t child;

	NEEDS_SYSTEM("fork");
	FORKS_WITH_THREADS();
	CHILD_STARTS_THREADS();
	if (UNDER_TSAN && many_workers())
		SKIP("ThreadSanitizer lets no child of a fork start threads");
	v = bide_stream_read(s, room, 10);
	assert_pending(v);
	child = fork();
	if (child == 0) {
		bide_stream *mine;
		int ends[2];

		misuse_count = 0;
		bide_misuse_hook_set(note_misuse, NULL);
		if (error_of(bide_stream_read(s, room, 1)) != EBADF || misuse_count != 1)
			_exit(1);
		bide_stream_close(s); /* the copy of the descriptor, and not the registration */
		if (misuse_count != 1)
			_exit(2);
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || bide_stream_take_fd(&mine, ends[0]))
			_exit(3);
		v = bide_stream_read(mine, room, 10);
		if (write(ends[1], "x", 1) != 1 || error_of(v))
			_exit(4);
		bide_stream_close(mine);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_pending(v);
	put_byte(peer, 'x');
	assert_int_equal(result_of(v), 1);
	bide_stream_close(s);
	close_peer(peer);
}
