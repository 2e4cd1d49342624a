#include "flow.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

static bool mentions_prefix(const struct node *node, const char *prefix)
{
	if (node->kind == CXCursor_DeclRefExpr && starts_with(name_of(node->cursor), prefix))
		return true;
	for (int i = 0; i < node->child_count; i++)
		if (mentions_prefix(node->child[i], prefix))
			return true;
	return false;
}

/* bide_value_task_from(x) and its kin. */
bool is_packing(const struct node *call)
{
	const char *callee = callee_of(call);

	if (call->kind != CXCursor_CallExpr || !call->child_count || !is_value_task(type_of(call)))
		return false;
	if (starts_with(callee, "bide_value_task_from"))
		return true;
	return mentions_prefix(call->child[0], "bide_pack_");
}

/* ---- async_return */

bool is_finally(const char *label)
{
	return starts_with(label, "bide_finally_") || starts_with(label, "async_finally_");
}

bool is_async_return(const struct node *statement)
{
	const struct node *block, *last;

	if (statement->kind != CXCursor_DoStmt || statement->child_count < 1)
		return false;
	block = statement->child[0];
	if (block->kind != CXCursor_CompoundStmt || block->child_count < 1)
		return false;
	last = block->child[block->child_count - 1];
	return last->kind == CXCursor_GotoStmt && last->child_count &&
	       is_finally(name_of(last->child[0]->cursor));
}

static void report_returned(void *data, enum whose whose, int variable, struct node *at)
{
	const struct flow *flow = data;
	char what[256] = "an address in the frame";

	if (whose == WHOSE_LOCAL)
		snprintf(what, sizeof what, "the address of local '%s'", flow->variables[variable].name);
	else if (whose == WHOSE_LITERAL)
		snprintf(what, sizeof what, "the address of a compound literal");
	report(at->cursor,
	       "in async function '%s': the result is %s, which is gone when the awaiter uses it: "
	       "return the "
	       "value, copy it to where the caller wants it, or use bide_async_return_large",
	       flow->name, what);
}

static void check_packed(struct flow *flow, struct node *node)
{
	if (is_packing(node) && argument_count(node) > 0)
		each_address(argument_of(node, 0), report_returned, flow);
	for (int i = 0; i < node->child_count; i++)
		check_packed(flow, node->child[i]);
}

void check_returned(struct flow *flow, struct node *statement)
{
	if (!flow->now->reachable)
		return;
	if (flow->in_cleanup)
		report(
			statement->cursor,
			"in async function '%s': a return in the cleanup is misuse when it runs: return before "
			"bide_async_finally, or let an await in the cleanup fail",
			flow->name);
	check_packed(flow, statement);
	note_result(flow, statement);
}

/* ---- starts */

static bool is_options(CXType pointer)
{
	CXType type = clang_getPointeeType(clang_getCanonicalType(pointer));
	const char *name = type.kind == CXType_Record ? name_of(clang_getTypeDeclaration(type)) : "";

	return ends_with(name, "_options") || ends_with(name, "bide_place") ||
	       ends_with(name, "bide_select_case");
}

struct starting {
	struct flow *flow;
	struct node *call;
	bool frame;
	bool internal; /* a function behind a macro, which copies the literal that the macro makes */
};

static void start_with_address(void *data, enum whose whose, int variable, struct node *at)
{
	struct starting *starting = data;
	struct flow *flow = starting->flow;

	(void)at;
	if (whose == WHOSE_LITERAL && starting->internal) {
		starting->internal = false;
		return;
	}
	if (whose == WHOSE_FRAME)
		starting->frame = true;
	else if (flow->returning)
		report_return_escape(flow, variable, starting->call);
	else
		flow_escape(flow, variable, starting->call, clang_getNullCursor());
}

static void open_start(struct flow *flow, struct node *call)
{
	int i = 0;

	while (i < flow->start_count && flow->starts[i].call != call)
		i++;
	if (i == STARTS_MAX)
		return;
	if (i == flow->start_count) {
		flow->starts[i].call = call;
		flow->starts[i].holder = -1;
		flow->starts[i].field = clang_getNullCursor();
		flow->start_count++;
	}
	flow->now->open |= (uint64_t)1 << i;
}

/* A call that gives something to await: what it gets the address of must live until then. */
void check_start(struct flow *flow, struct node *call)
{
	const char *callee = callee_of(call);
	struct starting starting = { flow, call, false, ends_with(callee, "_") };

	if (!flow->now->reachable || is_packing(call) || starts_with(callee, "bide_await") ||
	    ends_with(callee, "_join_"))
		return;
	for (int i = 0; i < argument_count(call); i++)
		if (!is_options(type_of(argument_of(call, i))))
			each_address(argument_of(call, i), start_with_address, &starting);
	if (starting.frame && !flow->returning)
		open_start(flow, call);
}

static void end_variable(void *data, enum whose whose, int variable, struct node *at)
{
	(void)at;
	if (whose == WHOSE_LOCAL)
		flow_end_variable(data, variable);
}

/* The cases of a select are copied, but what they read or acquire comes to where they say. */
static void check_select_case(struct flow *flow, struct node *call)
{
	const char *callee = callee_of(call);
	struct starting starting = { flow, call, false, false };
	int to = strcmp(callee, "bide_select_read_") == 0 || strcmp(callee, "bide_select_mutex") == 0
	             ? 1
	         : strcmp(callee, "bide_select_semaphore") == 0 ? 2
	                                                        : 0;

	if (to && argument_count(call) > to)
		each_address(argument_of(call, to), start_with_address, &starting);
}

/* Things of the library that are placed in the user's memory: it must live as long as they do. */
static void check_placed(struct flow *flow, struct node *call)
{
	const char *callee = callee_of(call);
	struct starting starting = { flow, call, false, false };
	bool ends = strstr(callee, "_unregister") != NULL;
	bool begins = !ends && (starts_with(callee, "bide_fork_push") || strstr(callee, "_register") ||
	                        strstr(callee, "_init_") || ends_with(callee, "_init"));

	if (!starts_with(callee, "bide_") || !(begins || ends) || flow->returning)
		return;
	for (int i = 0; i < argument_count(call); i++) {
		struct node *argument = argument_of(call, i);

		if (ends)
			each_address(argument, end_variable, flow);
		else if (!is_options(type_of(argument)))
			each_address(argument, start_with_address, &starting);
	}
}

/* Is what got the value task of the start part of the argument? */
static bool holds(const struct node *argument, const struct start *start)
{
	if (argument->kind == CXCursor_DeclRefExpr && argument->variable >= 0 &&
	    argument->variable == start->holder)
		return true;
	if (argument->kind == CXCursor_MemberRefExpr &&
	    clang_equalCursors(clang_getCursorReferenced(argument->cursor), start->field))
		return true;
	for (int i = 0; i < argument->child_count; i++)
		if (holds(argument->child[i], start))
			return true;
	return false;
}

/* What keeps the value task of a start. */
void note_holder(struct flow *flow, struct node *to, struct node *value)
{
	for (int i = 0; i < flow->start_count; i++) {
		struct start *start = &flow->starts[i];

		if (!contains(value, start->call) || !is_awaitable(type_of(to)))
			continue;
		if (to->kind == CXCursor_MemberRefExpr)
			start->field = clang_getCursorReferenced(to->cursor);
		else
			start->holder = to->variable;
	}
}

/*
 * A call to which a start is given: one that waits at once, or one after which it can not be
 * awaited.
 */
void check_wait(struct flow *flow, struct node *call)
{
	const char *callee = callee_of(call);
	bool waits = strstr(callee, "_wait") != NULL;
	bool gives_back = strstr(callee, "task_unref") != NULL; /* what may have been awaited */
	bool forgets = strstr(callee, "value_task_forget") || gives_back;

	check_placed(flow, call);
	check_select_case(flow, call);
	if ((!waits && !forgets) || argument_count(call) < 1)
		return;
	for (int i = 0; i < flow->start_count; i++) {
		struct start *start = &flow->starts[i];

		if (!contains(call, start->call) && !(forgets && !gives_back && flow->now->open >> i & 1 &&
		                                      holds(argument_of(call, 0), start)))
			continue;
		start->forgotten |= forgets;
		if (waits)
			flow->now->open &= ~((uint64_t)1 << i);
	}
	if (waits)
		flow_give_back(flow, call);
}

void check_starts_at_end(struct flow *flow)
{
	for (int i = 0; i < flow->start_count; i++) {
		const struct start *start = &flow->starts[i];
		const char *name = spoken_callee_of(start->call);

		if (start->forgotten)
			report(
				start->call->cursor,
				"in async function '%s': '%s' gets the address of something in the frame, and its "
				"value task is forgotten: nothing keeps the frame until it ends; await it before "
				"this function ends, or give it memory of its own",
				flow->name, name);
		else if (start->ended && !start->awaited)
			report(
				start->call->cursor,
				"in async function '%s': '%s' gets the address of something in the frame, and no "
				"await follows: the frame is gone while it may still run; await it before this "
				"function ends",
				flow->name, name);
	}
}

/* ---- scopes */

static bool is_in_scope(const struct variable *variable, const struct node *label)
{
	return contains(variable->scope, label);
}

void check_jumped_over(struct flow *flow, struct node *label, bool resumes)
{
	bool finally = label->kind == CXCursor_LabelStmt && is_finally(name_of(label->cursor));

	if (!resumes && !finally)
		return;
	for (int i = 0; i < flow->variable_count; i++) {
		struct variable *variable = &flow->variables[i];

		if (!variable->walked || !is_in_scope(variable, label))
			continue;
		if (resumes && variable->cleans_up)
			variable->cleaned_up = true;
		if (variable->first)
			continue;
		if (variable->is_vla || (variable->initialised && (finally || flow->jumps)))
			variable->jumped_over = true;
	}
}

/* A statement of its own, whose value is not used. */
static bool is_statement(const struct node *node)
{
	const struct node *parent = node->parent;

	if (!parent || is_expression(parent))
		return false;
	switch ((int)parent->kind) {
	case CXCursor_CompoundStmt:
		return !(parent->parent && parent->parent->kind == CXCursor_StmtExpr &&
		         parent->child[parent->child_count - 1] == node);
	case CXCursor_IfStmt:
	case CXCursor_WhileStmt:
	case CXCursor_CaseStmt:
		return parent->child[0] != node;
	case CXCursor_ForStmt:
		return parent->child[parent->child_count - 1] == node;
	case CXCursor_DoStmt:
		return parent->child[0] == node;
	case CXCursor_DefaultStmt:
	case CXCursor_LabelStmt:
		return true;
	default:
		return false;
	}
}

/* One that takes a value task may give the same back, of which there are copies. */
static bool hands_on(const struct node *call)
{
	for (int i = 0; i < argument_count(call); i++) {
		const struct node *argument = without_parentheses(argument_of(call, i));

		if (is_value_task(type_of(argument)) && argument->kind != CXCursor_CallExpr)
			return true;
	}
	return false;
}

static void check_dropped_in(const char *function, struct node *node)
{
	const struct node *call = without_parentheses(node);

	if (call->kind == CXCursor_CallExpr && is_value_task(type_of(call)) && is_statement(node) &&
	    !hands_on(call))
		report(call->cursor,
		       "in function '%s': the value task of '%s' is dropped: await it, or give it to "
		       "bide_value_task_forget",
		       function, spoken_callee_of(call));
	for (int i = 0; i < node->child_count; i++)
		check_dropped_in(function, node->child[i]);
}

/* A value task that is not taken. */
void check_dropped(struct node *function)
{
	const char *name = name_of(function->cursor);
	size_t length = strlen(name);
	char *spoken = arena_take(length + 1);

	memcpy(spoken, name, length);
	if (ends_with(name, "_body_"))
		spoken[length - strlen("_body_")] = 0;
	check_dropped_in(spoken, function);
}

void check_awaited_in_switch(struct flow *flow, struct node *at)
{
	report(at->cursor,
	       "in async function '%s': an await inside a switch of your own: resuming it goes astray; "
	       "use if, "
	       "or put the switch into a function of its own",
	       flow->name);
}
