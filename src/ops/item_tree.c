/*
 * item_tree.c - see item_tree.h.
 */
#include "ops/item_tree.h"

#include "base/assert.h"
#include "source/source.h"

static bide_item_link_ *children(bide_value_task *items, bide_item_link_ node)
{
	return (bide_item_link_ *)(void *)&items[node - 1].payload;
}

static uintptr_t key_of(const bide_value_task *items, bide_item_link_ node)
{
	return items[node - 1].state;
}

static uint64_t priority_of(const bide_value_task *items, bide_item_link_ node)
{
	uint64_t hash = (uint64_t)key_of(items, node) * UINT64_C(0x9E3779B97F4A7C15);

	return (hash ^ hash >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
}

/* Splits the subtree where the node goes into what is lower and what is higher. */
static void add(bide_item_link_ *root, bide_value_task *items, bide_item_link_ node)
{
	uint64_t priority = priority_of(items, node);
	uintptr_t key = key_of(items, node);
	bide_item_link_ *link = root, *lower, *higher, rest;

	while (*link && priority_of(items, *link) >= priority)
		link = &children(items, *link)[key_of(items, *link) < key];
	rest = *link;
	*link = node;
	lower = &children(items, node)[0];
	higher = &children(items, node)[1];
	while (rest) {
		bide_item_link_ **side = key_of(items, rest) < key ? &lower : &higher;

		**side = rest;
		*side = &children(items, rest)[side == &lower];
		rest = **side;
	}
	*lower = *higher = 0;
}

void bide_item_tree_make_(bide_item_link_ *root, bide_value_task *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bide_is_pending_(items[i]))
			add(root, items, (bide_item_link_)(i + 1));
}

size_t bide_item_tree_take_(bide_item_link_ *root, bide_value_task *items,
                            const bide_source *source)
{
	bide_item_link_ *link = root, node, lower, higher;

	while (*link && key_of(items, *link) != (uintptr_t)source)
		link = &children(items, *link)[key_of(items, *link) < (uintptr_t)source];
	node = *link;
	if (!node)
		return 0;
	lower = children(items, node)[0];
	higher = children(items, node)[1];
	while (lower && higher) {
		if (priority_of(items, lower) > priority_of(items, higher)) {
			*link = lower;
			link = &children(items, lower)[1];
			lower = *link;
		} else {
			*link = higher;
			link = &children(items, higher)[0];
			higher = *link;
		}
	}
	*link = lower ? lower : higher;
	return node - 1;
}

static bool node_is_valid(bide_item_link_ node, bide_value_task *items, size_t count)
{
	for (int i = 0; i < 2; i++) {
		bide_item_link_ child = children(items, node)[i];

		BIDE_INVARIANT_(child <= count && child != node);
		BIDE_INVARIANT_(!child || priority_of(items, child) <= priority_of(items, node));
	}
	return true;
}

bool bide_item_tree_is_valid_(bide_item_link_ root, bide_value_task *items, size_t count,
                              size_t left)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		bide_item_link_ node = root;
		size_t steps = 0;

		if (!bide_is_pending_(items[i]))
			continue;
		for (; node && node != i + 1; steps++) {
			BIDE_INVARIANT_(steps < left);
			node = children(items, node)[key_of(items, node) < items[i].state];
		}
		BIDE_INVARIANT_(node == i + 1);
		if (!node_is_valid(node, items, count))
			return false;
		found++;
	}
	BIDE_INVARIANT_(found == left);
	return true;
}
