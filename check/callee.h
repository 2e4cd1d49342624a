/*
 * callee.h - what a function that stands in the same file does with what a pointer points to.
 */
#ifndef CHECK_CALLEE_H
#define CHECK_CALLEE_H

#include "tree.h"

enum use_of_pointer { POINTER_UNKNOWN, POINTER_READ, POINTER_FILLED };

/* What happens first to what the argument with that number points to. */
enum use_of_pointer use_of_argument(const struct node *call, int argument);
void callees_forget(void);

#endif
