/*
 * Streams of the user's own: what the library asks of their types, and what it does with what they
 * return.
 */
/* threads */
#include "support/io_support.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static char room[256];

/* A type whose read and write return what the test sets, or are pending until it completes them. */
typedef struct own {
	bide_value_task next; /* returned by the next call */
	char got[256];
	size_t got_bytes, taken_each;
	unsigned closed, aborted, calls;
	int abort_error;
	bide_user_source pending;
} own;

static bide_value_task own_read(void *object, void *to, size_t size_bytes)
{
	own *o = object;

	o->calls++;
	memset(to, 'r', size_bytes);
	return o->next;
}

static bide_value_task own_write(void *object, const struct iovec *parts, size_t count)
{
	own *o = object;
	size_t left = o->taken_each;
	int64_t taken = 0;

	o->calls++;
	if (!left)
		return o->next;
	for (size_t i = 0; i < count && left > 0; i++) {
		size_t now = parts[i].iov_len < left ? parts[i].iov_len : left;

		memcpy(o->got + o->got_bytes, parts[i].iov_base, now);
		o->got_bytes += now;
		left -= now;
		taken += (int64_t)now;
	}
	return bide_value_task_from_int(taken);
}

static void own_abort(void *object, int error)
{
	own *o = object;

	o->aborted++;
	o->abort_error = error;
	(void)bide_user_source_try_fail(&o->pending, error);
}

static void own_close(void *object)
{
	((own *)object)->closed++;
}

static const bide_stream_type type = {
	.name = "own", .read = own_read, .write = own_write, .abort = own_abort, .close = own_close
};

static void make_next_pending(own *o)
{
	bide_user_source_init(&o->pending, NULL);
	o->next = bide_user_source_value_task(&o->pending);
}

TEST(a_read_returns_what_the_read_of_the_type_returns)
{
	own o = { 0 };
	bide_stream *s = bide_stream_create(&type, &o);
	bide_value_task v;

	o.next = bide_value_task_from_int(7);
	assert_int_equal(result_of(bide_stream_read(s, room, 10)), 7);
	make_next_pending(&o);
	v = bide_stream_read(s, room, 10);
	settle(0);
	assert_pending(v);
	bide_user_source_complete_int(&o.pending, 0);
	assert_int_equal(result_of(v), 0);
	o.next = bide_value_task_from_error(EIO);
	assert_int_equal(error_of(bide_stream_read(s, room, 10)), EIO);
	o.next = bide_value_task_from_int(3);
	assert_int_equal(result_of(bide_stream_read_vector(s, &(struct iovec){ room, 5 }, 1)), 3);
	bide_stream_close(s);
	settle(0);
	assert_int_equal(o.closed, 1);
}

TEST(a_write_calls_the_write_of_the_type_until_all_went)
{
	own o = { .taken_each = 3 };
	bide_stream *s = bide_stream_create(&type, &o);
	struct iovec parts[3] = { { "01234", 5 }, { NULL, 0 }, { "56789ab", 7 } };

	assert_int_equal(result_of(bide_stream_write(s, "abcdefgh", 8)), 8);
	assert_int_equal(o.calls, 3);
	assert_int_equal(bide_stream_written(s), 8);
	assert_memory_equal(o.got, "abcdefgh", 8);
	o.got_bytes = 0;
	o.taken_each = 4;
	assert_int_equal(result_of(bide_stream_write_vector(s, parts, 3)), 12);
	assert_memory_equal(o.got, "0123456789ab", 12);
	bide_stream_close(s);
}

TEST(a_write_that_fails_half_way_breaks_the_writing_side)
{
	own o = { .taken_each = 0 };
	bide_stream *s = bide_stream_create(&type, &o);
	bide_value_task v;

	o.next = bide_value_task_from_error(EIO);
	assert_int_equal(error_of(bide_stream_write(s, "abcdefgh", 8)), EIO);
	assert_int_equal(bide_stream_written(s), 0);
	o.taken_each = 8;
	assert_int_equal(result_of(bide_stream_write(s, "abcdefgh", 8)), 8);
	o.taken_each = 0;
	make_next_pending(&o);
	v = bide_stream_write(s, "abcdefgh", 8);
	settle(0);
	assert_pending(v);
	o.next = bide_value_task_from_error(EIO);
	bide_user_source_complete_int(&o.pending, 5);
	assert_int_equal(error_of(v), EIO);
	assert_int_equal(bide_stream_written(s), 5);
	assert_int_equal(error_of(bide_stream_write(s, "x", 1)), EPIPE);
	bide_stream_close(s);
}

TEST(an_abort_is_handed_to_the_type)
{
	own o = { 0 };
	bide_stream *s = bide_stream_create(&type, &o);
	bide_value_task v;

	make_next_pending(&o);
	v = bide_stream_read(s, room, 10);
	settle(0);
	assert_pending(v);
	bide_stream_abort(s, EPROTO);
	bide_stream_abort(s, EIO);
	assert_int_equal(o.aborted, 1);
	assert_int_equal(o.abort_error, EPROTO);
	assert_int_equal(error_of(v), EPROTO);
	assert_int_equal(error_of(bide_stream_read(s, room, 10)), EPROTO);
	bide_stream_close(s);
}

TEST(the_type_is_closed_when_nothing_is_pending_any_more)
{
	static const bide_stream_type without_abort = { .name = "own",
		                                            .read = own_read,
		                                            .close = own_close };
	own o = { 0 };
	bide_stream *s = bide_stream_create(&without_abort, &o);
	bide_value_task v;

	make_next_pending(&o);
	v = bide_stream_read(s, room, 10);
	settle(0);
	bide_stream_close(s);
	settle(0);
	assert_int_equal(o.closed, 0);
	assert_pending(v);
	bide_user_source_complete_int(&o.pending, 4);
	assert_int_equal(result_of(v), 4);
	settle(0);
	assert_int_equal(o.closed, 1);
}

TEST(a_close_aborts_what_is_pending)
{
	own o = { 0 };
	bide_stream *s = bide_stream_create(&type, &o);
	bide_value_task v;

	make_next_pending(&o);
	v = bide_stream_read(s, room, 10);
	settle(0);
	bide_stream_close(s);
	assert_int_equal(error_of(v), EBADF);
	settle(0);
	assert_int_equal(o.abort_error, EBADF);
	assert_int_equal(o.closed, 1);
	o = (own){ 0 };
	bide_stream_close(bide_stream_create(&type, &o)); /* nothing is pending */
	settle(0);
	assert_int_equal(o.aborted, 0);
	assert_int_equal(o.closed, 1);
}

static bide_value_task own_finish(void *object)
{
	return ((own *)object)->next;
}

TEST(a_finish_that_waits_keeps_the_object)
{
	static const bide_stream_type finishes = {
		.name = "own", .write = own_write, .finish = own_finish, .close = own_close
	};
	own o = { 0 };
	bide_stream *s = bide_stream_create(&finishes, &o);
	bide_value_task v;

	make_next_pending(&o);
	v = bide_stream_finish(s);
	settle(0);
	assert_pending(v);
	bide_stream_close(s);
	settle(0);
	assert_int_equal(o.closed, 0);
	bide_user_source_complete_int(&o.pending, 0);
	assert_int_equal(error_of(v), 0);
	settle(0);
	assert_int_equal(o.closed, 1);
}

TEST(an_idle_limit_aborts_what_waits)
{
	own o = { 0 };
	bide_stream *s;

	for (int writes = 0; writes < 2; writes++) {
		o.aborted = 0;
		s = bide_stream_create(&type, &o);
		bide_stream_set_idle(s, BIDE_MS(50));
		make_next_pending(&o);
		assert_int_equal(error_of(writes ? bide_stream_write(s, room, 10)
		                                 : bide_stream_read(s, room, 10)),
		                 BIDE_EIDLE);
		assert_int_equal(o.aborted, 1);
		assert_int_equal(o.abort_error, BIDE_EIDLE);
		bide_stream_close(s);
	}
}

TEST(an_idle_limit_does_not_count_while_nothing_waits)
{
	own o = { .next = bide_value_task_from_int(1), .taken_each = 8 };
	bide_stream *s;

	if (!test_seeded())
		one_worker(); /* so that the timer does not fire during a call */
	s = bide_stream_create(&type, &o);
	bide_stream_set_idle(s, BIDE_MS(20));
	assert_int_equal(result_of(bide_stream_read(s, room, 10)), 1);
	assert_int_equal(result_of(bide_stream_write(s, room, 10)), 10);
	assert_int_equal(error_of(bide_delay_ms(60)), 0);
	assert_int_equal(o.aborted, 0);
	assert_int_equal(result_of(bide_stream_read(s, room, 10)), 1);
	bide_stream_close(s);
}

TEST(two_operations_of_one_side_are_misuse)
{
	own o = { 0 };
	bide_stream *s = bide_stream_create(&type, &o);
	bide_value_task v;

	make_next_pending(&o);
	v = bide_stream_read(s, room, 10);
	settle(0);
	expect_misuse();
	assert_int_equal(error_of(bide_stream_read(s, room, 10)), EBUSY);
	assert_int_equal(misuse_count, 1);
	o.taken_each = 100;
	assert_int_equal(result_of(bide_stream_write(s, "abc", 3)), 3);
	bide_user_source_complete_int(&o.pending, 4);
	assert_int_equal(result_of(v), 4);
	bide_stream_close(s);
}

TEST(wrong_counts_are_misuse)
{
	own o = { 0 };
	bide_stream *s = bide_stream_create(&type, &o);

	expect_misuse();
	o.next = bide_value_task_from_int(11);
	assert_int_equal(error_of(bide_stream_read(s, room, 10)), EINVAL);
	o.next = bide_value_task_from_int(-1);
	assert_int_equal(error_of(bide_stream_read(s, room, 10)), EINVAL);
	o.next = bide_value_task_from_int(0);
	assert_int_equal(error_of(bide_stream_write(s, "abc", 3)), EINVAL);
	o.next = bide_value_task_from_int(4);
	assert_int_equal(error_of(bide_stream_write(s, "abc", 3)), EINVAL);
	assert_int_equal(misuse_count, 4);
	bide_stream_close(s);
}

TEST(what_a_type_does_not_have_fails)
{
	static const bide_stream_type reads = { .name = "reads", .read = own_read };
	static const bide_stream_type writes = { .name = "writes", .write = own_write };
	own o = { .next = bide_value_task_from_int(1), .taken_each = 8 };
	bide_stream *s;
	int fd;

	s = bide_stream_create(&reads, &o);
	assert_int_equal(result_of(bide_stream_read(s, room, 1)), 1);
	assert_int_equal(error_of(bide_stream_write(s, room, 1)), EBADF);
	assert_int_equal(bide_stream_fd(s, &fd), EBADF);
	bide_stream_abort(s, EIO);
	bide_stream_close(s);
	s = bide_stream_create(&writes, &o);
	assert_int_equal(result_of(bide_stream_write(s, room, 1)), 1);
	assert_int_equal(error_of(bide_stream_read(s, room, 1)), EBADF);
	bide_stream_close(s);
	expect_misuse();
	MISUSE(s = bide_stream_create(&(bide_stream_type){ .name = "none" }, NULL),
	       "bide_stream_create", "neither read nor write");
	assert_null(s);
}

/* A filter: what is read from it is read from another stream, in capitals. */
static bide_value_task capitals_read(void *object, void *to, size_t size_bytes);

struct capitals {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *from;
		char *to;
		size_t size_bytes;
	} in;
	int64_t count;
};

bide_async(capitals)
{
	bide_async_begin;
	bide_await(my->count, bide_stream_read(my->in.from, my->in.to, my->in.size_bytes));
	for (int64_t i = 0; i < my->count; i++)
		if (my->in.to[i] >= 'a' && my->in.to[i] <= 'z')
			my->in.to[i] = (char)(my->in.to[i] - 'a' + 'A');
	bide_async_return(my->count);
bide_async_finally:
	bide_async_end;
}

static bide_value_task capitals_read(void *object, void *to, size_t size_bytes)
{
	return bide_async_start(capitals, .from = object, .to = to, .size_bytes = size_bytes);
}

static void capitals_abort(void *object, int error)
{
	bide_stream_abort(object, error);
}

static void capitals_close(void *object)
{
	bide_stream_close(object);
}

TEST(a_filter_of_a_stream_is_a_stream)
{
	static const bide_stream_type capital_type = {
		.name = "capitals", .read = capitals_read, .abort = capitals_abort, .close = capitals_close
	};
	bide_context *scope;
	bide_value_task v;
	bide_stream *s;
	int peer;

	calls_move_all();
	s = bide_stream_create(&capital_type, make_stream(&peer));
	v = bide_stream_read(s, room, 10);
	put_bytes(peer, "hello", 5);
	assert_int_equal(result_of(v), 5);
	assert_memory_equal(room, "HELLO", 5);
	v = IN_SCOPE(scope, bide_stream_read(s, room, 10));
	settle(0);
	assert_pending(v);
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	v = bide_stream_read(s, room, 10);
	settle(0);
	bide_stream_abort(s, EPROTO);
	assert_int_equal(error_of(v), EPROTO);
	bide_stream_close(s);
	settle(0);
	close_peer(peer);
}
