/*
 * Waits for a descriptor of another library (io/fd_wait.c), which the reactor watches one-shot: an
 * event that brings nothing has it told anew, while the descriptor becomes ready, the wait is
 * canceled or forgotten, and its memory is used again. No event is lost, a wait ends once, and the
 * reactor is never told of a wait that has gone.
 *
 * The kernel is two words here: the descriptor is readable, and the registration is armed.
 */
#include "explore.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "context/context.h"
#include "handle_stand_ins.h"
#include "io/handle.h"
#include "io/handle_parts.h"
#include "io/reactor.h"
#include "io/slab.h"
#include "io/turn.h"
#include "io/upcalls.h"
#include "runtime/reactor.h"

enum { FD = 7 };

static struct {
	bide_context *context;
	bide_value_task value;
	uint32_t is_readable; /* atomic */
	uint32_t armed;       /* 1: an event is told, which sets it to 0; atomic */
	uint32_t known;       /* the reactor knows the descriptor; atomic */
	uint64_t key;         /* stored before `armed` */
	unsigned taken, given;
} k;

/* --- the kernel --- */

static int poll_file(struct pollfd *at, nfds_t count, int timeout)
{
	EXPLORE_CHECK(count == 1 && at->fd == FD && timeout == 0);
	at->revents = BIDE_LOAD(&k.is_readable, SEQ_CST) ? POLLIN : 0;
	return at->revents != 0;
}

static int stat_file(int fd, struct stat *status)
{
	EXPLORE_CHECK(fd == FD);
	status->st_mode = S_IFSOCK;
	return 0;
}

/* Fetches the event, if the registration is armed, and hands it out. */
static void tell(uint32_t events)
{
	uint32_t armed = 1;

	if (BIDE_CAS(&k.armed, &armed, 0u, SEQ_CST, SEQ_CST))
		bide_io_event_(k.key, events);
}

static void arm(uint64_t key)
{
	k.key = key;
	BIDE_STORE(&k.armed, 1u, SEQ_CST);
	if (BIDE_LOAD(&k.is_readable, SEQ_CST))
		tell(EPOLLIN);
}

int bide_reactor_add_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	(void)home;
	EXPLORE_CHECK(fd == FD && events == (EPOLLIN | EPOLLONESHOT));
	EXPLORE_CHECK(BIDE_SWAP(&k.known, 1u, SEQ_CST) == 0);
	arm(key);
	return 0;
}

int bide_reactor_change_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	(void)home;
	EXPLORE_CHECK(fd == FD && events == (EPOLLIN | EPOLLONESHOT));
	EXPLORE_CHECK(BIDE_LOAD(&k.known, SEQ_CST) && key == k.key);
	EXPLORE_CHECK(!BIDE_LOAD(&k.armed, SEQ_CST));
	arm(key);
	return 0;
}

void bide_reactor_remove_(unsigned home, int fd)
{
	(void)home;
	EXPLORE_CHECK(fd == FD && BIDE_SWAP(&k.known, 0u, SEQ_CST) == 1);
	BIDE_STORE(&k.armed, 0u, SEQ_CST);
}

/* --- what else the room needs --- */

bool bide_reactor_has_requests_;
const bide_reactor_hooks *bide_reactor_hooks_;

void bide_reactor_expects_(unsigned home)
{
	(void)home;
}

unsigned bide_rescue_(struct bide_reactor *other)
{
	(void)other;
	return 0;
}

struct bide_reactor *bide_reactor_mine_(void)
{
	return NULL;
}

struct bide_reactor *bide_reactor_of_(unsigned place)
{
	(void)place;
	return NULL;
}

#define poll poll_file
#define fstat stat_file
#include "io/fd_wait.c"
#undef poll
#undef fstat

static _Alignas(64) fd_wait memory;

void *bide_slab_take_(bide_slab *slab)
{
	EXPLORE_CHECK(slab == &waits && k.taken == k.given);
	k.taken++;
	return &memory;
}

void bide_slab_give_(bide_slab *slab, void *object)
{
	EXPLORE_CHECK(slab == &waits && object == &memory && k.taken == k.given + 1);
	EXPLORE_CHECK(!BIDE_LOAD(&k.known, SEQ_CST));
	k.given++;
}

/* --- threads --- */

static void wait_thread(void)
{
	uintptr_t saved = bide_context_push_(k.context);

	k.value = bide_fd_wait(FD, BIDE_FD_IN);
	bide_context_pop_(saved);
}

static void arrive_thread(void)
{
	BIDE_STORE(&k.is_readable, 1u, SEQ_CST);
	tell(EPOLLIN);
}

/* An event that tells nothing of what was asked for. The registration is told anew. */
static void empty_event_thread(void)
{
	tell(0);
}

static void two_empty_events_thread(void)
{
	tell(0);
	tell(0);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(k.context, BIDE_ECANCELED_);
}

static void forget_thread(void)
{
	bide_value_task_forget(k.value);
}

/* --- setups and checks --- */

static void setup(void)
{
	memset(&k, 0, sizeof k);
	k.context = bide_context_create(NULL);
}

static void setup_waiting(void)
{
	setup();
	wait_thread();
	EXPLORE_CHECK(k.known && k.armed && bide_is_pending_(k.value));
	explore_watch((void *)k.value.state);
}

static void check_ended(void)
{
	EXPLORE_CHECK(k.given == k.taken && !k.known && !k.armed);
	EXPLORE_CHECK(!memory.handle.io[0] && !(memory.handle.state & BIDE_HANDLE_OPEN_));
	bide_context_unref(k.context);
}

/* Ends what waits still. It waits only while nothing is there, and the reactor watches. */
static bide_value_task outcome(void)
{
	bide_value_task value = k.value;

	if (!bide_is_pending_(value))
		return value;
	if (!bide_is_done_((bide_source *)value.state)) {
		EXPLORE_CHECK(!k.is_readable && k.known && k.armed);
		bide_handle_interrupt_(&memory.handle, BIDE_IO_IN_, EINTR);
	}
	EXPLORE_CHECK(bide_is_done_((bide_source *)value.state));
	return bide_consume_((bide_source *)value.state, NULL);
}

static void check_arrived(void)
{
	bide_value_task value = outcome();

	EXPLORE_CHECK(value.state == 0 && value.payload.i == BIDE_FD_IN);
	check_ended();
}

static void check_still_waits(void)
{
	EXPLORE_CHECK(outcome().state == EINTR);
	check_ended();
}

static void check_canceled(void)
{
	EXPLORE_CHECK(outcome().state == BIDE_ECANCELED_);
	check_ended();
}

static void check_arrived_or_canceled(void)
{
	bide_value_task value = outcome();

	EXPLORE_CHECK(value.state == 0 ? value.payload.i == BIDE_FD_IN
	                               : value.state == BIDE_ECANCELED_);
	check_ended();
}

static void check_forgotten(void)
{
	EXPLORE_CHECK(explore_freed((void *)k.value.state) == 1);
	check_ended();
}

#define FD_WAIT(name_, setup_, threads_, check_, ...) \
	SCENARIO(fd_wait_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

FD_WAIT(start_against_arrival, setup, (wait_thread, arrive_thread), check_arrived,
        .newest_only = true, .switches_max = 3)
FD_WAIT(start_against_empty_event, setup, (wait_thread, two_empty_events_thread), check_still_waits,
        .newest_only = true, .switches_max = 3)
FD_WAIT(start_empty_event_arrival, setup, (wait_thread, empty_event_thread, arrive_thread),
        check_arrived, .newest_only = true, .switches_max = 2)
FD_WAIT(start_arrival_cancel, setup, (wait_thread, arrive_thread, cancel_thread),
        check_arrived_or_canceled, .newest_only = true, .switches_max = 2)
FD_WAIT(empty_event_against_arrival, setup_waiting, (empty_event_thread, arrive_thread),
        check_arrived, .newest_only = true, .switches_max = 3)
FD_WAIT(empty_event_against_empty_event, setup_waiting,
        (empty_event_thread, two_empty_events_thread), check_still_waits, .newest_only = true,
        .switches_max = 2)
FD_WAIT(empty_event_against_cancel, setup_waiting, (two_empty_events_thread, cancel_thread),
        check_canceled, .newest_only = true, .switches_max = 2)
FD_WAIT(empty_event_arrival_cancel, setup_waiting,
        (empty_event_thread, arrive_thread, cancel_thread), check_arrived_or_canceled,
        .newest_only = true, .switches_max = 2)
FD_WAIT(empty_event_arrival_forget, setup_waiting,
        (empty_event_thread, arrive_thread, forget_thread), check_forgotten, .newest_only = true,
        .switches_max = 2)
