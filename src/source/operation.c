/*
 * operation.c - operations: making, completing and discarding one.
 */
#include "source/operation.h"

#include "base/assert.h"
#include "base/thread.h"
#include "memory/pool.h"
#include "source/source.h"

bide_source *bide_source_new_(size_t size_bytes, unsigned kind)
{
	bide_thread_head *head = bide_thread_();
	unsigned size_class = bide_class_of_(size_bytes);
	bide_source *source;

	if (!head)
		return NULL;
	source = size_class == BIDE_CLASS_BIG_ ? bide_pool_take_big_(size_bytes, NULL)
	                                       : bide_pool_take_(head, size_class, NULL);
	if (!source)
		return NULL;
	source->word = BIDE_WORD_PENDING_;
	BIDE_STORE(&source->generation, ++head->generation, RELAXED); /* Visits of the pools read it. */
	source->payload.i = 0;
	source->marks = 0;
	source->error = 0;
	source->kind = (uint8_t)(kind | size_class);
	source->flags = (uint8_t)head->frame_flags;
	__builtin_memset((char *)source + sizeof *source, 0, size_bytes - sizeof *source);
	return source;
}

bide_operation *bide_operation_new_(size_t size_bytes, const bide_operation_type *type)
{
	bide_operation *operation;

	BIDE_ASSERT_(size_bytes >= sizeof *operation);
	operation = (bide_operation *)(void *)bide_source_new_(size_bytes, BIDE_KIND_OPERATION_);

	if (operation)
		operation->type = type;
	return operation;
}

void bide_operation_discard_(bide_source *source)
{
	bide_source_recycle_(bide_thread_(), source);
}

void bide_operation_complete_(bide_operation *operation, bide_payload payload, int error)
{
	bide_thread_head *head = bide_thread_();
	bide_thread *thread = bide_thread_of_(head);

	BIDE_ASSERT_(bide_kind_of_(operation->source.kind) == BIDE_KIND_OPERATION_);
	if (!head) { /* There was no memory for the record of this thread. */
		bide_source_complete_(&operation->source, payload, error);
		return;
	}
	if (thread->completing >= BIDE_COMPLETING_DEPTH_MAX_) {
		operation->source.payload = payload;
		operation->source.error = (uint16_t)error;
		operation->link = NULL;
		*thread->completions_tail = operation;
		thread->completions_tail = &operation->link;
		return;
	}
	BIDE_ASSERT_(thread->completing > 0 || !thread->completions);
	thread->completing++;
	bide_source_complete_(&operation->source, payload, error);
	if (--thread->completing > 0)
		return;
	while ((operation = thread->completions) != NULL) {
		thread->completions = operation->link;
		if (!thread->completions)
			thread->completions_tail = &thread->completions;
		thread->completing++;
		bide_source_deliver_(&operation->source, bide_source_finish_(&operation->source));
		thread->completing--;
	}
	BIDE_ASSERT_(thread->completing == 0 && thread->completions_tail == &thread->completions);
}
