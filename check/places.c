#include "places.h"

#include <string.h>

bool is_array(CXType type)
{
	enum CXTypeKind kind = clang_getCanonicalType(type).kind;

	return kind == CXType_ConstantArray || kind == CXType_VariableArray ||
	       kind == CXType_IncompleteArray;
}

bool is_pointer(CXType type)
{
	return clang_getCanonicalType(type).kind == CXType_Pointer;
}

bool is_record(CXType type)
{
	return clang_getCanonicalType(type).kind == CXType_Record;
}

static bool is_named(CXType type, const char *name)
{
	CXType bare = clang_getCanonicalType(type);

	return bare.kind == CXType_Record && strcmp(name_of(clang_getTypeDeclaration(bare)), name) == 0;
}

static enum CXVisitorResult find_untyped(CXCursor field, CXClientData data)
{
	if (strcmp(name_of(field), "untyped") == 0 &&
	    is_named(clang_getCursorType(field), "bide_value_task")) {
		*(bool *)data = true;
		return CXVisit_Break;
	}
	return CXVisit_Continue;
}

bool is_value_task(CXType type)
{
	bool typed = false;

	if (is_named(type, "bide_value_task"))
		return true;
	if (is_record(type))
		clang_Type_visitFields(clang_getCanonicalType(type), find_untyped, &typed);
	return typed;
}

bool is_awaitable(CXType type)
{
	return is_value_task(type) ||
	       (is_pointer(type) &&
	        is_named(clang_getPointeeType(clang_getCanonicalType(type)), "bide_task"));
}

bool decays(const struct node *node)
{
	return is_implicit_cast(node) && is_array(type_of(node->child[0])) && is_pointer(type_of(node));
}

/* Something that can be assigned, and that nothing has read. */
static bool is_lvalue(const struct node *node)
{
	switch ((int)node->kind) {
	case CXCursor_ParenExpr:
		return node->child_count == 1 && is_lvalue(node->child[0]);
	case CXCursor_DeclRefExpr:
		switch ((int)clang_getCursorKind(clang_getCursorReferenced(node->cursor))) {
		case CXCursor_VarDecl:
		case CXCursor_ParmDecl:
			return true;
		default:
			return false;
		}
	case CXCursor_MemberRefExpr:
	case CXCursor_ArraySubscriptExpr:
	case CXCursor_CompoundLiteralExpr:
		return true;
	case CXCursor_UnaryOperator: /* *p */
		return node->child_count == 1 && is_pointer(type_of(node->child[0])) &&
		       !is_lvalue(node->child[0]) &&
		       clang_equalTypes(clang_getCanonicalType(
									clang_getPointeeType(canonical_type_of(node->child[0]))),
		                        canonical_type_of(node));
	default:
		return false;
	}
}

bool is_assignment(const struct node *node)
{
	return node->kind == CXCursor_BinaryOperator && node->child_count == 2 &&
	       is_lvalue(node->child[0]);
}

/* Only what certainly is one. */
bool is_comma(const struct node *node)
{
	const struct node *left;

	if (node->kind != CXCursor_BinaryOperator || node->child_count != 2)
		return false;
	left = node->child[0];
	if (canonical_type_of(left).kind == CXType_Void || is_record(type_of(left)))
		return true;
	left = without_parentheses(node->child[0]);
	return is_assignment(left);
}

bool takes_address(const struct node *node)
{
	return node->kind == CXCursor_UnaryOperator && node->child_count == 1 &&
	       is_lvalue(node->child[0]) && is_pointer(type_of(node)) &&
	       !clang_equalTypes(canonical_type_of(node), canonical_type_of(node->child[0]));
}

bool counts(const struct node *node)
{
	return node->kind == CXCursor_UnaryOperator && node->child_count == 1 &&
	       is_lvalue(node->child[0]) && !takes_address(node);
}

bool constant_of(const struct node *node, long long *value)
{
	CXEvalResult result;
	bool known = false;

	while ((is_implicit_cast(node) || node->kind == CXCursor_ParenExpr) && node->child_count == 1)
		node = node->child[0];
	if (node->kind == CXCursor_DeclRefExpr)
		return false;
	result = clang_Cursor_Evaluate(node->cursor);
	if (!result)
		return false;
	if (clang_EvalResult_getKind(result) == CXEval_Int) {
		*value = clang_EvalResult_getAsLongLong(result);
		known = true;
	}
	clang_EvalResult_dispose(result);
	return known;
}

static struct place place_of_name(struct node *name)
{
	struct place place = { WHOSE_OTHER, -1, -1, true, false };

	if (name->variable >= 0) {
		place.whose = WHOSE_LOCAL;
		place.variable = name->variable;
	}
	return place;
}

bool is_frame_pointer(const struct node *node)
{
	while ((is_implicit_cast(node) || node->kind == CXCursor_ParenExpr) && node->child_count == 1)
		node = node->child[0];
	return node->kind == CXCursor_DeclRefExpr && node->variable < 0 &&
	       strcmp(name_of(node->cursor), "my") == 0;
}

struct search {
	CXCursor field;
	int number, found;
};

static enum CXVisitorResult count_field(CXCursor field, CXClientData data)
{
	struct search *search = data;

	if (clang_equalCursors(field, search->field)) {
		search->found = search->number;
		return CXVisit_Break;
	}
	search->number++;
	return CXVisit_Continue;
}

/* Which member of its struct it is; -1 if that is not known, or too large a number. */
static int number_of_member(struct node *member)
{
	struct search search = { clang_getCursorReferenced(member->cursor), 0, -1 };

	clang_Type_visitFields(canonical_type_of(member->child[0]), count_field, &search);
	return search.found < 64 ? search.found : -1;
}

static void keep_place(void *data, enum whose whose, int variable, struct node *at)
{
	struct place *place = data;

	(void)at;
	if (whose == WHOSE_LITERAL)
		return;
	place->whose = whose;
	place->variable = variable;
	place->whole = false;
	place->element_unknown = true;
}

/* What a pointer points to, as far as the expression tells. */
static struct place place_behind(struct node *pointer)
{
	struct place place = { WHOSE_OTHER, -1, -1, true, false };

	each_address(pointer, keep_place, &place);
	return place;
}

static struct place place_of_member(struct node *member)
{
	struct place place = { WHOSE_OTHER, -1, -1, true, false };
	struct node *base;

	if (member->child_count < 1)
		return place;
	base = member->child[0];
	if (is_pointer(type_of(base)))
		return place_behind(base);
	place = place_of(base);
	if (place.whole &&
	    clang_getTypeDeclaration(canonical_type_of(base)).kind != CXCursor_UnionDecl) {
		place.whole = false;
		place.part = number_of_member(member);
	}
	return place;
}

static struct place place_of_element(struct node *element)
{
	struct place place = { WHOSE_OTHER, -1, -1, true, false };
	long long index;

	if (element->child_count != 2)
		return place;
	if (!decays(element->child[0]))
		return place_behind(element->child[0]);
	place = place_of(element->child[0]->child[0]);
	if (place.whole) {
		place.whole = false;
		if (constant_of(element->child[1], &index) && index >= 0 && index < 64)
			place.part = (int)index;
		else
			place.element_unknown = true;
	} else if (!constant_of(element->child[1], &index)) {
		place.element_unknown = true;
	}
	return place;
}

struct place place_of(struct node *lvalue)
{
	struct place none = { WHOSE_OTHER, -1, -1, true, false };

	lvalue = without_parentheses(lvalue);
	switch ((int)lvalue->kind) {
	case CXCursor_DeclRefExpr:
		return place_of_name(lvalue);
	case CXCursor_MemberRefExpr:
		return place_of_member(lvalue);
	case CXCursor_ArraySubscriptExpr:
		return place_of_element(lvalue);
	case CXCursor_UnaryOperator: /* __extension__, *&x */
		if (lvalue->child_count == 1 && !is_pointer(type_of(lvalue->child[0])))
			return place_of(lvalue->child[0]);
		return lvalue->child_count == 1 ? place_behind(lvalue->child[0]) : none;
	default:
		return none;
	}
}

/* ---- addresses that are part of a value */

static void visit_place(struct node *lvalue, address_visitor *visit, void *data)
{
	struct place place;
	struct node *bare = without_parentheses(lvalue);

	if (bare->stands_for) {
		each_address(bare->stands_for, visit, data);
		return;
	}
	if (bare->kind == CXCursor_CompoundLiteralExpr) {
		/* an array of one is how macros carry a value */
		if (clang_getArraySize(canonical_type_of(bare)) != 1)
			visit(data, WHOSE_LITERAL, -1, bare);
		each_address(bare, visit, data);
		return;
	}
	place = place_of(bare);
	if (place.whose != WHOSE_OTHER)
		visit(data, place.whose, place.variable, lvalue);
}

static void each_child_address(struct node *value, int first, address_visitor *visit, void *data)
{
	for (int i = first; i < value->child_count; i++)
		if (is_expression(value->child[i]))
			each_address(value->child[i], visit, data);
}

static void each_address_of_operator(struct node *value, address_visitor *visit, void *data)
{
	if (is_comma(value) || is_assignment(value))
		each_address(value->child[1], visit, data);
	else if (is_pointer(type_of(value)))
		each_child_address(value, 0, visit, data);
}

static void each_address_of_unary(struct node *value, address_visitor *visit, void *data)
{
	struct node *operand = value->child_count == 1 ? value->child[0] : NULL;

	if (!operand)
		return;
	if (takes_address(value))
		visit_place(operand, visit, data);
	else if (!is_lvalue(value) &&
	         clang_equalTypes(canonical_type_of(value), canonical_type_of(operand)))
		each_address(operand, visit, data); /* __extension__ */
}

static void each_address_of_block(struct node *value, address_visitor *visit, void *data)
{
	struct node *block = value->child_count ? value->child[0] : NULL;

	if (block && block->child_count)
		each_address(block->child[block->child_count - 1], visit, data);
}

/* my, and pointers that hold one address only. */
static bool visit_pointer(struct node *value, address_visitor *visit, void *data)
{
	const struct node *name = is_implicit_cast(value) ? without_parentheses(value->child[0]) : NULL;

	if (!name)
		return false;
	if (name->stands_for)
		each_address(name->stands_for, visit, data);
	else if (is_frame_pointer(value) || name->points_to == POINTS_TO_FRAME)
		visit(data, WHOSE_FRAME, -1, value);
	else if (name->points_to >= 0)
		visit(data, WHOSE_LOCAL, name->points_to, value);
	else
		return false;
	return true;
}

void each_address(struct node *value, address_visitor *visit, void *data)
{
	switch ((int)value->kind) {
	case CXCursor_UnexposedExpr:
		if (decays(value))
			visit_place(value->child[0], visit, data);
		else if (!visit_pointer(value, visit, data))
			each_child_address(value, value->child_count > 2 ? 1 : 0, visit, data);
		break;
	case CXCursor_UnaryOperator:
		each_address_of_unary(value, visit, data);
		break;
	case CXCursor_BinaryOperator:
		each_address_of_operator(value, visit, data);
		break;
	case CXCursor_ConditionalOperator:
	case CXCursor_GenericSelectionExpr:
		each_child_address(value, 1, visit, data);
		break;
	case CXCursor_StmtExpr:
		each_address_of_block(value, visit, data);
		break;
	case CXCursor_ParenExpr:
	case CXCursor_CStyleCastExpr:
	case CXCursor_CompoundLiteralExpr:
	case CXCursor_InitListExpr:
		each_child_address(value, 0, visit, data);
		break;
	default:
		break;
	}
}

int argument_count(const struct node *call)
{
	return call->child_count - 1;
}

struct node *argument_of(const struct node *call, int index)
{
	return call->child[index + 1];
}
