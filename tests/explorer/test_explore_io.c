/*
 * Handles and records of input and output (src/io) in all orders. An operation ends once, and what
 * arrives is not lost: a record does not wait while there is something to read. The descriptor is
 * closed once, and no call gets its number afterwards.
 *
 * Those sources are included in this file, so that some lines here replace the kernel: a file that
 * holds bytes, and a reactor that tells of a change. Whatever makes the file readable tells so at
 * once, on its own thread; the owner of the reactor is no other party here.
 */
#include "explore.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/count.h"
#include "context/context.h"
#include "handle_stand_ins.h"
#include "io/handle.h"
#include "io/reactor.h"
#include "io/turn.h"
#include "io/upcalls.h"
#include "runtime/reactor.h"

enum { FD = 7, BYTES = 5 };

static struct {
	bide_handle handle;
	uint32_t bytes; /* there are to read */
	uint32_t has_room;
	uint32_t is_closed, was_shut_down;
	uint32_t watched; /* 1: the reactor knows the descriptor */
	uint64_t key;
	unsigned added, ended; /* plain: one thread at a time adds and ends */
	int add_error;
	bide_context *context;
	bide_value_task value[2];
} k;

/* --- the kernel --- */

static int close_file(int fd)
{
	EXPLORE_CHECK(fd == FD);
	EXPLORE_CHECK(BIDE_SWAP(&k.is_closed, 1u, SEQ_CST) == 0);
	return 0;
}

static int shut_file_down(int fd, int how)
{
	EXPLORE_CHECK(fd == FD && how == SHUT_RDWR);
	EXPLORE_CHECK(!BIDE_LOAD(&k.is_closed, SEQ_CST));
	(void)BIDE_ADD(&k.was_shut_down, 1u, SEQ_CST);
	return 0;
}

static uint32_t readiness(void)
{
	return (BIDE_LOAD(&k.bytes, SEQ_CST) ? (uint32_t)EPOLLIN : 0u) |
	       (BIDE_LOAD(&k.has_room, SEQ_CST) ? (uint32_t)EPOLLOUT : 0u);
}

int bide_reactor_add_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	uint32_t ready;

	(void)home;
	(void)events;
	EXPLORE_CHECK(fd == FD && !BIDE_LOAD(&k.is_closed, SEQ_CST));
	k.added++;
	if (k.add_error)
		return k.add_error;
	k.key = key;
	BIDE_STORE(&k.watched, 1u, SEQ_CST);
	ready = readiness();
	if (ready)
		bide_io_event_(key, ready);
	return 0;
}

int bide_reactor_change_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	(void)home;
	(void)fd;
	(void)events;
	(void)key;
	explore_fail("these handles are not one-shot");
}

void bide_reactor_remove_(unsigned home, int fd)
{
	(void)home;
	EXPLORE_CHECK(fd == FD && !BIDE_LOAD(&k.is_closed, SEQ_CST));
	BIDE_STORE(&k.watched, 0u, SEQ_CST);
}

void bide_reactor_expects_(unsigned home)
{
	(void)home;
}

unsigned bide_rescue_(struct bide_reactor *other)
{
	(void)other;
	return 0;
}

const bide_reactor_hooks *bide_reactor_hooks_;

/* --- what else the room needs --- */

bool bide_reactor_has_requests_;

struct bide_reactor *bide_reactor_mine_(void)
{
	return NULL;
}

struct bide_reactor *bide_reactor_of_(unsigned place)
{
	(void)place;
	return NULL;
}

/* In this order no name hides another. */
/* clang-format off */
#define close close_file
#define shutdown shut_file_down
#include "io/operation.c"
#include "io/operation_start.c"
#include "io/handle_end.c"
#include "io/request.c"
#include "io/handle.c"
#undef close
#undef shutdown
/* clang-format on */

/* --- reading and writing --- */

static int read_bytes(bide_io *io)
{
	uint32_t seen = BIDE_LOAD(&k.bytes, SEQ_CST);

	EXPLORE_CHECK(io->handle->fd == FD && !BIDE_LOAD(&k.is_closed, SEQ_CST));
	while (seen)
		if (BIDE_CAS(&k.bytes, &seen, 0u, SEQ_CST, SEQ_CST)) {
			io->operation.source.payload.i = seen;
			io->is_short = true;
			return 0;
		}
	return EAGAIN;
}

static int write_bytes(bide_io *io)
{
	EXPLORE_CHECK(io->handle->fd == FD && !BIDE_LOAD(&k.is_closed, SEQ_CST));
	if (!BIDE_SWAP(&k.has_room, 0u, SEQ_CST))
		return EAGAIN;
	io->operation.source.payload.i = BYTES;
	return 0;
}

static const bide_io_kind kinds[2] = {
	{ .type = BIDE_IO_TYPE_("read"), .side = BIDE_IO_IN_, .attempt = read_bytes },
	{ .type = BIDE_IO_TYPE_("write"), .side = BIDE_IO_OUT_, .attempt = write_bytes }
};

static void start(unsigned side)
{
	bide_io_arguments none = { .any = { 0 } };
	uintptr_t saved = bide_context_push_(k.context);

	k.value[side] = bide_io_start_(&k.handle, &kinds[side], none);
	bide_context_pop_(saved);
	if (bide_is_pending_(k.value[side]))
		explore_watch((void *)k.value[side].state);
}

static void handle_closed(bide_handle *handle)
{
	EXPLORE_CHECK(handle == &k.handle && BIDE_LOAD(&k.is_closed, SEQ_CST));
	k.ended++;
}

/* --- threads --- */

static void read_thread(void)
{
	start(BIDE_IO_IN_);
}

static void write_thread(void)
{
	start(BIDE_IO_OUT_);
}

/* Bytes arrive. If the reactor knows the descriptor, it tells. */
static void arrive_thread(void)
{
	(void)BIDE_ADD(&k.bytes, (uint32_t)BYTES, SEQ_CST);
	if (BIDE_LOAD(&k.watched, SEQ_CST))
		bide_io_event_(k.key, EPOLLIN);
}

static void arrive_twice_thread(void)
{
	arrive_thread();
	arrive_thread();
}

/* An event that has nothing behind it. */
static void empty_event_thread(void)
{
	bide_io_event_(k.key, EPOLLIN);
}

static void room_thread(void)
{
	BIDE_STORE(&k.has_room, 1u, SEQ_CST);
	if (BIDE_LOAD(&k.watched, SEQ_CST))
		bide_io_event_(k.key, EPOLLOUT);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(k.context, BIDE_ECANCELED_);
}

static void interrupt_thread(void)
{
	bide_handle_interrupt_(&k.handle, BIDE_IO_IN_, ETIMEDOUT);
}

static void abort_thread(void)
{
	bide_handle_abort_(&k.handle, ECONNABORTED);
}

static void close_thread(void)
{
	bide_handle_close_(&k.handle, handle_closed);
}

static void forget_thread(void)
{
	bide_value_task_forget(k.value[BIDE_IO_IN_]);
}

static void read_and_forget_thread(void)
{
	read_thread();
	forget_thread();
}

/* --- setups and checks --- */

static void setup_with(uint32_t flags)
{
	uint32_t generation = k.handle.generation;

	memset(&k, 0, sizeof k);
	k.handle.generation = generation;
	k.context = bide_context_create(NULL);
	bide_handle_init_(&k.handle, FD, flags | BIDE_HANDLE_SHORT_IS_EMPTY_);
}

static void setup(void)
{
	setup_with(BIDE_HANDLE_READY_IN_ | BIDE_HANDLE_READY_OUT_ | BIDE_HANDLE_IS_SOCKET_);
}

/* A read waits. */
static void setup_waiting(void)
{
	setup();
	start(BIDE_IO_IN_);
}

/* Both sides wait. */
static void setup_both_waiting(void)
{
	setup_waiting();
	start(BIDE_IO_OUT_);
}

static void setup_add_fails(void)
{
	setup();
	k.add_error = ENOSPC;
}

/* The descriptor is known and said to be empty. A read waits without an attempt. */
static void setup_known(void)
{
	setup_waiting();
	arrive_thread();
	EXPLORE_CHECK(bide_consume_((bide_source *)k.value[0].state, NULL).payload.i == BYTES);
	k.value[0] = bide_value_task_from_int(0);
	EXPLORE_CHECK(k.handle.state & BIDE_HANDLE_REGISTERED_);
	EXPLORE_CHECK(!(k.handle.state & BIDE_HANDLE_READY_IN_));
}

/* The descriptor is known, and no operation waits. There are bytes. */
static void setup_bytes(void)
{
	setup_known();
	arrive_thread();
}

/* The descriptor is known and said to be readable, and there is nothing. */
static void setup_empty_event(void)
{
	setup_bytes();
	k.bytes = 0;
}

/* Returns the outcome of a side, and ends it if it waits. */
static bide_value_task outcome(unsigned side)
{
	bide_value_task value = k.value[side];

	if (!bide_is_pending_(value))
		return value;
	if (!bide_is_done_((bide_source *)value.state)) {
		/* It waits, so there is nothing to read or to write into. */
		EXPLORE_CHECK(k.handle.io[side] == (bide_io *)value.state);
		EXPLORE_CHECK(side == BIDE_IO_IN_ ? !k.bytes : !k.has_room);
		bide_handle_interrupt_(&k.handle, side, EINTR);
	}
	EXPLORE_CHECK(bide_is_done_((bide_source *)value.state));
	return bide_consume_((bide_source *)value.state, NULL);
}

static void close_in_the_end(void)
{
	EXPLORE_CHECK(!(k.handle.state & BIDE_HANDLE_PINS_));
	EXPLORE_CHECK(k.ended == 0 && !k.is_closed);
	close_thread();
}

static void check_ended(void)
{
	EXPLORE_CHECK(k.ended == 1 && k.is_closed && !k.watched);
	EXPLORE_CHECK(bide_handle_is_valid_(&k.handle) && !(k.handle.state & BIDE_HANDLE_OPEN_));
	EXPLORE_CHECK(k.was_shut_down <= 1);
	EXPLORE_CHECK(bide_context_is_valid_(k.context));
	bide_context_unref(k.context);
}

/* The read succeeds. Without an error all bytes of one arrival come at once. */
static void check_read(void)
{
	bide_value_task value = outcome(BIDE_IO_IN_);

	EXPLORE_CHECK(value.state == 0 && value.payload.i == BYTES && k.bytes == 0);
	EXPLORE_CHECK(k.added <= 1);
	close_in_the_end();
	check_ended();
}

/* What was not read is there for a later read. */
static void check_some_read(uint32_t arrived)
{
	bide_value_task value = outcome(BIDE_IO_IN_), later;

	EXPLORE_CHECK(value.state != EINTR);
	if (value.state == 0)
		EXPLORE_CHECK(k.bytes + (uint64_t)value.payload.i == arrived);
	else
		EXPLORE_CHECK(k.bytes == arrived);
	if (k.bytes && !k.handle.abort_error) { /* the bit says that there is something */
		bide_context_unref(k.context);
		k.context = bide_context_create(NULL);
		start(BIDE_IO_IN_);
		later = outcome(BIDE_IO_IN_);
		EXPLORE_CHECK(later.state == 0 && k.bytes == 0);
	}
	close_in_the_end();
	check_ended();
}

static void check_some_of_one_read(void)
{
	check_some_read(BYTES);
}

static void check_some_of_two_read(void)
{
	check_some_read(2 * BYTES);
}

/* The read ended with an error that some thread gave. */
static void check_canceled(void)
{
	bide_value_task value = outcome(BIDE_IO_IN_);

	EXPLORE_CHECK(value.state == BIDE_ECANCELED_ || value.state == ETIMEDOUT);
	close_in_the_end();
	check_ended();
}

/* The handle was closed by a thread. */
static void check_closed(void)
{
	bide_value_task in = outcome(BIDE_IO_IN_), out = outcome(BIDE_IO_OUT_);

	EXPLORE_CHECK(in.state == 0 || in.state == EBADF || in.state == ECONNABORTED ||
	              in.state == BIDE_ECANCELED_);
	EXPLORE_CHECK(out.state == 0 || out.state == EBADF || out.state == ECONNABORTED);
	check_ended();
}

static void check_aborted(void)
{
	bide_value_task in = outcome(BIDE_IO_IN_), out = outcome(BIDE_IO_OUT_);

	EXPLORE_CHECK(in.state == 0 || in.state == ECONNABORTED || in.state == BIDE_ECANCELED_);
	EXPLORE_CHECK(out.state == 0 || out.state == ECONNABORTED);
	EXPLORE_CHECK(k.was_shut_down == 1);
	close_in_the_end();
	check_ended();
}

static void check_forgotten(void)
{
	EXPLORE_CHECK(explore_freed((void *)k.value[BIDE_IO_IN_].state) == 1);
	close_in_the_end();
	check_ended();
}

/* The value task may have been ready; then nothing was to forget. */
static void check_forgotten_or_read(void)
{
	bide_value_task value = k.value[BIDE_IO_IN_];

	EXPLORE_CHECK(!bide_is_pending_(value) || explore_freed((void *)value.state) == 1);
	EXPLORE_CHECK(!k.handle.io[BIDE_IO_IN_]);
	close_in_the_end();
	check_ended();
}

/*
 * A thread aborts, or closes: the read ends by that or by a cancellation, and not by `outcome`.
 * Nothing arrives.
 */
static void check_ended_by_thread(int error)
{
	int seen = (int)k.value[BIDE_IO_IN_].state;

	if (bide_is_pending_(k.value[BIDE_IO_IN_])) {
		EXPLORE_CHECK(bide_is_done_((bide_source *)k.value[BIDE_IO_IN_].state));
		seen = (int)outcome(BIDE_IO_IN_).state;
	}
	EXPLORE_CHECK(seen == error || seen == BIDE_ECANCELED_);
}

static void check_aborted_read(void)
{
	check_ended_by_thread(ECONNABORTED);
	EXPLORE_CHECK(k.was_shut_down == 1);
	close_in_the_end();
	check_ended();
}

static void check_closed_read(void)
{
	check_ended_by_thread(EBADF);
	check_ended();
}

static void check_both(void)
{
	bide_value_task in = outcome(BIDE_IO_IN_), out = outcome(BIDE_IO_OUT_);

	EXPLORE_CHECK(in.state == 0 || in.state == EINTR);
	EXPLORE_CHECK(out.state == 0 || out.state == EINTR);
	EXPLORE_CHECK(k.added == 1);
	close_in_the_end();
	check_ended();
}

static void check_failed(void)
{
	bide_value_task in = outcome(BIDE_IO_IN_), out = outcome(BIDE_IO_OUT_);

	EXPLORE_CHECK(in.state == ENOSPC && out.state == ENOSPC);
	close_in_the_end();
	check_ended();
}

#define IO(name_, setup_, threads_, check_, ...) \
	SCENARIO(io_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)
#define LONG_IO(name_, setup_, threads_, check_, ...) \
	IO(name_, setup_, threads_, check_, .newest_only = true, __VA_ARGS__)

/* A start against what makes it ready, and against what ends it. */
LONG_IO(start_against_arrival, setup, (read_thread, arrive_thread), check_read, .external = 0)
LONG_IO(start_against_two_arrivals, setup, (read_thread, arrive_twice_thread),
        check_some_of_two_read, .switches_max = 4)
LONG_IO(start_against_cancel, setup, (read_thread, cancel_thread), check_canceled, .external = 0)
LONG_IO(start_arrival_cancel, setup, (read_thread, arrive_thread, cancel_thread),
        check_some_of_one_read, .switches_max = 3)
LONG_IO(two_sides_start, setup, (read_thread, write_thread), check_both, .switches_max = 2)
LONG_IO(two_sides_start_against_room, setup, (read_thread, write_thread, room_thread), check_both,
        .switches_max = 2)
LONG_IO(two_sides_start_and_cannot_register, setup_add_fails, (read_thread, write_thread),
        check_failed, .switches_max = 2)

/*
 * The same with a descriptor that is known: the record is published under one lock, without a party
 * of its starter.
 */
LONG_IO(known_start_against_arrival, setup_known, (read_thread, arrive_thread), check_read,
        .external = 0)
LONG_IO(known_start_against_two_arrivals, setup_known, (read_thread, arrive_twice_thread),
        check_some_of_two_read, .external = 0)
LONG_IO(known_start_against_cancel, setup_known, (read_thread, cancel_thread), check_canceled,
        .external = 0)
LONG_IO(known_start_arrival_cancel, setup_known, (read_thread, arrive_thread, cancel_thread),
        check_some_of_one_read, .switches_max = 3)
LONG_IO(known_start_against_abort, setup_known, (read_thread, abort_thread), check_aborted_read,
        .external = 0)
LONG_IO(known_start_abort_cancel, setup_known, (read_thread, abort_thread, cancel_thread),
        check_aborted_read, .switches_max = 3)
LONG_IO(known_start_against_close, setup_known, (read_thread, close_thread), check_closed_read,
        .external = 0)
LONG_IO(known_start_close_cancel, setup_known, (read_thread, close_thread, cancel_thread),
        check_closed_read, .switches_max = 3)
LONG_IO(known_start_and_forget_against_arrival, setup_known,
        (read_and_forget_thread, arrive_thread), check_forgotten_or_read, .external = 0)
LONG_IO(known_start_and_forget_against_cancel, setup_known, (read_and_forget_thread, cancel_thread),
        check_forgotten_or_read, .switches_max = 4)

/* The same after an attempt that found nothing, during which all of it may come. */
LONG_IO(empty_attempt_against_cancel, setup_empty_event, (read_thread, cancel_thread),
        check_canceled, .external = 0)
LONG_IO(empty_attempt_arrival_cancel, setup_empty_event,
        (read_thread, arrive_thread, cancel_thread), check_some_of_one_read, .switches_max = 3)
LONG_IO(empty_attempt_against_abort, setup_empty_event, (read_thread, abort_thread),
        check_aborted_read, .external = 0)
LONG_IO(empty_attempt_against_close, setup_empty_event, (read_thread, close_thread),
        check_closed_read, .external = 0)

/* A record that waits: event, cancellation, interrupt, and its consumer. */
IO(arrival_against_cancel, setup_waiting, (arrive_thread, cancel_thread), check_some_of_one_read,
   .switches_max = 3)
LONG_IO(arrival_cancel_interrupt, setup_waiting, (arrive_thread, cancel_thread, interrupt_thread),
        check_some_of_one_read, .switches_max = 3)
LONG_IO(two_arrivals, setup_waiting, (arrive_thread, arrive_thread), check_some_of_two_read,
        .external = 0)
LONG_IO(forget_against_arrival, setup_waiting, (forget_thread, arrive_thread), check_forgotten,
        .external = 0)
LONG_IO(forget_arrival_cancel, setup_waiting, (forget_thread, arrive_thread, cancel_thread),
        check_forgotten, .switches_max = 3)

/* An event that comes during an attempt is newer than what the attempt sees. */
LONG_IO(empty_attempt_against_arrival, setup_empty_event, (read_thread, arrive_thread), check_read,
        .external = 0)
LONG_IO(empty_event_against_arrival, setup_waiting, (empty_event_thread, arrive_thread), check_read,
        .external = 0)
LONG_IO(empty_event_arrival_cancel, setup_waiting,
        (empty_event_thread, arrive_thread, cancel_thread), check_some_of_one_read,
        .switches_max = 3)

/* A short read leaves nothing, unless an event came meanwhile. */
LONG_IO(short_read_against_arrival, setup_bytes, (read_thread, arrive_thread),
        check_some_of_two_read, .external = 0)

/* The descriptor is there as long as anything tries. */
LONG_IO(start_against_close, setup, (read_thread, close_thread), check_closed, .external = 0)
LONG_IO(try_against_close, setup_bytes, (read_thread, close_thread), check_closed, .external = 0)
LONG_IO(start_against_abort, setup, (read_thread, abort_thread), check_aborted, .external = 0)
LONG_IO(close_against_arrival, setup_both_waiting, (close_thread, arrive_thread), check_closed,
        .external = 0)
LONG_IO(close_arrival_cancel, setup_waiting, (close_thread, arrive_thread, cancel_thread),
        check_closed, .switches_max = 3)
LONG_IO(abort_against_arrival, setup_both_waiting, (abort_thread, arrive_thread), check_aborted,
        .external = 0)
LONG_IO(abort_against_close, setup, (abort_thread, close_thread), check_closed, .external = 0)
LONG_IO(abort_close_arrival, setup_both_waiting, (abort_thread, close_thread, arrive_thread),
        check_closed, .switches_max = 2)
LONG_IO(two_aborts, setup_both_waiting, (abort_thread, abort_thread), check_aborted, .external = 0)
LONG_IO(close_against_event_of_both_sides, setup_both_waiting,
        (close_thread, arrive_thread, room_thread), check_closed, .switches_max = 3)

/* --- one worker: another thread starts, forgets and aborts --- */

/* The worker, on which the bytes arrive, and which runs what others send. */
static void worker_arrive_thread(void)
{
	arrive_thread();
	explore_run();
}

static void worker_thread(void)
{
	explore_run();
}

static void read_and_abort_thread(void)
{
	read_thread();
	abort_thread();
}

static void check_canceled_or_read(void)
{
	explore_finish();
	check_some_of_one_read();
}

static void check_read_in_the_end(void)
{
	explore_finish();
	check_read();
}

static void check_forgotten_in_the_end(void)
{
	explore_finish();
	check_forgotten();
}

static void check_aborted_in_the_end(void)
{
	explore_finish();
	check_aborted();
}

#define ONE(name_, setup_, threads_, check_, ...)                                                 \
	SCENARIO(io_one_##name_, setup_, THREADS threads_, check_, .one_worker = true, .external = 6, \
	         .newest_only = true, __VA_ARGS__)

ONE(start_against_arrival, setup, (worker_arrive_thread, read_thread), check_read_in_the_end,
    .switches_max = 5)
ONE(start_against_arrival_and_cancel, setup, (worker_arrive_thread, read_thread, cancel_thread),
    check_canceled_or_read, .switches_max = 3)
ONE(start_and_forget_against_arrival, setup, (worker_arrive_thread, read_and_forget_thread),
    check_forgotten_in_the_end, .switches_max = 4)
ONE(abort_against_arrival, setup_waiting, (worker_arrive_thread, abort_thread),
    check_aborted_in_the_end, .switches_max = 5)
ONE(two_aborts, setup_waiting, (worker_thread, abort_thread, abort_thread),
    check_aborted_in_the_end, .switches_max = 4)
ONE(start_and_abort_against_arrival, setup, (worker_arrive_thread, read_and_abort_thread),
    check_aborted_in_the_end, .switches_max = 4)
