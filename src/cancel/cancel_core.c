/*
 * cancel_core.c - the life of cores, and their lists. See cancel_core.h.
 */
#include "cancel/cancel_core.h"

#include "base/assert.h"
#include "base/spin.h"
#include "cancel/cancel_cell.h"

uint32_t bide_cancel_callbacks_lock_;

static void list_add(bide_cancel_node **newest, bide_cancel_node *node, bide_cancel_core *core)
{
	BIDE_ASSERT_(!*newest || !(*newest)->newer);
	node->newer = NULL;
	node->older = *newest;
	if (*newest)
		(*newest)->newer = node;
	*newest = node;
	node->core = core;
}

static void list_remove(bide_cancel_node **newest, bide_cancel_node *node)
{
	BIDE_ASSERT_((node->newer ? node->newer->older : *newest) == node);
	BIDE_ASSERT_(!node->older || node->older->newer == node);
	*(node->newer ? &node->newer->older : newest) = node->older;
	if (node->older)
		node->older->newer = node->newer;
}

/* --- the life of a core --- */

void bide_cancel_core_init_(bide_cancel_core *core, void (*destroy)(bide_cancel_core *core))
{
	core->lock = 0;
	core->references = 1;
	core->error = 0;
	core->callbacks = core->operations = NULL;
	core->next = NULL;
	core->destroy = destroy;
	core->cell = NULL;
}

void bide_cancel_core_ref_(bide_cancel_core *core)
{
	uint32_t before = BIDE_ADD(&core->references, 1, RELAXED);

	(void)before; /* A release build does not evaluate the assertion. */
	BIDE_ASSERT_(before != 0);
}

bool bide_cancel_core_try_ref_(bide_cancel_core *core)
{
	uint32_t seen = BIDE_LOAD(&core->references, RELAXED);

	while (seen != 0)
		if (BIDE_CAS(&core->references, &seen, seen + 1, RELAXED, RELAXED))
			return true;
	return false;
}

void bide_cancel_core_unref_(bide_cancel_core *core)
{
	/* The last one sees what all others did. */
	uint32_t before = BIDE_SUB(&core->references, 1, ACQ_REL);

	BIDE_ASSERT_(before != 0);
	if (before != 1)
		return;
	BIDE_ASSERT_(!core->operations); /* Each of them has a reference. */
	core->destroy(core);
}

bool bide_cancel_core_mark_(bide_cancel_core *core, int error)
{
	bool first;

	BIDE_ASSERT_(error > 0 && error <= BIDE_ERROR_MAX);
	bide_spin_lock_(&core->lock);
	first = core->error == 0;
	if (first && core->cell)
		bide_cancel_cell_mark_(core->cell);
	if (first)
		BIDE_STORE(&core->error, (uint16_t)error, RELEASE); /* Pairs with the loads of queries. */
	bide_spin_unlock_(&core->lock);
	return first;
}

/* --- operations --- */

/*
 * The node of an operation keeps its `core`, with a reference, until the operation ends. So the
 * party that ends the operation may look at the list without knowing whether it was canceled. The
 * `newer` of a node that is in no list is the node itself.
 */
static void operation_remove(bide_cancel_core *core, bide_cancel_node *node)
{
	list_remove(&core->operations, node);
	node->newer = node;
}

int bide_cancel_link_core_(bide_cancel_core *core, bide_cancel_node *node)
{
	int error;

	bide_cancel_core_ref_(core);
	bide_spin_lock_(&core->lock);
	error = BIDE_LOAD(&core->error, RELAXED); /* Stored under the lock. */
	if (!error)
		list_add(&core->operations, node, core);
	bide_spin_unlock_(&core->lock);
	if (error)
		bide_cancel_core_unref_(core);
	return error;
}

bool bide_cancel_unlink_core_(bide_cancel_node *node)
{
	bide_cancel_core *core = node->core;
	bool linked;

	bide_spin_lock_(&core->lock);
	linked = node->newer != node;
	if (linked)
		operation_remove(core, node);
	bide_spin_unlock_(&core->lock);
	return linked;
}

void bide_cancel_node_unref_core_(bide_cancel_node *node)
{
	bide_cancel_core *core = node->core;

	BIDE_ASSERT_(node->newer == node); /* It has fired, or was taken out. */
	node->core = NULL;
	bide_cancel_core_unref_(core);
}

bide_cancel_node *bide_cancel_operation_take_(bide_cancel_core *core)
{
	bide_cancel_node *node;

	bide_spin_lock_(&core->lock);
	node = core->operations;
	if (node)
		operation_remove(core, node);
	bide_spin_unlock_(&core->lock);
	return node;
}

bool bide_cancel_core_has_operations_(bide_cancel_core *core)
{
	bool has;

	bide_spin_lock_(&core->lock); /* Another thread may be taking one out. */
	has = core->operations != NULL;
	bide_spin_unlock_(&core->lock);
	return has;
}

/* --- callbacks --- */

int bide_cancel_attach_locked_(bide_cancel_core *parent, bide_cancel_core *child,
                               bide_cancel_node *node)
{
	int error = BIDE_LOAD(&parent->error, ACQUIRE); /* Pairs with bide_cancel_core_mark_. */

	BIDE_ASSERT_UNEXPLORED_(bide_spin_is_held_(&bide_cancel_callbacks_lock_));
	node->child = child;
	node->fire = NULL;
	node->core = NULL;
	/*
	 * If the parent is marked after this load, the thread that marks it takes the lock later, to
	 * fire the callbacks, and finds the node.
	 */
	if (!error)
		list_add(&parent->callbacks, node, parent);
	return error;
}

void bide_cancel_detach_locked_(bide_cancel_node *node)
{
	BIDE_ASSERT_UNEXPLORED_(bide_spin_is_held_(&bide_cancel_callbacks_lock_));
	list_remove(&node->core->callbacks, node);
	node->core = NULL;
}

void bide_cancel_core_clear_locked_(bide_cancel_core *core)
{
	bide_cancel_node *node;

	BIDE_ASSERT_UNEXPLORED_(bide_spin_is_held_(&bide_cancel_callbacks_lock_));
	while ((node = core->callbacks) != NULL) {
		list_remove(&core->callbacks, node);
		node->core = NULL;
	}
}

void bide_cancel_core_attach_(bide_cancel_core *parent, bide_cancel_core *child,
                              bide_cancel_node *node)
{
	int error;

	bide_spin_lock_(&bide_cancel_callbacks_lock_);
	error = bide_cancel_attach_locked_(parent, child, node);
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
	if (error)
		bide_cancel_core_mark_(child, error);
}

void bide_cancel_detach_(bide_cancel_node *node)
{
	bide_spin_lock_(&bide_cancel_callbacks_lock_);
	if (node->core)
		bide_cancel_detach_locked_(node);
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
}

void bide_cancel_core_clear_(bide_cancel_core *core)
{
	bide_spin_lock_(&bide_cancel_callbacks_lock_);
	bide_cancel_core_clear_locked_(core);
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
}

bool bide_cancel_core_clear_unless_canceled_(bide_cancel_core *core)
{
	bool canceled;

	bide_spin_lock_(&bide_cancel_callbacks_lock_);
	bide_spin_lock_(&core->lock);
	canceled = BIDE_LOAD(&core->error, RELAXED) != 0;
	if (!canceled)
		bide_cancel_core_clear_locked_(core);
	bide_spin_unlock_(&core->lock);
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
	return !canceled;
}

/* --- checks --- */

/*
 * Called under the lock of the list. A list in which each node links back to the one before is no
 * circle: two nodes would have to link to the same older one.
 */
static bool list_is_valid(const bide_cancel_node *newest, const bide_cancel_core *core)
{
	const bide_cancel_node *newer = NULL;

	for (const bide_cancel_node *node = newest; node; newer = node, node = node->older) {
		BIDE_INVARIANT_(node->newer == newer);
		BIDE_INVARIANT_(node->core == core);
		BIDE_INVARIANT_((node->fire != NULL) != (node->child != NULL));
		BIDE_INVARIANT_(node->child != core);
	}
	return true;
}

bool bide_cancel_lists_are_valid_(bide_cancel_core *core)
{
	bool valid;

	bide_spin_lock_(&bide_cancel_callbacks_lock_);
	valid = list_is_valid(core->callbacks, core);
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
	bide_spin_lock_(&core->lock);
	valid = list_is_valid(core->operations, core) && valid;
	bide_spin_unlock_(&core->lock);
	return valid;
}
