#include "flow.h"

#include <string.h>

/* ---- which functions are async ones */

static CXType frame_of(CXCursor function)
{
	CXType none = { CXType_Invalid, { NULL, NULL } };
	CXCursor parameter;
	CXType type;

	if (clang_Cursor_getNumArguments(function) != 2)
		return none;
	parameter = clang_Cursor_getArgument(function, 0);
	type = clang_getCanonicalType(clang_getCursorType(parameter));
	if (strcmp(name_of(parameter), "my") != 0 || type.kind != CXType_Pointer)
		return none;
	return clang_getCanonicalType(clang_getPointeeType(type));
}

static enum CXVisitorResult see_first_field(CXCursor field, CXClientData data)
{
	const char *type = text_of(clang_getTypeSpelling(clang_getCursorType(field)));

	*(bool *)data = strcmp(type, "bide_frame") == 0 || strcmp(type, "bide_forking_frame") == 0 ||
	                strcmp(type, "bide_generator") == 0;
	return CXVisit_Break;
}

bool is_async_body(CXCursor function)
{
	CXType frame = frame_of(function);
	bool has_frame = false;

	if (frame.kind != CXType_Record)
		return false;
	clang_Type_visitFields(frame, see_first_field, &has_frame);
	return has_frame;
}

/* ---- its locals */

static int count_declarations(const struct node *node)
{
	int count = node->kind == CXCursor_VarDecl;

	for (int i = 0; i < node->child_count; i++)
		count += count_declarations(node->child[i]);
	return count;
}

static enum CXVisitorResult count_field(CXCursor field, CXClientData data)
{
	(void)field;
	++*(int *)data;
	return CXVisit_Continue;
}

static int parts_of(CXType type)
{
	CXType bare = clang_getCanonicalType(type);
	int count = 0;

	if (bare.kind == CXType_Record)
		clang_Type_visitFields(bare, count_field, &count);
	else if (bare.kind == CXType_ConstantArray)
		count = clang_getArraySize(bare) < 65 ? (int)clang_getArraySize(bare) : 65;
	else if (is_array(bare))
		count = 65;
	else
		return 0;
	return count > 0 && count < 65 ? count : 65;
}

static struct node *scope_of(struct node *declaration)
{
	struct node *scope = declaration->parent;

	while (scope->kind == CXCursor_DeclStmt)
		scope = scope->parent;
	return scope;
}

/* What a macro of the library declares for itself: its name and its type stand at one place. */
static bool is_temporary(CXCursor cursor)
{
	unsigned name_at, begin;

	if (!ends_with(name_of(cursor), "_"))
		return false;
	clang_getFileLocation(clang_getCursorLocation(cursor), NULL, NULL, NULL, &name_at);
	clang_getFileLocation(clang_getRangeStart(clang_getCursorExtent(cursor)), NULL, NULL, NULL,
	                      &begin);
	return name_at == begin;
}

static bool is_local(CXCursor cursor)
{
	enum CX_StorageClass storage = clang_Cursor_getStorageClass(cursor);

	return storage != CX_SC_Static && storage != CX_SC_Extern && !is_temporary(cursor);
}

struct node *initialiser_of(const struct node *declaration)
{
	CXCursor value = clang_Cursor_getVarDeclInitializer(declaration->cursor);

	for (int i = 0; i < declaration->child_count; i++)
		if (clang_equalCursors(declaration->child[i]->cursor, value))
			return declaration->child[i];
	return NULL;
}

/* libclang has no kind for this attribute. */
static bool has_cleanup(const struct node *declaration)
{
	for (int i = 0; i < declaration->child_count; i++)
		if (clang_isAttribute(declaration->child[i]->kind))
			return strstr(text_of(clang_getCursorPrettyPrinted(declaration->cursor, NULL)),
			              "cleanup(") != NULL;
	return false;
}

static void collect(struct flow *flow, struct node *node)
{
	if (node->kind == CXCursor_VarDecl && is_local(node->cursor)) {
		struct variable *variable = &flow->variables[flow->variable_count];
		CXCursor value = clang_Cursor_getVarDeclInitializer(node->cursor);

		variable->cursor = node->cursor;
		variable->declaration = node;
		variable->scope = scope_of(node);
		variable->name = name_of(node->cursor);
		variable->part_count = parts_of(type_of(node));
		variable->is_vla = canonical_type_of(node).kind == CXType_VariableArray;
		variable->cleans_up = has_cleanup(node);
		variable->initialised = !clang_Cursor_isNull(value);
		node->variable = flow->variable_count++;
	}
	for (int i = 0; i < node->child_count; i++)
		collect(flow, node->child[i]);
}

static int variable_of(const struct flow *flow, CXCursor declaration)
{
	for (int i = 0; i < flow->variable_count; i++)
		if (clang_equalCursors(flow->variables[i].cursor, declaration))
			return i;
	return -1;
}

static struct node *find_declaration(struct node *node, CXCursor declaration)
{
	struct node *found = NULL;

	if (node->kind == CXCursor_VarDecl && clang_equalCursors(node->cursor, declaration))
		return node;
	for (int i = 0; i < node->child_count && !found; i++)
		found = find_declaration(node->child[i], declaration);
	return found;
}

/* The declaration of a temporary stands near the names that refer to it. */
static struct node *declaration_near(struct node *node, CXCursor declaration)
{
	struct node *found = NULL;

	for (struct node *at = node->parent; at && !found; at = at->parent)
		if (at->kind == CXCursor_CompoundStmt)
			found = find_declaration(at, declaration);
	return found;
}

static void number_names(struct flow *flow, struct node *node)
{
	CXCursor declaration = node->kind == CXCursor_DeclRefExpr
	                           ? clang_getCursorReferenced(node->cursor)
	                           : clang_getNullCursor();

	if (clang_getCursorKind(declaration) == CXCursor_VarDecl) {
		node->variable = variable_of(flow, declaration);
		if (node->variable < 0 && is_temporary(declaration) &&
		    strcmp(name_of(declaration), "t_") != 0 &&
		    strcmp(name_of(declaration), "frame_") != 0) {
			struct node *temporary = declaration_near(node, declaration);

			node->stands_for = temporary ? initialiser_of(temporary) : NULL;
		}
	}
	for (int i = 0; i < node->child_count; i++)
		number_names(flow, node->child[i]);
}

/* ---- the walk */

static void walk_once(struct flow *flow)
{
	struct node *function = flow->function;

	flow->now = state_new(flow);
	flow->now->reachable = true;
	flow->suspended = NULL;
	flow->begun = flow->in_cleanup = flow->returning = flow->changed = false;
	for (int i = 0; i < function->child_count; i++)
		if (function->child[i]->kind == CXCursor_CompoundStmt)
			walk_statement(flow, function->child[i]);
	flow->pass++;
}

void check_body(struct node *function)
{
	struct flow *flow = arena_take(sizeof *flow);

	flow->function = function;
	flow->name = name_of(clang_getTypeDeclaration(frame_of(function->cursor)));
	flow->variables =
		arena_take(((size_t)count_declarations(flow->function) + 1) * sizeof *flow->variables);
	collect(flow, flow->function);
	number_names(flow, flow->function);
	follow_pointers(flow);
	do {
		walk_once(flow);
	} while (flow->changed && flow->pass < 100);
	check_starts_at_end(flow);
	report_jumped_over(flow);
}
