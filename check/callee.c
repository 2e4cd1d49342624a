#include "callee.h"

#include <string.h>

#include "places.h"

struct known {
	struct known *next;
	CXCursor function;
	int argument;
	enum use_of_pointer use;
};

static struct known *known_uses;

void callees_forget(void)
{
	known_uses = NULL;
}

struct search {
	CXCursor parameter;
	enum use_of_pointer use;
};

static bool is_parameter(const struct node *node, CXCursor parameter)
{
	while ((node->kind == CXCursor_ParenExpr || is_implicit_cast(node)) && node->child_count == 1)
		node = node->child[0];
	return node->kind == CXCursor_DeclRefExpr &&
	       clang_equalCursors(clang_getCursorReferenced(node->cursor), parameter);
}

/* *p, p->member, p[index], and members and elements of these. */
static bool is_behind(struct node *node, CXCursor parameter)
{
	node = without_parentheses(node);
	switch ((int)node->kind) {
	case CXCursor_UnaryOperator:
	case CXCursor_ArraySubscriptExpr:
	case CXCursor_MemberRefExpr:
		return node->child_count &&
		       (is_parameter(node->child[0], parameter) || is_behind(node->child[0], parameter));
	case CXCursor_UnexposedExpr:
		return decays(node) && is_behind(node->child[0], parameter);
	default:
		return false;
	}
}

/* In the order in which it runs, branches one after the other: the first access decides. */
static void search_access(struct node *node, struct search *search)
{
	struct node *inside;

	if (search->use || node->kind == CXCursor_UnaryExpr)
		return;
	if (is_assignment(node)) {
		search_access(node->child[1], search);
		if (!search->use && is_behind(node->child[0], search->parameter))
			search->use = POINTER_FILLED;
		else
			search_access(node->child[0], search);
		return;
	}
	if (node->kind == CXCursor_CompoundAssignOperator || counts(node)) {
		for (int i = node->child_count - 1; i >= 0; i--)
			search_access(node->child[i], search);
		if (!search->use && is_behind(node->child[0], search->parameter))
			search->use = POINTER_READ;
		return;
	}
	inside = is_implicit_cast(node) ? without_parentheses(node->child[0]) : NULL;
	if (inside && !decays(node) && is_behind(inside, search->parameter)) {
		search->use = POINTER_READ;
		return;
	}
	for (int i = 0; i < node->child_count; i++)
		search_access(node->child[i], search);
}

static enum use_of_pointer use_in(CXCursor definition, int argument)
{
	struct search search = { clang_Cursor_getArgument(definition, (unsigned)argument),
		                     POINTER_UNKNOWN };
	struct node *function;

	if (clang_Cursor_isNull(search.parameter))
		return POINTER_UNKNOWN;
	function = tree_of(definition);
	for (int i = 0; i < function->child_count; i++)
		if (function->child[i]->kind == CXCursor_CompoundStmt)
			search_access(function->child[i], &search);
	return search.use;
}

enum use_of_pointer use_of_argument(const struct node *call, int argument)
{
	CXCursor definition = clang_getCursorDefinition(clang_getCursorReferenced(call->cursor));
	struct known *known = known_uses;

	if (clang_getCursorKind(definition) != CXCursor_FunctionDecl)
		return POINTER_UNKNOWN;
	while (known &&
	       (known->argument != argument || !clang_equalCursors(known->function, definition)))
		known = known->next;
	if (!known) {
		known = arena_take(sizeof *known);
		known->function = definition;
		known->argument = argument;
		known->use = use_in(definition, argument);
		known->next = known_uses;
		known_uses = known;
	}
	return known->use;
}
