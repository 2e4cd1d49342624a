/*
 * The end of a stream, while other threads make system calls with it: no byte of another connection
 * is ever read, no descriptor is closed twice or left open.
 */
/* threads */
#include <sched.h>

#include "support/io_support.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static char room[65536];

TEST(close_ends_what_is_pending)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	bide_value_task in, out;

	fill(s);
	in = bide_stream_read(s, room, 10);
	out = bide_stream_write(s, room, 10);
	assert_pending(in);
	assert_pending(out);
	bide_stream_close(s);
	assert_int_equal(error_of(in), EBADF);
	assert_int_equal(error_of(out), EBADF);
	while (read_peer(peer, room, sizeof room) > 0)
		;
	close_peer(peer);
}

TEST(close_closes_the_descriptor_at_once_if_nothing_is_pending)
{
	int peer, fd;
	bide_stream *s = make_stream(&peer);

	NEEDS_SYSTEM("the number of a descriptor");
	assert_int_equal(bide_stream_fd(s, &fd), 0);
	bide_stream_close(s);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	close_peer(peer);
}

/*
 * A function reads while another thread closes. Each connection carries bytes of its own, and the
 * number of the closed descriptor is soon that of the next connection. So a system call that comes
 * too late would read a byte of another connection.
 */
typedef struct connection {
	bide_stream *stream;
	int peer;
	char mark;
	uint64_t wrong;
} connection;

struct reading {
	BIDE_ASYNC_FRAME;
	struct {
		connection *c;
	} in;
	char buffer[64];
	int64_t count;
};

/* Reads until an error. The stream is closed by another thread, which is its owner. */
bide_async(reading)
{
	bide_async_begin;
	for (;;) {
		bide_await(my->count, bide_stream_read(my->in.c->stream, my->buffer, sizeof my->buffer));
		if (my->count == 0)
			bide_async_fail(EPIPE);
		for (int64_t i = 0; i < my->count; i++)
			my->in.c->wrong += my->buffer[i] != my->in.c->mark;
		bide_await(bide_async_yield());
	}
bide_async_finally:
	bide_async_end;
}

typedef struct writer {
	connection *c;
	unsigned seed;
} writer;

/* Sends some bytes, then aborts, which any thread may do while the function still reads. */
static void *write_and_abort(void *argument)
{
	writer *w = argument;
	char bytes[16];
	int count = (int)(w->seed % 7);

	memset(bytes, w->c->mark, sizeof bytes);
	for (int i = 0; i < count; i++) {
		(void)send(w->c->peer, bytes, 1 + w->seed % 16, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (w->seed & 64)
			sched_yield();
	}
	bide_stream_abort(w->c->stream, EIO);
	return NULL;
}

TEST(an_abort_from_another_thread_never_reads_bytes_of_another_connection)
{
	static connection all[8];
	unsigned seed = 1;

	NEEDS_SYSTEM("threads");
	for (int round = 0; test_round(round, 300); round++) {
		connection *c = &all[round % 8];
		writer w = { c, seed = seed * 1103515245u + 12345u };
		bide_value_task v;
		pthread_t thread;
		int error;

		w.seed >>= 8;
		*c = (connection){ .mark = (char)('a' + round % 26) };
		c->stream = round % 2 ? make_stream(&c->peer) : make_tcp_stream(&c->peer);
		v = bide_async_start(reading, .c = c);
		pthread_create(&thread, NULL, write_and_abort, &w);
		error = error_of(v);
		assert_true(error == EIO || error == EPIPE); /* shut down before it was marked */
		pthread_join(thread, NULL);
		bide_stream_close(c->stream);
		close_peer(c->peer);
		assert_int_equal(c->wrong, 0);
	}
}

/* With many workers the owner may close while a worker is in a system call of the same stream. */
struct one_read {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
		char mark;
	} in;
	char buffer[64];
	int64_t count;
};

bide_async(one_read)
{
	bide_async_begin;
	bide_await(my->count, bide_stream_read(my->in.stream, my->buffer, sizeof my->buffer));
	for (int64_t i = 0; i < my->count; i++)
		if (my->buffer[i] != my->in.mark)
			bide_async_fail(EILSEQ);
	bide_async_return(my->count);
bide_async_finally:
	bide_async_end;
}

typedef struct sending {
	int peer;
	char mark;
} sending;

static void *send_one(void *argument)
{
	const sending *s = argument;

	(void)send(s->peer, &s->mark, 1, MSG_NOSIGNAL);
	return NULL;
}

/* A read waits, its data comes, and its owner closes: all at once. */
TEST(a_close_against_an_event_has_one_outcome)
{
	size_t before;

	NEEDS_SYSTEM("threads");
	for (unsigned i = 0; i < 4 * bide_worker_count(); i++) { /* opens all reactors */
		int peer;
		bide_stream *s = make_stream(&peer);
		bide_value_task v = bide_stream_read(s, room, 1);

		put_byte(peer, 'x');
		assert_int_equal(result_of(v), 1);
		bide_stream_close(s);
		close_peer(peer);
	}
	before = descriptor_count();
	for (int round = 0; test_round(round, 400); round++) {
		sending now = { .mark = (char)('a' + round % 26) };
		bide_stream *s = round % 2 ? make_stream(&now.peer) : make_tcp_stream(&now.peer);
		bide_value_task v = bide_async_start(one_read, .stream = s, .mark = now.mark);
		pthread_t thread;
		bide_payload got;
		int error;

		pthread_create(&thread, NULL, send_one, &now);
		if (round % 3 == 0)
			sched_yield();
		bide_stream_close(s);
		error = bide_value_task_wait(v, &got);
		assert_true(error == EBADF || (error == 0 && got.i == 1));
		pthread_join(thread, NULL);
		close_peer(now.peer);
	}
	settle_workers();
	assert_int_equal(descriptor_count(), before);
}

/* The event of a closed stream must not reach the stream that has its memory now. */
TEST(a_closed_stream_and_its_successor_are_not_mixed_up)
{
	for (int round = 0; test_round(round, 300); round++) {
		int first, second;
		bide_stream *a = make_stream(&first), *b;
		bide_value_task v = bide_stream_read(a, room, 10), w;

		put_byte(first, 'a'); /* an event is on its way */
		bide_stream_close(a);
		b = make_stream(&second);
		w = bide_stream_read(b, room + 100, 10);
		(void)bide_value_task_wait(v, NULL);
		settle_workers();
		assert_pending(w);
		put_byte(second, 'b');
		assert_int_equal(result_of(w), 1);
		assert_int_equal(room[100], 'b');
		bide_stream_close(b);
		close_peer(first);
		close_peer(second);
	}
}

static void *close_it(void *stream)
{
	bide_stream_close(stream);
	return NULL;
}

static void *abort_it(void *stream)
{
	bide_stream_abort(stream, EIO);
	return NULL;
}

TEST(another_thread_may_be_the_owner)
{
	NEEDS_SYSTEM("threads");
	(void)bide_worker_count();
	for (int round = 0; test_round(round, 200); round++) {
		int peer, error;
		bide_stream *s = make_stream(&peer);
		bide_value_task v = bide_stream_read(s, room, 10);
		pthread_t thread;

		if (round % 2) {
			pthread_create(&thread, NULL, abort_it, s);
			pthread_join(thread, NULL);
		}
		pthread_create(&thread, NULL, close_it, s);
		pthread_join(thread, NULL);
		error = error_of(v);
		assert_int_equal(error, round % 2 ? EIO : EBADF);
		close_peer(peer);
	}
}

TEST(a_stream_is_closed_right_behind_an_abort_of_another_thread)
{
	NEEDS_SYSTEM("threads");
	for (int round = 0; test_round(round, 200); round++) {
		int peer;
		bide_stream *s = make_stream(&peer);
		pthread_t thread;

		pthread_create(&thread, NULL, abort_it, s);
		pthread_join(thread, NULL);
		bide_stream_close(s); /* with one worker the abort may still be on its way */
		close_peer(peer);
	}
	settle(0);
}

TEST(a_hundred_thousand_streams_leave_nothing)
{
	size_t before = descriptor_count();
	uint64_t bytes = 0;

	for (int round = 0; test_round(round, test_seeded() ? 300 : 100000); round++) {
		int peer;
		bide_stream *s = make_stream(&peer);

		bide_stream_close(s);
		close_peer(peer);
		if (round == 100)
			bytes = stats().live_bytes;
	}
	assert_int_equal(descriptor_count(), before);
	assert_int_equal(stats().live_bytes, bytes);
}

TEST(in_debug_mode_the_memory_of_the_oldest_stream_is_used_first)
{
	bide_stream *s;
	int peer;

	setenv("BIDE_DEBUG", "1", 1);
	s = make_stream(&peer);
	bide_stream_close(s);
	close_peer(peer);
	expect_misuse();
	for (int i = 0; i < 5; i++) { /* its memory is not in use yet, so the mistake shows */
		int other_peer;
		bide_stream *other = make_stream(&other_peer);

		assert_ptr_not_equal(other, s);
		MISUSE(assert_int_equal(error_of(bide_stream_read(s, room, 1)), EBADF), "bide_stream_read",
		       "is closed");
		bide_stream_close(other);
		close_peer(other_peer);
	}
}

/* Inlined calls look at the stream before any check does. */
TEST(the_buffer_of_a_closed_stream_is_empty)
{
	bide_stream *s, *other;
	int peer, other_peer;

	s = make_stream(&peer);
	other = make_stream(&other_peer);
	put_bytes(peer, "one\ntwo\nthree", 13);
	assert_int_equal(error_of(bide_stream_read_line(s).untyped), 0);
	bide_stream_close(s);
	bide_stream_close(other); /* so that the memory of both is in a list */
	close_peer(peer);
	close_peer(other_peer);
	expect_misuse();
	assert_int_equal(bide_stream_available(s), 0);
	assert_int_equal(bide_stream_available(other), 0);
	MISUSE(assert_int_equal(error_of(bide_stream_read_line(s).untyped), EBADF),
	       "bide_stream_read_line", "is closed");
	MISUSE(assert_int_equal(error_of(bide_stream_peek(other, 1).untyped), EBADF),
	       "bide_stream_peek", "is closed");
	MISUSE(bide_stream_consume(s, 1), "bide_stream_consume", "is closed");
	MISUSE(assert_int_equal(error_of(bide_stream_put(other, "x", 1)), EBADF), "bide_stream_put",
	       "is closed");
}
