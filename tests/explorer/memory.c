/*
 * memory.c - the memory model: which values a load may see.
 *
 * Every place that is accessed atomically keeps the history of its values. A thread, and every
 * released value, has a view: the oldest value of each place that it may still see.
 */
#include "engine.h"

#include <string.h>

uint64_t memory_get(const void *at, unsigned size_bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, size_bytes); /* assumes little endian */
	return value;
}

int memory_place_index(const void *at)
{
	for (int i = 0; i < engine.place_count; i++)
		if (engine.places[i].at == at)
			return i;
	if (engine.place_count == PLACES_MAX)
		explore_fail("too many atomics");
	return -1;
}

int memory_place_of(const void *at, unsigned size_bytes)
{
	int i = memory_place_index(at);
	place *p;

	if (i >= 0)
		return i;
	i = engine.place_count++;
	p = &engine.places[i];
	p->at = at;
	p->size_bytes = size_bytes;
	p->writes = 0;
	p->count = 1;
	p->sequential = p->heavy = 0;
	memset(&p->history[0], 0, sizeof p->history[0]);
	p->history[0].value = memory_get(at, size_bytes);
	for (int k = 0; k < EXPLORE_THREADS; k++) {
		logical *t = &engine.threads[k];
		t->view[i] = t->light[i] = t->unacquired.view[i] = t->released.view[i] = 0;
	}
	for (int k = 0; k < i; k++)
		for (int m = 0; m < engine.places[k].count; m++)
			engine.places[k].history[m].view[i] = 0;
	return i;
}

void memory_join_views(uint8_t *to, const uint8_t *from)
{
	for (int i = 0; i < engine.place_count; i++)
		if (from[i] > to[i])
			to[i] = from[i];
}

static void join_clocks(clock_vector *to, const clock_vector *from)
{
	for (int i = 0; i < EXPLORE_THREADS; i++)
		if (from->at[i] > to->at[i])
			to->at[i] = from->at[i];
}

static bool acquires(int order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

bool memory_releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

/*
 * Appends a value. `before` is the value that a read-modify-write read; it continues its release.
 */
void memory_append(int index, uint64_t value, bool release, bool sequential, const message *before)
{
	logical *t = &engine.threads[engine.current];
	place *p = &engine.places[index];
	message *m;

	if (p->count == HISTORY_MAX)
		explore_fail("too many writes to one place");
	m = &p->history[p->count];
	if (before)
		*m = *before;
	else
		memset(m, 0, sizeof *m);
	m->value = value;
	t->view[index] = p->count;
	if (release) {
		join_clocks(&m->clock, &t->clock);
		memory_join_views(m->view, t->view);
		t->clock.at[engine.current]++; /* later accesses are not released */
	} else {
		join_clocks(&m->clock, &t->released.clock);
		memory_join_views(m->view, t->released.view);
	}
	if (sequential)
		p->sequential = p->count;
	p->count++;
	p->writes++;
	if (index == t->last_place)
		t->last_writes = p->writes; /* its own write, so there is nothing to wait for */
}

void memory_flush_dirty(void)
{
	for (int i = 0; i < engine.dirty_count; i++) {
		place *p = &engine.places[engine.dirty[i]];
		memory_append(engine.dirty[i], memory_get(p->at, p->size_bytes), false, false, NULL);
	}
	engine.dirty_count = 0;
}

const message *memory_read(int index, unsigned age, int order)
{
	logical *t = &engine.threads[engine.current];
	place *p = &engine.places[index];
	const message *m = &p->history[p->count - 1 - age];

	t->view[index] = (uint8_t)(p->count - 1 - age);
	if (acquires(order)) {
		join_clocks(&t->clock, &m->clock);
		memory_join_views(t->view, m->view);
	} else {
		join_clocks(&t->unacquired.clock, &m->clock);
		memory_join_views(t->unacquired.view, m->view);
	}
	t->last_place = index;
	t->last_writes = p->writes;
	t->saw_old = age > 0;
	return m;
}

/* Returns how many of the newest values the load may see. */
unsigned memory_visible(int index, int order)
{
	logical *t = &engine.threads[engine.current];
	place *p = &engine.places[index];
	unsigned oldest = t->view[index];

	if (order == __ATOMIC_SEQ_CST && p->sequential > oldest)
		oldest = p->sequential;
	if (t->wants_newest || engine.scenario->newest_only)
		oldest = p->count - 1u;
	t->wants_newest = false;
	return p->count - oldest;
}

/* Acquire and release fences concern only the thread itself. */
void memory_fence(int order)
{
	logical *t = &engine.threads[engine.current];

	if (acquires(order)) {
		join_clocks(&t->clock, &t->unacquired.clock);
		memory_join_views(t->view, t->unacquired.view);
	}
	if (order == __ATOMIC_SEQ_CST)
		for (int i = 0; i < engine.place_count; i++) {
			place *p = &engine.places[i];
			if (t->view[i] > p->sequential)
				p->sequential = t->view[i];
			t->view[i] = p->sequential;
		}
	if (memory_releases(order)) {
		t->released.clock = t->clock;
		memcpy(t->released.view, t->view, sizeof t->view);
		t->clock.at[engine.current]++;
	}
}
