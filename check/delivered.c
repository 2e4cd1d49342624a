/*
 * What an await delivers, and into what: a number, a double, a pointer, something large. Known for
 * functions of the same source file.
 */
#include <string.h>

#include "flow.h"
#include "report.h"

enum kind_of_result { RESULT_UNKNOWN, RESULT_INTEGER, RESULT_DOUBLE, RESULT_POINTER, RESULT_LARGE };

struct result {
	enum kind_of_result kind;
	long long size; /* of a large one */
};

/* A function, and what it returns; of an async one the name of its struct. */
struct function {
	struct function *next;
	const char *name;
	struct result result;
	bool mixed;
};

static struct function *functions;

void results_forget(void)
{
	functions = NULL;
}

static enum kind_of_result kind_of_type(CXType type)
{
	CXType bare = clang_getCanonicalType(type);

	if (bare.kind == CXType_Enum || (bare.kind >= CXType_Bool && bare.kind <= CXType_Int128))
		return RESULT_INTEGER;
	if (bare.kind >= CXType_Float && bare.kind <= CXType_LongDouble)
		return RESULT_DOUBLE;
	if (bare.kind == CXType_Pointer)
		return RESULT_POINTER;
	return RESULT_UNKNOWN;
}

static const char *name_of_kind(enum kind_of_result kind)
{
	static const char *const names[] = { "?", "an integer", "a double", "a pointer", "?" };

	return names[kind];
}

/* The array of one, in which a value is carried to where it is packed. */
static const struct node *carrier_in(const struct node *node)
{
	const struct node *found = NULL;

	if (node->kind == CXCursor_CompoundLiteralExpr)
		return node;
	for (int i = 0; i < node->child_count && !found; i++)
		found = carrier_in(node->child[i]);
	return found;
}

static struct result packed_result(const struct node *call)
{
	struct result result = { RESULT_UNKNOWN, 0 };
	const char *callee = callee_of(call);
	const struct node *carrier;

	if (strcmp(callee, "bide_value_task_from_int") == 0)
		result.kind = RESULT_INTEGER;
	else if (strcmp(callee, "bide_value_task_from_double") == 0)
		result.kind = RESULT_DOUBLE;
	else if (strcmp(callee, "bide_value_task_from_pointer") == 0)
		result.kind = RESULT_POINTER;
	if (result.kind || argument_count(call) < 1)
		return result;
	carrier = carrier_in(argument_of(call, 0));
	if (carrier && is_array(type_of(carrier)))
		result.kind = kind_of_type(clang_getArrayElementType(canonical_type_of(carrier)));
	return result;
}

static const struct function *function_of(const char *name)
{
	const struct function *function = functions;

	while (function && strcmp(function->name, name) != 0)
		function = function->next;
	return function;
}

static struct result result_of(const struct node *call)
{
	struct result unknown = { RESULT_UNKNOWN, 0 };
	const struct function *function;

	if (!call)
		return unknown;
	if (is_packing(call))
		return packed_result(call);
	function = function_of(spoken_callee_of(call));
	return function && !function->mixed ? function->result : unknown;
}

static void note(const char *name, struct result result)
{
	struct function *function = (struct function *)function_of(name);

	if (!function) {
		function = arena_take(sizeof *function);
		function->name = name;
		function->result = result;
		function->mixed = !result.kind;
		function->next = functions;
		functions = function;
	} else if (function->result.kind != result.kind || function->result.size != result.size) {
		function->mixed = true;
	}
}

/* The call whose value task this expression is, if it is one alone. */
static struct node *producer_in(struct node *node)
{
	struct node *found = NULL;
	int first = node->kind == CXCursor_UnexposedExpr && node->child_count > 2 ? 1 : 0;

	if (node->kind == CXCursor_StaticAssert || node->kind == CXCursor_UnaryExpr)
		return NULL;
	if (node->kind == CXCursor_CallExpr && !starts_with(callee_of(node), "__builtin") &&
	    !starts_with(callee_of(node), "bide_awaitable"))
		return is_value_task(type_of(node)) ? node : NULL;
	for (int i = first; i < node->child_count && !found; i++)
		found = producer_in(node->child[i]);
	return found;
}

/* ---- what functions return */

static long long size_behind(struct node *pointer)
{
	CXType type;

	while ((pointer->kind == CXCursor_ParenExpr || is_implicit_cast(pointer) ||
	        pointer->kind == CXCursor_CStyleCastExpr) &&
	       pointer->child_count)
		pointer = pointer->child[pointer->child_count - 1];
	type = canonical_type_of(pointer);
	return is_pointer(type) ? clang_Type_getSizeOf(clang_getPointeeType(type)) : 0;
}

static void note_in(struct flow *flow, struct node *node)
{
	if (node->kind == CXCursor_CallExpr) {
		struct result large = { RESULT_LARGE, 0 };

		if (strcmp(callee_of(node), "bide_frame_return_large_") == 0 && argument_count(node) > 1) {
			large.size = size_behind(argument_of(node, 1));
			note(flow->name, large);
			return;
		}
		if (is_packing(node)) {
			struct result result = packed_result(node);
			struct node *inner = argument_count(node) ? argument_of(node, 0) : NULL;

			if (!result.kind && inner) /* another value task is handed on */
				result = result_of(producer_in(inner));
			note(flow->name, result);
			return;
		}
	}
	for (int i = 0; i < node->child_count; i++)
		note_in(flow, node->child[i]);
}

void note_result(struct flow *flow, struct node *statement)
{
	if (flow->pass == 0)
		note_in(flow, statement);
}

static void note_returns(const char *name, struct node *node)
{
	if (node->kind == CXCursor_ReturnStmt && node->child_count)
		note(name, result_of(producer_in(node->child[0])));
	for (int i = 0; i < node->child_count; i++)
		note_returns(name, node->child[i]);
}

void note_function(struct node *function)
{
	const char *name = name_of(function->cursor);

	if (!starts_with(name, "bide_") && !ends_with(name, "_") &&
	    is_value_task(clang_getCursorResultType(function->cursor)))
		note_returns(name, function);
}

/* ---- where it goes */

static bool mentions_value(const struct node *node)
{
	if (node->kind == CXCursor_DeclRefExpr && strcmp(name_of(node->cursor), "t_") == 0)
		return true;
	for (int i = 0; i < node->child_count; i++)
		if (mentions_value(node->child[i]))
			return true;
	return false;
}

static bool contains_kind(const struct node *node, enum CXCursorKind kind)
{
	if (node->kind == kind)
		return true;
	for (int i = 0; i < node->child_count; i++)
		if (contains_kind(node->child[i], kind))
			return true;
	return false;
}

/* The same bits stay a pointer in an integer of its size. */
static bool fits(enum kind_of_result kind, CXType into)
{
	enum kind_of_result wanted = kind_of_type(into);

	if (!kind || !wanted || kind == wanted || kind == RESULT_LARGE)
		return true;
	return kind == RESULT_POINTER && wanted == RESULT_INTEGER && clang_Type_getSizeOf(into) == 8;
}

static void check_destination(struct flow *flow, struct node *to)
{
	struct result result = result_of(flow->producer);
	CXType type = type_of(to);

	if (!flow->now->reachable || fits(result.kind, type))
		return;
	report(to->cursor,
	       "in async function '%s': '%s' delivers %s, and this await puts it into %s: give the "
	       "destination the right type, or declare typed value tasks with BIDE_VALUE_TASK_OF",
	       flow->name, spoken_callee_of(flow->producer), name_of_kind(result.kind),
	       name_of_kind(kind_of_type(type)));
}

void check_delivered(struct flow *flow, struct node *assignment)
{
	struct node *to = without_parentheses(assignment->child[0]), *value = assignment->child[1];
	struct node *producer, *awaited = NULL;

	if (to->kind == CXCursor_DeclRefExpr && strcmp(name_of(to->cursor), "t_") == 0) {
		producer = producer_in(value);
		if (!producer || !starts_with(callee_of(producer), "bide_await_")) {
			flow->producer = producer;
			return;
		}
		if (argument_count(producer) > 1)
			awaited = producer_in(argument_of(producer, 1));
		if (awaited && strcmp(callee_of(awaited), "bide_suspended_") != 0)
			flow->producer = awaited;
	} else if (contains_kind(value, CXCursor_GenericSelectionExpr) && mentions_value(value)) {
		check_destination(flow, assignment->child[0]);
	}
}

void check_large(struct flow *flow, struct node *call)
{
	struct result result = result_of(flow->producer);
	long long size;

	if (strcmp(callee_of(call), "bide_await_large_take_") != 0 || argument_count(call) < 2 ||
	    !flow->now->reachable)
		return;
	size = size_behind(argument_of(call, 1));
	if (result.kind == RESULT_LARGE && result.size > 0 && size > 0 && result.size != size)
		report(
			call->cursor,
			"in async function '%s': '%s' returns %lld bytes, and this await copies %lld: give the "
			"destination the type of the result",
			flow->name, spoken_callee_of(flow->producer), result.size, size);
	else if (result.kind && result.kind != RESULT_LARGE)
		report(
			call->cursor,
			"in async function '%s': '%s' does not end with bide_async_return_large: await it with "
			"bide_await",
			flow->name, spoken_callee_of(flow->producer));
}
