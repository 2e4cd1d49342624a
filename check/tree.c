#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory */

enum { BLOCK_BYTES = 1 << 18 };

struct block {
	struct block *older;
	size_t used, size;
	_Alignas(16) char bytes[];
};

static struct block *newest_block;

void *arena_take(size_t size_bytes)
{
	struct block *block = newest_block;
	void *taken;

	size_bytes = (size_bytes + 15) & ~(size_t)15;
	if (!block || block->size - block->used < size_bytes) {
		size_t size = size_bytes > BLOCK_BYTES ? size_bytes : BLOCK_BYTES;

		block = malloc(sizeof *block + size);
		if (!block) {
			fputs("bide-check: no memory\n", stderr);
			exit(2);
		}
		block->older = newest_block;
		block->used = 0;
		block->size = size;
		newest_block = block;
	}
	taken = block->bytes + block->used;
	block->used += size_bytes;
	return memset(taken, 0, size_bytes);
}

void arena_reset(void)
{
	while (newest_block) {
		struct block *older = newest_block->older;

		free(newest_block);
		newest_block = older;
	}
}

/* ---- the copy */

struct children {
	struct node *parent;
	int room;
};

static struct node *node_of(CXCursor cursor, struct node *parent)
{
	struct node *node = arena_take(sizeof *node);

	node->cursor = cursor;
	node->kind = clang_getCursorKind(cursor);
	node->parent = parent;
	node->variable = node->points_to = -1;
	return node;
}

static enum CXChildVisitResult add_child(CXCursor cursor, CXCursor parent, CXClientData data)
{
	struct children *children = data;
	struct node *node = children->parent;

	(void)parent;
	if (node->child_count == children->room) {
		int room = children->room ? children->room * 2 : 4;
		struct node **grown = arena_take((size_t)room * sizeof(struct node *));

		if (node->child_count)
			memcpy(grown, node->child, (size_t)node->child_count * sizeof(struct node *));
		node->child = grown;
		children->room = room;
	}
	node->child[node->child_count++] = node_of(cursor, node);
	return CXChildVisit_Continue;
}

static void copy_children(struct node *node)
{
	struct children children = { node, 0 };

	clang_visitChildren(node->cursor, add_child, &children);
	for (int i = 0; i < node->child_count; i++)
		copy_children(node->child[i]);
}

struct node *tree_of(CXCursor root)
{
	struct node *node = node_of(root, NULL);

	copy_children(node);
	return node;
}

/* ---- what a node is */

const char *text_of(CXString string)
{
	const char *text = clang_getCString(string);
	size_t length = text ? strlen(text) : 0;
	char *copy = arena_take(length + 1);

	if (length)
		memcpy(copy, text, length + 1);
	clang_disposeString(string);
	return copy;
}

const char *name_of(CXCursor cursor)
{
	return text_of(clang_getCursorSpelling(cursor));
}

const char *callee_of(const struct node *call)
{
	return call->kind == CXCursor_CallExpr ? name_of(call->cursor) : "";
}

const char *spoken_callee_of(const struct node *call)
{
	const char *callee = callee_of(call);
	size_t length;
	char *name;

	if (!callee[0]) /* which function it is, its argument's type decides */
		callee = "bide_value_task_from";
	if (starts_with(callee, "bide_fork_push"))
		callee = "bide_async_fork";
	length = strlen(callee);
	if (ends_with(callee, "_begin_"))
		length -= strlen("_begin_");
	else if (ends_with(callee, "_cold_"))
		length -= strlen("_cold_");
	else if (starts_with(callee, "bide_select_") && ends_with(callee, "_"))
		length--; /* behind a macro */
	name = arena_take(length + 1);
	memcpy(name, callee, length);
	return name;
}

bool contains(const struct node *node, const struct node *below)
{
	while (below && below != node)
		below = below->parent;
	return below == node;
}

CXType type_of(const struct node *node)
{
	return clang_getCursorType(node->cursor);
}

CXType canonical_type_of(const struct node *node)
{
	return clang_getCanonicalType(clang_getCursorType(node->cursor));
}

bool is_expression(const struct node *node)
{
	return clang_isExpression(node->kind);
}

bool is_implicit_cast(const struct node *node)
{
	return node->kind == CXCursor_UnexposedExpr && node->child_count == 1 &&
	       is_expression(node->child[0]);
}

struct node *without_parentheses(struct node *node)
{
	while (node->kind == CXCursor_ParenExpr && node->child_count == 1)
		node = node->child[0];
	return node;
}

bool starts_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

void tree_dump(const struct node *node, int depth)
{
	CXFile file;
	unsigned line, column;

	clang_getFileLocation(clang_getCursorLocation(node->cursor), &file, &line, &column, NULL);
	printf("%*s%s '%s' <%s> %u:%u", depth * 2, "", text_of(clang_getCursorKindSpelling(node->kind)),
	       name_of(node->cursor), text_of(clang_getTypeSpelling(type_of(node))), line, column);
	if (node->variable >= 0)
		printf(" local %d", node->variable);
	putchar('\n');
	for (int i = 0; i < node->child_count; i++)
		tree_dump(node->child[i], depth + 1);
}
