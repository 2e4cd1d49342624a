/*
 * watch.c - see watch.h.
 */
#include "context/watch.h"

#include "base/assert.h"
#include "base/port.h"
#include "context/context.h"
#include "source/run_queue.h"
#include "source/source.h"

static uintptr_t word_watched(const bide_executor *executor)
{
	return (uintptr_t)executor | BIDE_WORD_WATCHED_;
}

static uintptr_t word_over(const bide_executor *executor)
{
	return (uintptr_t)executor | BIDE_WORD_DONE_ | BIDE_WORD_CONSUMED_;
}

/* Returns true if this thread runs the executor, and will look at what it watches. */
static bool may_watch(bide_executor *executor)
{
	if (!executor->wake || BIDE_LOAD(&executor->thread, RELAXED) != bide_port_thread_())
		return false;
	if (!executor->watches) {
		BIDE_STORE(&executor->watches, 1u, RELAXED);
		BIDE_FENCE(SEQ_CST); /* pairs with bide_loop_fd */
	}
	return BIDE_LOAD(&executor->fd, RELAXED) < 0;
}

bide_registered bide_executor_register_(bide_frame *frame, bide_source *source)
{
	bide_executor *executor = bide_context_executor_(frame->context);
	uintptr_t seen = BIDE_WORD_PENDING_;

	if (bide_kind_of_(source->kind) != BIDE_KIND_USER_ || !bide_is_sync_(source) ||
	    !may_watch(executor))
		return bide_source_register_(source, (uintptr_t)frame);
	bide_watch_drop_(executor);
	BIDE_STORE(&executor->watched, frame, RELEASE);
	/* Pairs with the producer. */
	if (BIDE_CAS(&source->word, &seen, word_watched(executor), RELEASE, ACQUIRE))
		return BIDE_REGISTERED_;
	BIDE_STORE(&executor->watched, NULL, RELEASE);
	return seen == BIDE_WORD_DONE_ ? BIDE_ALREADY_DONE_ : BIDE_ALREADY_TAKEN_;
}

bool bide_watched_finish_(bide_source *source, uintptr_t seen)
{
	bide_executor *executor = (bide_executor *)bide_word_upper_(seen);
	bide_frame *frame;

	/* The frame, which only this thread can make runnable, keeps the executor. */
	if (BIDE_LIKELY(BIDE_LOAD(&executor->inbox, RELAXED) == BIDE_EXECUTOR_IDLE_))
		return BIDE_CAS(&source->word, &seen, word_over(executor), RELEASE, ACQUIRE);
	frame = BIDE_LOAD(&executor->watched, ACQUIRE);
	(void)BIDE_CAS(&source->word, &seen, (uintptr_t)frame, RELAXED, RELAXED);
	return false;
}

bool bide_watch_is_over_(const bide_executor *executor)
{
	const bide_frame *frame = executor->watched;

	return frame && BIDE_LOAD(&frame->awaiting->word, RELAXED) != word_watched(executor);
}

bide_frame *bide_watch_take_(bide_executor *executor)
{
	bide_frame *frame = executor->watched;
	uintptr_t word;

	if (!frame)
		return NULL;
	word = BIDE_LOAD(&frame->awaiting->word, ACQUIRE); /* Pairs with bide_watched_finish_. */
	if (word == word_watched(executor))
		return NULL;
	BIDE_STORE(&executor->watched, NULL, RELEASE);
	return word == word_over(executor) ? frame : NULL;
}

/* Queues a frame whose source is DONE before all others. */
static void put_first(bide_executor *executor, bide_frame *frame)
{
	uintptr_t seen = BIDE_EXECUTOR_IDLE_;

	bide_queue_set_link_(frame, executor->oldest);
	executor->oldest = frame;
	/* If a push is first, the executor has been woken. */
	(void)BIDE_CAS(&executor->inbox, &seen, (uintptr_t)BIDE_EXECUTOR_BUSY_, RELAXED, RELAXED);
}

void bide_watch_drop_(bide_executor *executor)
{
	bide_frame *frame = executor->watched;
	uintptr_t seen = word_watched(executor);

	if (!frame)
		return;
	/* Pairs with the producer. */
	if (!BIDE_CAS(&frame->awaiting->word, &seen, (uintptr_t)frame, RELEASE, ACQUIRE) &&
	    seen == word_over(executor))
		put_first(executor, frame);
	BIDE_STORE(&executor->watched, NULL, RELEASE);
}
