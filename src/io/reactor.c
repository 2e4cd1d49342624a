/*
 * reactor.c - see reactor.h.
 */
#include "io/reactor.h"

#include <errno.h>

#include "base/assert.h"
#include "base/settings.h"
#include "io/choice.h"
#include "io/engine.h"
#include "io/rescue.h"
#include "io/upcalls.h"
#include "memory/allocator.h"
#include "os/event.h"
#include "os/os.h"
#include "runtime/reactor_place.h"
#include "runtime/runtime.h"
#include "runtime/sleep.h"
#include "runtime/worker.h"

/*
 * The reactor that serves each home: its own, or the one of another worker if its own cannot be
 * opened. Made with the first reactor. Atomic; written under the lock of the setup.
 */
static bide_reactor **table;
static unsigned places;
static uint32_t homes; /* dealt so far */

uint32_t bide_reactor_life_;
bool bide_reactor_has_requests_;

/* --- the hooks of the runtime --- */

/* Returns the reactor that serves a home, or NULL. */
bide_reactor *bide_reactor_of_(unsigned home)
{
	bide_reactor **made = BIDE_LOAD(&table, ACQUIRE);

	/* A home of an earlier life of the runtime may be too high. */
	return made && home < places ? BIDE_LOAD(&made[home], ACQUIRE) : NULL;
}

static unsigned fetch(bide_reactor *reactor, int64_t deadline_ns)
{
	/* Its worker sleeps in it, so no other has to be told of its events. */
	if (deadline_ns > 0)
		bide_rescue_end_(reactor);
	/* What is being handed out may run the worker's loop once more, on the same stack. */
	if (reactor->next == reactor->count) {
		reactor->next = 0;
		reactor->count = reactor->engine->fetch(reactor, reactor->fetched, BIDE_REACTOR_BATCH_,
		                                        deadline_ns, NULL);
		BIDE_STORE(&reactor->wait_count, reactor->wait_count + 1, RELAXED);
	}
	return reactor->count - reactor->next;
}

static inline __attribute__((always_inline)) unsigned hand_out_all(bide_reactor *reactor,
                                                                   bool has_requests)
{
	bide_reactor *other;
	unsigned count = 0;

	while (reactor->next < reactor->count) {
		const bide_reactor_event event = reactor->fetched[reactor->next++];

		if (!has_requests && reactor->count - reactor->next >= BIDE_IO_EXPECTED_)
			bide_io_expect_(&reactor->fetched[reactor->next]);
		if (has_requests && event.events & BIDE_EVENT_DONE_) {
			bide_io_done_(&event);
			count++;
		} else if (BIDE_UNLIKELY(event.key >= BIDE_RESCUE_KEYS_)) {
			other = bide_reactor_of_((unsigned)(event.key - BIDE_RESCUE_KEYS_));
			/* It may be known to its worker a moment before it stands in the table. */
			if (other)
				count += bide_rescue_(other);
		} else {
			bide_io_event_(event.key, event.events);
			count++;
		}
	}
	if (count)
		BIDE_STORE(&reactor->event_count, reactor->event_count + count, RELAXED);
	return count;
}

static unsigned hand_out(bide_reactor *reactor)
{
	return hand_out_all(reactor, false);
}

static unsigned hand_out_with_requests(bide_reactor *reactor)
{
	return hand_out_all(reactor, true);
}

static void submit(bide_reactor *reactor)
{
	if (reactor->engine->submit)
		reactor->engine->submit(reactor, true);
}

static void wake(bide_reactor *reactor)
{
	BIDE_ADD(&reactor->wake_count, 1u, RELAXED);
	reactor->engine->wake(reactor);
}

static void descriptors(const bide_reactor *reactor, int fd[2])
{
	fd[0] = reactor->fd;
	fd[1] = reactor->engine->second_fd ? reactor->engine->second_fd(reactor) : -1;
}

/*
 * Closes descriptors without EPOLL_CTL_DEL: the registrations are the parent's. The lock of the
 * setup was held during the fork, so no reactor is half open.
 */
static void close_copies(void)
{
	for (unsigned i = 0; i < places; i++)
		if (table[i] && table[i]->place == i)
			table[i]->engine->close(table[i]);
	bide_reactor_life_++;
}

static void close_all(void)
{
	for (unsigned i = 0; i < places; i++)
		if (table[i] && table[i]->place != i)
			table[i] = NULL; /* before the one that took its place is gone */
	for (unsigned i = 0; i < places; i++) {
		bide_reactor *reactor = table[i];

		if (!reactor)
			continue;
		if (reactor->engine->cancel_all)
			reactor->engine->cancel_all(reactor);
		reactor->engine->close(reactor);
		bide_deallocate_(reactor, sizeof *reactor);
	}
	bide_reactor_displace_();
	bide_deallocate_(table, places * sizeof(bide_reactor *));
	BIDE_STORE(&table, NULL, RELEASE);
	places = 0;
	BIDE_STORE(&bide_reactor_hooks_, NULL, RELAXED);
	BIDE_STORE(&bide_reactor_has_requests_, false, RELAXED);
	bide_reactor_life_++;
}

static bool is_valid(const bide_reactor *reactor)
{
	BIDE_INVARIANT_(reactor->place < places && table[reactor->place] == reactor);
	BIDE_INVARIANT_(reactor->next <= reactor->count && reactor->count <= BIDE_REACTOR_BATCH_);
	BIDE_INVARIANT_(reactor->fd >= 0 && reactor->event >= 0);
	return true;
}

#define HOOKS(hand_out_)                                                                         \
	{                                                                                            \
		.fetch = fetch, .hand_out = (hand_out_), .wake = wake, .submit = submit,                 \
		.look_after = bide_rescue_look_after_, .descriptors = descriptors, .fork = close_copies, \
		.close = close_all, .is_valid = is_valid,                                                \
	}

static const bide_reactor_hooks hooks = HOOKS(hand_out);
static const bide_reactor_hooks hooks_with_requests = HOOKS(hand_out_with_requests);

/* --- opening --- */

/* Under the lock of the setup, as all below. */
static bool table_is_made(const bide_engine *engine)
{
	unsigned count = bide_reactor_places_();
	bide_reactor **made;

	if (table)
		return true;
	made = bide_allocate_(count * sizeof *made, 64);
	if (!made)
		return false;
	for (unsigned i = 0; i < count; i++)
		made[i] = NULL;
	places = count;
	/* pairs with idle workers */
	BIDE_STORE(&bide_reactor_hooks_, engine->start ? &hooks_with_requests : &hooks, RELEASE);
	BIDE_STORE(&bide_reactor_has_requests_, engine->start != NULL, RELAXED);
	BIDE_STORE(&table, made, RELEASE); /* pairs with bide_reactor_of_ */
	return true;
}

/* Returns a reactor that is open, or NULL. */
static bide_reactor *any_open(void)
{
	for (unsigned i = 0; i < places; i++)
		if (table[i])
			return table[i];
	return NULL;
}

/* Returns true if another descriptor could be had. */
static bool is_descriptor_left(void)
{
	int fd = bide_os_event_open_();

	bide_os_close_(fd);
	return fd >= 0;
}

/* is_first: no other reactor is open. A further one leaves a descriptor, as for a connection. */
static int open_engine(bide_reactor *reactor, bool is_first)
{
	int error = reactor->engine->open(reactor);

	if (error || is_first || is_descriptor_left())
		return error;
	reactor->engine->close(reactor);
	return EMFILE;
}

static int open_at(unsigned home, const bide_engine *engine, bide_reactor **opened)
{
	bide_reactor *reactor = bide_allocate_(sizeof *reactor, 64);
	int error;

	if (!reactor)
		return ENOMEM;
	*reactor = (bide_reactor){ .engine = engine, .place = home };
	error = open_engine(reactor, !any_open());
	if (error) {
		bide_deallocate_(reactor, sizeof *reactor);
		return error;
	}
	/* In this order: when its worker has it, another that looks after it finds it in the table. */
	BIDE_STORE(&table[home], reactor, RELEASE); /* pairs with bide_reactor_of_ */
	error = bide_reactor_place_(home, reactor);
	if (error) {
		BIDE_STORE(&table[home], NULL, RELAXED); /* with one worker, so no other has seen it */
		reactor->engine->close(reactor);
		bide_deallocate_(reactor, sizeof *reactor);
		return error;
	}
	*opened = reactor;
	return 0;
}

static int open_locked(unsigned home, bide_reactor **opened)
{
	const bide_engine *engine;
	int error;

	if (bide_runtime_.state != BIDE_RUNTIME_ON)
		return EBADF; /* the descriptor's runtime has ended meanwhile */
	if (bide_runtime_.simulating)
		return ENOTSUP;
	engine = bide_choice_locked_().engine;
	if (!engine)
		return ENOTSUP;
	if (!table_is_made(engine))
		return ENOMEM;
	BIDE_ASSERT_(home < places);
	*opened = table[home];
	if (*opened)
		return 0;
	error = open_at(home, engine, opened);
	if (error && (*opened = any_open()) != NULL)
		error = 0;
	if (!error)
		BIDE_STORE(&table[home], *opened, RELEASE); /* pairs with bide_reactor_of_ */
	return error;
}

/* --- for the rest of the room --- */

unsigned bide_reactor_home_(void)
{
	if (!bide_shared_)
		return 0;
	return BIDE_ADD(&homes, 1u, RELAXED) % bide_reactor_places_();
}

int bide_reactor_add_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	bide_reactor *reactor = bide_reactor_of_(home);
	int error;

	if (BIDE_UNLIKELY(!reactor)) {
		bide_os_lock_(&bide_runtime_.setup);
		error = open_locked(home, &reactor);
		bide_os_unlock_(&bide_runtime_.setup);
		if (error)
			return error;
	}
	return reactor->engine->add(reactor, fd, events, key);
}

int bide_reactor_change_(unsigned home, int fd, uint32_t events, uint64_t key)
{
	bide_reactor *reactor = bide_reactor_of_(home);

	return reactor ? reactor->engine->change(reactor, fd, events, key) : ENOENT;
}

void bide_reactor_remove_(unsigned home, int fd)
{
	bide_reactor *reactor = bide_reactor_of_(home);

	if (reactor && BIDE_LOAD(&bide_runtime_.state, RELAXED) == BIDE_RUNTIME_ON)
		reactor->engine->remove(reactor, fd);
}

bide_reactor *bide_reactor_mine_(void)
{
	const bide_worker *worker;

	if (!bide_shared_)
		return bide_runtime_on_worker_() ? bide_runtime_.reactor : NULL;
	worker = bide_worker_this_();
	return worker ? BIDE_LOAD(&worker->sleeper.reactor, ACQUIRE) : NULL;
}

void bide_reactor_expects_(unsigned home)
{
	(void)home;
	if (bide_shared_)
		bide_sleep_ask_monitor_();
}

void bide_reactor_stats_(bide_io_stats *stats)
{
	bide_os_lock_(&bide_runtime_.setup);
	for (unsigned i = 0; i < places; i++) {
		const bide_reactor *reactor = table[i];

		if (!reactor || reactor->place != i)
			continue;
		stats->reactor_count++;
		stats->event_count += BIDE_LOAD(&reactor->event_count, RELAXED);
		stats->wait_count += BIDE_LOAD(&reactor->wait_count, RELAXED);
		stats->wake_count += BIDE_LOAD(&reactor->wake_count, RELAXED);
		stats->rescued_count += BIDE_LOAD(&reactor->rescued_count, RELAXED);
	}
	bide_os_unlock_(&bide_runtime_.setup);
}
