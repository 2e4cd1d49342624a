/*
 * Watches (src/sync/newest.c) in all orders of setting, reading, waiting, canceling, closing and
 * forgetting: no new value is missed, and each wait ends once.
 */
#include "explore.h"

#include <string.h>

#include "context/context.h"
#include "sync/waiter.h"

/* A value of which a half could be copied: both numbers are the same. */
struct pair {
	int64_t a, b;
};

static struct {
	bide_watch *watch;
	bide_context *context;
	bide_source *waits; /* while it waits */
	bide_value_task ready, waiter;
	struct pair got;
	uint64_t version;
	int set_error;
} w;

static void setup(void)
{
	memset(&w, 0, sizeof w);
	w.watch = bide_watch_create(sizeof(struct pair), &(struct pair){ 1, 1 });
	w.context = bide_context_create(NULL);
}

static void wait_for_change(void)
{
	uintptr_t saved = bide_context_push_(w.context);

	w.waiter = bide_watch_changed(w.watch, 1);
	bide_context_pop_(saved);
	if (w.waiter.state > BIDE_ERROR_MAX) {
		w.waits = (bide_source *)w.waiter.state;
		explore_watch(w.waits);
	}
}

static void setup_waiting(void)
{
	setup();
	wait_for_change();
	EXPLORE_CHECK(w.waits);
}

static void set_thread(void)
{
	w.set_error = bide_watch_set_(w.watch, &(struct pair){ 2, 2 }, sizeof(struct pair));
}

static void get_thread(void)
{
	w.version = bide_watch_get(w.watch, &w.got);
}

static void cancel_thread(void)
{
	(void)bide_context_cancel(w.context, BIDE_ECANCELED_);
}

static void close_thread(void)
{
	EXPLORE_CHECK(bide_watch_close(w.watch, 0));
}

static void forget_and_unref_thread(void)
{
	bide_value_task_forget(w.waiter);
	w.waits = NULL;
	bide_watch_unref(w.watch);
	w.watch = NULL;
}

static void unref_thread(void)
{
	bide_watch_unref(w.watch);
	w.watch = NULL;
}

static void end(void)
{
	if (w.watch)
		bide_watch_unref(w.watch);
	bide_context_unref(w.context);
}

static bide_value_task outcome(void)
{
	return w.waits ? bide_consume_(w.waits, NULL) : w.waiter;
}

static void check_set(void)
{
	bide_value_task v = outcome();

	EXPLORE_CHECK(v.state == 0 && v.payload.i == 2);
	end();
}

static void check_canceled(void)
{
	bide_value_task v = outcome();

	EXPLORE_CHECK(v.state == BIDE_ECANCELED_ || (v.state == 0 && v.payload.i == 2));
	EXPLORE_CHECK(bide_watch_get(w.watch, NULL) == 2);
	end();
}

/* The one that came first is what the wait ends with. */
static void check_closed(void)
{
	bide_value_task v = outcome();

	EXPLORE_CHECK(w.set_error == 0 || w.set_error == BIDE_EPIPE_);
	EXPLORE_CHECK(v.state == (w.set_error ? (uintptr_t)BIDE_EEND : 0));
	EXPLORE_CHECK(v.state || v.payload.i == 2);
	EXPLORE_CHECK(bide_watch_get(w.watch, NULL) == (w.set_error ? 1 : 2));
	end();
}

static void check_got(void)
{
	EXPLORE_CHECK(w.version == 1 || w.version == 2);
	EXPLORE_CHECK(w.got.a == (int64_t)w.version && w.got.b == (int64_t)w.version);
	end();
}

static void check_gone(void)
{
	bide_value_task v = outcome();

	EXPLORE_CHECK(v.state == BIDE_EBROKEN || v.state == BIDE_ECANCELED_);
	end();
}

#define WATCH(name_, setup_, threads_, check_, ...) \
	SCENARIO(watch_##name_, setup_, THREADS threads_, check_, .shared = true, __VA_ARGS__)

WATCH(set_against_a_wait_that_begins, setup, (wait_for_change, set_thread), check_set,
      .external = 0)
WATCH(set_against_canceled_wait, setup_waiting, (set_thread, cancel_thread), check_canceled,
      .external = 0)
WATCH(set_against_close, setup_waiting, (set_thread, close_thread), check_closed, .external = 0)
WATCH(set_against_get, setup, (set_thread, get_thread), check_got, .external = 0)
WATCH(cancel_against_forget_and_unref, setup_waiting, (cancel_thread, forget_and_unref_thread), end,
      .external = 0)
WATCH(cancel_against_unref, setup_waiting, (cancel_thread, unref_thread), check_gone, .external = 0)
