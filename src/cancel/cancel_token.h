/*
 * cancel_token.h - puts callbacks into the list of a token's source.
 */
#ifndef BIDE_CANCEL_CANCEL_TOKEN_H
#define BIDE_CANCEL_CANCEL_TOKEN_H

#include "cancel/cancel_core.h"

/*
 * Makes child be canceled with the token's source; at once if that is canceled, or was before it
 * ended. Otherwise, if the source has ended or the token has none, it leaves node->core NULL.
 */
BIDE_INTERNAL void bide_cancel_token_attach_(bide_cancel_token token, bide_cancel_core *child,
                                             bide_cancel_node *node);
/*
 * The same for a caller that holds the lock of the callbacks, and a token that has a source. Sets
 * *error to the error of a source that is or was canceled, and otherwise to 0. Then the node is in
 * no list. Returns false if the source has ended without having been canceled.
 */
BIDE_INTERNAL bool bide_cancel_token_attach_locked_(bide_cancel_token token,
                                                    bide_cancel_core *child, bide_cancel_node *node,
                                                    int *error);

/*
 * Adds an operation to the token's source (bide_cancel_link_). Returns true if it did. Otherwise
 * *error is the error of a source that is or was canceled; or 0, and it never will be.
 */
BIDE_INTERNAL bool bide_cancel_token_link_(bide_cancel_token token, bide_cancel_node *node,
                                           void (*fire)(bide_cancel_node *node, int error),
                                           int *error);

#endif
