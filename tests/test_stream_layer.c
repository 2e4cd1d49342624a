/*
 * Layers on streams: what a stream was goes below, in place, with what was received; the layer
 * begins by itself; an abort or a close reaches what it waits for.
 */
/* threads */
#include <sys/wait.h>

#include "support/failed_stream.h"
#include "support/limits_of_tools.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static char room[256];

/* A layer that turns each bit over. Its start reads one byte, which must be a plain 'g'. */
typedef struct inverter {
	bide_stream *below;
	unsigned waits;
	int *closed;
} inverter;

struct invert_read {
	BIDE_ASYNC_FRAME;
	struct {
		inverter *layer;
		char *to;
		size_t size_bytes;
	} in;
	int64_t count;
};

bide_async(invert_read)
{
	bide_async_begin;
	bide_await(my->count, bide_stream_read(my->in.layer->below, my->in.to, my->in.size_bytes));
	for (int64_t i = 0; i < my->count; i++)
		my->in.to[i] = (char)~my->in.to[i];
	bide_async_return(my->count);
bide_async_finally:
	bide_async_end;
}

static bide_value_task inverter_read(void *object, void *to, size_t size_bytes)
{
	return bide_async_start(invert_read, .layer = object, .to = to, .size_bytes = size_bytes);
}

struct invert_write {
	BIDE_ASYNC_FRAME;
	struct {
		inverter *layer;
		const char *from;
		size_t size_bytes;
	} in;
	char bytes[64];
};

bide_async(invert_write)
{
	bide_async_begin;
	if (my->in.size_bytes > sizeof my->bytes)
		my->in.size_bytes = sizeof my->bytes;
	for (size_t i = 0; i < my->in.size_bytes; i++)
		my->bytes[i] = (char)~my->in.from[i];
	bide_async_return(bide_stream_write(my->in.layer->below, my->bytes, my->in.size_bytes));
bide_async_finally:
	bide_async_end;
}

static bide_value_task inverter_write(void *object, const struct iovec *parts, size_t count)
{
	assert_true(count > 0);
	return bide_async_start(invert_write, .layer = object, .from = parts->iov_base,
	                        .size_bytes = parts->iov_len);
}

static bide_value_task inverter_finish(void *object)
{
	return bide_stream_finish(((inverter *)object)->below);
}

static void inverter_abort(void *object, int error)
{
	bide_stream_abort(((inverter *)object)->below, error);
}

static void inverter_close(void *object)
{
	inverter *layer = object;

	if (layer->closed)
		++*layer->closed;
	bide_stream_close(layer->below);
	free(layer);
}

static bide_value_task inverter_wait(void *object)
{
	inverter *layer = object;

	layer->waits++;
	return bide_stream_peek(layer->below, 1).untyped;
}

struct invert_start {
	BIDE_ASYNC_FRAME;
	struct {
		inverter *layer;
	} in;
	char byte;
};

bide_async(invert_start)
{
	bide_async_begin;
	bide_await(bide_stream_read_exactly(my->in.layer->below, &my->byte, 1));
	if (my->byte != 'g')
		bide_async_fail(EPROTO);
bide_async_finally:
	bide_async_end;
}

static bide_value_task inverter_start(void *object)
{
	return bide_async_start(invert_start, .layer = object);
}

static const bide_stream_type at_once = { .name = "inverter",
	                                      .read = inverter_read,
	                                      .write = inverter_write,
	                                      .finish = inverter_finish,
	                                      .abort = inverter_abort,
	                                      .close = inverter_close,
	                                      .wait = inverter_wait };
static const bide_stream_type greeted = { .name = "greeted inverter",
	                                      .read = inverter_read,
	                                      .write = inverter_write,
	                                      .finish = inverter_finish,
	                                      .abort = inverter_abort,
	                                      .close = inverter_close,
	                                      .start = inverter_start };

static bide_value_task put_layer(bide_stream *s, const bide_stream_type *type, int *closed)
{
	inverter *layer = calloc(1, sizeof *layer);

	layer->closed = closed;
	return bide_stream_layer(s, type, layer, &layer->below);
}

static void put_inverted(int fd, const char *text)
{
	char bytes[64];
	size_t size_bytes = strlen(text);

	for (size_t i = 0; i < size_bytes; i++)
		bytes[i] = (char)~text[i];
	put_bytes(fd, bytes, size_bytes);
}

static const char *line_of(bide_stream *s)
{
	bide_payload line = { .p = NULL };

	assert_int_equal(bide_value_task_wait(bide_stream_read_line(s), &line), 0);
	return line.p;
}

TEST(a_stream_has_a_layer_from_now_on)
{
	int peer, fd, below_fd, closed = 0;
	bide_stream *s;
	inverter *layer;

	s = make_stream(&peer);
	assert_int_equal(bide_stream_fd(s, &below_fd), test_seeded() ? ENOTSUP : 0);
	assert_null(bide_stream_object(s, &at_once));
	assert_int_equal(error_of(put_layer(s, &at_once, &closed)), 0);
	layer = bide_stream_object(s, &at_once);
	assert_non_null(layer);
	assert_null(bide_stream_object(s, &greeted));
	put_inverted(peer, "one\ntwo\n");
	assert_string_equal(line_of(s), "one");
	assert_string_equal(line_of(s), "two");
	assert_int_equal(result_of(bide_stream_print(s, "%d", 1)), 1);
	assert_int_equal(error_of(bide_stream_flush(s)), 0);
	assert_int_equal(result_of(bide_stream_write(s, "2345", 4)), 4);
	read_exactly(peer, room, 5);
	assert_memory_equal(room, ((char[]){ ~'1', ~'2', ~'3', ~'4', ~'5' }), 5);
	assert_int_equal(bide_stream_fd(s, &fd), test_seeded() ? ENOTSUP : 0);
	assert_int_equal(fd, below_fd);
	assert_int_equal(error_of(bide_stream_finish(s)), 0);
	assert_int_equal(read_peer(peer, room, sizeof room), 0);
	bide_stream_close(s);
	settle(0);
	assert_int_equal(closed, 1);
	close_peer(peer);
}

TEST(what_was_received_goes_below_and_what_was_put_is_sent_first)
{
	bide_stream *s;
	int peer;

	calls_move_all();
	s = make_stream(&peer);
	put_bytes(peer, "plain\n", 6);
	put_inverted(peer, "inverted\n");
	assert_string_equal(line_of(s), "plain");
	assert_true(bide_stream_available(s) > 0);
	assert_int_equal(result_of(bide_stream_print(s, "go\n")), 3);
	assert_int_equal(error_of(put_layer(s, &at_once, NULL)), 0);
	assert_int_equal(bide_stream_available(s), 0);
	read_exactly(peer, room, 3);
	assert_memory_equal(room, "go\n", 3);
	assert_string_equal(line_of(s), "inverted");
	close_peer(peer);
	assert_null(line_of(s));
	bide_stream_close(s);
}

TEST(a_stream_that_was_reset_takes_no_layer)
{
	bide_stream *s;
	int peer;

	s = make_tcp_stream(&peer);
	reset_peer(peer);
	assert_int_equal(error_of(bide_stream_read(s, room, 1)), ECONNRESET);
	assert_int_equal(error_of(put_layer(s, &at_once, NULL)), ECONNRESET);
	assert_int_equal(error_of(bide_stream_read(s, room, 1)), ECONNRESET);
	bide_stream_close(s);
}

/* Its memory stays, so this is done in a process of its own. */
TEST(a_stream_of_before_a_shutdown_closes_the_descriptor_below)
{
	int status;
	pid_t pid;

	NEEDS_SYSTEM("fork");
	CHILD_STARTS_THREADS();
	pid = fork();
	if (pid == 0) {
		bide_stream *s;
		int peer, fd;

		s = make_stream(&peer);
		if (error_of(put_layer(s, &at_once, NULL)) || bide_stream_fd(s, &fd) || bide_shutdown(NULL))
			_exit(1);
		bide_stream_close(s);
		_exit(fcntl(fd, F_GETFD) < 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

TEST(a_stream_that_has_waited_gets_a_layer)
{
	bide_stream *s;
	bide_text_task v;
	bide_payload line;
	int peer;

	s = make_tcp_stream(&peer);
	for (int i = 0; i < 3; i++) { /* a layer on the layer, and one on that */
		v = bide_stream_read_line(s);
		settle(0);
		assert_pending(v.untyped);
		if (i & 1)
			put_inverted(peer, "text\n");
		else
			put_bytes(peer, "text\n", 5);
		assert_int_equal(bide_value_task_wait(v, &line), 0);
		assert_string_equal(line.p, "text");
		assert_int_equal(error_of(put_layer(s, &at_once, NULL)), 0);
	}
	bide_stream_close(s);
	close_peer(peer);
}

TEST(a_layer_begins_before_other_operations)
{
	bide_stream *s;
	bide_value_task v;
	int peer;

	s = make_stream(&peer);
	v = put_layer(s, &greeted, NULL);
	settle(0);
	assert_pending(v);
	expect_misuse();
	assert_int_equal(error_of(bide_stream_read(s, room, 1)), EBUSY);
	assert_int_equal(error_of(bide_stream_read_line(s).untyped), EBUSY);
	assert_int_equal(error_of(bide_stream_write(s, "x", 1)), EBUSY);
	assert_int_equal(error_of(bide_stream_finish(s)), EBUSY);
	assert_int_equal(misuse_count, 4);
	put_bytes(peer, "g", 1);
	put_inverted(peer, "text\n");
	assert_int_equal(error_of(v), 0);
	assert_string_equal(line_of(s), "text");
	bide_stream_close(s);
	close_peer(peer);
}

TEST(a_start_that_fails_leaves_the_stream_to_its_owner)
{
	bide_stream *s;
	int peer, closed = 0;

	s = make_stream(&peer);
	put_bytes(peer, "x", 1);
	assert_int_equal(error_of(put_layer(s, &greeted, &closed)), EPROTO);
	assert_int_equal(closed, 0);
	assert_each_entry_fails(s, EPROTO);
	bide_stream_close(s);
	settle(0);
	assert_int_equal(closed, 1);
	close_peer(peer);
}

TEST(an_abort_a_close_and_a_cancel_end_the_start)
{
	for (int how = 0; how < 4; how++) {
		bide_context *scope;
		int peer, closed = 0;
		bide_stream *s = make_stream(&peer);
		bide_value_task v = IN_SCOPE(scope, put_layer(s, &greeted, &closed));

		settle(0);
		assert_pending(v);
		if (how == 0) {
			bide_stream_abort(s, EIO);
			assert_int_equal(error_of(v), EIO);
			assert_int_equal(error_of(bide_stream_read(s, room, 1)), EIO);
			bide_stream_close(s);
		} else if (how == 1) {
			bide_stream_close(s);
			assert_int_equal(error_of(v), EBADF);
		} else if (how == 2) {
			(void)bide_context_cancel(scope, ECANCELED);
			assert_int_equal(error_of(v), ECANCELED);
			bide_stream_close(s);
		} else {
			bide_value_task_forget(v);
			bide_stream_close(s);
		}
		bide_context_unref(scope);
		settle(0);
		while (!closed)
			sched_yield();
		close_peer(peer);
	}
}

TEST(a_close_ends_what_is_pending_in_a_layer)
{
	bide_value_task v;
	bide_stream *s;
	int peer;

	s = make_stream(&peer);
	assert_int_equal(error_of(put_layer(s, &at_once, NULL)), 0);
	v = bide_stream_read_line(s).untyped;
	settle(0);
	assert_pending(v);
	bide_stream_close(s);
	assert_int_equal(error_of(v), EBADF);
	close_peer(peer);
}

TEST(a_stream_that_is_in_use_gets_no_layer)
{
	bide_value_task v;
	bide_stream *s;
	int peer, closed = 0;

	s = make_stream(&peer);
	expect_misuse();
	v = bide_stream_read_line(s).untyped;
	settle(0);
	assert_int_equal(error_of(put_layer(s, &at_once, &closed)), EBUSY);
	put_bytes(peer, "\n", 1);
	assert_int_equal(error_of(v), 0);
	v = bide_stream_read(s, room, 1);
	settle(0);
	assert_int_equal(error_of(put_layer(s, &at_once, &closed)), EBUSY);
	put_bytes(peer, "x", 1);
	assert_int_equal(error_of(v), 0);
	assert_int_equal(misuse_count, 2);
	bide_stream_abort(s, EIO);
	assert_int_equal(error_of(put_layer(s, &at_once, &closed)), EIO);
	assert_int_equal(closed, 3);
	bide_stream_close(s);
	MISUSE(assert_int_equal(error_of(bide_stream_layer(NULL, &at_once, calloc(1, sizeof(inverter)),
	                                                   &(bide_stream *){ NULL })),
	                        EINVAL),
	       "bide_stream_layer", "is NULL");
	close_peer(peer);
}

TEST(a_layer_that_waits_holds_no_buffer)
{
	bide_text_task v;
	bide_payload line;
	bide_io_stats before, now;
	bide_stream *s;
	int peer;

	s = make_stream(&peer);
	bide_io_stats_get(&before);
	assert_int_equal(error_of(put_layer(s, &at_once, NULL)), 0);
	v = bide_stream_read_line(s);
	settle(0);
	assert_pending(v.untyped);
	bide_io_stats_get(&now);
	assert_int_equal(now.buffer_bytes, before.buffer_bytes);
	put_inverted(peer, "te");
	settle(0);
	put_inverted(peer, "xt\n");
	assert_int_equal(bide_value_task_wait(v, &line), 0);
	assert_string_equal(line.p, "text");
	assert_true(((inverter *)bide_stream_object(s, &at_once))->waits > 0);
	bide_stream_close(s);
	close_peer(peer);
}

static bide_stream *aborted;

static void *abort_it(void *argument)
{
	(void)argument;
	bide_stream_abort(aborted, EIO);
	return NULL;
}

TEST(an_abort_by_another_thread_meets_the_layer_or_the_stream_before_it)
{
	NEEDS_SYSTEM("threads");
	for (int i = 0; i < 200; i++) {
		int peer, error;
		bide_stream *s = make_stream(&peer);
		bide_value_task v;
		pthread_t thread;

		aborted = s;
		assert_int_equal(pthread_create(&thread, NULL, abort_it, NULL), 0);
		for (int k = 0; k < i % 8; k++)
			sched_yield();
		v = put_layer(s, &greeted, NULL); /* its start would wait for ever */
		error = error_of(v);
		assert_int_equal(error, EIO);
		pthread_join(thread, NULL);
		settle(0);
		assert_int_equal(error_of(bide_stream_read(s, room, 1)), EIO);
		bide_stream_close(s);
		close_peer(peer);
	}
}

TEST(each_allocation_of_a_layer_fails_once)
{
	bool done = false;

	NEEDS_SYSTEM("memory that ends, and the network takes some");
	limit_objects();
	for (long allowed = 0; !done; allowed++) {
		int peer, error, closed = 0;
		bide_stream *s = make_stream(&peer);
		inverter *layer = calloc(1, sizeof *layer);

		layer->closed = &closed;
		put_bytes(peer, "g", 1);
		put_inverted(peer, "text\n");
		allowed_allocations = allowed;
		error = error_of(bide_stream_layer(s, &greeted, layer, &layer->below));
		done = allowed_allocations > 0;
		allowed_allocations = -1;
		if (!done)
			assert_true(error == 0 || error == ENOMEM || error == BIDE_ENOFRAME);
		if (!error)
			assert_string_equal(line_of(s), "text");
		else
			assert_true(closed == 1 || bide_stream_object(s, &greeted) == layer);
		bide_stream_close(s);
		settle(0);
		close_peer(peer);
	}
}
