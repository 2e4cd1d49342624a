/*
 * places.h - what an expression stands for: which variable it is part of, whose address it is.
 *
 * libclang has no operators before version 17; they are told by what the language does around them.
 * It reads a variable by a cast of its own, so that an operand without one is assigned, counted up
 * or down, or its address is taken.
 */
#ifndef CHECK_PLACES_H
#define CHECK_PLACES_H

#include "tree.h"

enum whose { WHOSE_OTHER, WHOSE_LOCAL, WHOSE_FRAME, WHOSE_LITERAL };

/* What an lvalue is part of. */
struct place {
	enum whose whose;
	int variable; /* of a local */
	int part; /* which member or element of it, as far as that is constant; -1: all, or unknown */
	bool whole;
	bool element_unknown; /* an element whose index is known only when it runs */
};

struct place place_of(struct node *lvalue);

bool is_assignment(const struct node *node);
bool is_comma(const struct node *node);
/* &x */
bool takes_address(const struct node *node);
/* ++ and -- */
bool counts(const struct node *node);
/* An array that is used as a pointer. */
bool decays(const struct node *node);

bool is_array(CXType type);
bool is_pointer(CXType type);
bool is_record(CXType type);
/* A value task, a typed one, or a pointer to a task. */
bool is_awaitable(CXType type);
bool is_value_task(CXType type);

/* Calls visit(data, whose, variable, node) for each variable whose address is in the value. */
typedef void address_visitor(void *data, enum whose whose, int variable, struct node *at);
void each_address(struct node *value, address_visitor *visit, void *data);

/* my, the parameter of every body. */
bool is_frame_pointer(const struct node *node);

/* The value of a constant expression; false: it is none. */
bool constant_of(const struct node *node, long long *value);

/* What is called, without casts and parentheses, and the arguments. */
int argument_count(const struct node *call);
struct node *argument_of(const struct node *call, int index);

#endif
