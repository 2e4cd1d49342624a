/*
 * layout.h - what a debugger reads; see layout.c.
 */
#ifndef BIDE_DEBUG_LAYOUT_H
#define BIDE_DEBUG_LAYOUT_H

#include "base/library.h"

struct bide_layout {
	uint64_t version; /* of this table; it changes with the table */
	uint64_t count;   /* of the numbers that follow */
	uint64_t chunks, classes, singles, tasks, task_buckets;
	uint64_t chunk_next, chunk_stride, chunk_made, chunk_front, chunk_head;
	uint64_t record_next, record_started, record_bytes, record_size;
	uint64_t source_word, source_generation, source_payload, source_line, source_error;
	uint64_t source_kind, source_flags;
	uint64_t frame_async, frame_awaiting, frame_bytes;
	uint64_t async_name, async_file, async_line, async_bytes, async_lines, async_own;
	uint64_t own_name, own_kind;
	uint64_t operation_type, type_name, type_task_at;
	uint64_t subscription_older;
	uint64_t task_next, task_created;
	uint64_t place_file, place_line, place_function;
};

extern BIDE_API const struct bide_layout bide_layout_;

#endif
