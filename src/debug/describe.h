/*
 * describe.h - what a pending object is, in words: for dumps and leak reports.
 *
 * The words of this room:
 *
 *   dump        a list of what is pending, with what each function waits for
 *   leak        an async function that is pending, or over and not consumed, at the end
 *   visit       a call for each frame and operation of the pools (bide_pools_walk_)
 *   snapshot    a copy of the beginning of an object, which other threads may change meanwhile
 *   own         the library's: each async function of its own stands for a call of the user's
 *   to be shown to get a line of a dump, rather than to be named in that of what waits for it
 *
 * Any thread may describe what others change meanwhile. A snapshot counts if the generation of the
 * object was the same before and after: then it was one object all the time, and the static data
 * that it points at is right. What it waits for is followed only into the memory of the pools,
 * which keeps its form, and to tasks that the task list says are there.
 */
#ifndef BIDE_DEBUG_DESCRIBE_H
#define BIDE_DEBUG_DESCRIBE_H

#include "base/own.h"
#include "source/operation.h"

/* A text that is put together in pieces. What does not fit is cut off. */
typedef struct bide_text {
	char *to;
	size_t size_bytes, length;
} bide_text;

BIDE_INTERNAL void bide_text_add_(bide_text *text, const char *format, ...) BIDE_PRINTF(2, 3);

/*
 * Adds " at file:line in function" of a call. An async function has the name that the user gave it.
 */
BIDE_INTERNAL void bide_text_place_(bide_text *text, const bide_place *place);

typedef struct bide_snapshot {
	union {
		bide_source source;
		bide_frame frame;
		bide_operation operation;
		uint64_t words[BIDE_COPY_BYTES_ / sizeof(uint64_t)];
	} copy;
	const bide_source *at;
	const bide_function_info *async; /* of a frame; otherwise NULL */
	const bide_own_ *own;            /* of a frame of the library's own; otherwise NULL */
	const bide_operation_type *type; /* of an operation; otherwise NULL */
	uint32_t line;                   /* where the frame waits */
	bool is_done;
} bide_snapshot;

/*
 * Takes a snapshot. Returns false if the object was being recycled, or taken anew. Called in a
 * visit of the pools, as all functions below.
 */
BIDE_INTERNAL bool bide_snapshot_take_(bide_snapshot *s, const bide_source *source);

/* Adds what a frame waits for. */
BIDE_INTERNAL void bide_describe_awaited_(bide_text *text, const bide_snapshot *waiting);
/* Adds what the object is itself: the name of a function, a call of the user's, an operation. */
BIDE_INTERNAL void bide_describe_(bide_text *text, const bide_snapshot *s);
/*
 * Returns true if a frame is shown. A frame of the library's own is shown if it stands for what no
 * async function of the user's shows: a call that none waits for, or a body of a loop that is none.
 */
BIDE_INTERNAL bool bide_is_shown_(const bide_snapshot *s);

#endif
