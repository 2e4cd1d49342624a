#include "flow.h"

#include <string.h>

enum access { ACCESS_NONE, ACCESS_READ, ACCESS_WRITE, ACCESS_BOTH, ACCESS_ADDRESS };

static void walk_lvalue(struct flow *flow, struct node *node, enum access access);

static void walk_children(struct flow *flow, struct node *node, int first, enum use use)
{
	for (int i = first; i < node->child_count; i++)
		if (is_expression(node->child[i]))
			walk_expression(flow, node->child[i], use);
}

/* What is evaluated on the way to an lvalue: pointers and indices. */
static void walk_way_to(struct flow *flow, struct node *node)
{
	struct node *base = node->child_count ? node->child[0] : NULL;

	switch ((int)node->kind) {
	case CXCursor_MemberRefExpr:
		if (!base)
			break;
		if (is_pointer(type_of(base)))
			walk_expression(flow, base, USE_ADDRESS);
		else
			walk_lvalue(flow, base, ACCESS_NONE);
		break;
	case CXCursor_ArraySubscriptExpr:
		if (base && decays(base))
			walk_lvalue(flow, base->child[0], ACCESS_NONE);
		else if (base)
			walk_expression(flow, base, USE_ADDRESS);
		walk_children(flow, node, 1, USE_VALUE);
		break;
	case CXCursor_DeclRefExpr:
		break;
	case CXCursor_ParenExpr:
		walk_lvalue(flow, base, ACCESS_NONE);
		break;
	case CXCursor_UnaryOperator:
		walk_expression(flow, base, USE_ADDRESS);
		break;
	default:
		walk_expression(flow, node, USE_VALUE);
		break;
	}
}

static void walk_lvalue(struct flow *flow, struct node *node, enum access access)
{
	struct place place;

	walk_way_to(flow, node);
	if (access == ACCESS_NONE)
		return;
	place = place_of(node);
	if (access == ACCESS_READ || access == ACCESS_BOTH)
		flow_read(flow, &place, node);
	if (access == ACCESS_ADDRESS) /* what is done through it is not seen: filled, for all we know */
		place.element_unknown = true;
	if (access != ACCESS_READ && (access != ACCESS_ADDRESS || flow->begun))
		flow_write(flow, &place);
}

static bool is_lvalue_kind(const struct node *node)
{
	switch ((int)node->kind) {
	case CXCursor_ParenExpr:
		return node->child_count == 1 && is_lvalue_kind(node->child[0]);
	case CXCursor_UnaryOperator:
		return node->child_count == 1 && is_pointer(type_of(node->child[0])) &&
		       !takes_address(node) && !counts(node) && !is_pointer(type_of(node));
	case CXCursor_DeclRefExpr:
	case CXCursor_MemberRefExpr:
	case CXCursor_ArraySubscriptExpr:
		return true;
	default:
		return false;
	}
}

static void walk_unexposed(struct flow *flow, struct node *node, enum use use)
{
	struct node *inside;

	if (!is_implicit_cast(node)) {
		walk_children(flow, node, node->child_count > 2 ? 1 : 0, use);
		return;
	}
	inside = node->child[0];
	if (decays(node))
		walk_lvalue(flow, inside, use == USE_VALUE ? ACCESS_ADDRESS : ACCESS_NONE);
	else if (is_lvalue_kind(inside))
		walk_lvalue(flow, inside, ACCESS_READ);
	else
		walk_expression(flow, inside, use);
}

/* ---- assignments */

struct storing {
	struct flow *flow;
	struct node *at;
	CXCursor field;
};

static void store_address(void *data, enum whose whose, int variable, struct node *at)
{
	struct storing *storing = data;

	(void)at;
	if (whose == WHOSE_LOCAL || whose == WHOSE_LITERAL)
		flow_escape(storing->flow, variable, storing->at, storing->field);
}

static void walk_assignment(struct flow *flow, struct node *node)
{
	struct node *to = without_parentheses(node->child[0]), *value = node->child[1];
	struct place place = place_of(to);
	struct storing storing = { flow, node, clang_getNullCursor() };

	walk_expression(flow, value, USE_VALUE);
	check_delivered(flow, node);
	note_holder(flow, to, value);
	if (place.whose != WHOSE_LOCAL && !(to->kind == CXCursor_DeclRefExpr && to->variable >= 0)) {
		if (to->kind == CXCursor_MemberRefExpr) {
			storing.field = clang_getCursorReferenced(to->cursor);
			flow_overwrite_field(flow, storing.field);
		}
		if (!is_array(type_of(to)))
			each_address(value, store_address, &storing);
	}
	walk_lvalue(flow, node->child[0], ACCESS_WRITE);
}

/* ---- operators */

static bool has_effects(const struct node *node)
{
	if (is_assignment(node) || counts(node) || node->kind == CXCursor_CallExpr ||
	    node->kind == CXCursor_CompoundAssignOperator)
		return true;
	for (int i = 0; i < node->child_count; i++)
		if (has_effects(node->child[i]))
			return true;
	return false;
}

static void walk_operator(struct flow *flow, struct node *node, enum use use)
{
	struct state *without;

	if (is_assignment(node)) {
		walk_assignment(flow, node);
		return;
	}
	if (is_comma(node)) {
		walk_expression(flow, node->child[0], USE_NOTHING);
		walk_expression(flow, node->child[1], use);
		return;
	}
	if (node->child_count != 2) {
		walk_children(flow, node, 0, use);
		return;
	}
	walk_expression(flow, node->child[0], use);
	if (canonical_type_of(node).kind != CXType_Int || !has_effects(node->child[1])) {
		walk_expression(flow, node->child[1], use);
		return;
	}
	without = state_copy(flow, flow->now); /* && and || may not come to their right side */
	walk_expression(flow, node->child[1], use);
	state_join(flow, flow->now, without);
}

static void walk_unary(struct flow *flow, struct node *node, enum use use)
{
	if (node->child_count != 1)
		return;
	if (takes_address(node))
		walk_lvalue(flow, node->child[0], use == USE_ADDRESS ? ACCESS_NONE : ACCESS_ADDRESS);
	else if (counts(node))
		walk_lvalue(flow, node->child[0], ACCESS_BOTH);
	else
		walk_expression(flow, node->child[0], use);
}

static void walk_conditional(struct flow *flow, struct node *node, enum use use)
{
	struct state *other;

	if (node->child_count != 3) {
		walk_children(flow, node, 0, use);
		return;
	}
	walk_expression(flow, node->child[0], USE_VALUE);
	other = state_copy(flow, flow->now);
	walk_expression(flow, node->child[1], use);
	{
		struct state *after = flow->now;

		flow->now = other;
		walk_expression(flow, node->child[2], use);
		state_join(flow, flow->now, after);
	}
}

/* ---- calls */

struct passing {
	struct flow *flow;
	struct node *call;
	int argument;
	bool starts;
};

static void pass_address(void *data, enum whose whose, int variable, struct node *at)
{
	struct passing *passing = data;
	struct node *lvalue = at;
	struct place place;

	if (whose != WHOSE_LOCAL)
		return;
	place = place_of(lvalue);
	if (place.variable != variable) {
		place = (struct place){ WHOSE_LOCAL, variable, -1, false, true };
	}
	if (passing->starts)
		flow_write(passing->flow, &place);
	else
		flow_pass(passing->flow, &place, at, passing->call, passing->argument);
}

static void walk_call(struct flow *flow, struct node *call)
{
	struct passing passing = { flow, call, 0, is_awaitable(type_of(call)) };

	if (!call->child_count)
		return;
	walk_expression(flow, call->child[0], USE_VALUE);
	for (int i = 0; i < argument_count(call); i++)
		walk_expression(flow, argument_of(call, i), USE_ADDRESS);
	for (int i = 0; i < argument_count(call); i++) {
		passing.argument = i;
		each_address(argument_of(call, i), pass_address, &passing);
	}
	if (passing.starts)
		check_start(flow, call);
	else
		check_wait(flow, call);
	check_large(flow, call);
}

/* The last one: what stands before it belongs to __typeof__. */
static void walk_last(struct flow *flow, struct node *node, enum use use)
{
	for (int i = node->child_count - 1; i >= 0; i--)
		if (is_expression(node->child[i])) {
			walk_expression(flow, node->child[i], use);
			return;
		}
}

void walk_expression(struct flow *flow, struct node *node, enum use use)
{
	switch ((int)node->kind) {
	case CXCursor_UnexposedExpr:
		walk_unexposed(flow, node, use);
		break;
	case CXCursor_BinaryOperator:
		walk_operator(flow, node, use);
		break;
	case CXCursor_CompoundAssignOperator:
		walk_expression(flow, node->child[1], USE_VALUE);
		walk_lvalue(flow, node->child[0], ACCESS_BOTH);
		break;
	case CXCursor_UnaryOperator:
		walk_unary(flow, node, use);
		break;
	case CXCursor_ConditionalOperator:
		walk_conditional(flow, node, use);
		break;
	case CXCursor_CallExpr:
		walk_call(flow, node);
		break;
	case CXCursor_StmtExpr:
		for (int i = 0; i < node->child_count; i++)
			walk_statement(flow, node->child[i]);
		break;
	case CXCursor_MemberRefExpr:
	case CXCursor_ArraySubscriptExpr:
		walk_way_to(flow, node);
		break;
	case CXCursor_UnaryExpr: /* sizeof: not evaluated */
	case CXCursor_DeclRefExpr:
		break;
	case CXCursor_GenericSelectionExpr: /* the first is not evaluated */
		walk_children(flow, node, 1, use);
		break;
	case CXCursor_CStyleCastExpr:
	case CXCursor_CompoundLiteralExpr:
		walk_last(flow, node, use);
		break;
	default:
		walk_children(flow, node, 0, use);
		break;
	}
}
