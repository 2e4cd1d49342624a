/*
 * item_tree.h - finds the item of a source among many items that are pending.
 *
 * A treap by the addresses of the sources; its priorities are hashes of the addresses. It needs no
 * memory of its own: an item's payload, which is its generation while it is pending, holds its two
 * children instead. The source has the generation too, and the owner of the tree puts it back into
 * the items that are left.
 */
#ifndef BIDE_OPS_ITEM_TREE_H
#define BIDE_OPS_ITEM_TREE_H

#include "base/library.h"

/* The index of an item plus 1; 0: none. It lies in the memory of payloads. */
typedef uint32_t __attribute__((may_alias)) bide_item_link_;

/* Makes the tree of all items that are pending; count is less than UINT32_MAX. */
BIDE_INTERNAL void bide_item_tree_make_(bide_item_link_ *root, bide_value_task *items,
                                        size_t count);
/* Takes the item of the source out of the tree, and returns its index; 0 if it is not there. */
BIDE_INTERNAL size_t bide_item_tree_take_(bide_item_link_ *root, bide_value_task *items,
                                          const bide_source *source);
/*
 * Returns true if the tree has all `left` items that are pending, each where a search looks for it,
 * and no child has a higher priority than its parent.
 */
BIDE_INTERNAL bool bide_item_tree_is_valid_(bide_item_link_ root, bide_value_task *items,
                                            size_t count, size_t left);

#endif
