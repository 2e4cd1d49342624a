/*
 * schedule.c - switches between the logical threads, which are contexts of one thread. A thread
 * runs up to its next access and announces it; the search then chooses which thread goes on.
 */
#include "engine.h"

void schedule_switch_to(int thread)
{
	int from = engine.current;

	if (thread == from)
		return;
	engine.current = thread;
	if (thread == NOBODY) {
		bide_current_thread_ = &engine.records[0].head;
		swapcontext(&engine.threads[from].context, &engine.home);
	} else {
		bide_current_thread_ = &engine.records[thread].head;
		swapcontext(from == NOBODY ? &engine.home : &engine.threads[from].context,
		            &engine.threads[thread].context);
	}
}

/*
 * All threads that have not ended sleep: checks whether they may, and tells them that the scenario
 * is over.
 */
static void quiet(void)
{
	int current = engine.current;

	engine.running = false;
	engine.current = NOBODY;
	engine.scenario->quiet();
	engine.current = current;
	engine.running = engine.over = true;
	for (int i = 0; i < engine.count; i++)
		engine.threads[i].asleep_on = NULL;
}

void schedule_next(void)
{
	int chosen = search_choose_thread();
	bool ended = true, asleep = true;

	for (int i = 0; chosen == NOBODY && i < engine.count; i++) {
		ended &= engine.threads[i].finished;
		asleep &= engine.threads[i].finished || engine.threads[i].asleep_on;
	}
	if (chosen == NOBODY && !ended) {
		if (!asleep || !engine.scenario->quiet)
			explore_fail("a deadlock: no thread can go on");
		quiet();
		chosen = search_choose_thread();
	}
	schedule_switch_to(chosen);
}

void schedule_point_of(op_kind kind, const void *at, int order)
{
	logical *t = &engine.threads[engine.current];

	if (engine.watched_dirty)
		race_flush_watched();
	if (engine.dirty_count)
		memory_flush_dirty();
	t->next = (operation){ kind, at, order == __ATOMIC_SEQ_CST };
	if (!t->started) { /* its first access */
		t->started = true;
		schedule_switch_to(NOBODY);
	} else {
		schedule_next();
	}
	t->next.kind = OP_NONE;
}

void schedule_point(op_kind kind, const void *at)
{
	schedule_point_of(kind, at, __ATOMIC_ACQ_REL);
}

void schedule_thread_entry(void)
{
	logical *t = &engine.threads[engine.current];

	t->body();
	schedule_point(OP_WRITE, engine.queue);
	engine.places[memory_place_index(engine.queue)].writes++;
	report_note("ends", engine.queue, 0, 0, NULL);
	t->finished = true;
	schedule_next();
}
