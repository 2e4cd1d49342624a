/*
 * layout.c - a table for debuggers: where in memory to find what is pending. It consists of
 * numbers, so that the debugger needs no debug information of the library. tools/bide-gdb.py, which
 * is installed with the library, reads them in this order.
 */
#include "debug/layout.h"

#include "base/own.h"
#include "memory/pool_layout.h"
#include "source/operation.h"
#include "tasks/subscription.h"
#include "tasks/task_list.h"

#define AT(type, member) offsetof(type, member)
#define ADDRESS(of) ((uint64_t)(uintptr_t)(of))

const struct bide_layout bide_layout_ = { .version = 1,
	                                      .count =
	                                          sizeof(struct bide_layout) / sizeof(uint64_t) - 2,
	                                      .chunks = ADDRESS(&bide_pools_.chunks),
	                                      .classes = BIDE_CLASS_COUNT_,
	                                      .singles = ADDRESS(&bide_pools_.singles),
	                                      .tasks = ADDRESS(&bide_listed_tasks_),
	                                      .task_buckets = BIDE_TASK_BUCKETS_,
	                                      .chunk_next = AT(bide_chunk, next),
	                                      .chunk_stride = AT(bide_chunk, stride),
	                                      .chunk_made = AT(bide_chunk, made),
	                                      .chunk_front = AT(bide_chunk, front),
	                                      .chunk_head = BIDE_CHUNK_HEAD_BYTES_,
	                                      .record_next = AT(bide_record, next),
	                                      .record_started = AT(bide_record, started),
	                                      .record_bytes = sizeof(bide_record),
	                                      .record_size = AT(bide_record, size_bytes),
	                                      .source_word = AT(bide_source, word),
	                                      .source_generation = AT(bide_source, generation),
	                                      .source_payload = AT(bide_source, payload),
	                                      .source_line = AT(bide_source, line),
	                                      .source_error = AT(bide_source, error),
	                                      .source_kind = AT(bide_source, kind),
	                                      .source_flags = AT(bide_source, flags),
	                                      .frame_async = AT(bide_frame, async),
	                                      .frame_awaiting = AT(bide_frame, awaiting),
	                                      .frame_bytes = sizeof(bide_frame),
	                                      .async_name = AT(bide_function_info, name),
	                                      .async_file = AT(bide_function_info, file),
	                                      .async_line = AT(bide_function_info, line),
	                                      .async_bytes = AT(bide_function_info, frame_bytes),
	                                      .async_lines = AT(bide_function_info, points_are_lines),
	                                      .async_own = AT(bide_function_info, own),
	                                      .own_name = AT(bide_own_, name),
	                                      .own_kind = AT(bide_own_, kind),
	                                      .operation_type = AT(bide_operation, type),
	                                      .type_name = AT(bide_operation_type, name),
	                                      .type_task_at = AT(bide_operation_type, task_at),
	                                      .subscription_older = AT(bide_subscription_, older),
	                                      .task_next = AT(bide_listed_task_, next),
	                                      .task_created = AT(bide_listed_task_, created),
	                                      .place_file = AT(bide_place, file),
	                                      .place_line = AT(bide_place, line),
	                                      .place_function = AT(bide_place, function) };
