/*
 * Reads and writes that the engine does itself, by io_uring: when they go out, and until when the
 * kernel has their buffers. What they do is the same by each engine; the tests of streams show it.
 */
/* threads */
#include <dirent.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "support/reactor_support.h"

static bool has_leaked;

void test_after_each(void)
{
	if (!has_leaked)
		assert_nothing_in_use();
}

static void by_uring(void)
{
	NEEDS_IO();
	assert_int_equal(bide_configure(&(bide_config){ .io_engine = BIDE_IO_URING }), 0);
	if (bide_io_engine_used() != BIDE_IO_URING)
		SKIP("%s", bide_io_engine_reason());
}

static int bytes_in(int fd)
{
	int count;

	assert_int_equal(ioctl(fd, FIONREAD, &count), 0);
	return count;
}

struct bounce {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *s;
		int times;
	} in;
	int64_t count;
	char room[64];
};

bide_async(bounce)
{
	bide_async_begin;
	while (my->in.times-- > 0) {
		bide_await(my->count, bide_stream_read(my->in.s, my->room, sizeof my->room));
		bide_await(bide_stream_write(my->in.s, my->room, (size_t)my->count));
	}
bide_async_finally:
	bide_async_end;
}

TEST(requests_of_many_functions_come_back_to_each)
{
	enum { TIMES = 50 };
	bide_stream *s[MANY];
	bide_value_task v[MANY];
	int fd[MANY][2];
	uint64_t before;
	char byte;

	by_uring();
	before = io_stats_now().waited_count;
	for (int i = 0; i < MANY; i++) {
		make_pair(fd[i]);
		s[i] = take(fd[i][0]);
		v[i] = bide_async_start(bounce, .s = s[i], .times = TIMES);
	}
	for (int times = 0; times < TIMES; times++) {
		for (int i = 0; i < MANY; i++) {
			byte = (char)(i + times);
			assert_int_equal(write(fd[i][1], &byte, 1), 1);
		}
		for (int i = 0; i < MANY; i++) {
			while (!is_readable(fd[i][1], 0))
				settle(0);
			assert_int_equal(read(fd[i][1], &byte, 1), 1);
			assert_int_equal(byte, (char)(i + times));
		}
	}
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(error_of(v[i]), 0);
		bide_stream_close(s[i]);
		close(fd[i][1]);
	}
	assert_true(io_stats_now().waited_count - before >= TIMES);
}

/* The first wait of a worker opens its ring, so that is not the one that is looked at. */
static void open_rings(void)
{
	bide_value_task v[MANY];
	int fd[MANY];

	for (int i = 0; i < MANY; i++)
		v[i] = takes(fd[i] = counter_open(), 1);
	for (int i = 0; i < MANY; i++) {
		counter_add(fd[i]);
		assert_int_equal(error_of(v[i]), 0);
		close(fd[i]);
	}
}

TEST(a_read_that_code_outside_of_functions_starts_is_submitted_at_once)
{
	static char room[4];
	bide_value_task v;
	bide_stream *s;
	int fd[2];

	by_uring();
	if (many_workers())
		SKIP("only the one worker's thread starts requests outside of functions");
	open_rings();
	make_pair(fd);
	s = take(fd[0]);
	v = bide_stream_read(s, room, sizeof room);
	assert_pending(v);
	put_bytes(fd[1], "abc", 3);
	while (bytes_in(fd[0]) > 0) /* nothing but these calls runs here */
		;
	assert_memory_equal(room, "abc", 3);
	assert_int_equal(result_of(v), 3);
	bide_stream_close(s);
	close(fd[1]);
}

struct reads {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *s;
		char *to;
		size_t size_bytes;
	} in;
	int64_t count;
};

bide_async(reads)
{
	bide_async_begin;
	bide_await(bide_async_yield()); /* so that a worker starts it */
	bide_await(my->count, bide_stream_read(my->in.s, my->in.to, my->in.size_bytes));
	bide_async_return(my->count);
bide_async_finally:
	bide_async_end;
}

/* --- what is a request --- */

struct writes {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *s;
		const char *from;
		size_t size_bytes;
	} in;
};

bide_async(writes)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	bide_await(bide_stream_write(my->in.s, my->in.from, my->in.size_bytes));
bide_async_finally:
	bide_async_end;
}

/* Waits until one more operation waits. Returns how many requests there were before. */
static uint64_t waits_since(bide_io_stats before)
{
	while (io_stats_now().waited_count == before.waited_count)
		settle(0);
	return before.request_count;
}

static uint64_t requests_of_a_read(bide_stream *s, int peer)
{
	char byte = 0;
	bide_io_stats stats = io_stats_now();
	bide_value_task v = bide_async_start(reads, .s = s, .to = &byte, .size_bytes = 1);
	uint64_t before = waits_since(stats);

	put_byte(peer, 'r');
	assert_int_equal(result_of(v), 1);
	assert_int_equal(byte, 'r');
	return io_stats_now().request_count - before;
}

/* It is more than the buffers of both ends hold. */
static uint64_t requests_of_a_write(bide_stream *s, int peer)
{
	static char zeroes[1 << 20], room[65536];
	bide_io_stats stats = io_stats_now();
	bide_value_task v =
		bide_async_start(writes, .s = s, .from = zeroes, .size_bytes = sizeof zeroes);
	uint64_t before = waits_since(stats);

	while (!bide_value_task_is_ready(v)) {
		(void)recv(peer, room, sizeof room, MSG_DONTWAIT);
		settle(0);
	}
	assert_int_equal(error_of(v), 0);
	while (recv(peer, room, sizeof room, MSG_DONTWAIT) > 0)
		;
	return io_stats_now().request_count - before;
}

static void make_buffers_small(int fd)
{
	int size_bytes = 16384;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size_bytes, sizeof size_bytes), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size_bytes, sizeof size_bytes), 0);
}

/* Reads and writes that wait, of both kinds of sockets. */
static void expect_requests(bool are_requests)
{
	bide_stream *s;
	int peer, fd;

	open_rings();
	for (int tcp = 0; tcp < 2; tcp++) {
		s = tcp ? make_tcp_stream(&peer) : make_stream(&peer);
		assert_int_equal(bide_stream_fd(s, &fd), 0);
		make_buffers_small(fd);
		make_buffers_small(peer);
		for (int i = 0; i < 4; i++) {
			assert_int_equal(requests_of_a_read(s, peer) > 0, are_requests);
			assert_int_equal(requests_of_a_write(s, peer) > 0, are_requests);
		}
		bide_stream_close(s);
		close(peer);
	}
}

TEST(each_read_and_write_of_a_socket_that_waits_is_a_request)
{
	by_uring();
	expect_requests(true);
}

TEST(the_engine_that_the_environment_asks_for_makes_the_requests)
{
	NEEDS_IO();
	assert_int_equal(setenv("BIDE_IO", "uring", 1), 0);
	if (bide_io_engine_used() != BIDE_IO_URING)
		SKIP("%s", bide_io_engine_reason());
	expect_requests(true);
	assert_int_equal(bide_shutdown(NULL), 0);
	assert_int_equal(setenv("BIDE_IO", "epoll", 1), 0);
	expect_requests(false);
	assert_int_equal(io_stats_now().event_count > 0, true);
}

/* --- more completions than their queue has room for --- */

enum { FLOOD = 2200 /* a read and a write of each: more than 4096 */ };

static struct {
	bide_stream *s[FLOOD];
	bide_value_task read[FLOOD], write[FLOOD];
	char room[FLOOD];
	int peer;
	int is_overflown; /* -1: the kernel does not say */
} flood_of;

/* Calls a function for each descriptor that /proc shows with this name. */
static void each_descriptor(const char *name, void (*call)(int fd))
{
	DIR *folder = opendir("/proc/self/fd");
	char path[64], text[64];
	const struct dirent *entry;
	ssize_t length;

	while (folder && (entry = readdir(folder)) != NULL) {
		snprintf(path, sizeof path, "/proc/self/fd/%.20s", entry->d_name);
		length = readlink(path, text, sizeof text - 1);
		text[length > 0 ? length : 0] = 0;
		if (strcmp(text, name) == 0)
			call(atoi(entry->d_name));
	}
	if (folder)
		closedir(folder);
}

static void look_for_overflow(int fd)
{
	char path[64], line[256];
	bool is_list = false;
	FILE *file;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file)) {
		if (is_list && strstr(line, "user_data"))
			flood_of.is_overflown = true;
		if (strncmp(line, "CqOverflowList", 14) == 0)
			is_list = true;
	}
	if (is_list && flood_of.is_overflown < 0)
		flood_of.is_overflown = false;
	if (file)
		fclose(file);
}

struct flood {
	BIDE_ASYNC_FRAME;
	int i;
	int64_t count;
};

/*
 * All is done without an await, so one ring has all. When the shutdown returns, the kernel has
 * completed what this thread has submitted, and the worker has taken nothing. The polls of the ring
 * itself end, too, since there is no room to tell of the counters.
 */
static void flood_the_ring(void)
{
	for (int i = 0; i < FLOOD; i++) {
		flood_of.read[i] = bide_stream_read(flood_of.s[i], &flood_of.room[i], 1);
		flood_of.write[i] = bide_stream_write(flood_of.s[i], "x", 1);
	}
	flood_of.is_overflown = -1;
	shutdown(flood_of.peer, SHUT_RDWR);
	each_descriptor("anon_inode:[eventfd]", counter_add);
	each_descriptor("anon_inode:[io_uring]", look_for_overflow);
}

bide_async(flood)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	flood_the_ring();
	for (my->i = 0; my->i < FLOOD; my->i++) {
		bide_await(my->count, flood_of.read[my->i]);
		assert_int_equal(my->count, 0);
		bide_await_or(flood_of.write[my->i], assert_int_equal(bide_await_error, EPIPE));
	}
bide_async_finally:
	bide_async_end;
}

static void open_flood(void)
{
	int fd[2];

	make_pair(fd);
	flood_of.s[0] = take(fd[0]);
	flood_of.peer = fd[1];
	for (int i = 1; i < FLOOD; i++)
		flood_of.s[i] = take(fcntl(fd[0], F_DUPFD_CLOEXEC, 0));
	(void)fill(flood_of.s[0]);
}

static bide_value_task nothing(void *unused)
{
	(void)unused;
	return bide_value_task_from_int(0);
}

TEST(a_ring_whose_completions_overflow_loses_none_and_still_wakes_its_worker)
{
	struct rlimit limit;
	bide_value_task counted;
	int counter;

	by_uring();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	if (limit.rlim_max < FLOOD + 200 || setrlimit(RLIMIT_NOFILE, &limit) != 0)
		SKIP("it needs %d descriptors", FLOOD + 200);
	open_rings();
	open_flood();
	counted = takes(counter = counter_open(), 1);
	assert_int_equal(error_of(bide_async_start(flood)), 0);
	assert_int_equal(error_of(counted), 0);
	if (!many_workers() && flood_of.is_overflown >= 0)
		assert_true(flood_of.is_overflown);
	for (int i = 0; i < FLOOD; i++)
		bide_stream_close(flood_of.s[i]);
	close(flood_of.peer);
	close(counter);
	/* Both polls of the ring are armed anew. */
	open_rings();
	for (int i = 0; i < MANY; i++)
		assert_int_equal(error_of(bide_run_on_new_thread(nothing, NULL)), 0);
}

static void no_line(const char *line, void *argument)
{
	(void)line, (void)argument;
}

TEST(after_a_shutdown_the_kernel_writes_to_no_buffer)
{
	static char room[4];
	bide_stream *s;
	int fd[2], other;
	uint64_t leaks, before;

	by_uring();
	bide_report_hook_set(no_line, NULL);
	has_leaked = true;
	open_rings();
	make_pair(fd);
	other = dup(fd[0]);
	s = take(fd[0]);
	before = io_stats_now().waited_count;
	assert_pending(bide_async_start(reads, .s = s, .to = room, .size_bytes = sizeof room));
	while (io_stats_now().waited_count == before)
		settle(0);
	assert_int_equal(bide_shutdown(&leaks), 0);
	assert_true(leaks > 0);
	put_bytes(fd[1], "abc", 3);
	assert_int_equal(bytes_in(other), 3);
	assert_int_equal(room[0], 0);
	close(other);
	close(fd[1]);
	close(fd[0]);
}
