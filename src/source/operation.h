/*
 * operation.h - what a value task points at if it is neither a frame nor a timer: an operation of
 * the library's.
 */
#ifndef BIDE_SOURCE_OPERATION_H
#define BIDE_SOURCE_OPERATION_H

#include "base/generation.h"
#include "base/own.h"
#include "base/thread.h"

struct bide_operation;

typedef void bide_operation_leave_function_(struct bide_operation *operation);
typedef void bide_operation_unwanted_function_(bide_payload result);

/*
 * leave: the value task is about to be forgotten while the operation is pending, and nothing waits
 * for it. The function takes the operation out of where it waits, so that it ends with ECANCELED.
 * It runs on the thread that forgets, without a lock, and the consumer still owns the value task:
 * the record lasts until the function returns, and until the operation is over. The producer may
 * complete the operation at the same moment; then that outcome stays. The function may complete the
 * operation, or see to it that it is completed later. With one worker it may run on another thread
 * than the worker's, if the operation was made on another thread, or is a task.
 *
 * unwanted: the operation succeeded, and no consumer takes the result. The function gives back what
 * the result holds: it closes what was opened. It runs once, on any thread, without a lock, before
 * the record is recycled, also in bide_shutdown. It never runs if a consumer has taken the result.
 * A ready value task does not know the type. So an operation of such a type that succeeds within
 * the call returns bide_operation_succeeded_, and no ready value task.
 */
typedef struct bide_operation_type {
	const char *name;                  /* the public function that made it, for dumps */
	bide_describe_function_ *describe; /* if NULL, a dump shows only the name */
	size_t task_at; /* the offset of a pointer to the task that it waits for; 0: there is none */
	bide_operation_leave_function_ *leave;       /* if NULL, a forgotten operation goes on */
	bide_operation_unwanted_function_ *unwanted; /* if NULL, the result holds nothing */
	/*
	 * The offset of a pointer to the type whose `unwanted` gives the result of this operation back,
	 * or NULL; 0: it is the one above.
	 */
	size_t result_type_at;
	/*
	 * A large result (BIDE_FLAG_LARGE_) lies in the operation itself. Otherwise the task of a
	 * subscription holds it.
	 */
	bool has_result_inside;
	/*
	 * If not NULL, an await takes the large result inside without bide_await_large, and returns
	 * what this function does. It runs on the consumer's thread, once; it copies the result to
	 * where the consumer wants it, which lasts, since the consumer is there.
	 */
	bide_payload (*take)(struct bide_operation *operation);
	/*
	 * As `unwanted`, where the operation must be seen to give its result back. If `leave` gives it
	 * back already, the call that follows must do nothing.
	 */
	void (*dropped)(struct bide_operation *operation);
	/* The offset of a pointer to the source that holds a large result; 0: it is here. */
	size_t result_of_at;
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
/* The same of a size class that is not the big one. What is behind the type has any contents. */
BIDE_INTERNAL bide_operation *bide_operation_new_bare_(unsigned size_class,
                                                       const bide_operation_type *type);

/* Does the same as the first for a source of any kind, which is one of BIDE_KIND_. */
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
/*
 * Returns the value task of an operation that has succeeded, for a type with `unwanted`. If there
 * is no memory, it gives the result back by `unwanted`, and returns ENOMEM.
 */
BIDE_INTERNAL bide_value_task bide_operation_succeeded_(const bide_operation_type *type,
                                                        bide_payload result);
/*
 * The consumer is about to forget the value task of a pending source, for which nothing waits.
 * Calls `leave` of an operation that has one. The source may be over then.
 */
BIDE_INTERNAL void bide_operation_leave_(bide_source *source);
/*
 * Drops the outcome of a source that is DONE: reports an error to the hook for unobserved errors,
 * or gives the result back. The caller recycles the source.
 */
BIDE_INTERNAL void bide_outcome_dropped_(const bide_source *source);
/* Gives the result of a source that is DONE back, if it has succeeded and its type says how. */
BIDE_INTERNAL void bide_result_dropped_(const bide_source *source);
/* Returns true if bide_result_dropped_ gives something back. The source is DONE. */
BIDE_INTERNAL bool bide_result_can_be_dropped_(const bide_source *source);
/* Returns true if an await takes the large result of a source that is DONE (`take`). */
BIDE_INTERNAL bool bide_large_result_is_taken_(const bide_source *source);
/*
 * The source is DONE, and has a large result. Stores what an await returns; or returns false if
 * only bide_await_large takes it.
 */
BIDE_INTERNAL bool bide_large_result_take_(bide_source *source, bide_payload *result);
/* Recycles an object of a pool whose value task was never handed out. */
BIDE_INTERNAL void bide_operation_discard_(bide_source *source);

/*
 * Returns true if the operation is in use, and of this type. An operation that was recycled may be
 * asked too, because the memory of pools lasts, and in free memory the top bits of the generation
 * are zero. The answer is wrong if the memory is in use again as an operation of the same type.
 */
static inline bool bide_is_live_(const bide_operation *operation, const bide_operation_type *type)
{
	bide_leave_parent_();
	return bide_is_in_use_(&operation->source) && operation->type == type;
}

#endif
