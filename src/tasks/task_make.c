/*
 * task_make.c - making tasks: completed ones, failed ones, and completion sources.
 */
#include "tasks/task_make.h"

#include "base/count.h"
#include "base/generation.h"
#include "base/misuse.h"
#include "base/settings.h"
#include "memory/allocator.h"
#include "source/source.h"
#include "source/trace.h"
#include "tasks/task_list.h"

/*
 * A result from -1 to 8 has one static task. The bits of the payload count: 0 is also false, NULL,
 * +0.0 and "completed".
 */
#define CONSTANT(value)                                                                           \
	{                                                                                             \
		.word = BIDE_WORD_DONE_, .references = BIDE_COUNT_BASE_ + 1, .payload = { .i = (value) }, \
		.marks = BIDE_MARK_CONSTANT_ | BIDE_MARK_CLAIMED_, .kind = BIDE_KIND_TASK_,               \
		.flags = BIDE_FLAG_SYNC_                                                                  \
	}
static bide_source constants[] = {
	CONSTANT(-1), CONSTANT(0), CONSTANT(1), CONSTANT(2), CONSTANT(3),
	CONSTANT(4),  CONSTANT(5), CONSTANT(6), CONSTANT(7), CONSTANT(8)
};

bide_source *bide_task_new_(unsigned flags, const bide_place *created)
{
	bide_thread_head *head = bide_thread_();
	bide_task_object *object;
	bool is_listed;

	if (!head)
		return NULL;
	is_listed = BIDE_UNLIKELY(bide_debug_) && created;
	object = is_listed ? bide_task_list_new_(created) : bide_allocate_task_(head);
	if (!object)
		return NULL;
	if (is_listed)
		bide_count_(BIDE_COUNT_TASKS_, 1);
	object->source = (bide_source){ .word = BIDE_WORD_SHARED_,
		                            .references = BIDE_COUNT_BASE_ + 1,
		                            .kind = is_listed ? BIDE_KIND_TASK_LISTED_ : BIDE_KIND_TASK_,
		                            .flags = (uint8_t)(BIDE_FLAG_SYNC_ | flags) };
	object->waiting = 0;
	if (is_listed)
		bide_task_list_add_(object);
	return &object->source;
}

static inline bide_task *ready(bide_payload result, int error)
{
	bide_thread_head *head;
	bide_task_object *object;

	if (error == 0 && result.i >= -1 && result.i <= 8)
		return (bide_task *)&constants[result.i + 1];
	head = bide_thread_();
	object = head ? bide_allocate_task_(head) : NULL;
	if (!object)
		return NULL;
	object->source = (bide_source){ .word = BIDE_WORD_DONE_,
		                            .references = BIDE_COUNT_BASE_ + 1,
		                            .payload = result,
		                            .marks = BIDE_MARK_CLAIMED_,
		                            .error = (uint16_t)error,
		                            .kind = BIDE_KIND_TASK_,
		                            .flags = BIDE_FLAG_SYNC_ };
	object->waiting = 0;
	return (bide_task *)&object->source;
}

bide_task *bide_task_ready_(bide_payload result, int error)
{
	return ready(result, error);
}

bide_task *bide_task_ready_of_(bide_value_task value_task)
{
	bide_task *task = ready(value_task.payload, (int)value_task.state);

	if (BIDE_UNLIKELY(!task))
		bide_unobserved_value_(value_task);
	return task;
}

bide_task *bide_task_from_int(int64_t value)
{
	return bide_task_ready_(bide_payload_int_(value), 0);
}

bide_task *bide_task_from_double(double value)
{
	bide_payload payload;

	payload.d = value;
	return bide_task_ready_(payload, 0);
}

bide_task *bide_task_from_pointer(const void *value)
{
	return bide_task_ready_(bide_value_task_from_pointer(value).payload, 0);
}

bide_task *bide_task_completed(void)
{
	return bide_task_ready_(bide_payload_int_(0), 0);
}

bide_task *bide_task_failed_at_(int error, const bide_place *place)
{
	if (error <= 0 || error > BIDE_ERROR_MAX) {
		bide_misuse_("bide_task_from_error: error is %d; 1 to %d are allowed", error,
		             BIDE_ERROR_MAX);
		return NULL;
	}
	return bide_task_ready_(bide_trace_made_(error, place), error);
}

bide_task *bide_task_create(const bide_task_options *options)
{
	static const bide_place unknown = { "?", 0, "?" };
	unsigned flags = options && options->queue_continuations ? BIDE_FLAG_RESUME_LATER_ : 0;
	const bide_place *created = NULL;

	bide_thread_(); /* debug mode is known once the runtime is set up */
	if (BIDE_UNLIKELY(bide_debug_))
		created = bide_called_at_("bide_task_create");
	return (bide_task *)bide_task_new_(flags, created ? created : &unknown);
}

bide_task *bide_task_create_own_(void)
{
	bide_source *task = bide_task_new_(0, NULL);

	if (!task)
		return NULL;
	task->marks = BIDE_MARK_OWN_;
	bide_count_(BIDE_COUNT_TASKS_, (uint64_t)-1);
	return (bide_task *)task;
}
