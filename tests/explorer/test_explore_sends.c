/*
 * What was put in a stream and not sent (io/buffer_queue.h): the function that puts and waits, the
 * thread that sends, and a cancellation. The system takes bytes while it has room.
 */
#include "explore.h"

#include <string.h>

#include "context/context.h"
#include "io/buffer_out.c"
#include "io/buffer_queue.c"
#include "io/buffer_wait.c"
#include "memory/allocator.h"

#define SENDS(name_, setup_, threads_, check_, ...) \
	SCENARIO(sends_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

enum { CHUNKS = 3, CHUNK_BYTES = 4 };

static bide_stream stream;

static struct {
	bide_io_chunk *chunks[CHUNKS];
	unsigned put, given; /* chunks; given: atomic */
	uint32_t has_room;   /* the system takes one part; atomic */
	uint32_t sent_bytes; /* atomic */
	uint32_t pins;       /* atomic */
	uint32_t is_pending; /* atomic: `operation` waits */
	bide_operation *operation;
	bide_context *context;
	bide_observer listener;
	unsigned ended;
	int error;
} m;

/* --- what stands for the rest --- */

void bide_io_chunk_give_(bide_io_chunk *chunk)
{
	if (chunk)
		(void)BIDE_ADD(&m.given, 1u, RELAXED);
}

void bide_buffer_progress_slow_(bide_stream *of, unsigned side)
{
	(void)of, (void)side;
}

void bide_buffer_pin_(bide_stream *of)
{
	(void)of;
	(void)BIDE_ADD(&m.pins, 1u, RELAXED);
}

void bide_buffer_unpin_(bide_stream *of, uint32_t pin)
{
	(void)of, (void)pin;
	EXPLORE_CHECK(BIDE_SUB(&m.pins, 1u, ACQ_REL) > 0);
}

int bide_pump_start_(bide_stream *of)
{
	(void)of;
	EXPLORE_CHECK(false); /* The stream is one of a descriptor. */
	return EIO;
}

void bide_io_describe_(const void *copy, char *to, size_t size_bytes)
{
	(void)copy, (void)to, (void)size_bytes;
}

void bide_handle_interrupt_(bide_handle *handle, unsigned side, int error)
{
	(void)handle, (void)side, (void)error;
}

int bide_stream_send_(bide_handle *handle, const struct iovec *parts, size_t count,
                      size_t *sent_bytes)
{
	(void)handle;
	EXPLORE_CHECK(count > 0 && parts[0].iov_len == CHUNK_BYTES);
	if (!BIDE_LOAD(&m.has_room, ACQUIRE))
		return EAGAIN;
	*sent_bytes = CHUNK_BYTES;
	(void)BIDE_ADD(&m.sent_bytes, (uint32_t)CHUNK_BYTES, RELAXED);
	return 0;
}

static const bide_operation_type pending_type = { .name = "explored" };

/* As io/operation_start.c: it tries, and has it wait where there is no room. */
bide_value_task bide_io_start_copy_(bide_io *copy)
{
	int error = send_kind.attempt(copy);

	if (error != EAGAIN)
		return error ? bide_value_task_from_error(error) : bide_value_task_completed();
	EXPLORE_CHECK(!BIDE_LOAD(&m.is_pending, RELAXED)); /* one send at a time */
	m.operation = bide_operation_new_(sizeof(bide_operation), &pending_type);
	BIDE_STORE(&m.is_pending, 1u, RELEASE);
	return bide_source_value_(&m.operation->source);
}

/* --- the threads --- */

static void put(void)
{
	bide_io_chunk *chunk = m.chunks[m.put++];

	EXPLORE_CHECK(!stream.buffer.open);
	stream.buffer.open = chunk;
	stream.head.put_ = chunk->data + CHUNK_BYTES;
}

/* After a flush the side is free for another operation. */
static void ready(bide_value_task v)
{
	m.ended++;
	m.error = (int)v.state;
	EXPLORE_CHECK(m.error || bide_buffer_is_clear_(&stream.buffer));
}

static void ended(bide_observer *listener, bide_source *done)
{
	(void)listener;
	ready(bide_consume_(done, NULL));
}

/* A flush. */
static void wait_for_all(void)
{
	int error = bide_buffer_send_(&stream);
	uintptr_t saved;
	bide_value_task v;

	if (error != EAGAIN) {
		ready(error ? bide_value_task_from_error(error) : bide_value_task_completed());
		return;
	}
	saved = bide_context_push_(m.context);
	v = bide_buffer_wait_(&stream, 0);
	bide_context_pop_(saved);
	m.listener.run = ended;
	if (!bide_is_pending_(v))
		ready(v);
	else if (bide_listen_(v, &m.listener, "explore", NULL) == BIDE_ALREADY_DONE_)
		ready(bide_consume_((bide_source *)v.state, NULL));
}

static void put_and_flush(void)
{
	put();
	wait_for_all();
}

static void put_and_send(void)
{
	put();
	(void)bide_buffer_send_(&stream);
}

/* The writer looks whether another operation of the side may begin. */
static void look(void)
{
	if (bide_buffer_is_clear_(&stream.buffer))
		EXPLORE_CHECK(BIDE_LOAD(&m.sent_bytes, RELAXED) == m.put * CHUNK_BYTES);
}

static void put_and_look(void)
{
	put();
	(void)bide_buffer_send_(&stream);
	look();
}

/* There is room: an event, and the attempt of what waits. */
static void make_room_once(void)
{
	bide_io io = { .handle = &stream.handle };
	bide_operation *operation;

	BIDE_STORE(&m.has_room, 1u, RELEASE);
	if (!BIDE_SWAP(&m.is_pending, 0u, ACQ_REL))
		return;
	operation = m.operation;
	EXPLORE_CHECK(send_kind.attempt(&io) == 0);
	bide_operation_complete_(operation, bide_payload_int_(0), 0);
}

/* The connection is reset. */
static void fail_once(void)
{
	if (BIDE_SWAP(&m.is_pending, 0u, ACQ_REL))
		bide_operation_complete_(m.operation, bide_payload_int_(0), ECONNRESET);
}

/* There is no memory to wait with. What was put is kept. */
static void run_out_once(void)
{
	if (BIDE_SWAP(&m.is_pending, 0u, ACQ_REL))
		bide_operation_complete_(m.operation, bide_payload_int_(0), ENOMEM);
}

static void cancel(void)
{
	(void)bide_context_cancel(m.context, BIDE_ECANCELED_);
}

/* --- before and after --- */

static void setup(void)
{
	memset(&m, 0, sizeof m);
	memset(&stream, 0, sizeof stream);
	for (unsigned i = 0; i < CHUNKS; i++) {
		m.chunks[i] = bide_allocate_(BIDE_CHUNK_HEAD_ + CHUNK_BYTES, _Alignof(bide_io_chunk));
		memset(m.chunks[i], 0, BIDE_CHUNK_HEAD_ + CHUNK_BYTES);
	}
	m.context = bide_context_create(NULL);
}

/* One chunk was put, and its send waits. */
static void setup_sending(void)
{
	setup();
	put();
	EXPLORE_CHECK(bide_buffer_send_(&stream) == EAGAIN && m.is_pending);
}

static void end(void)
{
	EXPLORE_CHECK(!stream.buffer.waiter && !stream.buffer.sending && m.pins == 0);
	for (unsigned i = 0; i < CHUNKS; i++)
		bide_deallocate_(m.chunks[i], BIDE_CHUNK_HEAD_ + CHUNK_BYTES);
	bide_context_unref(m.context);
}

/* All that was put has gone, each once. */
static void check_all(void)
{
	make_room_once();
	EXPLORE_CHECK(!stream.buffer.open && !stream.buffer.first && !stream.buffer.last);
	EXPLORE_CHECK(m.sent_bytes == m.put * CHUNK_BYTES && m.given == m.put);
	EXPLORE_CHECK(stream.buffer.queued_bytes == 0);
	end();
}

static void check_flushed(void)
{
	make_room_once();
	EXPLORE_CHECK(m.ended == 1 && (m.error == 0 || m.error == BIDE_ECANCELED_));
	check_all();
}

/* What was not sent is dropped, and both learn of it. */
static void check_failed(void)
{
	make_room_once();
	EXPLORE_CHECK(m.ended == 1 && (m.error == 0 || m.error == ECONNRESET));
	EXPLORE_CHECK(!stream.buffer.first && m.given == m.put);
	end();
}

/* The flush says that it was kept, or has sent it by a send of its own. The next send sends it. */
static void check_kept(void)
{
	make_room_once();
	EXPLORE_CHECK(m.ended == 1 && (m.error == 0 || m.error == ENOMEM));
	EXPLORE_CHECK(bide_buffer_send_(&stream) == 0);
	check_all();
}

SENDS(flush_against_room, setup, (put_and_flush, make_room_once), check_flushed,
      .newest_only = true, .switches_max = 2)
SENDS(put_against_room, setup_sending, (put_and_send, make_room_once), check_all,
      .newest_only = true, .switches_max = 3)
SENDS(look_against_room, setup_sending, (put_and_look, make_room_once), check_all,
      .switches_max = 2)
SENDS(flush_behind_a_send, setup_sending, (put_and_flush, make_room_once), check_flushed,
      .newest_only = true, .switches_max = 2)
SENDS(flush_room_and_cancel, setup_sending, (put_and_flush, make_room_once, cancel), check_flushed,
      .newest_only = true, .switches_max = 2)
SENDS(flush_against_failure, setup_sending, (put_and_flush, fail_once), check_failed,
      .newest_only = true, .switches_max = 2)
SENDS(flush_without_memory, setup_sending, (put_and_flush, run_out_once), check_kept,
      .newest_only = true, .switches_max = 2)
