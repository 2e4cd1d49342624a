/*
 * Handles and their operations, with many workers: the threads that start, complete, cancel, abort
 * and close meet. The descriptor is a socket of this test, which has at most one byte to read.
 */
#include "explore.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "context/context.h"
#include "handle_stand_ins.h"
#include "io/handle.h"
#include "io/handle_parts.h"
#include "io/operation.h"
#include "io/reactor.h"
#include "io/turn.h"
#include "io/upcalls.h"
#include "runtime/reactor.h"

#define HANDLE(name_, setup_, threads_, check_, ...) \
	SCENARIO(handle_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

static bide_handle handle;

static struct {
	bide_context *context;
	bide_observer listener;
	unsigned ended;
	int error;
	int64_t result;
	uint32_t byte;       /* the socket: 1 if there is one; atomic */
	uint32_t is_closed;  /* atomic */
	uint32_t registered; /* atomic */
	uint32_t misuses;    /* atomic */
	uint64_t key;        /* stored before `registered` */
	int fails;           /* the error of the registration */
} m;

/* --- what stands for the reactor and the runtime --- */

unsigned bide_rescue_(struct bide_reactor *other)
{
	(void)other;
	return 0;
}

const bide_reactor_hooks *bide_reactor_hooks_;

int bide_reactor_add_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	(void)home, (void)fd, (void)events;
	EXPLORE_CHECK(!BIDE_LOAD(&m.is_closed, ACQUIRE));
	m.key = key;
	BIDE_STORE(&m.registered, 1u, RELEASE);
	return m.fails;
}

int bide_reactor_change_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	return bide_reactor_add_(home, fd, events, key);
}

void bide_reactor_remove_(unsigned home, int fd)
{
	(void)home, (void)fd;
	EXPLORE_CHECK(!BIDE_LOAD(&m.is_closed, ACQUIRE));
}

void bide_reactor_expects_(unsigned home)
{
	(void)home;
}

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

/* --- the operation --- */

/* As recv(2), of a descriptor that must be open. */
static int attempt(bide_io *io)
{
	uint32_t byte;

	EXPLORE_CHECK(!BIDE_LOAD(&m.is_closed, ACQUIRE));
	byte = BIDE_SWAP(&m.byte, 0u, ACQ_REL);
	EXPLORE_CHECK(!BIDE_LOAD(&m.is_closed, ACQUIRE));
	if (!byte)
		return EAGAIN;
	io->operation.source.payload.i = 1;
	return 0;
}

static const bide_io_kind kind = { .type = BIDE_IO_TYPE_("explored"),
	                               .side = BIDE_IO_IN_,
	                               .attempt = attempt };

/* As the next event of a file watch: `byte` is whether a path is left. Nothing happens to it. */
static int attempt_while_watched(bide_io *io)
{
	if (!BIDE_LOAD(&m.byte, ACQUIRE))
		return ENOLINK;
	io->is_starved = true;
	return EAGAIN;
}

static const bide_io_kind watch_kind = { .type = BIDE_IO_TYPE_("explored_watch"),
	                                     .side = BIDE_IO_IN_,
	                                     .attempt = attempt_while_watched };

static void ready(bide_value_task v)
{
	m.ended++;
	m.error = (int)v.state;
	m.result = v.payload.i;
}

static void ended(bide_observer *listener, bide_source *done)
{
	(void)listener;
	ready(bide_consume_(done, NULL));
}

static void start_of(const bide_io_kind *which)
{
	uintptr_t saved = bide_context_push_(m.context);
	bide_value_task v = bide_io_start_(&handle, which, (bide_io_arguments){ .any = { 0 } });

	bide_context_pop_(saved);
	m.listener.run = ended;
	if (!bide_is_pending_(v)) {
		ready(v);
		return;
	}
	explore_watch((void *)v.state);
	if (bide_listen_(v, &m.listener, "explore", NULL) == BIDE_ALREADY_DONE_)
		ready(bide_consume_((bide_source *)v.state, NULL));
}

static void start(void)
{
	start_of(&kind);
}

static void start_watch(void)
{
	start_of(&watch_kind);
}

static void closed(bide_handle *of)
{
	EXPLORE_CHECK(of == &handle);
	EXPLORE_CHECK(!BIDE_SWAP(&m.is_closed, 1u, ACQ_REL)); /* once */
}

/* --- the threads --- */

static void event_thread(void)
{
	BIDE_STORE(&m.byte, 1u, RELEASE);
	bide_io_event_(bide_handle_key_(&handle), EPOLLIN);
}

/* The key that the reactor was told of. Until then the socket tells nothing. */
static void first_event_thread(void)
{
	BIDE_STORE(&m.byte, 1u, RELEASE);
	explore_await_word(&m.registered);
	bide_io_event_(m.key, EPOLLIN);
}

/* The same, but the operation may end before it is registered. */
static void maybe_first_event_thread(void)
{
	BIDE_STORE(&m.byte, 1u, RELEASE);
	if (BIDE_LOAD(&m.registered, ACQUIRE))
		bide_io_event_(m.key, EPOLLIN);
}

/* An event that was fetched before a close. */
static void old_event_thread(void)
{
	bide_io_event_(m.key, EPOLLIN);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(m.context, BIDE_ECANCELED_);
}

static void abort_thread(void)
{
	bide_handle_abort_(&handle, EIO);
}

static void close_thread(void)
{
	bide_handle_close_(&handle, closed);
}

/* As bide_udp_close does, also if another thread does it at the same moment. */
static void close_one_thread(void)
{
	uint32_t era = bide_handle_take_(&handle, "bide_udp_close", "socket");

	if (era != 0)
		bide_handle_close_taken_(&handle, era, closed);
}

/* The path that was left could not be added. */
static void last_path_thread(void)
{
	BIDE_STORE(&m.byte, 0u, RELEASE);
	bide_handle_kick_(&handle, handle.generation, BIDE_IO_IN_);
}

/* --- before and after --- */

static void setup_new(void)
{
	memset(&m, 0, sizeof m);
	memset(&handle, 0, sizeof handle);
	m.context = bide_context_create(NULL);
	bide_handle_init_(&handle, -1, BIDE_HANDLE_KEEPS_FD_);
}

static void setup_failing(void)
{
	setup_new();
	m.fails = ENOSPC;
}

/* The reactor knows it. */
static void setup_registered(void)
{
	setup_new();
	start();
	BIDE_STORE(&m.byte, 1u, RELEASE);
	bide_io_event_(m.key, EPOLLIN);
	EXPLORE_CHECK(m.ended == 1 && m.result == 1);
	m.ended = 0;
}

/* An event has said that it is ready, and that was not used up. */
static void setup_ready(void)
{
	setup_registered();
	bide_io_event_(m.key, EPOLLIN);
}

static void setup_waiting(void)
{
	setup_registered();
	start();
	EXPLORE_CHECK(m.ended == 0);
}

static void on_misuse(const char *message, void *argument)
{
	(void)message, (void)argument;
	(void)BIDE_ADD(&m.misuses, 1u, RELAXED);
}

static void setup_misused(void)
{
	setup_waiting();
	bide_misuse_hook_set(on_misuse, NULL);
}

/* A wait has found that nothing is there, and has given up. */
static void setup_watched(void)
{
	setup_ready();
	BIDE_STORE(&m.byte, 1u, RELAXED);
	start_watch();
	bide_handle_interrupt_(&handle, BIDE_IO_IN_, BIDE_ECANCELED_);
	EXPLORE_CHECK(m.ended == 1 && m.error == BIDE_ECANCELED_);
	m.ended = 0;
}

static void end(void)
{
	if (!BIDE_LOAD(&m.is_closed, RELAXED))
		bide_handle_close_(&handle, closed);
	EXPLORE_CHECK(m.ended == 1);
	EXPLORE_CHECK(BIDE_LOAD(&m.is_closed, RELAXED));
	EXPLORE_CHECK(!handle.io[0] && !handle.io[1]);
	bide_context_unref(m.context);
}

/* The byte was delivered, or is still there. */
static void check_byte_or(int error)
{
	uint32_t left = BIDE_LOAD(&m.byte, RELAXED);

	EXPLORE_CHECK(m.ended == 1);
	EXPLORE_CHECK(m.error == 0 ? m.result == 1 && !left : m.error == error && left);
	end();
}

static void check_byte(void)
{
	check_byte_or(0);
}

static void check_byte_or_canceled(void)
{
	check_byte_or(BIDE_ECANCELED_);
}

/* A descriptor that is registered while it is ready has its event later. */
static void check_byte_or_canceled_later(void)
{
	if (m.ended == 0)
		bide_io_event_(m.key, EPOLLIN);
	check_byte_or(BIDE_ECANCELED_);
}

static void check_byte_or_aborted(void)
{
	check_byte_or(EIO);
}

static void check_error(void)
{
	EXPLORE_CHECK(m.ended == 1);
	EXPLORE_CHECK(m.error == EBADF || m.error == EIO || m.error == BIDE_ECANCELED_);
	end();
}

static void check_one_misuse(void)
{
	bide_misuse_hook_set(NULL, NULL);
	EXPLORE_CHECK(m.misuses == 1);
	check_error();
}

static void check_any(void)
{
	EXPLORE_CHECK(m.ended == 1);
	EXPLORE_CHECK((m.error == 0) == !BIDE_LOAD(&m.byte, RELAXED));
	end();
}

static void check_not_registered(void)
{
	EXPLORE_CHECK(m.ended == 1);
	EXPLORE_CHECK(m.error == ENOSPC || m.error == BIDE_ECANCELED_);
	end();
}

static void check_no_path(void)
{
	EXPLORE_CHECK(m.ended == 1 && m.error == ENOLINK);
	end();
}

/* What waits is ended by the close, so that it is known whether it waited still. */
static void check_still_waits(void)
{
	EXPLORE_CHECK(m.ended == 0);
	bide_handle_close_(&handle, closed);
	EXPLORE_CHECK(m.error == EBADF);
	end();
}

HANDLE(start_against_event, setup_registered, (start, event_thread), check_byte)
HANDLE(start_against_first_event, setup_new, (start, first_event_thread), check_byte,
       .newest_only = true)
HANDLE(ready_start_against_event, setup_ready, (start, event_thread), check_byte,
       .newest_only = true)
HANDLE(event_against_cancel, setup_waiting, (event_thread, cancel_thread), check_byte_or_canceled,
       .newest_only = true)
HANDLE(event_against_abort, setup_waiting, (event_thread, abort_thread), check_byte_or_aborted,
       .newest_only = true)
HANDLE(event_against_event, setup_waiting, (event_thread, old_event_thread), check_byte,
       .newest_only = true)
HANDLE(false_event_against_false_event, setup_waiting, (old_event_thread, old_event_thread),
       check_still_waits, .newest_only = true)
HANDLE(old_event_against_close, setup_waiting, (old_event_thread, close_thread), check_error,
       .newest_only = true)
HANDLE(cancel_against_close, setup_waiting, (cancel_thread, close_thread), check_error,
       .newest_only = true)
HANDLE(start_against_abort, setup_ready, (start, abort_thread), check_error, .newest_only = true)
HANDLE(start_against_cancel, setup_registered, (start, cancel_thread), check_error,
       .newest_only = true)
HANDLE(failed_start_against_cancel, setup_failing, (start, cancel_thread), check_not_registered,
       .newest_only = true, .switches_max = 3)
HANDLE(start_event_cancel, setup_registered, (start, event_thread, cancel_thread),
       check_byte_or_canceled, .newest_only = true, .switches_max = 3)
HANDLE(first_start_event_cancel, setup_new, (start, maybe_first_event_thread, cancel_thread),
       check_byte_or_canceled_later, .newest_only = true, .switches_max = 3)
HANDLE(start_event_abort, setup_registered, (start, event_thread, abort_thread),
       check_byte_or_aborted, .newest_only = true, .switches_max = 3)
HANDLE(event_cancel_abort, setup_waiting, (event_thread, cancel_thread, abort_thread), check_any,
       .newest_only = true, .switches_max = 3)
HANDLE(event_cancel_close, setup_waiting, (old_event_thread, cancel_thread, close_thread),
       check_error, .newest_only = true, .switches_max = 3)
HANDLE(start_against_last_path, setup_watched, (start_watch, last_path_thread), check_no_path,
       .newest_only = true)
HANDLE(close_against_close, setup_misused, (close_one_thread, close_one_thread), check_one_misuse)
HANDLE(event_close_close, setup_misused, (old_event_thread, close_one_thread, close_one_thread),
       check_one_misuse, .newest_only = true, .switches_max = 3)
