/*
 * tree.h - the syntax tree of one function, copied out of libclang so that it can be walked in any
 * order, several times.
 */
#ifndef CHECK_TREE_H
#define CHECK_TREE_H

#include <clang-c/Index.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state;

enum { POINTS_TO_FRAME = -2 };

struct node {
	CXCursor cursor;
	enum CXCursorKind kind;
	int child_count;
	struct node **child;
	struct node *parent;
	int variable;  /* a local's declaration, or a name that refers to one: its number; or -1 */
	int points_to; /* a pointer: to that local always, or to the frame; -1: neither */
	struct node *stands_for; /* the name of a macro's temporary: the value that it was given */
	struct state *heard; /* labels and loops: what arrives there by other ways than from above */
};

/* Memory that is freed all at once. No memory ends the program with a message. */
void *arena_take(size_t size_bytes);
void arena_reset(void);

struct node *tree_of(CXCursor root);

/* The text of a CXString, in the arena; the CXString is disposed of. Never NULL. */
const char *text_of(CXString string);
/* A name that a cursor declares or refers to. */
const char *name_of(CXCursor cursor);
const char *callee_of(const struct node *call);
/* The same as the user knows it: load where load_begin_ is called for bide_async_start(load). */
const char *spoken_callee_of(const struct node *call);
/* Is `node` the same, or somewhere below it? */
bool contains(const struct node *node, const struct node *below);
CXType type_of(const struct node *node);
CXType canonical_type_of(const struct node *node);

/* Without parentheses and __extension__. */
struct node *without_parentheses(struct node *node);
/* Is this one of the casts that the language adds (a read of a variable, an array as a pointer)? */
bool is_implicit_cast(const struct node *node);
bool is_expression(const struct node *node);

bool starts_with(const char *text, const char *beginning);
bool ends_with(const char *text, const char *end);

void tree_dump(const struct node *node, int depth);

#endif
