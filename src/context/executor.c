/*
 * executor.c - executors: the object, and its queue. See executor.h.
 */
#include "context/executor.h"

#include "base/assert.h"
#include "base/generation.h"
#include "base/misuse.h"
#include "base/port.h"
#include "context/watch.h"
#include "source/run_queue.h"
#include "source/source.h"

const bide_operation_type bide_strand_type_ = { .name = "strand" };
const bide_operation_type bide_loop_type_ = { .name = "loop" };

/* Stands for the workers. Only its address is used: it has no count and no queue. */
static bide_executor workers;

/* --- the object --- */

bide_executor *bide_executor_new_(const bide_operation_type *type, const bide_function_info *turn,
                                  uint32_t batch)
{
	bide_executor *executor = (bide_executor *)(void *)bide_operation_new_(sizeof *executor, type);

	if (!executor)
		return NULL;
	executor->turn.source.flags = BIDE_FLAG_SYNC_ | BIDE_FLAG_PUBLISHED_;
	executor->turn.async = turn;
	executor->references = 1;
	executor->batch = batch;
	executor->fd = -1;
	return executor;
}

bide_executor *bide_executor_workers(void)
{
	return &workers;
}

bool bide_executor_check_(const bide_executor *executor, const char *what)
{
	if (!executor || executor == &workers ||
	    bide_is_live_(&executor->operation, &bide_strand_type_) ||
	    bide_is_live_(&executor->operation, &bide_loop_type_))
		return true;
	bide_misuse_("%s: executor %s", what,
	             bide_why_gone_(&executor->operation.source,
	                            "is none, or its last reference is gone"));
	return false;
}

bide_executor *bide_executor_ref(bide_executor *executor)
{
	if (executor && bide_executor_check_(executor, "bide_executor_ref") && executor != &workers)
		BIDE_ADD(&executor->references, 1, RELAXED);
	return executor;
}

void bide_executor_unref(bide_executor *executor)
{
	if (!executor || !bide_executor_check_(executor, "bide_executor_unref") || executor == &workers)
		return;
	/* The last one sees what all others did. */
	if (BIDE_SUB(&executor->references, 1, ACQ_REL) != 1)
		return;
	BIDE_ASSERT_(!executor->oldest); /* The frames of the queue keep it, by their contexts. */
	if (executor->destroy)
		executor->destroy(executor);
	bide_operation_discard_(&executor->operation.source);
}

/* --- the queue --- */

static void wake(bide_executor *executor, bool next)
{
	if (executor->wake) {
		executor->wake(executor);
		return;
	}
	bide_executor_ref(executor); /* The turn's, until the executor rests. */
	bide_flags_add_(&executor->turn.source, BIDE_FLAG_SELF_LINKED_);
	bide_port_schedule_(&executor->turn, next);
}

/* As bide_queue_set_link_, while a loop may look at the word of the source (watch.h). */
static void set_link(bide_frame *frame, uintptr_t link)
{
	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
		frame->next_runnable = (bide_frame *)link;
	else
		BIDE_STORE(&frame->awaiting->word, link | BIDE_WORD_DONE_ | BIDE_WORD_CONSUMED_, RELAXED);
}

void bide_executor_enqueue_(bide_executor *executor, bide_frame *frame, bool next)
{
	uintptr_t seen = BIDE_LOAD(&executor->inbox, RELAXED);
	bool held = false;

	BIDE_ASSERT_(executor != &workers);
	BIDE_ASSERT_(((uintptr_t)frame & BIDE_EXECUTOR_BUSY_) == 0);
	do {
		/*
		 * Before the loop is woken, its thread may run the frame, and with it all that keeps the
		 * loop.
		 */
		if (executor->wake && seen == BIDE_EXECUTOR_IDLE_ && !held)
			held = bide_executor_ref(executor) != NULL;
		set_link(frame, seen & ~(uintptr_t)BIDE_EXECUTOR_BUSY_);
		/*
		 * Release: pairs with the swap of turn_round. Acquire: a push that finds the executor idle
		 * sees what the thread that ran it last has left.
		 */
	} while (!BIDE_CAS(&executor->inbox, &seen, (uintptr_t)frame, ACQ_REL, RELAXED));
	if (seen == BIDE_EXECUTOR_IDLE_)
		wake(executor, next);
	if (held)
		bide_executor_unref(executor);
}

/* Moves all of the inbox to `oldest`, which is empty, in the order of the pushes. */
static void turn_round(bide_executor *executor)
{
	/* Pairs with the push. */
	uintptr_t word = BIDE_SWAP(&executor->inbox, (uintptr_t)BIDE_EXECUTOR_BUSY_, ACQUIRE);
	bide_frame *frame = (bide_frame *)word, *older, *newer = NULL;

	for (; frame; frame = older) {
		older = bide_queue_link_(frame);
		bide_queue_set_link_(frame, newer);
		newer = frame;
	}
	executor->oldest = newer;
	BIDE_ASSERT_IN_DEBUG_(bide_executor_is_valid_(executor));
}

static bide_frame *first(bide_executor *executor)
{
	if (!executor->oldest && BIDE_LOAD(&executor->inbox, RELAXED) > BIDE_EXECUTOR_BUSY_)
		turn_round(executor);
	return executor->oldest;
}

const bide_frame *bide_executor_first_(bide_executor *executor)
{
	return first(executor);
}

bide_frame *bide_executor_take_(bide_executor *executor)
{
	bool looks = executor->watched && !executor->oldest;
	bide_frame *frame = first(executor);

	if (looks) { /* After the inbox was taken: see watch.h. */
		bide_frame *over = bide_watch_take_(executor);

		if (over)
			return over;
	}
	if (!frame)
		return NULL;
	executor->oldest = bide_queue_link_(frame);
	BIDE_ASSERT_(executor->watched != frame);
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
	/* A loop may be run while it is idle already. */
	if (BIDE_LOAD(&executor->inbox, RELAXED) == BIDE_EXECUTOR_IDLE_)
		return true;
	/* Release: pairs with the push that finds the executor idle. */
	return BIDE_CAS(&executor->inbox, &seen, (uintptr_t)BIDE_EXECUTOR_IDLE_, RELEASE, RELAXED);
}

/* --- checks --- */

/* `middle` follows at half the speed. In a circle the walk would come to it again. */
static bool chain_is_valid(const bide_frame *first)
{
	const bide_frame *frame = first, *middle = first;

	for (size_t i = 0; frame; frame = bide_queue_link_(frame), i++) {
		if (i > 0 && i % 2 == 0 && middle)
			middle = bide_queue_link_(middle);
		BIDE_INVARIANT_(i == 0 || frame != middle);
		BIDE_INVARIANT_(bide_is_in_use_(&frame->source));
		BIDE_INVARIANT_(frame->source.flags & BIDE_FLAG_PUBLISHED_);
	}
	return true;
}

bool bide_executor_is_valid_(const bide_executor *executor)
{
	/* Pairs with the push. */
	uintptr_t word = BIDE_LOAD(&executor->inbox, ACQUIRE);

	BIDE_INVARIANT_(word != BIDE_EXECUTOR_IDLE_ || !executor->oldest);
	return chain_is_valid(executor->oldest) &&
	       chain_is_valid((const bide_frame *)(word & ~(uintptr_t)BIDE_EXECUTOR_BUSY_));
}
