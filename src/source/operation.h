/*
 * operation.h - what a value task points at when it is no frame: an operation of the library's.
 */
#ifndef BIDE_SOURCE_OPERATION_H
#define BIDE_SOURCE_OPERATION_H

#include "base/own.h"

struct bide_operation;

typedef struct bide_operation_type {
	const char *name;                  /* for dumps: the function that made it */
	bide_describe_function_ *describe; /* NULL: the name is all */
	size_t task_at; /* the task that it waits for is a pointer at this offset; 0: there is none */
} bide_operation_type;

typedef struct bide_operation {
	bide_source source;
	const bide_operation_type *type;
	struct bide_operation *link; /* completions that wait their turn */
} bide_operation;

/*
 * A new pending operation of size_bytes from this thread's pool, the rest zeroed. NULL: no memory.
 * It belongs to the consumer of its value task once it is done.
 */
BIDE_INTERNAL bide_operation *bide_operation_new_(size_t size_bytes,
                                                  const bide_operation_type *type);

/* The same for a source of another kind, the upper bits of bide_source.kind. */
BIDE_INTERNAL bide_source *bide_source_new_(size_t size_bytes, unsigned kind);
/*
 * Stores the result, says DONE, and makes the waiter runnable. Never runs user code, never
 * recurses deeper than a constant: completions that follow from completions wait in a list of the
 * thread.
 */
BIDE_INTERNAL void bide_operation_complete_(bide_operation *operation, bide_payload payload,
                                            int error);
/* Gives back one whose value task was never handed out. */
BIDE_INTERNAL void bide_operation_discard_(bide_source *source);

/*
 * It is in use and of this type. The memory of pools lasts, and in what is free the top of the
 * generation is zero: so an object that was given back can be asked. Not if it is in use again as
 * one of the same type.
 */
static inline bool bide_is_live_(const bide_operation *operation, const bide_operation_type *type)
{
	return BIDE_LOAD(&operation->source.generation, RELAXED) >> 48 != 0 && operation->type == type;
}

#endif
