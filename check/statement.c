#include "flow.h"

#include <string.h>

/* ---- labels and targets */

static struct label *label_of(struct flow *flow, const char *name)
{
	for (int i = 0; i < flow->label_count; i++)
		if (strcmp(flow->labels[i].name, name) == 0)
			return &flow->labels[i];
	if (flow->label_count == LABELS_MAX)
		return &flow->labels[LABELS_MAX - 1]; /* shared: too many to tell them apart */
	flow->labels[flow->label_count].name = name;
	flow->labels[flow->label_count].heard = state_new(flow);
	return &flow->labels[flow->label_count++];
}

static void leave(struct flow *flow)
{
	flow->now = state_new(flow);
}

static void push(struct flow *flow, struct target *target, bool is_switch)
{
	memset(target, 0, sizeof *target);
	target->outer = flow->target;
	target->is_switch = is_switch;
	target->at_break = state_new(flow);
	target->at_continue = state_new(flow);
	flow->target = target;
}

static struct target *switch_of(struct flow *flow)
{
	struct target *target = flow->target;

	while (target && !target->is_switch)
		target = target->outer;
	return target;
}

static void walk_jump(struct flow *flow, struct node *node)
{
	struct target *target = flow->target;

	if (node->kind == CXCursor_GotoStmt) {
		if (node->child_count) {
			struct label *label = label_of(flow, name_of(node->child[0]->cursor));

			flow->changed |= state_join(flow, label->heard, flow->now);
		}
	} else if (node->kind == CXCursor_ContinueStmt) {
		while (target && target->is_switch)
			target = target->outer;
		if (target)
			state_join(flow, target->at_continue, flow->now);
	} else if (target && node->kind == CXCursor_BreakStmt) {
		state_join(flow, target->at_break, flow->now);
	}
	leave(flow);
}

/* ---- places to resume */

static bool is_resume_value(const struct node *value)
{
	long long number;

	return constant_of(value, &number) && number > 0x100000000LL;
}

/* A case; clang gets two of them, one inside the other. */
static bool is_resume(const struct node *node)
{
	if (node->kind == CXCursor_LabelStmt)
		return starts_with(name_of(node->cursor), "bide_resume_") &&
		       strcmp(name_of(node->cursor), "bide_resume_return_point_") != 0;
	while (node->kind == CXCursor_CaseStmt && node->child_count >= 2) {
		if (is_resume_value(node->child[0]))
			return true;
		node = node->child[node->child_count - 1];
	}
	return false;
}

static void walk_resume(struct flow *flow, struct node *node)
{
	struct target *target = switch_of(flow);

	if (!flow->suspended)
		return;
	flow->now = flow->suspended;
	flow->suspended = NULL;
	flow_await(flow, node);
	if (node->kind == CXCursor_LabelStmt)
		return;
	if (target && !target->is_body)
		check_awaited_in_switch(flow, node);
}

/* A return that ends the run of the body. */
static void walk_return(struct flow *flow, struct node *node, bool resumes)
{
	for (int i = 0; i < node->child_count; i++)
		if (is_expression(node->child[i]))
			walk_expression(flow, node->child[i], USE_VALUE);
	if (resumes)
		flow->suspended = state_copy(flow, flow->now);
	else if (flow->in_cleanup && flow->now->reachable && !flow->returning)
		for (int i = 0; i < flow->start_count; i++)
			if (flow->now->open >> i & 1)
				flow->starts[i].ended = true;
	leave(flow);
}

static void walk_label(struct flow *flow, struct node *node)
{
	const char *name = name_of(node->cursor);
	struct label *label = label_of(flow, name);

	if (is_resume(node))
		walk_resume(flow, node);
	state_join(flow, flow->now, label->heard);
	if (is_finally(name))
		flow->in_cleanup = true;
	if (flow->pass == 0)
		check_jumped_over(flow, node, is_resume(node));
	for (int i = 0; i < node->child_count; i++)
		walk_statement(flow, node->child[i]);
}

static void walk_case(struct flow *flow, struct node *node)
{
	struct target *target = switch_of(flow);

	if (is_resume(node)) {
		walk_resume(flow, node);
		if (flow->pass == 0)
			check_jumped_over(flow, node, is_resume(node));
	} else if (target) {
		state_join(flow, flow->now, target->at_case);
	}
	if (node->child_count)
		walk_statement(flow, node->child[node->child_count - 1]);
}

/* ---- declarations */

static void walk_declaration(struct flow *flow, struct node *node)
{
	for (int i = 0; i < node->child_count; i++) {
		struct node *variable = node->child[i], *value;

		if (variable->kind != CXCursor_VarDecl)
			continue;
		value = initialiser_of(variable);
		if (value) {
			walk_expression(flow, value, USE_VALUE);
			note_holder(flow, variable, value);
		}
		if (variable->variable >= 0)
			flow_declare(flow, variable->variable, value != NULL);
	}
}

/* ---- branches and loops */

static bool is_constant(struct node *condition, bool wanted)
{
	long long value;

	return constant_of(condition, &value) && (value != 0) == wanted;
}

static void walk_if(struct flow *flow, struct node *node)
{
	struct state *other, *after;

	if (node->child_count < 2)
		return;
	walk_expression(flow, node->child[0], USE_VALUE);
	other = state_copy(flow, flow->now);
	if (is_constant(node->child[0], false))
		leave(flow);
	else if (is_constant(node->child[0], true))
		other->reachable = false;
	walk_statement(flow, node->child[1]);
	after = flow->now;
	flow->now = other;
	if (node->child_count > 2)
		walk_statement(flow, node->child[2]);
	state_join(flow, flow->now, after);
}

struct loop {
	struct node *before, *condition, *body, *step;
	bool body_first;
};

/*
 * A loop that sets the elements of an array is taken to run: what it does at the end of a round
 * holds behind it.
 */
static void trust_filled_arrays(const struct flow *flow, struct state *out, const struct state *end)
{
	for (int i = 0; end->reachable && i < flow->variable_count; i++)
		if (is_array(clang_getCursorType(flow->variables[i].cursor)) &&
		    !(end->slot[i].flags & SLOT_LOST))
			out->slot[i].flags &= ~(unsigned)SLOT_LOST;
}

static void walk_loop(struct flow *flow, struct node *node, const struct loop *loop)
{
	struct target target;
	struct state *out;

	if (loop->before)
		walk_statement(flow, loop->before);
	if (!node->heard)
		node->heard = state_new(flow);
	state_join(flow, node->heard, flow->now);
	flow->now = state_copy(flow, node->heard);
	push(flow, &target, false);
	out = state_new(flow);
	if (!loop->body_first) {
		if (loop->condition)
			walk_expression(flow, loop->condition, USE_VALUE);
		if (loop->condition && !is_constant(loop->condition, true))
			state_join(flow, out, flow->now);
	}
	walk_statement(flow, loop->body);
	state_join(flow, flow->now, target.at_continue);
	if (loop->step)
		walk_expression(flow, loop->step, USE_NOTHING);
	if (loop->body_first) {
		walk_expression(flow, loop->condition, USE_VALUE);
		if (!is_constant(loop->condition, true))
			state_join(flow, out, flow->now);
		if (is_constant(loop->condition, false))
			leave(flow);
	}
	trust_filled_arrays(flow, out, flow->now);
	flow->changed |= state_join(flow, node->heard, flow->now);
	state_join(flow, out, target.at_break);
	flow->target = target.outer;
	flow->now = out;
}

/* How many semicolons stand between the two in the source; -1: that cannot be told, in a macro. */
static int semicolons_between(struct node *from, struct node *to)
{
	CXTranslationUnit unit = clang_Cursor_getTranslationUnit(from->cursor);
	CXFile file, other_file;
	unsigned begin, end, count, found = 0;
	CXToken *tokens = NULL;

	clang_getFileLocation(clang_getCursorLocation(from->cursor), &file, NULL, NULL, &begin);
	clang_getFileLocation(clang_getRangeStart(clang_getCursorExtent(to->cursor)), &other_file, NULL,
	                      NULL, &end);
	if (!clang_File_isEqual(file, other_file) || begin >= end)
		return -1;
	clang_tokenize(unit,
	               clang_getRange(clang_getLocationForOffset(unit, file, begin),
	                              clang_getLocationForOffset(unit, file, end)),
	               &tokens, &count);
	for (unsigned i = 0; i < count; i++)
		if (strcmp(text_of(clang_getTokenSpelling(unit, tokens[i])), ";") == 0)
			found++;
	clang_disposeTokens(unit, tokens, count);
	return (int)found;
}

/* libclang leaves out the parts that are not there, and does not tell which. */
static void walk_for(struct flow *flow, struct node *node)
{
	struct loop loop = { NULL, NULL, NULL, NULL, false };
	int count = node->child_count - 1;

	if (count < 0)
		return;
	loop.body = node->child[count];
	for (int i = 0; i < count; i++) {
		struct node *part = node->child[i];
		int place = count == 3 ? i : semicolons_between(node, part);

		if (place == 0 || part->kind == CXCursor_DeclStmt)
			loop.before = part;
		else if (place == 2 || (place < 0 && (counts(part) || is_assignment(part))))
			loop.step = part;
		else
			loop.condition = part;
	}
	walk_loop(flow, node, &loop);
}

static bool mentions(const struct node *node, const char *name)
{
	if (node->kind == CXCursor_DeclRefExpr && strcmp(name_of(node->cursor), name) == 0)
		return true;
	for (int i = 0; i < node->child_count; i++)
		if (mentions(node->child[i], name))
			return true;
	return false;
}

static bool has_default(const struct node *node)
{
	if (node->kind == CXCursor_DefaultStmt)
		return true;
	for (int i = 0; i < node->child_count; i++)
		if (node->child[i]->kind != CXCursor_SwitchStmt && !is_expression(node->child[i]) &&
		    has_default(node->child[i]))
			return true;
	return false;
}

static void walk_switch(struct flow *flow, struct node *node)
{
	struct target target;

	if (node->child_count < 2)
		return;
	walk_expression(flow, node->child[0], USE_VALUE);
	push(flow, &target, true);
	target.at_case = state_copy(flow, flow->now);
	if (mentions(node->child[0], "point_")) {
		target.is_body = flow->begun = flow->jumps = true;
	} else if (!has_default(node->child[1])) {
		state_join(flow, target.at_break, flow->now);
	}
	leave(flow);
	walk_statement(flow, node->child[1]);
	state_join(flow, flow->now, target.at_break);
	flow->target = target.outer;
}

static void walk_block(struct flow *flow, struct node *block)
{
	for (int i = 0; i < block->child_count; i++) {
		struct node *statement = block->child[i];

		if (statement->kind == CXCursor_ReturnStmt)
			walk_return(flow, statement,
			            i + 1 < block->child_count && is_resume(block->child[i + 1]));
		else
			walk_statement(flow, statement);
	}
}

static void walk_do(struct flow *flow, struct node *node)
{
	struct loop loop = { NULL, NULL, NULL, NULL, true };
	bool returns = is_async_return(node);

	if (node->child_count < 2)
		return;
	loop.body = node->child[0];
	loop.condition = node->child[1];
	if (returns) {
		check_returned(flow, node);
		flow->returning = true;
	}
	walk_loop(flow, node, &loop);
	if (returns)
		flow->returning = false;
}

void walk_statement(struct flow *flow, struct node *node)
{
	struct loop loop = { NULL, NULL, NULL, NULL, false };

	switch ((int)node->kind) {
	case CXCursor_CompoundStmt:
		walk_block(flow, node);
		break;
	case CXCursor_DeclStmt:
		walk_declaration(flow, node);
		break;
	case CXCursor_IfStmt:
		walk_if(flow, node);
		break;
	case CXCursor_WhileStmt:
		if (node->child_count < 2)
			break;
		loop.condition = node->child[0];
		loop.body = node->child[node->child_count - 1];
		walk_loop(flow, node, &loop);
		break;
	case CXCursor_DoStmt:
		walk_do(flow, node);
		break;
	case CXCursor_ForStmt:
		walk_for(flow, node);
		break;
	case CXCursor_SwitchStmt:
		walk_switch(flow, node);
		break;
	case CXCursor_CaseStmt:
		walk_case(flow, node);
		break;
	case CXCursor_DefaultStmt:
		if (switch_of(flow))
			state_join(flow, flow->now, switch_of(flow)->at_case);
		if (node->child_count)
			walk_statement(flow, node->child[node->child_count - 1]);
		break;
	case CXCursor_LabelStmt:
		walk_label(flow, node);
		break;
	case CXCursor_IndirectGotoStmt:
		flow->begun = true;
		leave(flow);
		break;
	case CXCursor_GotoStmt:
	case CXCursor_BreakStmt:
	case CXCursor_ContinueStmt:
		walk_jump(flow, node);
		break;
	case CXCursor_ReturnStmt:
		walk_return(flow, node, false);
		break;
	default:
		if (is_expression(node))
			walk_expression(flow, node, USE_NOTHING);
		else
			for (int i = 0; i < node->child_count; i++)
				walk_statement(flow, node->child[i]);
		break;
	}
}
