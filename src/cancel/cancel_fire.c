/*
 * cancel_fire.c - cancels a core: fires its callbacks and operations, and those of the cores below.
 *
 * A cancel walks the tree of linked cores by a work list, in constant stack. No lock is held while
 * something fires. Operations fire on the thread that cancels where there are many workers; with
 * one they belong to the worker's thread and fire there. A node that fires is one of the parties of
 * its operation: the last party ends the operation.
 */
#include "cancel/cancel_fire.h"

#include "base/assert.h"
#include "base/port.h"
#include "base/spin.h"
#include "base/thread.h"
#include "cancel/cancel_cell.h"

/* A callback that runs now, on the stack of the thread that cancels. */
typedef struct firing {
	const bide_cancel_node *node;
	const void *thread;
	struct firing *next;
} firing;

static firing *all_firing; /* Under the lock of the callbacks. */

bool bide_cancel_fires_elsewhere_(const bide_cancel_node *node, const void *me)
{
	BIDE_ASSERT_UNEXPLORED_(bide_spin_is_held_(&bide_cancel_callbacks_lock_));
	for (const firing *f = all_firing; f; f = f->next)
		if (f->node == node && f->thread != me)
			return true;
	return false;
}

void bide_cancel_fork_(void)
{
	bide_cancel_callbacks_lock_ = 0;
	all_firing = NULL;
	bide_cancel_cells_fork_();
}

/* Begins under the lock of the callbacks, and gives it back. */
static void callback_call(bide_cancel_node *node, int error, const void *me)
{
	firing now = { node, me, all_firing };

	all_firing = &now;
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
	node->fire(node, error);
	bide_spin_lock_(&bide_cancel_callbacks_lock_);
	for (firing **f = &all_firing; *f; f = &(*f)->next)
		if (*f == &now) {
			*f = now.next;
			break;
		}
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
}

/*
 * Fires the newest callback, or puts the core below it on the work list. Returns false if no
 * callback is left.
 */
static bool callback_fire(bide_cancel_core *core, int error, bide_cancel_core **work)
{
	const void *me = bide_port_thread_();
	bide_cancel_core *child;
	bide_cancel_node *node;
	bool alive;

	bide_spin_lock_(&bide_cancel_callbacks_lock_);
	node = core->callbacks;
	if (!node) {
		bide_spin_unlock_(&bide_cancel_callbacks_lock_);
		return false;
	}
	bide_cancel_detach_locked_(node);
	child = node->child;
	if (!child) {
		callback_call(node, error, me);
		return true;
	}
	alive = bide_cancel_core_try_ref_(child);
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
	if (alive && bide_cancel_core_mark_(child, error)) {
		child->next = *work;
		*work = child;
	} else if (alive) {
		bide_cancel_core_unref_(child);
	}
	return true;
}

/* The caller has a reference on the core. What fired may be gone when its function returns. */
static void operations_fire(bide_cancel_core *core, int error)
{
	bide_cancel_node *node;

	while ((node = bide_cancel_operation_take_(core)) != NULL)
		node->fire(node, error);
}

static void operations_posted(bide_post *post);

/*
 * Fires all cores on the work list, and drops its references on them. What a fired function cancels
 * in turn is added to the list.
 */
static void walk(bide_cancel_core *work)
{
	bide_thread_head *head = bide_thread_();
	/* NULL if there is no memory for a record. Then nested cancellations recurse. */
	bide_thread *thread = head ? bide_thread_of_(head) : NULL;

	while (work) {
		bide_cancel_core *now = work;

		work = now->next;
		while (callback_fire(now, now->error, &work))
			;
		if (!bide_cancel_core_has_operations_(now)) {
			bide_cancel_core_unref_(now);
		} else if (bide_port_on_worker_()) {
			if (thread)
				thread->canceling = &work;
			operations_fire(now, now->error);
			if (thread)
				thread->canceling = NULL;
			bide_cancel_core_unref_(now);
		} else {
			now->post.run = operations_posted;
			bide_port_post_(&now->post); /* The reference goes with it. */
		}
	}
}

static void operations_posted(bide_post *post)
{
	bide_cancel_core *core = BIDE_CONTAINER_(post, bide_cancel_core, post);

	core->next = NULL;
	walk(core); /* Its callbacks have fired. */
}

void bide_cancel_core_fire_marked_(bide_cancel_core *core)
{
	bide_thread_head *head = bide_thread_();
	bide_cancel_core **outer = head ? bide_thread_of_(head)->canceling : NULL;

	BIDE_ASSERT_(core->error != 0);
	BIDE_ASSERT_IN_DEBUG_(bide_cancel_lists_are_valid_(core));
	bide_cancel_core_ref_(core);
	core->next = outer ? *outer : NULL;
	if (outer)
		*outer =
			core; /* A fired operation cancels: the walk that fired it goes on with this core. */
	else
		walk(core);
}

bool bide_cancel_core_fire_(bide_cancel_core *core, int error)
{
	if (!bide_cancel_core_mark_(core, error))
		return false;
	bide_cancel_core_fire_marked_(core);
	return true;
}
