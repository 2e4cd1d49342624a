/*
 * The walkers of deques, run queues and traces, and the checks of frames and forks. They accept
 * what the library builds, and name the invariant that a test breaks, with its place.
 */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "async/deque.h"
#include "async/frame.h"
#include "base/assert.h"
#include "base/thread.h"
#include "source/run_queue.h"
#include "source/source.h"
#include "source/trace.h"

#define EXPECT_BROKEN(walk, text) EXPECT_ABORT(BIDE_ASSERT_ALWAYS_(walk), text)

/* ---- deques */

static bide_thread_head owner;
static bide_fork slots[4];

static void deque_begin(void)
{
	(void)bide_thread_(); /* starts the runtime, for its allocator */
	memset(&owner, 0, sizeof owner);
	bide_deque_none_(&owner);
	assert_true(bide_deque_is_valid_(&owner));
	assert_true(bide_deque_init_(&owner));
	owner.deque.top = owner.deque.bottom = owner.deque.limit = 0u - 2u; /* they wrap around */
	for (int i = 0; i < 4; i++)
		assert_true(bide_deque_owner_push_quietly_(&owner, (uintptr_t)&slots[i]));
	assert_true(bide_deque_is_valid_(&owner));
}

static void deque_end(void)
{
	assert_true(bide_deque_is_valid_(&owner));
	while (bide_deque_owner_pop_(&owner))
		assert_true(bide_deque_is_valid_(&owner));
	bide_deque_free_(&owner);
	assert_true(bide_deque_is_valid_(&owner));
}

TEST(a_deque_that_holds_more_than_its_ring_is_named)
{
	deque_begin();
	EXPECT_BROKEN((owner.deque.top -= owner.deque.mask, bide_deque_is_valid_(&owner)),
	              "is_valid: this must hold, and does not: bottom - top <= deque->mask");
	deque_end();
}

TEST(a_deque_whose_bottom_is_below_its_top_is_named)
{
	deque_begin();
	EXPECT_BROKEN((owner.deque.top = owner.deque.bottom + 1, bide_deque_is_valid_(&owner)),
	              "src/async/deque.c:");
	deque_end();
}

TEST(a_deque_whose_owner_may_write_to_a_place_in_use_is_named)
{
	deque_begin();
	EXPECT_BROKEN((owner.deque.limit = owner.deque.top + owner.deque.mask + 1,
	               bide_deque_is_valid_(&owner)),
	              "this must hold, and does not: deque->limit");
	deque_end();
}

TEST(an_entry_with_both_marks_is_named)
{
	deque_begin();
	EXPECT_BROKEN((owner.deque.ring[owner.deque.top & owner.deque.mask] |= 3,
	               bide_deque_is_valid_(&owner)),
	              "this must hold, and does not: is_entry(");
	deque_end();
}

/* ---- run queues */

static bide_frame frames[3];

static void queue_begin(bide_thread_head *head)
{
	memset(head, 0, sizeof *head);
	memset(frames, 0, sizeof frames);
	assert_true(bide_run_queue_is_valid_(head));
	for (int i = 0; i < 3; i++) {
		frames[i].source.flags = BIDE_FLAG_SELF_LINKED_;
		bide_queue_push_(head, &frames[i]);
		assert_true(bide_run_queue_is_valid_(head));
	}
}

TEST(a_run_queue_that_is_a_circle_is_named)
{
	bide_thread_head head;

	queue_begin(&head);
	EXPECT_BROKEN((frames[2].next_runnable = &frames[0], bide_run_queue_is_valid_(&head)),
	              "bide_run_queue_is_valid_: this must hold, and does not: count < ");
}

TEST(a_run_queue_that_lost_its_end_is_named)
{
	bide_thread_head head;

	queue_begin(&head);
	EXPECT_BROKEN((frames[1].next_runnable = NULL, bide_run_queue_is_valid_(&head)),
	              "this must hold, and does not: count == head->queue_count");
	EXPECT_BROKEN((head.queue_tail = &frames[1], bide_run_queue_is_valid_(&head)),
	              "this must hold, and does not: last == head->queue_tail");
}

TEST(a_queued_frame_that_still_waits_is_named)
{
	bide_thread_head head;

	queue_begin(&head);
	EXPECT_BROKEN((frames[0].source.flags = 0, frames[0].awaiting = &frames[1].source,
	               bide_run_queue_is_valid_(&head)),
	              "src/source/run_queue.c:");
}

TEST(a_run_queue_returns_what_was_pushed_in_any_order)
{
	bide_thread_head head;

	queue_begin(&head);
	assert_ptr_equal(bide_queue_pop_at_(&head, 1), &frames[1]);
	assert_true(bide_run_queue_is_valid_(&head));
	assert_ptr_equal(bide_queue_pop_at_(&head, 1), &frames[2]);
	assert_true(bide_run_queue_is_valid_(&head));
	assert_ptr_equal(bide_queue_pop_(&head), &frames[0]);
	assert_true(bide_run_queue_is_valid_(&head));
}

/* ---- frames */

static bide_body_result stays(bide_frame *frame)
{
	(void)frame;
	return (bide_body_result){ .state = BIDE_SUSPENDED_ };
}

TEST(a_frame_that_may_not_be_resumed_is_named)
{
	static const bide_function_info async = { .resume = stays, .name = "stays", .file = "?" };
	bide_source awaited = { .word = BIDE_WORD_DONE_ };
	bide_frame frame = { .source.flags = BIDE_FLAG_PUBLISHED_, .async = &async };

	frame.awaiting = &awaited;
	assert_true(bide_frame_is_runnable_(&frame));
	EXPECT_BROKEN((awaited.word = BIDE_WORD_PENDING_, bide_frame_is_runnable_(&frame)),
	              "bide_frame_is_runnable_: this must hold, and does not: !frame->awaiting");
	EXPECT_BROKEN((frame.source.flags = 0, bide_frame_is_runnable_(&frame)), "src/async/frame.c:");
	EXPECT_BROKEN((frame.source.flags |= BIDE_FLAG_SELF_LINKED_, bide_frame_is_runnable_(&frame)),
	              "this must hold, and does not: !(frame->source.flags & BIDE_FLAG_SELF_LINKED_)");
}

/* ---- forks */

struct leaf {
	BIDE_ASYNC_FORK;
};
bide_async_forked(leaf)
{
	(void)my;
	return bide_value_task_completed();
}

struct forks {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		bool is_broken;
	} in;
	struct leaf leaves[2];
};
bide_async(forks, leaves)
{
	bide_async_begin;
	bide_async_fork(leaf, my->leaves[0]);
	bide_async_fork(leaf, my->leaves[1]);
	if (my->in.is_broken)
		my->leaves[0].bide_fork_.older = (uintptr_t)&my->leaves[1];
bide_async_finally:
	bide_async_end;
}

TEST(a_list_of_forks_that_is_a_circle_is_named)
{
	setenv("BIDE_DEBUG", "1", 1);
	EXPECT_ABORT((void)bide_value_task_wait(bide_async_start(forks, .is_broken = true), NULL),
	             "forks_are_valid: this must hold, and does not: !fork || fork != behind");
}

/* ---- traces */

TEST(traces_of_several_turns_of_the_ring_are_valid)
{
	static const bide_place place = { "here.c", 12, "here" };
	bide_value_task v = bide_value_task_failed_at_(5, &place);

	assert_true(bide_trace_is_valid_());
	for (int i = 0; i < 3000; i++)
		v = bide_value_task_failed_at_(5 + i % 9, &place);
	assert_true(bide_value_task_trace(v) != 0);
	assert_true(bide_trace_is_valid_());
}
