/*
 * Pointers that hold one address only, wherever they have a value: locals, and members of the
 * frame. What is done through them, or with them, is done with what they point to.
 */
#include "flow.h"

#include <string.h>

struct pointer {
	struct pointer *next;
	int variable;   /* a local, or -1 */
	CXCursor field; /* a member of the frame */
	int target;     /* POINTS_TO_FRAME, or a local */
	bool known, several;
};

struct pointers {
	struct pointer *first;
	bool frame_is_given; /* to a function, which may assign its members */
};

static struct pointer *pointer_of(struct pointers *pointers, struct node *name, bool make)
{
	int variable = -1;
	CXCursor field = clang_getNullCursor();
	struct pointer *pointer = pointers->first;

	name = without_parentheses(name);
	if (name->kind == CXCursor_DeclRefExpr || name->kind == CXCursor_VarDecl)
		variable = name->variable;
	else if (name->kind == CXCursor_MemberRefExpr && name->child_count &&
	         is_frame_pointer(name->child[0]))
		field = clang_getCursorReferenced(name->cursor);
	if (!is_pointer(type_of(name)) || (variable < 0 && clang_Cursor_isNull(field)))
		return NULL;
	while (pointer && (pointer->variable != variable || !clang_equalCursors(pointer->field, field)))
		pointer = pointer->next;
	if (!pointer && make) {
		pointer = arena_take(sizeof *pointer);
		pointer->variable = variable;
		pointer->field = field;
		pointer->next = pointers->first;
		pointers->first = pointer;
	}
	return pointer;
}

struct pointed {
	int target, count;
};

static void keep_pointed(void *data, enum whose whose, int variable, struct node *at)
{
	struct pointed *pointed = data;

	(void)at;
	pointed->count++;
	if (whose == WHOSE_LOCAL)
		pointed->target = variable;
	else if (whose == WHOSE_FRAME)
		pointed->target = POINTS_TO_FRAME;
}

static bool is_null(const struct node *value)
{
	long long number;

	while (value->child_count && (value->kind == CXCursor_CStyleCastExpr ||
	                              value->kind == CXCursor_ParenExpr || is_implicit_cast(value)))
		value = value->child[value->child_count - 1];
	return value->kind == CXCursor_IntegerLiteral && constant_of(value, &number) && number == 0;
}

static void note_value(struct pointers *pointers, struct node *name, struct node *value)
{
	struct pointer *pointer = pointer_of(pointers, name, true);
	struct pointed pointed = { -1, 0 };

	if (!pointer || is_null(value))
		return;
	each_address(value, keep_pointed, &pointed);
	if (pointed.count != 1 || pointed.target == -1 ||
	    (pointer->known && pointer->target != pointed.target))
		pointer->several = true;
	pointer->known = true;
	pointer->target = pointed.target;
}

/* What bide's macros ask of each result. Its argument is not evaluated. */
static bool only_asks_for_the_type(const struct node *call)
{
	return strcmp(name_of(clang_getCursorReferenced(call->cursor)), "__builtin_classify_type") == 0;
}

static void collect_values(struct pointers *pointers, struct node *node)
{
	struct pointer *pointer = NULL;
	struct node *value;

	if (node->kind == CXCursor_VarDecl && node->variable >= 0) {
		value = initialiser_of(node);
		if (value)
			note_value(pointers, node, value);
	} else if (is_assignment(node)) {
		note_value(pointers, node->child[0], node->child[1]);
	} else if (takes_address(node)) {
		pointer = pointer_of(pointers, node->child[0], true);
	}
	if (pointer)
		pointer->several = true;
	if (node->kind == CXCursor_CallExpr && !only_asks_for_the_type(node))
		for (int i = 0; i < argument_count(node); i++)
			pointers->frame_is_given |= is_frame_pointer(argument_of(node, i));
	for (int i = 0; i < node->child_count; i++)
		collect_values(pointers, node->child[i]);
}

static void mark(struct pointers *pointers, struct node *node)
{
	struct pointer *pointer = NULL;

	if (node->kind == CXCursor_DeclRefExpr || node->kind == CXCursor_MemberRefExpr)
		pointer = pointer_of(pointers, node, false);
	if (pointer && pointer->known && !pointer->several &&
	    (pointer->variable >= 0 ||
	     (pointer->target == POINTS_TO_FRAME && !pointers->frame_is_given)))
		node->points_to = pointer->target;
	for (int i = 0; i < node->child_count; i++)
		mark(pointers, node->child[i]);
}

void follow_pointers(struct flow *flow)
{
	struct pointers pointers = { NULL, false };

	collect_values(&pointers, flow->function);
	mark(&pointers, flow->function);
}
