/*
 * executor.c - executors: functions that run one after the other, on the workers (a strand) or on a
 * thread of the user's (a loop; what it needs of the system is in runtime/loop.c).
 *
 * A strand in which something is runnable is itself runnable: a frame that is no async function's,
 * whose body runs some functions of the strand and then goes to the end of the worker's queue again
 * if there are more. So a strand costs a worker nothing to know of, and never keeps one from other
 * work.
 */
#include "context/executor.h"

#include "source/run_queue.h"

enum { STRAND_BATCH = 32 };

static const bide_operation_type strand_type = { .name = "strand" };
static bide_executor workers; /* only its address is used */

/* --- the queue --- */

static bide_body_result executor_turn(bide_frame *turn);
static const bide_function_info turn_async = { .resume = executor_turn,
	                                           .name = "bide_strand",
	                                           .file = __FILE__,
	                                           .line = __LINE__,
	                                           .frame_bytes = sizeof(bide_frame) };

static bool is_counted(const bide_executor *executor)
{
	return executor != &workers;
}

void bide_executor_push_(bide_frame *frame, bool next)
{
	bide_executor *executor = bide_context_executor_(frame->context);
	uintptr_t seen = BIDE_LOAD(&executor->inbox, RELAXED);
	bool held = false;

	do {
		/* Its thread may run the frame, and with it all that keeps the loop, before it is woken. */
		if (executor->wake && seen == BIDE_EXECUTOR_IDLE_ && !held)
			held = bide_executor_ref(executor) != NULL;
		bide_queue_set_link_(frame, (bide_frame *)(seen & ~(uintptr_t)BIDE_EXECUTOR_BUSY_));
		/* release: pairs with take. acquire: who finds it idle has what the last runner left. */
	} while (!BIDE_CAS(&executor->inbox, &seen, (uintptr_t)frame, ACQ_REL, RELAXED));
	if (seen == BIDE_EXECUTOR_IDLE_) {
		if (executor->wake) {
			executor->wake(executor);
		} else {
			bide_executor_ref(executor); /* the turn's, until it rests */
			bide_flags_add_(&executor->turn.source, BIDE_FLAG_SELF_LINKED_);
			bide_port_schedule_(&executor->turn, next);
		}
	}
	if (held)
		bide_executor_unref(executor);
}

/* Moves all of the inbox behind `oldest`, which is empty: first come, first served. */
static void turn_round(bide_executor *executor)
{
	/* pairs with push */
	uintptr_t word = BIDE_SWAP(&executor->inbox, (uintptr_t)BIDE_EXECUTOR_BUSY_, ACQUIRE);
	bide_frame *frame = (bide_frame *)word, *older, *newer = NULL;

	for (; frame; frame = older) {
		older = bide_queue_link_(frame);
		bide_queue_set_link_(frame, newer);
		newer = frame;
	}
	executor->oldest = newer;
}

bide_frame *bide_executor_take_(bide_executor *executor)
{
	bide_frame *frame;

	if (!executor->oldest) {
		if (BIDE_LOAD(&executor->inbox, RELAXED) <= BIDE_EXECUTOR_BUSY_)
			return NULL;
		turn_round(executor);
	}
	frame = executor->oldest;
	executor->oldest = bide_queue_link_(frame);
	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_) {
		bide_flags_drop_(&frame->source, BIDE_FLAG_SELF_LINKED_);
		frame->awaiting = NULL;
	}
	return frame;
}

bool bide_executor_rest_(bide_executor *executor)
{
	uintptr_t seen = BIDE_EXECUTOR_BUSY_;

	if (executor->oldest)
		return false;
	/* release: pairs with the push that finds it idle. A loop may be run when it is idle already.
	 */
	return BIDE_CAS(&executor->inbox, &seen, (uintptr_t)BIDE_EXECUTOR_IDLE_, RELEASE, RELAXED) ||
	       seen == BIDE_EXECUTOR_IDLE_;
}

static bide_body_result executor_turn(bide_frame *turn)
{
	bide_executor *executor = BIDE_CONTAINER_(turn, bide_executor, turn), *outer;
	bide_thread_head *head = bide_current_thread_;
	bide_thread *thread = bide_thread_of_(head);
	/* A watched run looks at each function. */
	unsigned left = head->handovers >= BIDE_HANDOVERS_MAX_ ? 1 : executor->batch;
	bide_frame *frame;

	outer = thread->executor;
	thread->executor = executor;
	while (left-- > 0 && (frame = bide_executor_take_(executor)) != NULL)
		bide_frame_run_(head, frame);
	thread->executor = outer;
	if (bide_executor_rest_(executor)) {
		bide_executor_unref(executor);
	} else {
		bide_flags_add_(&turn->source, BIDE_FLAG_SELF_LINKED_);
		bide_port_schedule_(turn, false); /* another worker may run it already */
	}
	return (bide_body_result){ .state = BIDE_SUSPENDED_ };
}

const bide_frame *bide_executor_first_(const bide_frame *frame)
{
	bide_executor *executor;

	if (frame->async != &turn_async)
		return frame;
	executor = BIDE_CONTAINER_(frame, bide_executor, turn);
	if (!executor->oldest)
		turn_round(executor);
	return executor->oldest;
}

/* --- executors --- */

bide_executor *bide_executor_new_(const bide_operation_type *type, uint32_t batch)
{
	bide_executor *executor = (bide_executor *)(void *)bide_operation_new_(sizeof *executor, type);

	if (!executor)
		return NULL;
	executor->turn.source.flags = BIDE_FLAG_SYNC_ | BIDE_FLAG_PUBLISHED_;
	executor->turn.async = &turn_async;
	executor->references = 1;
	executor->batch = batch;
	executor->fd = -1;
	return executor;
}

bide_executor *bide_strand_create(void)
{
	return bide_executor_new_(&strand_type, STRAND_BATCH);
}

bide_executor *bide_executor_workers(void)
{
	return &workers;
}

bool bide_executor_check_(const bide_executor *executor, const char *what)
{
	if (!executor || !is_counted(executor) ||
	    (bide_is_live_(&executor->operation, executor->operation.type) &&
	     executor->turn.async == &turn_async))
		return true;
	bide_misuse_("%s: executor %s", what,
	             bide_why_gone_(&executor->operation.source,
	                            "is none, or its last reference is gone"));
	return false;
}

bide_executor *bide_executor_ref(bide_executor *executor)
{
	if (executor && bide_executor_check_(executor, "bide_executor_ref") && is_counted(executor))
		BIDE_ADD(&executor->references, 1, RELAXED);
	return executor;
}

void bide_executor_unref(bide_executor *executor)
{
	if (!executor || !bide_executor_check_(executor, "bide_executor_unref") ||
	    !is_counted(executor))
		return;
	/* the last one sees what all others did */
	if (BIDE_SUB(&executor->references, 1, ACQ_REL) != 1)
		return;
	if (executor->destroy)
		executor->destroy(executor);
	bide_operation_discard_(&executor->operation.source);
}

bide_executor *bide_executor_current(void)
{
	bide_thread_head *head = bide_thread_();

	return head ? bide_context_executor_(head->current->context) : NULL;
}

/* --- what runs where --- */

/*
 * The current context has changed to `word`: what is started in it runs at once only if the
 * functions of its executor may run here and now.
 */
void bide_executor_scope_(bide_thread_head *head, uintptr_t word)
{
	bide_thread *thread = bide_thread_of_(head);
	const bide_executor *executor = bide_context_executor_(word);
	bool cold = executor != thread->executor &&
	            !(executor && BIDE_LOAD(&executor->thread, RELAXED) == bide_port_thread_());

	if (cold == thread->cold)
		return;
	thread->cold = cold;
	if (cold)
		thread->hot_limit = head->stack_limit;
	head->stack_limit = cold ? UINTPTR_MAX : thread->hot_limit;
}

/* Before its frame goes there: a thread that is no worker needs locked instructions. */
void bide_executor_admit_(bide_frame *frame)
{
	const bide_executor *executor = bide_context_executor_(frame->context);

	if (executor && executor->wake)
		bide_flags_add_(&frame->source, BIDE_FLAG_SYNC_);
}

bide_context *bide_context_on_(bide_executor *executor, uintptr_t *error)
{
	*error = BIDE_EINVAL_;
	if (!bide_executor_check_(executor, "bide_with_executor"))
		return NULL;
	*error = BIDE_ENOMEM_;
	return bide_context_create(
		&(bide_context_options){ .executor = executor ? executor : &workers });
}

bide_value_task bide_switch_(bide_frame *frame, bide_context *context)
{
	if (!bide_context_check_(context, "bide_async_switch"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	bide_context_move_(frame, context);
	bide_executor_admit_(frame);
	return bide_async_yield();
}

bide_value_task bide_switch_to_(bide_frame *frame, bide_executor *executor)
{
	bide_context *context;
	bide_value_task v;
	uintptr_t error;

	if (!bide_executor_check_(executor, "bide_async_switch_to"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	context = bide_context_on_(executor, &error);
	if (!context)
		return bide_value_task_from_error((int)error);
	v = bide_switch_(frame, context);
	bide_context_unref(context);
	return v;
}

bide_value_task bide_switch_back_(bide_frame *frame)
{
	if (!bide_context_move_back_(frame)) {
		bide_misuse_("bide_async_switch_back: the function is in no context; each needs a "
		             "bide_async_switch or bide_async_switch_to before it");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	bide_executor_admit_(frame);
	return bide_async_yield();
}
