/*
 * operation.c - operations: making one, discarding it, and dropping its outcome.
 */
#include "source/operation.h"

#include "base/assert.h"
#include "base/misuse.h"
#include "memory/pool.h"
#include "source/source.h"

/* Behind the head it has any contents. size_bytes: of a big one. */
static inline bide_source *make(unsigned size_class, size_t size_bytes, unsigned kind)
{
	bide_thread_head *head = bide_thread_();
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
	return source;
}

bide_source *bide_source_new_(size_t size_bytes, unsigned kind)
{
	bide_source *source = make(bide_class_of_(size_bytes), size_bytes, kind);

	if (source)
		__builtin_memset((char *)source + sizeof *source, 0, size_bytes - sizeof *source);
	return source;
}

bide_operation *bide_operation_new_bare_(unsigned size_class, const bide_operation_type *type)
{
	bide_operation *operation = (bide_operation *)(void *)make(size_class, 0, BIDE_KIND_OPERATION_);

	if (operation)
		operation->type = type;
	return operation;
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

bide_value_task bide_operation_succeeded_(const bide_operation_type *type, bide_payload result)
{
	bide_operation *operation = bide_operation_new_(sizeof *operation, type);

	if (!operation) {
		if (type->unwanted)
			type->unwanted(result);
		return bide_value_task_from_error(BIDE_ENOMEM_);
	}
	operation->source.payload = result;
	operation->source.word = BIDE_WORD_DONE_;
	return bide_source_value_(&operation->source);
}

static const bide_operation_type *type_of(const bide_source *source)
{
	if (bide_kind_of_(source->kind) != BIDE_KIND_OPERATION_)
		return NULL;
	return ((const bide_operation *)(const void *)source)->type;
}

void bide_operation_leave_(bide_source *source)
{
	const bide_operation_type *type = type_of(source);

	if (type && type->leave)
		type->leave((bide_operation *)(void *)source);
}

static bide_operation_unwanted_function_ *unwanted_of(const bide_source *source)
{
	const bide_operation_type *type = source->error == 0 ? type_of(source) : NULL;

	if (type && type->result_type_at)
		type = *(const bide_operation_type *const *)(const void *)((const char *)source +
		                                                           type->result_type_at);
	return type ? type->unwanted : NULL;
}

static bool has_dropped(const bide_source *source)
{
	const bide_operation_type *type = source->error == 0 ? type_of(source) : NULL;

	return type && type->dropped;
}

bool bide_result_can_be_dropped_(const bide_source *source)
{
	return has_dropped(source) || unwanted_of(source);
}

void bide_result_dropped_(const bide_source *source)
{
	bide_operation_unwanted_function_ *unwanted = unwanted_of(source);

	if (unwanted)
		unwanted(source->payload);
	if (has_dropped(source))
		type_of(source)->dropped((bide_operation *)(uintptr_t)source);
}

/* Returns the operation in which the large result lies, if its type has a `take`; else NULL. */
static bide_operation *taken_of(const bide_source *source)
{
	const bide_operation_type *type = type_of(source);

	if (type && type->result_of_at) {
		source = *(bide_source *const *)(const void *)((const char *)source + type->result_of_at);
		type = type_of(source);
	}
	return type && type->take ? (bide_operation *)(uintptr_t)source : NULL;
}

bool bide_large_result_is_taken_(const bide_source *source)
{
	return taken_of(source) != NULL;
}

bool bide_large_result_take_(bide_source *source, bide_payload *result)
{
	bide_operation *operation = taken_of(source);

	if (operation)
		*result = operation->type->take(operation);
	return operation != NULL;
}

void bide_outcome_dropped_(const bide_source *source)
{
	bide_unobserved_(source->error, source);
	bide_result_dropped_(source);
}

void bide_operation_discard_(bide_source *source)
{
	bide_source_recycle_(bide_thread_(), source);
}
