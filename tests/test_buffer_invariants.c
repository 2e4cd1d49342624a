/*
 * The walkers of chunks and buffers. They accept what the library builds, and name the invariant
 * that a test breaks. Also what the calls of buffers say of wrong arguments.
 */
#define _GNU_SOURCE
#include "support/buffer_support.h"

#include "base/assert.h"

#define EXPECT_BROKEN(walk, text) EXPECT_ABORT(BIDE_ASSERT_ALWAYS_(walk), text)

static bide_io_chunk *take_chunk(size_t room_bytes)
{
	bide_io_chunk *chunk = NULL;

	assert_int_equal(bide_io_chunk_take_(0, room_bytes, BIDE_CHUNK_ALWAYS_, NULL, &chunk), 0);
	assert_true(bide_io_chunk_room_(chunk) >= room_bytes);
	return chunk;
}

TEST(chunks_have_the_size_of_their_class)
{
	static const size_t rooms[][2] = { { 1, 64 },        { 40, 64 },      { 41, 256 },
		                               { 1000, 1024 },   { 1001, 4096 },  { 16360, 16384 },
		                               { 16361, 20480 }, { 65539, 69632 } };
	bide_io_chunk *chunks[sizeof rooms / sizeof *rooms];
	size_t total = 0;

	assert_non_null(bide_thread_());
	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
		chunks[i] = take_chunk(rooms[i][0]);
		assert_int_equal(chunks[i]->size_bytes, rooms[i][1]);
		total += rooms[i][1];
		assert_int_equal(bide_chunks_bytes_(), total);
	}
	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
		bide_io_chunk_give_(chunks[i]);
	bide_io_chunk_give_(NULL);
	assert_int_equal(bide_chunks_bytes_(), 0);
}

TEST(the_newest_free_chunk_is_taken_first)
{
	bide_io_chunk *a, *b;

	assert_non_null(bide_thread_());
	a = take_chunk(100);
	b = take_chunk(100);
	bide_io_chunk_give_(a);
	bide_io_chunk_give_(b);
	assert_ptr_equal(take_chunk(100), b);
	assert_ptr_equal(take_chunk(100), a);
	bide_io_chunk_give_(a);
	bide_io_chunk_give_(b);
}

/* A child of a fork has no chunks, so the walker is asked here. */
TEST(a_free_chunk_that_is_in_use_is_found)
{
	bide_io_chunk *chunk;

	assert_non_null(bide_thread_());
	chunk = take_chunk(100);
	bide_io_chunk_give_(chunk);
	assert_true(bide_chunks_are_valid_());
	chunk->in_use = true;
	assert_false(bide_chunks_are_valid_());
	chunk->in_use = false;
	chunk->size_bytes++;
	assert_false(bide_chunks_are_valid_());
	chunk->size_bytes--;
	chunk->home = 77;
	assert_false(bide_chunks_are_valid_());
	chunk->home = 0;
}

static unsigned called;

static void again(bide_chunk_claim *claim, uint32_t key)
{
	(void)claim;
	called += key;
}

TEST(a_claim_waits_its_turn)
{
	bide_config config = { .workers = 1, .io_buffers_max_bytes = 2 * BIDE_CHUNK_USUAL_ };
	bide_chunk_claim claims[3];
	bide_io_chunk *chunks[4] = { NULL }, *none = NULL;

	NOT_SEEDED("it configures the runtime");
	assert_int_equal(bide_configure(&config), 0);
	called = 0;
	for (uint32_t i = 0; i < 3; i++)
		claims[i] = (bide_chunk_claim){ .again = again, .key = 1u << i };
	chunks[0] = take_chunk(16000);
	chunks[1] = take_chunk(16000);
	assert_int_equal(bide_io_chunk_take_(0, 16000, BIDE_CHUNK_IF_FREE_, NULL, &none), EAGAIN);
	/* The first may exceed the budget. The others wait. */
	assert_int_equal(bide_io_chunk_take_(0, 16000, BIDE_CHUNK_OR_WAIT_, &claims[0], &chunks[2]), 0);
	for (int i = 1; i < 3; i++)
		assert_int_equal(bide_io_chunk_take_(0, 16000, BIDE_CHUNK_OR_WAIT_, &claims[i], &none),
		                 EAGAIN);
	assert_true(bide_chunks_are_valid_());
	claims[2].exceeds = true;
	assert_false(bide_chunks_are_valid_());
	claims[2].exceeds = false;
	/* Less than its share is always there. */
	assert_int_equal(bide_io_chunk_take_(0, 4000, BIDE_CHUNK_OR_WAIT_, &claims[1], &chunks[3]), 0);
	bide_io_chunk_give_(chunks[3]);
	assert_int_equal(bide_io_chunk_take_(0, 16000, BIDE_CHUNK_OR_WAIT_, &claims[1], &none), EAGAIN);
	assert_int_equal(called, 0);
	bide_io_chunk_give_(chunks[0]);
	assert_int_equal(called, 0);
	bide_chunk_claim_end_(&claims[0]);
	assert_int_equal(called, 6); /* the right has passed on, and each tries in its turn */
	bide_io_chunk_give_(chunks[1]);
	bide_io_chunk_give_(chunks[2]);
	for (int i = 0; i < 3; i++)
		bide_chunk_claim_end_(&claims[i]);
}

TEST(a_head_that_points_elsewhere_is_found)
{
	bide_stream *stream;
	int peer;

	stream = make_stream(&peer);
	send_text(peer, "abc");
	assert_non_null(text_of(bide_stream_peek(stream, 3)));
	assert_int_equal(result_of(bide_stream_put(stream, "x", 1)), 1);
	assert_true(bide_buffer_is_valid_(stream));
	stream->head.at_ -= 100;
	EXPECT_BROKEN(bide_buffer_is_valid_(stream), "at >= chunk->data");
	stream->head.at_ += 100;
	stream->head.room_ += BIDE_CHUNK_USUAL_;
	EXPECT_BROKEN(bide_buffer_is_valid_(stream), "end <= chunk->data");
	stream->head.room_ -= BIDE_CHUNK_USUAL_;
	close_both(stream, peer);
}

TEST(wrong_arguments_are_misuse)
{
	bide_stream *stream;
	char got[1];
	int peer;

	stream = make_stream(&peer);
	expect_misuse();
	assert_int_equal(error_of_text(bide_stream_read_line(NULL)), EINVAL);
	assert_int_equal(error_of_text(bide_stream_peek(NULL, 1)), EINVAL);
	assert_int_equal(error_of_text(bide_stream_read_until(NULL, "x", 1)), EINVAL);
	assert_int_equal(error_of(bide_stream_read_exactly(NULL, got, 1)), EINVAL);
	bide_stream_consume(NULL, 1);
	assert_int_equal(bide_stream_available(NULL), 0);
	assert_int_equal(bide_stream_taken(NULL), 0);
	assert_int_equal(error_of(bide_stream_put(NULL, "x", 1)), EINVAL);
	assert_int_equal(error_of(bide_stream_print(NULL, "x")), EINVAL);
	assert_int_equal(error_of(bide_stream_flush(NULL)), EINVAL);
	assert_int_equal(error_of(bide_stream_finish(NULL)), EINVAL);
	assert_int_equal(error_of(bide_stream_end(NULL)), EINVAL);
	assert_int_equal(error_of(bide_stream_copy(NULL, stream, 1)), EINVAL);
	assert_int_equal(error_of(bide_stream_copy(stream, NULL, 1)), EINVAL);
	assert_int_equal(bide_stream_set_idle(NULL, 1), EINVAL);
	assert_int_equal(bide_stream_set_limits(NULL, 1, 1), EINVAL);
	bide_stream_split(NULL);
	assert_int_equal(misuse_count, 17);
	misuse_count = 0;
	assert_int_equal(error_of(bide_stream_read_exactly(stream, NULL, 1)), EINVAL);
	assert_int_equal(error_of(bide_stream_put(stream, NULL, 1)), EINVAL);
	assert_int_equal(bide_stream_set_limits(stream, (size_t)2 << 30, 0), EINVAL);
	assert_int_equal(bide_stream_set_limits(stream, 0, (size_t)2 << 30), EINVAL);
	assert_int_equal(misuse_count, 4);
	assert_int_equal(result_of(bide_stream_read_exactly(stream, NULL, 0)), 0);
	assert_int_equal(result_of(bide_stream_put(stream, NULL, 0)), 0);
	assert_null(text_of(bide_stream_peek(stream, 0)));
	close_both(stream, peer);
}

TEST(what_buffers_take_is_counted)
{
	bide_stream *stream;
	bide_io_stats counted;
	int peer;

	stream = make_stream(&peer);
	send_text(peer, "abc");
	assert_non_null(text_of(bide_stream_peek(stream, 3)));
	bide_io_stats_get(&counted);
	assert_int_equal(counted.buffer_bytes, BIDE_CHUNK_USUAL_);
	bide_stream_consume(stream, 3);
	bide_io_stats_get(&counted);
	assert_int_equal(counted.buffer_bytes, 0);
	close_both(stream, peer);
}

TEST(a_close_gives_all_chunks_back)
{
	bide_stream *stream;
	bide_text_task line;
	int peer;

	stream = make_stream(&peer);
	send_text(peer, "abc");
	assert_non_null(text_of(bide_stream_peek(stream, 3)));
	assert_int_equal(result_of(bide_stream_put(stream, "x", 1)), 1);
	close_both(stream, peer);
	stream = make_stream(&peer);
	line = bide_stream_read_line(stream);
	settle(0);
	bide_stream_close(stream);
	close_peer(peer);
	assert_int_equal(error_of_text(line), EBADF);
}
