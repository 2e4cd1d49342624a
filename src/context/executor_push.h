/*
 * executor_push.h - frames and executors, as the rooms below ask for it.
 */
#ifndef BIDE_CONTEXT_EXECUTOR_PUSH_H
#define BIDE_CONTEXT_EXECUTOR_PUSH_H

#include "base/library.h"

/* The current context of this thread is `word` now, and one of the two has an executor. */
BIDE_INTERNAL void bide_executor_scope_(bide_thread_head *head, uintptr_t word);
/* Before a frame, which has been in use on this thread alone, goes to its executor. */
BIDE_INTERNAL void bide_executor_admit_(bide_frame *frame);

BIDE_INTERNAL bool bide_executor_check_(const bide_executor *executor, const char *what);
/* The executor of the context in a frame's word; NULL: none. */
BIDE_INTERNAL bide_executor *bide_context_executor_(uintptr_t word);

#endif
