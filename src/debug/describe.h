/*
 * describe.h - what a pending object is, in words: for dumps and leak reports.
 *
 * Any thread may describe what others change meanwhile. A copy of an object counts if its
 * generation was the same before and after: then it was one object all the time, and what it
 * points at in static data is right. What it waits for is followed only into memory of the pools,
 * which stays what it is, and to tasks that a list says are there.
 */
#ifndef BIDE_DEBUG_DESCRIBE_H
#define BIDE_DEBUG_DESCRIBE_H

#include "base/own.h"
#include "source/operation.h"

/* A text that is put together in pieces; what does not fit is cut off. */
typedef struct bide_text {
	char *to;
	size_t size_bytes, length;
} bide_text;

BIDE_INTERNAL void bide_text_add_(bide_text *text, const char *format, ...) BIDE_PRINTF(2, 3);

/* " at file:line in function" of a call; an async function has its own name. */
BIDE_INTERNAL void bide_text_place_(bide_text *text, const bide_place *place);

typedef struct bide_snapshot {
	union {
		bide_source source;
		bide_frame frame;
		bide_operation operation;
		uint64_t words[BIDE_COPY_BYTES_ / sizeof(uint64_t)];
	} copy;
	const bide_source *at;
	const bide_function_info *async; /* of a frame; else NULL */
	const bide_own_ *own;            /* of a frame of the library's; else NULL */
	const bide_operation_type *type; /* of an operation; else NULL */
	uint32_t line;                   /* where it waits */
	bool is_done;
} bide_snapshot;

/* In a visit of the pools. false: it was being given back, or taken anew. */
BIDE_INTERNAL bool bide_snapshot_take_(bide_snapshot *s, const bide_source *source);

/* What a frame waits for. In a visit. */
BIDE_INTERNAL void bide_describe_awaited_(bide_text *text, const bide_snapshot *waiting);
/* What it is itself: a function's name, the user's call, an operation. In a visit. */
BIDE_INTERNAL void bide_describe_(bide_text *text, const bide_snapshot *s);
/*
 * A frame of the library's is shown where it stands for what no async function of the user's
 * shows: a call that none waits for, a body of a loop that is none. In a visit.
 */
BIDE_INTERNAL bool bide_is_shown_(const bide_snapshot *s);

#endif
