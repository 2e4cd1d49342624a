/*
 * prelude.h - declarations that the fragments in the documents use without showing them.
 */
#ifndef PRELUDE_H
#define PRELUDE_H

#include <errno.h>

#include <bide/short.h>

/* The sizes that the documents state. */
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(value_task) == 16, "bide_value_task.3, README");
_Static_assert(sizeof(bide_frame) == 56, "bide_async.7, README, design");
_Static_assert(sizeof(bide_user_source) == 64, "bide_source.3");
_Static_assert(sizeof(bide_cancel_registration) == 80, "bide_cancel.3");
_Static_assert(sizeof(bide_group) == 56, "bide_group.3");
#endif

value_task fetch(int number);
value_task get_data(int key);
void use(value_task item);
value_task read_whole_file(void *path);

/* The frame of a fragment from an async function. */
#define SAMPLE_FRAME      \
	ASYNC_FRAME;          \
	struct {              \
		const char *path; \
	} in;                 \
	value_task items[8];  \
	bide_when_each each;  \
	bide_stream *client;  \
	bide_context *scope;  \
	int64_t n, i, first

#endif
