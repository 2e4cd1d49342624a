/*
 * Reads and writes that the engine does itself, by io_uring: when they go out, and until when the
 * kernel has their buffers. What they do is the same by each engine; the tests of streams show it.
 */
/* threads */
#include <sys/ioctl.h>

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

static bide_stream *stream_of(int fd)
{
	bide_stream *s = NULL;

	assert_int_equal(bide_stream_take_fd(&s, fd), 0);
	return s;
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
		s[i] = stream_of(fd[i][0]);
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
	s = stream_of(fd[0]);
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
	s = stream_of(fd[0]);
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
