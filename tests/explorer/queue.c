/*
 * queue.c - the run queue of the port, and how a worker's thread runs what is in it.
 */
#include "engine.h"

#include "source/run_queue.h"

#include <string.h>

#include "async/frame.h"
#include "base/settings.h"

/* Accesses the queue like an intrusive one: one read-modify-write pushes or takes an entry. */
static void queue_touch(bool take)
{
	int index;

	if (!engine.running)
		return;
	schedule_point(OP_WRITE, engine.queue);
	index = memory_place_of(engine.queue, 1);
	memory_read(index, 0, __ATOMIC_ACQ_REL);
	if (take && engine.queue_count == 0)
		return;
	memory_append(index, 0, true, false,
	              &engine.places[index].history[engine.places[index].count - 1]);
	engine.threads[engine.current].last_writes = engine.places[index].writes;
}

static void queue_push(bide_frame *frame, bide_post *post)
{
	for (unsigned i = 0; i < engine.queue_count; i++)
		if ((frame && engine.queue[i].frame == frame) || (post && engine.queue[i].post == post))
			explore_fail("%s is scheduled twice", frame ? "a frame" : "a post");
	if (engine.queue_count == QUEUE_MAX)
		explore_fail("the queue is full");
	if (frame)
		bide_queue_set_link_(frame, NULL);
	queue_touch(false);
	if (engine.running)
		report_note(frame ? "schedules" : "posts", frame ? (const void *)frame : post, 0, 0, NULL);
	engine.queue[engine.queue_count].frame = frame;
	engine.queue[engine.queue_count++].post = post;
}

/*
 * Runs a frame of the worker's own queue, or an entry of the common queue. Returns false if both
 * are empty.
 */
static bool queue_run_one(void)
{
	bide_thread_head *head = bide_current_thread_;
	bide_frame *frame = head->next;
	bide_post *post = NULL;

	head->next = NULL;
	if (!frame)
		frame = bide_queue_pop_(head);
	if (!frame && engine.queue_count > 0) {
		frame = engine.queue[0].frame;
		post = engine.queue[0].post;
		memmove(&engine.queue[0], &engine.queue[1], --engine.queue_count * sizeof engine.queue[0]);
	}
	if (!frame && !post)
		return false;
	if (post) {
		post->run(post);
		return true;
	}
	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_) {
		bide_flags_drop_(&frame->source, BIDE_FLAG_SELF_LINKED_);
		frame->awaiting = NULL;
	}
	head->handovers = 0;
	bide_frame_resume_(head, frame);
	return true;
}

void explore_unschedule(void)
{
	engine.queue_count = 0;
	EXPLORE_CHECK(bide_run_queue_is_valid_(bide_current_thread_));
	while (bide_queue_pop_(bide_current_thread_))
		;
}

void explore_finish(void)
{
	for (int i = 0; i < EXPLORE_THREADS; i++) {
		bide_current_thread_ = &engine.records[i].head;
		while (queue_run_one())
			;
	}
	bide_current_thread_ = &engine.records[0].head;
}

void explore_hand_on(void)
{
	bide_thread_head *head = bide_current_thread_;
	bide_frame *frame = head->next;

	head->next = NULL;
	if (frame)
		bide_port_schedule_(frame, true);
	while ((frame = bide_queue_pop_(head)) != NULL)
		bide_port_schedule_(frame, true);
}

bool explore_run_now(void)
{
	queue_touch(true);
	return queue_run_one();
}

void explore_run_once(void)
{
	queue_touch(true);
	if (!queue_run_one())
		explore_relax();
}

void explore_run(void)
{
	for (;;) {
		bool others = false;

		queue_touch(true);
		if (queue_run_one())
			continue;
		for (int i = 0; i < engine.count; i++)
			others |= i != engine.current && !engine.threads[i].finished;
		if (!others)
			return;
		explore_relax();
	}
}

void bide_port_schedule_(bide_frame *frame, bool next)
{
	(void)next;
	queue_push(frame, NULL);
}

void bide_port_post_(bide_post *post)
{
	if (bide_shared_)
		post->run(post);
	else
		queue_push(NULL, post);
}
