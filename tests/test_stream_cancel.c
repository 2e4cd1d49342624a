/*
 * Operations of streams that are canceled, forgotten, awaited with a deadline, by several at once.
 */
/* threads */
#include <sched.h>
#include <sys/resource.h>

#include "support/io_support.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static char room[65536];

TEST(a_read_that_is_canceled_is_over_and_loses_nothing)
{
	int peer;
	bide_stream *s = make_tcp_stream(&peer);
	bide_context *scope;
	bide_value_task v;

	calls_move_all();
	for (int i = 0; i < 10; i++) {
		v = IN_SCOPE(scope, bide_stream_read(s, room, sizeof room));
		assert_pending(v);
		assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
		put_bytes(peer, "hello", 5);
		assert_int_equal(result_of(bide_stream_read(s, room, sizeof room)), 5);
	}
	bide_stream_close(s);
	close_peer(peer);
}

TEST(a_deadline_ends_a_read_and_a_write)
{
	int peer;
	bide_stream *s = make_stream(&peer);

	fill(s);
	assert_int_equal(error_of(bide_with_timeout_ms(2, bide_stream_read(s, room, 10))), ETIMEDOUT);
	assert_int_equal(error_of(bide_with_timeout_ms(2, bide_stream_write(s, room, 10))), ETIMEDOUT);
	put_byte(peer, 'x');
	assert_int_equal(result_of(bide_with_timeout_ms(100000, bide_stream_read(s, room, 10))), 1);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(nothing_starts_in_a_canceled_context)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	bide_context *scope = bide_context_create(NULL);

	put_byte(peer, 'x');
	(void)bide_context_cancel(scope, EIO);
	assert_int_equal(error_of(bide_in_context(scope, bide_stream_read(s, room, 1))), EIO);
	assert_int_equal(error_of(bide_in_context(scope, bide_stream_write(s, room, 1))), EIO);
	assert_int_equal(bide_stream_written(s), 0);
	assert_int_equal(try_read_peer(peer, room, 1), -1);
	bide_context_unref(scope);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(a_context_may_be_canceled_with_EAGAIN)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	bide_context *scope;
	bide_value_task v;

	v = IN_SCOPE(scope, bide_stream_read(s, room, 1));
	assert_pending(v);
	(void)bide_context_cancel(scope, EAGAIN);
	assert_int_equal(error_of(v), EAGAIN);
	bide_context_unref(scope);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(an_operation_that_is_forgotten_is_over)
{
	int peer;
	bide_stream *s = make_stream(&peer);

	fill(s);
	for (int i = 0; i < 10; i++) {
		bide_value_task_forget(bide_stream_read(s, room, 10));
		bide_value_task_forget(bide_stream_write(s, room, 10));
	}
	settle_workers();
	assert_none(operation_count);
	put_byte(peer, 'x'); /* nothing has taken it */
	assert_int_equal(result_of(bide_stream_read(s, room, 10)), 1);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(an_operation_is_a_task_and_an_item_of_combinators)
{
	int peer[2];
	bide_stream *s[2] = { make_stream(&peer[0]), make_stream(&peer[1]) };
	bide_value_task items[2];
	bide_context *scope;
	bide_payload got;
	bide_task *task;

	calls_move_all();
	items[0] = bide_stream_read(s[0], room, 10);
	items[1] = bide_stream_read(s[1], room + 10, 10);
	put_byte(peer[1], 'x');
	assert_int_equal(result_of(bide_when_any(items, 2)), 1);
	assert_pending(items[0]);
	assert_int_equal(result_of(items[1]), 1);
	task = bide_value_task_as_task(items[0]);
	assert_int_equal(bide_task_wait_for(task, NULL, BIDE_MS(1)), ETIMEDOUT);
	put_bytes(peer[0], "abc", 3);
	assert_int_equal(bide_task_wait(task, &got), 0);
	assert_int_equal(got.i, 3);
	bide_task_unref(task);
	scope = bide_context_create(NULL);
	items[0] = bide_in_context(scope, bide_stream_read(s[0], room, 10));
	items[1] = bide_in_context(scope, bide_stream_read(s[1], room + 10, 10));
	put_byte(peer[0], 'x');
	assert_int_equal(result_of(bide_race(scope, items, 2)), 0);
	assert_int_equal(result_of(items[0]), 1);
	assert_int_equal(error_of(items[1]), ECANCELED);
	bide_context_unref(scope);
	items[0] = bide_stream_read(s[0], room, 10);
	items[1] = bide_stream_read(s[1], room + 10, 10);
	put_byte(peer[0], 'x');
	put_byte(peer[1], 'x');
	assert_int_equal(error_of(bide_when_all(items, 2)), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(result_of(items[i]), 1);
		bide_stream_close(s[i]);
		close_peer(peer[i]);
	}
}

static void *forget_task(void *task)
{
	bide_task_unref(task);
	return NULL;
}

/* Its record is over when the stream is closed, at the latest. */
TEST(a_task_that_another_thread_drops)
{
	int peer;
	bide_stream *s = make_stream(&peer);
	pthread_t thread;
	bide_task *task;

	NEEDS_SYSTEM("threads");
	task = bide_value_task_as_task(bide_stream_read(s, room, 10));
	pthread_create(&thread, NULL, forget_task, task);
	pthread_join(thread, NULL);
	settle(0);
	bide_stream_close(s);
	settle(0);
	close_peer(peer);
}

/* --- races --- */

static void *cancel_elsewhere(void *scope)
{
	(void)bide_context_cancel(scope, ECANCELED);
	return NULL;
}

/* Either the byte is delivered, or it is still in the socket. */
TEST(a_race_of_data_and_cancellation_loses_no_byte)
{
	int peer;
	bide_stream *s = make_tcp_stream(&peer);

	NEEDS_SYSTEM("threads");
	for (int round = 0; test_round(round, 400); round++) {
		bide_context *scope;
		bide_value_task v = IN_SCOPE(scope, bide_stream_read(s, room, 10));
		pthread_t thread;
		int error;

		pthread_create(&thread, NULL, cancel_elsewhere, scope);
		if (round % 4 == 1)
			sched_yield();
		put_byte(peer, 'x');
		error = error_of(v);
		pthread_join(thread, NULL);
		bide_context_unref(scope);
		assert_true(error == 0 || error == ECANCELED);
		if (error)
			assert_int_equal(result_of(bide_stream_read(s, room, 10)), 1);
		assert_int_equal(try_read_peer(peer, room, 1), -1);
	}
	settle(0); /* with one worker, a cancellation of another thread may be on its way */
	bide_stream_close(s);
	close_peer(peer);
}

struct echo {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
		int rounds;
	} in;
	char buffer[64];
	int64_t count;
	int i;
};

bide_async(echo)
{
	bide_async_begin;
	for (my->i = 0; my->i < my->in.rounds; my->i++) {
		bide_await(my->count, bide_stream_read(my->in.stream, my->buffer, sizeof my->buffer));
		if (my->count == 0)
			break;
		bide_await(bide_stream_write(my->in.stream, my->buffer, (size_t)my->count));
	}
	bide_async_return(my->i);
bide_async_finally:
	bide_stream_close(my->in.stream);
	bide_async_end;
}

struct asker {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
		int rounds;
	} in;
	char buffer[64];
	int64_t count;
	int i;
};

bide_async(asker)
{
	bide_async_begin;
	for (my->i = 0; my->i < my->in.rounds; my->i++) {
		bide_await(bide_stream_write(my->in.stream, "question", 8));
		bide_await(my->count, bide_stream_read(my->in.stream, my->buffer, sizeof my->buffer));
		if (my->count == 0)
			break;
	}
	bide_async_return(my->i);
bide_async_finally:
	bide_stream_close(my->in.stream);
	bide_async_end;
}

/* Two functions that talk, canceled after a number of steps, or when other threads want. */
TEST(a_conversation_that_is_canceled_at_any_point_leaves_nothing)
{
	for (int round = 0; test_round(round, 150); round++) {
		bide_context *scope = bide_context_create(NULL);
		bide_value_task items[2];
		bide_stream *ends[2];
		pthread_t thread;

		connect_streams(ends, false);
		items[0] =
			bide_in_context(scope, bide_async_start(echo, .stream = ends[0], .rounds = 1 << 20));
		items[1] =
			bide_in_context(scope, bide_async_start(asker, .stream = ends[1], .rounds = 1 << 20));
		if (!many_workers())
			run_what_is_ready((size_t)round + 1);
		if (test_seeded())
			cancel_elsewhere(scope);
		else
			pthread_create(&thread, NULL, cancel_elsewhere, scope);
		for (int i = 0; i < 2; i++) {
			int error = bide_value_task_wait(items[i], NULL);

			assert_true(error == 0 || error == ECANCELED || error == EPIPE || error == ECONNRESET);
		}
		if (!test_seeded())
			pthread_join(thread, NULL);
		bide_context_unref(scope);
	}
	settle(0);
}

TEST(a_conversation_that_is_not_disturbed_ends)
{
	bide_value_task items[2];
	bide_stream *ends[2];

	calls_move_all();
	for (int kind = 0; kind < 2; kind++) {
		connect_streams(ends, kind);
		items[0] = bide_async_start(echo, .stream = ends[0], .rounds = 1 << 20);
		items[1] = bide_async_start(asker, .stream = ends[1], .rounds = 2000);
		assert_int_equal(result_of(items[1]), 2000);
		assert_int_equal(result_of(items[0]), 2000);
	}
}

/* --- memory --- */

/* Each operation is tried with no memory, then with one allocation, and so on. */
TEST(without_memory_an_operation_fails_and_leaves_nothing)
{
	bide_stream *s = NULL;
	int peer, fd[2], error;
	size_t filled;

	NEEDS_SYSTEM("the memory of a stream of a descriptor");
	limit_objects();
	make_pair(fd);
	peer = fd[1];
	(void)bide_worker_count();
	settle_workers();
	for (long allowed = 0; !s; allowed++) {
		allowed_allocations = allowed;
		error = bide_stream_take_fd(&s, fd[0]);
		allowed_allocations = -1;
		assert_int_equal(error, s ? 0 : ENOMEM);
	}
	filled = fill(s);
	for (int side = 0; side < 2; side++) {
		bool done = false;

		for (long allowed = 0; !done; allowed++) {
			bide_context *scope = bide_context_create(NULL);
			bide_value_task v;

			allowed_allocations = allowed;
			v = side ? bide_in_context(scope, bide_stream_write(s, "abc", 3))
			         : bide_in_context(scope, bide_stream_read(s, room, 3));
			allowed_allocations = -1;
			if (bide_value_task_is_ready(v)) {
				assert_int_equal(error_of(v), ENOMEM);
			} else {
				(void)bide_context_cancel(scope, ECANCELED);
				assert_int_equal(error_of(v), ECANCELED);
				done = true;
			}
			bide_context_unref(scope);
		}
	}
	take_bytes(peer, filled);
	put_byte(peer, 'x');
	assert_int_equal(result_of(bide_stream_read(s, room, 3)), 1);
	assert_int_equal(result_of(bide_stream_write(s, "abc", 3)), 3);
	bide_stream_close(s);
	close_peer(peer);
}

TEST(without_descriptors_a_pipe_fails_and_leaves_nothing)
{
	bide_stream *ends[2] = { (bide_stream *)1, (bide_stream *)1 };
	struct rlimit before, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	(void)bide_worker_count();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(bide_stream_pipe(&ends[0], &ends[1]), EMFILE);
	assert_null(ends[0]);
	assert_null(ends[1]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* A worker gets its reactor when an operation first has to wait. */
TEST(without_descriptors_for_a_reactor_a_wait_fails_and_the_next_one_works)
{
	struct rlimit before, none;
	bide_stream *s;
	int peer;

	NEEDS_SYSTEM("reactors");
	s = make_stream(&peer);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(error_of(bide_stream_read(s, room, 1)), EMFILE);
	assert_int_equal(error_of(bide_fd_wait(peer, BIDE_FD_IN)), EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	put_byte(peer, 'x');
	assert_int_equal(result_of(bide_stream_read(s, room, 1)), 1);
	bide_stream_close(s);
	close_peer(peer);
}
