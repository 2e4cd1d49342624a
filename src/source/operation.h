/*
 * operation.h - what a value task points at if it is neither a frame nor a timer: an operation of
 * the library's.
 */
#ifndef BIDE_SOURCE_OPERATION_H
#define BIDE_SOURCE_OPERATION_H

#include "base/generation.h"
#include "base/own.h"

struct bide_operation;

typedef struct bide_operation_type {
	const char *name;                  /* the public function that made it, for dumps */
	bide_describe_function_ *describe; /* if NULL, a dump shows only the name */
	size_t task_at; /* the offset of a pointer to the task that it waits for; 0: there is none */
} bide_operation_type;

typedef struct bide_operation {
	bide_source source;
	const bide_operation_type *type;
	struct bide_operation *link; /* the next one that waits to be completed on this thread */
} bide_operation;

/*
 * Returns a pending operation of size_bytes from this thread's pool, zeroed behind its head, or
 * NULL if there is no memory. Once it is done, it belongs to the consumer of its value task.
 */
BIDE_INTERNAL bide_operation *bide_operation_new_(size_t size_bytes,
                                                  const bide_operation_type *type);

/* Does the same for a source of any kind, which is one of BIDE_KIND_. */
BIDE_INTERNAL bide_source *bide_source_new_(size_t size_bytes, unsigned kind);
/* How many completions may be on one stack. */
enum { BIDE_COMPLETING_DEPTH_MAX_ = 8 };
/*
 * Stores the result, finishes and delivers. It runs no user code. The stack is bounded by a
 * constant: beyond a depth of BIDE_COMPLETING_DEPTH_MAX_, completions that follow from completions
 * wait in a list of the thread.
 */
BIDE_INTERNAL void bide_operation_complete_(bide_operation *operation, bide_payload payload,
                                            int error);
/* Recycles an object of a pool whose value task was never handed out. */
BIDE_INTERNAL void bide_operation_discard_(bide_source *source);

/*
 * Returns true if the operation is in use, and of this type. An operation that was recycled may be
 * asked too, because the memory of pools lasts, and in free memory the top bits of the generation
 * are zero. The answer is wrong if the memory is in use again as an operation of the same type.
 */
static inline bool bide_is_live_(const bide_operation *operation, const bide_operation_type *type)
{
	return bide_is_in_use_(&operation->source) && operation->type == type;
}

#endif
