#include "callee.h"
#include "flow.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

static size_t size_of(const struct flow *flow)
{
	return sizeof(struct state) + (size_t)flow->variable_count * sizeof(struct slot);
}

struct state *state_new(const struct flow *flow)
{
	return arena_take(size_of(flow));
}

struct state *state_copy(const struct flow *flow, const struct state *state)
{
	return memcpy(arena_take(size_of(flow)), state, size_of(flow));
}

static bool join_slot(struct slot *into, const struct slot *from)
{
	struct slot before = *into;

	if (from->flags & SLOT_LOST) {
		if (into->flags & SLOT_LOST) {
			into->parts &= from->parts;
		} else {
			into->parts = from->parts;
			into->await_line = from->await_line;
		}
	}
	into->flags |= from->flags;
	return into->flags != before.flags || into->parts != before.parts;
}

bool state_join(const struct flow *flow, struct state *into, const struct state *from)
{
	bool news = false;

	if (!from->reachable)
		return false;
	if (!into->reachable) {
		memcpy(into, from, size_of(flow));
		return true;
	}
	news = (from->open & ~into->open) || (from->escaped & ~into->escaped);
	into->open |= from->open;
	into->escaped |= from->escaped;
	for (int i = 0; i < flow->variable_count; i++)
		news |= join_slot(&into->slot[i], &from->slot[i]);
	return news;
}

void flow_declare(struct flow *flow, int variable, bool with_value)
{
	struct slot *slot = &flow->now->slot[variable];
	struct variable *what = &flow->variables[variable];

	what->walked = true;
	what->first = !flow->begun;
	what->set_first = !flow->begun && with_value;
	memset(slot, 0, sizeof *slot);
	if (with_value)
		slot->flags |= SLOT_SET;
}

static const char *cure_of(const struct flow *flow, const struct variable *variable)
{
	size_t room = 2 * (strlen(flow->name) + strlen(variable->name)) + 64;
	char *text = arena_take(room);

	snprintf(text, room, "make it a member of struct %s and use my->%s", flow->name,
	         variable->name);
	return text;
}

/* One report a line, whatever the number of awaits before it. */
static bool tell_once(struct variable *variable, unsigned line)
{
	size_t room = sizeof variable->told / sizeof *variable->told;

	for (size_t i = 0; i < room; i++) {
		if (variable->told[i] == line)
			return false;
		if (!variable->told[i]) {
			variable->told[i] = line;
			return true;
		}
	}
	return false;
}

void flow_read(struct flow *flow, const struct place *place, struct node *at)
{
	struct slot *slot;
	struct variable *what;
	uint64_t all;

	if (place->whose != WHOSE_LOCAL || !flow->now->reachable)
		return;
	slot = &flow->now->slot[place->variable];
	what = &flow->variables[place->variable];
	if (!(slot->flags & SLOT_LOST))
		return;
	if (place->part >= 0 && slot->parts >> place->part & 1)
		return;
	all = what->part_count < 64 ? ((uint64_t)1 << what->part_count) - 1 : ~(uint64_t)0;
	if (what->part_count && what->part_count <= 64 && (slot->parts & all) == all)
		return;
	what->reported = true;
	slot->flags &= ~(unsigned)SLOT_LOST;
	if (!tell_once(what, line_of(at->cursor)))
		return;
	if (what->set_first)
		report(at->cursor,
		       "in async function '%s': '%s' is set anew at each resume, as above async_begin: "
		       "what was "
		       "assigned before the await of line %u is lost here: %s",
		       flow->name, what->name, slot->await_line, cure_of(flow, what));
	else
		report(
			at->cursor,
			"in async function '%s': local '%s' (line %u) is lost at the await of line %u and used "
			"here: %s",
			flow->name, what->name, line_of(what->cursor), slot->await_line, cure_of(flow, what));
}

void flow_write(struct flow *flow, const struct place *place)
{
	struct slot *slot;

	if (place->whose != WHOSE_LOCAL || !flow->now->reachable)
		return;
	slot = &flow->now->slot[place->variable];
	if (flow->begun)
		slot->flags |= SLOT_CHANGED;
	else
		flow->variables[place->variable].set_first = true;
	slot->flags |= SLOT_SET;
	if (place->whole || place->element_unknown) {
		slot->flags &= ~(unsigned)SLOT_LOST;
		slot->parts = 0;
	} else if (slot->flags & SLOT_LOST && place->part >= 0) {
		slot->parts |= (uint64_t)1 << place->part;
	}
}

/* ---- addresses that are given to functions */

static bool fills_by_name(const char *callee)
{
	static const char *const words[] = {
		"alloc", "build",  "calc",     "clear", "compute", "convert", "decode",  "encode",
		"fetch", "format", "generate", "pair",  "pipe",    "random",  "receive", "copy",
		"cpy",   "create", "fill",     "get",   "init",    "load",    "make",    "parse",
		"print", "read",   "recv",     "reset", "scan",    "set",     "stat",    "store",
		"time",  "write",  "zero",     "cat",   "now"
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strstr(callee, words[i]))
			return true;
	return false;
}

static bool is_filler(struct variable *variable, const char *callee)
{
	for (int i = 0; i < variable->filler_count; i++)
		if (strcmp(variable->fillers[i], callee) == 0)
			return true;
	return false;
}

static void add_filler(struct variable *variable, const char *callee)
{
	if (variable->filler_count < 8 && !is_filler(variable, callee))
		variable->fillers[variable->filler_count++] = callee;
}

static bool reads_only(struct node *call, int argument, const char *callee)
{
	CXType given = canonical_type_of(argument_of(call, argument));
	CXType function = canonical_type_of(call->child[0]);

	if (is_pointer(given) && clang_isConstQualifiedType(clang_getPointeeType(given)))
		return true;
	if (function.kind == CXType_Pointer)
		function = clang_getPointeeType(function);
	if (clang_isFunctionTypeVariadic(function) && argument >= clang_getNumArgTypes(function))
		return !strstr(callee, "scan");
	return false;
}

/* What a call does with a local whose address it gets: known, or guessed as bide-check(1) says. */
static enum use_of_pointer use_of(struct variable *variable, struct node *call, int argument)
{
	const char *callee = callee_of(call);
	enum use_of_pointer use;

	if (reads_only(call, argument, callee))
		return POINTER_READ;
	use = use_of_argument(call, argument);
	if (use)
		return use;
	if (!variable->part_count || fills_by_name(callee) || is_filler(variable, callee))
		return POINTER_FILLED;
	return POINTER_READ;
}

void flow_pass(struct flow *flow, const struct place *place, struct node *at, struct node *call,
               int argument)
{
	struct variable *what;
	struct place all = *place;

	if (place->whose != WHOSE_LOCAL || !flow->now->reachable)
		return;
	what = &flow->variables[place->variable];
	if (!(flow->now->slot[place->variable].flags & SLOT_SET))
		add_filler(what, callee_of(call));
	if (use_of(what, call, argument) == POINTER_READ)
		flow_read(flow, place, at);
	if (reads_only(call, argument, callee_of(call)))
		return;
	if (!what->part_count || is_array(clang_getCursorType(what->cursor)))
		all.whole = true;
	flow_write(flow, &all);
}

void flow_escape(struct flow *flow, int variable, struct node *at, CXCursor field)
{
	int i = 0;

	if (!flow->now->reachable)
		return;
	while (i < flow->escape_count &&
	       (flow->escapes[i].at != at || flow->escapes[i].variable != variable))
		i++;
	if (i == ESCAPES_MAX)
		return;
	if (i == flow->escape_count)
		flow->escapes[flow->escape_count++] = (struct escape){ at, variable, field, false };
	flow->now->escaped |= (uint64_t)1 << i;
}

void flow_overwrite_field(struct flow *flow, CXCursor field)
{
	for (int i = 0; i < flow->escape_count; i++)
		if (clang_equalCursors(flow->escapes[i].field, field))
			flow->now->escaped &= ~((uint64_t)1 << i);
}

void flow_end_variable(struct flow *flow, int variable)
{
	for (int i = 0; i < flow->escape_count; i++)
		if (flow->escapes[i].variable == variable)
			flow->now->escaped &= ~((uint64_t)1 << i);
}

void flow_give_back(struct flow *flow, struct node *call)
{
	for (int i = 0; i < flow->escape_count; i++)
		if (contains(call, flow->escapes[i].at))
			flow->now->escaped &= ~((uint64_t)1 << i);
}

static void report_escape(struct flow *flow, struct escape *escape, unsigned line)
{
	struct variable *what = escape->variable < 0 ? NULL : &flow->variables[escape->variable];

	if (escape->told)
		return;
	escape->told = true;
	if (!what) {
		report(escape->at->cursor,
		       "in async function '%s': the address of a compound literal is %s, which is gone "
		       "while the "
		       "await of line %u waits: make it a member of struct %s",
		       flow->name,
		       escape->at->kind == CXCursor_CallExpr ? "given to this call" : "kept here", line,
		       flow->name);
		return;
	}
	what->reported = true;
	if (escape->at->kind == CXCursor_CallExpr)
		report(
			escape->at->cursor,
			"in async function '%s': '%s' gets the address of local '%s' (line %u), which is gone "
			"while the await of line %u waits: %s",
			flow->name, spoken_callee_of(escape->at), what->name, line_of(what->cursor), line,
			cure_of(flow, what));
	else
		report(escape->at->cursor,
		       "in async function '%s': the address of local '%s' (line %u) is kept here, but the "
		       "local is "
		       "gone behind the await of line %u: %s",
		       flow->name, what->name, line_of(what->cursor), line, cure_of(flow, what));
}

void report_return_escape(struct flow *flow, int variable, struct node *call)
{
	struct variable *what;

	if (variable < 0) {
		report(call->cursor,
		       "in async function '%s': '%s' gets the address of a compound literal, which is gone "
		       "while "
		       "the return waits for it: make it a member of struct %s",
		       flow->name, spoken_callee_of(call), flow->name);
		return;
	}
	what = &flow->variables[variable];
	what->reported = true;
	report(call->cursor,
	       "in async function '%s': '%s' gets the address of local '%s' (line %u), which is gone "
	       "while "
	       "the return waits for it: %s",
	       flow->name, spoken_callee_of(call), what->name, line_of(what->cursor),
	       cure_of(flow, what));
}

void report_jumped_over(struct flow *flow)
{
	for (int i = 0; i < flow->variable_count; i++) {
		struct variable *what = &flow->variables[i];

		if (what->cleaned_up)
			report(what->cursor,
			       "in async function '%s': the cleanup of local '%s' runs at each await in its "
			       "block, "
			       "where the function returns: clean up in bide_async_finally",
			       flow->name, what->name);
		if (!what->jumped_over || what->reported || what->cleaned_up)
			continue;
		if (what->is_vla)
			report(
				what->cursor,
				"in async function '%s': the block of '%s', an array of variable length, waits: a "
				"resume cannot jump into it: %s",
				flow->name, what->name, cure_of(flow, what));
		else
			report(
				what->cursor,
				"in async function '%s': the initialiser of local '%s' is jumped over when the "
				"function resumes behind it, which gcc refuses: put the local and its uses into a "
				"block { } of their own, or %s",
				flow->name, what->name, cure_of(flow, what));
	}
}

void flow_await(struct flow *flow, struct node *at)
{
	unsigned line = line_of(at->cursor);

	if (!flow->now->reachable)
		return;
	for (int i = 0; i < flow->start_count; i++)
		if (flow->now->open >> i & 1)
			flow->starts[i].awaited = true;
	for (int i = 0; i < flow->escape_count; i++)
		if (flow->now->escaped >> i & 1)
			report_escape(flow, &flow->escapes[i], line);
	flow->now->open = flow->now->escaped = 0;
	for (int i = 0; i < flow->variable_count; i++) {
		struct slot *slot = &flow->now->slot[i];

		if (flow->variables[i].set_first && !(slot->flags & SLOT_CHANGED))
			continue;
		if (!(slot->flags & SLOT_SET))
			continue;
		if (!(slot->flags & SLOT_LOST) || slot->parts)
			slot->await_line = line;
		slot->flags |= SLOT_LOST;
		slot->parts = 0;
	}
}
