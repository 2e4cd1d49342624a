/*
 * cancel_source.c - cancel sources: their life, and their time limits.
 */
#include "cancel/cancel_source.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/spin.h"
#include "cancel/alarm.h"
#include "cancel/cancel_cell.h"
#include "cancel/cancel_core.h"
#include "cancel/cancel_fire.h"
#include "cancel/cancel_token.h"
#include "source/operation.h"
#include "source/source.h"
#include "source/timer.h"

struct bide_cancel_source {
	bide_operation operation;
	bide_cancel_core core;
	bide_alarm alarm;
	/*
	 * Guards the time limit on every thread: a limit that was replaced or removed does not cancel,
	 * even while its alarm calls. With one worker, other threads must not touch the alarm: they
	 * make it void, and post to the worker what it shall be.
	 */
	uint32_t limit_lock;
	bool limit_void;           /* The armed limit does not count any more. */
	bool rearm_posted;         /* `rearm` is on its way, with a reference. */
	bide_post rearm;           /* To the worker, to set the alarm to rearm_deadline_ns. */
	int64_t rearm_deadline_ns; /* BIDE_FOREVER: no limit. */
	uint32_t parent_count;
	bide_cancel_node parents[]; /* In the lists of the tokens that it was created with. */
};

static const bide_operation_type source_type = { .name = "cancel source" };

/* --- life --- */

/* The last party of the alarm has left: no reference is left, and the alarm does not call. */
static void source_recycle(bide_cancel_source *source)
{
	for (uint32_t i = 0; i < source->parent_count; i++)
		bide_cancel_detach_(&source->parents[i]);
	/*
	 * Under the lock, so that a registration that is being added either finds the source and is
	 * taken out here, or finds that the source has ended.
	 */
	bide_spin_lock_(&bide_cancel_callbacks_lock_);
	bide_cancel_cell_clear_(source->core.cell);
	bide_cancel_core_clear_locked_(&source->core);
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
	bide_cancel_cell_recycle_(source->core.cell);
	bide_operation_discard_(&source->operation.source);
}

static void source_end(bide_post *post)
{
	bide_cancel_source *source = BIDE_CONTAINER_(post, bide_cancel_source, core.post);

	bide_alarm_stop_(&source->alarm);
	if (bide_alarm_leave_(&source->alarm))
		source_recycle(source);
}

/* With one worker, only its thread may touch the wheel. So a source with a timer ends there. */
static void source_destroy(bide_cancel_core *core)
{
	bide_cancel_source *source = BIDE_CONTAINER_(core, bide_cancel_source, core);

	if (!bide_port_on_worker_() && !bide_alarm_is_idle_(&source->alarm)) {
		core->post.run = source_end;
		bide_port_post_(&core->post);
		return;
	}
	source_end(&core->post);
}

static void source_expired(bide_observer *listener, bide_source *timer)
{
	bide_cancel_source *source = BIDE_CONTAINER_(listener, bide_cancel_source, alarm.due);
	bool alive = bide_cancel_core_try_ref_(&source->core), first;

	bide_spin_lock_(&source->limit_lock);
	first = bide_alarm_fired_(&source->alarm, timer) && alive && !source->limit_void &&
	        bide_cancel_core_mark_(&source->core, BIDE_ECANCELED_);
	bide_spin_unlock_(&source->limit_lock);
	/* If it is not alive, the last reference was just dropped: source_end has run, or will. */
	if (bide_alarm_leave_(&source->alarm))
		source_recycle(source);
	if (!alive)
		return;
	if (first)
		bide_cancel_core_fire_marked_(&source->core);
	bide_cancel_core_unref_(&source->core); /* A callback may have dropped all others. */
}

bide_cancel_source *bide_cancel_source_create_linked(const bide_cancel_token *tokens, size_t count)
{
	bide_cancel_source *source;

	if ((!tokens && count) || count > 65535) {
		bide_misuse_("bide_cancel_source_create_linked: %s",
		             !tokens ? "tokens is NULL" : "more than 65535 tokens");
		return NULL;
	}
	source = (bide_cancel_source *)(void *)
		bide_operation_new_(sizeof *source + count * sizeof source->parents[0], &source_type);
	if (!source)
		return NULL;
	bide_cancel_core_init_(&source->core, source_destroy);
	source->core.cell = bide_cancel_cell_new_(&source->core);
	if (!source->core.cell) {
		bide_operation_discard_(&source->operation.source);
		return NULL;
	}
	bide_alarm_init_(&source->alarm, source_expired);
	source->rearm_deadline_ns = BIDE_FOREVER;
	source->parent_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++)
		bide_cancel_token_attach_(tokens[i], &source->core, &source->parents[i]);
	return source;
}

bide_cancel_source *bide_cancel_source_create(void)
{
	return bide_cancel_source_create_linked(NULL, 0);
}

bool bide_cancel_source_check_(const bide_cancel_source *source, const char *what)
{
	if (source && bide_is_live_(&source->operation, &source_type))
		return true;
	bide_misuse_("%s: source %s", what,
	             source ? bide_why_gone_(&source->operation.source,
	                                     "is no cancel source, or its last reference is gone")
	                    : "is NULL");
	return false;
}

bide_cancel_source *bide_cancel_source_ref(bide_cancel_source *source)
{
	if (bide_cancel_source_check_(source, "bide_cancel_source_ref"))
		bide_cancel_core_ref_(&source->core);
	return source;
}

void bide_cancel_source_unref(bide_cancel_source *source)
{
	if (source && bide_cancel_source_check_(source, "bide_cancel_source_unref"))
		bide_cancel_core_unref_(&source->core);
}

void bide_cancel_leak_(bide_source *source)
{
	bide_operation *operation = BIDE_CONTAINER_(source, bide_operation, source);

	if (operation->type == &source_type)
		bide_cancel_core_clear_(&BIDE_CONTAINER_(operation, bide_cancel_source, operation)->core);
}

bide_cancel_token bide_cancel_source_token(bide_cancel_source *source)
{
	bide_cancel_token token = bide_cancel_token_none();

	if (bide_cancel_source_check_(source, "bide_cancel_source_token")) {
		token.cell_ = source->core.cell;
		token.number_ = source->core.cell->number;
	}
	return token;
}

/* --- canceling --- */

bool bide_cancel_source_cancel(bide_cancel_source *source)
{
	bool first;

	if (!bide_cancel_source_check_(source, "bide_cancel_source_cancel"))
		return false;
	BIDE_ASSERT_IN_DEBUG_(bide_cancel_source_is_valid_(source));
	bide_cancel_core_ref_(&source->core); /* A callback may drop the caller's reference. */
	first = bide_cancel_core_fire_(&source->core, BIDE_ECANCELED_);
	bide_cancel_core_unref_(&source->core);
	return first;
}

bool bide_cancel_source_mark_(bide_cancel_source *source)
{
	if (!bide_cancel_core_mark_(&source->core, BIDE_ECANCELED_))
		return false;
	bide_cancel_core_ref_(&source->core);
	return true;
}

void bide_cancel_source_fire_(bide_cancel_source *source)
{
	bide_cancel_core_fire_marked_(&source->core);
	bide_cancel_core_unref_(&source->core);
}

bool bide_cancel_source_is_canceled(const bide_cancel_source *source)
{
	return bide_cancel_source_check_(source, "bide_cancel_source_is_canceled") &&
	       BIDE_LOAD(&source->core.error, ACQUIRE) != 0;
}

/* --- the time limit --- */

/*
 * Sets the alarm to rearm_deadline_ns, under the lock, where the wheel may be touched. Takes the
 * timer and sets *timer to NULL if it needs it.
 */
static void set_limit(bide_cancel_source *source, bide_timer **timer)
{
	int64_t deadline_ns = source->rearm_deadline_ns;

	source->limit_void = false;
	if (deadline_ns == BIDE_FOREVER || BIDE_LOAD(&source->core.error, RELAXED)) {
		bide_alarm_stop_(&source->alarm);
	} else if (*timer) {
		bide_alarm_set_(&source->alarm, *timer, deadline_ns);
		*timer = NULL;
	}
}

static void discard_timer(bide_timer *timer)
{
	if (timer)
		bide_operation_discard_(&timer->source);
}

static void rearm_arrived(bide_post *post)
{
	bide_cancel_source *source = BIDE_CONTAINER_(post, bide_cancel_source, rearm);
	bide_timer *timer = bide_timer_new_(sizeof *timer);
	bool failed;

	bide_spin_lock_(&source->limit_lock);
	source->rearm_posted = false; /* A later call posts again. */
	failed = !timer && source->rearm_deadline_ns != BIDE_FOREVER;
	set_limit(source, &timer);
	bide_spin_unlock_(&source->limit_lock);
	discard_timer(timer);
	if (failed) /* Without memory for the timer, cancel now rather than never. */
		bide_cancel_core_fire_(&source->core, BIDE_ECANCELED_);
	bide_cancel_core_unref_(&source->core);
}

/*
 * Changes the limit, under the lock, on any thread. Returns true if the caller must post `rearm`
 * (post_limit) once it has given the lock back; the post's reference is taken already.
 */
static bool change_limit(bide_cancel_source *source, int64_t deadline_ns, bide_timer **timer)
{
	bool post = false;

	source->rearm_deadline_ns = deadline_ns;
	if (bide_port_on_worker_()) {
		set_limit(source, timer);
	} else {
		source->limit_void = true;
		post = !source->rearm_posted;
		source->rearm_posted = true;
	}
	if (post)
		bide_cancel_core_ref_(&source->core);
	return post;
}

static void post_limit(bide_cancel_source *source)
{
	source->rearm.run = rearm_arrived;
	bide_port_post_(&source->rearm);
}

int bide_cancel_source_cancel_after(bide_cancel_source *source, int64_t delay_ns)
{
	bide_timer *timer = NULL;
	bool post;

	if (!bide_cancel_source_check_(source, "bide_cancel_source_cancel_after"))
		return BIDE_EINVAL_;
	if (!bide_time_allowed_(delay_ns, "bide_cancel_source_cancel_after", "delay_ns", NULL))
		return BIDE_EINVAL_;
	if (delay_ns == 0) {
		bide_cancel_source_cancel(source);
		return 0;
	}
	if (delay_ns != BIDE_FOREVER && bide_port_on_worker_()) {
		timer = bide_timer_new_(sizeof *timer);
		if (!timer)
			return BIDE_ENOMEM_;
	}
	bide_spin_lock_(&source->limit_lock);
	post = change_limit(source, bide_deadline_after_(delay_ns), &timer);
	bide_spin_unlock_(&source->limit_lock);
	discard_timer(timer);
	if (post)
		post_limit(source);
	return 0;
}

bool bide_cancel_source_try_reset(bide_cancel_source *source)
{
	bide_timer *none = NULL;
	bool cleared, post = false;

	if (!bide_cancel_source_check_(source, "bide_cancel_source_try_reset"))
		return false;
	bide_spin_lock_(&source->limit_lock);
	cleared = bide_cancel_core_clear_unless_canceled_(&source->core);
	if (cleared)
		post = change_limit(source, BIDE_FOREVER, &none);
	bide_spin_unlock_(&source->limit_lock);
	if (post)
		post_limit(source);
	return cleared;
}

bool bide_cancel_source_is_valid_(bide_cancel_source *source)
{
	const struct bide_cancel_cell_ *cell = source->core.cell;

	BIDE_INVARIANT_(cell->core == &source->core);
	/* The cell is marked first: pairs with bide_cancel_core_mark_. */
	BIDE_INVARIANT_(!BIDE_LOAD(&source->core.error, ACQUIRE) ||
	                bide_cancel_cell_is_canceled_(cell, cell->number));
	return bide_cancel_lists_are_valid_(&source->core) &&
	       (!bide_port_on_worker_() || bide_alarm_is_valid_(&source->alarm));
}
