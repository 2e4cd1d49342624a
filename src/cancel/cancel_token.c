/*
 * cancel_token.c - tokens: whether one is canceled, and how callbacks find its source.
 */
#include "cancel/cancel_token.h"

#include "base/spin.h"
#include "cancel/cancel_cell.h"

/*
 * Of a token that has a cell. Returns NULL if its source has ended. While the caller holds the lock
 * of the callbacks the source cannot end; without the lock it may end at once.
 */
static bide_cancel_core *core_of(bide_cancel_token token)
{
	return bide_cancel_cell_core_(token.cell_, token.number_);
}

bool bide_cancel_token_is_canceled(bide_cancel_token token)
{
	return token.cell_ && bide_cancel_cell_is_canceled_(token.cell_, token.number_);
}

bool bide_cancel_token_can_be_canceled(bide_cancel_token token)
{
	return token.cell_ && (core_of(token) || bide_cancel_token_is_canceled(token));
}

bool bide_cancel_token_attach_locked_(bide_cancel_token token, bide_cancel_core *child,
                                      bide_cancel_node *node, int *error)
{
	bide_cancel_core *core = core_of(token);

	if (core) {
		*error = bide_cancel_attach_locked_(core, child, node);
		return true;
	}
	*error = bide_cancel_token_is_canceled(token) ? BIDE_ECANCELED_ : 0;
	return *error != 0;
}

void bide_cancel_token_attach_(bide_cancel_token token, bide_cancel_core *child,
                               bide_cancel_node *node)
{
	int error;

	node->core = NULL;
	if (!token.cell_)
		return;
	bide_spin_lock_(&bide_cancel_callbacks_lock_);
	(void)bide_cancel_token_attach_locked_(token, child, node, &error);
	bide_spin_unlock_(&bide_cancel_callbacks_lock_);
	if (error)
		bide_cancel_core_mark_(child, error);
}

bool bide_cancel_token_link_(bide_cancel_token token, bide_cancel_node *node,
                             void (*fire)(bide_cancel_node *node, int error), int *error)
{
	bide_cancel_core *core = NULL;

	node->core = NULL;
	if (token.cell_) {
		bide_spin_lock_(&bide_cancel_callbacks_lock_);
		core = core_of(token);
		if (core && !bide_cancel_core_try_ref_(core))
			core = NULL;
		bide_spin_unlock_(&bide_cancel_callbacks_lock_);
	}
	if (!core) {
		*error = bide_cancel_token_is_canceled(token) ? BIDE_ECANCELED_ : 0;
		return false;
	}
	*error = bide_cancel_link_(core, node, fire);
	bide_cancel_core_unref_(core); /* the node has a reference of its own */
	return *error == 0;
}
