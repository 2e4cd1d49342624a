/*
 * operation.c - operations: making one, and discarding it.
 */
#include "source/operation.h"

#include "base/assert.h"
#include "memory/pool.h"

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
