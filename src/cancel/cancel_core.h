/*
 * cancel_core.h - what can be canceled: a flag, and lists of what fires then.
 */
#ifndef BIDE_CANCEL_CANCEL_CORE_H
#define BIDE_CANCEL_CANCEL_CORE_H

#include "base/library.h"

/*
 * What can be canceled: a flag, and two lists of what to fire. Callbacks (registrations, sources
 * and contexts below) fire on the thread that cancels; operations on the worker. Reference counted;
 * embedded in cancel sources and contexts.
 */
typedef struct bide_cancel_core {
	uint32_t lock; /* of operations */
	uint32_t references;
	uint16_t error; /* 0, or what its operations fail with; atomic */
	bool is_context;
	bide_cancel_node *callbacks;   /* newest first; under the lock of all callbacks */
	bide_cancel_node *operations;  /* newest first */
	bide_post post;                /* to the worker, to fire the operations */
	struct bide_cancel_core *next; /* in the work list of a cancel */
	void (*destroy)(struct bide_cancel_core *core);
	struct bide_cancel_cell_ *cell; /* of a source: what its tokens point at; else NULL */
} bide_cancel_core;

BIDE_INTERNAL void bide_cancel_core_init_(bide_cancel_core *core,
                                          void (*destroy)(bide_cancel_core *core));
BIDE_INTERNAL void bide_cancel_core_ref_(bide_cancel_core *core);
/*
 * Takes a reference without already holding one; the memory must still be valid. false: the last
 * reference is gone.
 */
BIDE_INTERNAL bool bide_cancel_core_try_ref_(bide_cancel_core *core);
BIDE_INTERNAL void bide_cancel_core_unref_(bide_cancel_core *core);
/* Cancels it and all below it; true for the first. */
BIDE_INTERNAL bool bide_cancel_core_fire_(bide_cancel_core *core, int error);
/*
 * Makes child be canceled with parent; at once if the parent is. node: the child's; its fire field
 * stays NULL.
 */
BIDE_INTERNAL void bide_cancel_core_attach_(bide_cancel_core *parent, bide_cancel_core *child,
                                            bide_cancel_node *node);
/* The same to a token's source; false: the token is stale or none. */
BIDE_INTERNAL bool bide_cancel_token_attach_(bide_cancel_token token, bide_cancel_core *child,
                                             bide_cancel_node *node);
BIDE_INTERNAL void bide_cancel_detach_(bide_cancel_node *node);
/* A cancel source with a reference; else false, and misuse of `what` was reported. */
BIDE_INTERNAL bool bide_cancel_source_check_(const bide_cancel_source *source, const char *what);
/*
 * In two steps: counts as canceled now, with a reference; true: the first, which fires it then,
 * once, and gives the reference back.
 */
BIDE_INTERNAL bool bide_cancel_source_mark_(bide_cancel_source *source);
BIDE_INTERNAL void bide_cancel_source_fire_(bide_cancel_source *source);
/* At shutdown: the registrations of a source that was not given back are in no list any more. */
BIDE_INTERNAL void bide_cancel_leak_(bide_source *source);
/* In the child of a fork: no callback runs. */
BIDE_INTERNAL void bide_cancel_fork_(void);
/* Drops all callbacks without firing them. */
BIDE_INTERNAL void bide_cancel_core_clear_(bide_cancel_core *core);

/*
 * Adds an operation. 0; or the error of a core that is canceled already (then it is not added).
 * core may be NULL: 0.
 */
BIDE_INTERNAL int bide_cancel_link_(bide_cancel_core *core, bide_cancel_node *node,
                                    void (*fire)(bide_cancel_node *node, int error));
/*
 * Takes an operation out. true: it has not fired and will not (also one without a core). false: it
 * fires, or has. With one worker: there.
 */
BIDE_INTERNAL bool bide_cancel_unlink_(bide_cancel_node *node);
/* Once, when the operation ends: gives the node's reference on its core back. */
BIDE_INTERNAL void bide_cancel_drop_(bide_cancel_node *node);
/* It is registered. Of memory that may be anything. */
BIDE_INTERNAL bool bide_cancel_registration_lives_(const bide_cancel_registration *registration);

#endif
