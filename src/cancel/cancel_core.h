/*
 * cancel_core.h - what can be canceled: an error, and two lists of what fires then.
 *
 * Words of this folder:
 *   core          The part of a cancel source or of a context that can be canceled, once.
 *   node          An entry in a list of a core (bide_cancel_node).
 *   callback      What fires on the thread that cancels: a registration of the user's, or a core
 *                 below, which is canceled with this one.
 *   operation     What fires where its object may be touched: on any thread with many workers, on
 *                 the worker's thread with one. A delay and a wait for a task are operations.
 *   mark          To store the error, which makes a core canceled. The first mark counts.
 *   fire          To take a node out of its list and to call its function.
 *   cancel source The user's object that cancels. Its tokens are what others ask.
 *   token         A copyable word that refers to a cancel source, and owns nothing.
 *   cell          What tokens point at. It outlives its sources (cancel_cell.h).
 *   registration  A callback of the user's on a token.
 *   alarm         A timer with a listener, which its owner may stop (alarm.h).
 *   parties       What may still touch an object. The last to leave ends it.
 *
 * Two locks guard the lists. Neither is held while anything is called.
 *   - bide_cancel_callbacks_lock_ guards the callbacks of all cores. There is one for all cores, so
 *     that a registration can be taken out, or waited for, while its source may be gone.
 *   - core->lock guards the operations of a core, and the store of its error. It may be taken while
 *     the lock of the callbacks is held, never the other way round.
 */
#ifndef BIDE_CANCEL_CANCEL_CORE_H
#define BIDE_CANCEL_CANCEL_CORE_H

#include "base/library.h"

struct bide_cancel_cell_;

/* Embedded in cancel sources and contexts. Reference counted. */
typedef struct bide_cancel_core {
	uint32_t lock;
	uint32_t references; /* Atomic. */
	/*
	 * 0, or what the operations fail with. Atomic; stored once, under the lock. No operation is
	 * added afterwards.
	 */
	uint16_t error;
	bide_cancel_node *callbacks;  /* Newest first. Under the lock of the callbacks. */
	bide_cancel_node *operations; /* Newest first. Under the lock of this core. */
	/*
	 * With one worker, its way to the worker's thread: to fire the operations, and later, once the
	 * last reference is gone, to end the object.
	 */
	bide_post post;
	struct bide_cancel_core *next; /* In the work list of the thread that cancels. */
	void (*destroy)(struct bide_cancel_core *core); /* Ends the object that it is part of. */
	struct bide_cancel_cell_ *cell; /* What the tokens of a source point at. Else NULL. */
} bide_cancel_core;

/* --- the life of a core --- */

/* Starts with one reference. destroy runs when the last one is dropped. */
BIDE_INTERNAL void bide_cancel_core_init_(bide_cancel_core *core,
                                          void (*destroy)(bide_cancel_core *core));
BIDE_INTERNAL void bide_cancel_core_ref_(bide_cancel_core *core);
/*
 * Takes a reference without already holding one; the memory must still be valid. Returns false if
 * the last reference is gone.
 */
BIDE_INTERNAL bool bide_cancel_core_try_ref_(bide_cancel_core *core);
BIDE_INTERNAL void bide_cancel_core_unref_(bide_cancel_core *core);
/*
 * Stores the error. Returns true for the first. That caller must fire the lists
 * (bide_cancel_core_fire_marked_).
 */
BIDE_INTERNAL bool bide_cancel_core_mark_(bide_cancel_core *core, int error);

/* --- operations --- */

/* What the functions below do where there is a core. */
BIDE_INTERNAL int bide_cancel_link_core_(bide_cancel_core *core, bide_cancel_node *node);
BIDE_INTERNAL bool bide_cancel_unlink_core_(bide_cancel_node *node);
BIDE_INTERNAL void bide_cancel_node_unref_core_(bide_cancel_node *node);

/*
 * Adds an operation, whose node takes a reference on the core. Returns 0; or the error of a core
 * that is canceled already, and then it adds nothing. Without a core (NULL) it returns 0.
 */
static inline int bide_cancel_link_(bide_cancel_core *core, bide_cancel_node *node,
                                    void (*fire)(bide_cancel_node *node, int error))
{
	node->core = NULL;
	node->child = NULL;
	node->fire = fire;
	return core ? bide_cancel_link_core_(core, node) : 0;
}
/*
 * Takes an operation out. Returns true if it has not fired and will not, as one without a core
 * never does. Returns false if it has fired, or fires now. With one worker it must be called on the
 * worker's thread.
 */
static inline bool bide_cancel_unlink_(bide_cancel_node *node)
{
	return !node->core || bide_cancel_unlink_core_(node);
}
/* The operation ends: drops the node's reference on its core. Called once. */
static inline void bide_cancel_node_unref_(bide_cancel_node *node)
{
	if (node->core)
		bide_cancel_node_unref_core_(node);
}
/*
 * Takes the newest operation out of a marked core, to fire it. Returns NULL if none is left. The
 * caller has a reference on the core.
 */
BIDE_INTERNAL bide_cancel_node *bide_cancel_operation_take_(bide_cancel_core *core);
/* Asks a marked core, to which no thread adds: once it returns false, it always does. */
BIDE_INTERNAL bool bide_cancel_core_has_operations_(bide_cancel_core *core);

/* --- callbacks --- */

extern BIDE_INTERNAL uint32_t bide_cancel_callbacks_lock_;

/*
 * Makes child be canceled with parent; at once if the parent is canceled already. node belongs to
 * the child. Its `fire` stays NULL.
 */
BIDE_INTERNAL void bide_cancel_core_attach_(bide_cancel_core *parent, bide_cancel_core *child,
                                            bide_cancel_node *node);
/* Takes a callback out of its list, if it is in one. */
BIDE_INTERNAL void bide_cancel_detach_(bide_cancel_node *node);
/* Takes all callbacks out without firing them. */
BIDE_INTERNAL void bide_cancel_core_clear_(bide_cancel_core *core);
/*
 * Takes all callbacks out of a core that is not canceled. Returns false if it is; then it changes
 * nothing. A thread that cancels the core later finds no callbacks.
 */
BIDE_INTERNAL bool bide_cancel_core_clear_unless_canceled_(bide_cancel_core *core);

/* The caller of the following holds the lock of the callbacks. */

/*
 * Adds a callback to the parent's list, unless the parent is canceled. Returns the parent's error.
 * child may be NULL; then the caller sets node->fire.
 */
BIDE_INTERNAL int bide_cancel_attach_locked_(bide_cancel_core *parent, bide_cancel_core *child,
                                             bide_cancel_node *node);
/* Takes a callback out of its list, in which it is. */
BIDE_INTERNAL void bide_cancel_detach_locked_(bide_cancel_node *node);
BIDE_INTERNAL void bide_cancel_core_clear_locked_(bide_cancel_core *core);

/* --- checks --- */

/*
 * A walker: each node of both lists links back to the newer one, refers to this core, and has what
 * to fire. So a node that has fired is in no list. Takes both locks. The caller has a reference.
 */
BIDE_INTERNAL bool bide_cancel_lists_are_valid_(bide_cancel_core *core);

#endif
