/*
 * atomics.c - the atomics of explore_atomics.h. Each is a scheduling point, a check for races, and
 * a step of the memory model.
 */
#include "engine.h"

#include <string.h>

#include "base/count.h"

/* Counters are not part of any protocol, so they are no scheduling points and order nothing. */
static bool is_counter(const void *at)
{
	for (int i = 0; i < EXPLORE_THREADS; i++)
		if ((const uint64_t *)at >= engine.records[i].counts &&
		    (const uint64_t *)at < engine.records[i].counts + BIDE_COUNTERS_)
			return true;
	return false;
}

static bool is_alone(const void *at)
{
	return engine.current == NOBODY || is_counter(at);
}

uint64_t explore_load(const void *at, unsigned size_bytes, int order, const char *source)
{
	const message *m;
	unsigned age;
	int index;

	if (is_alone(at))
		return memory_get(at, size_bytes);
	schedule_point_of(OP_LOAD, at, order);
	if (!race_is_token(at, order))
		race_access(at, size_bytes, false, true, "an atomic load");
	index = memory_place_of(at, size_bytes);
	age = search_choose_value(memory_visible(index, order));
	m = memory_read(index, age, order);
	report_note("load", at, m->value, age, source);
	return m->value;
}

void explore_store(void *at, unsigned size_bytes, uint64_t value, int order, const char *source)
{
	int index;

	/*
	 * The object is given back (a release, for bide_drain, which is not explored) or begins a new
	 * life. Here the store orders nothing, so it is treated as a plain write.
	 */
	if (race_is_token(at, order == __ATOMIC_RELEASE ? __ATOMIC_RELAXED : order)) {
		race_plain(at, size_bytes, true);
		memcpy(at, &value, size_bytes);
		return;
	}
	if (!is_alone(at)) {
		schedule_point_of(OP_WRITE, at, order);
		race_access(at, size_bytes, true, true, "an atomic store");
		index = memory_place_of(at, size_bytes);
		memory_append(index, value, memory_releases(order), order == __ATOMIC_SEQ_CST, NULL);
		report_note("store", at, value, 0, source);
	}
	memcpy(at, &value, size_bytes);
}

static uint64_t changed(uint64_t before, int how, uint64_t value)
{
	switch (how) {
	case EXPLORE_ADD:
		return before + value;
	case EXPLORE_SUB:
		return before - value;
	case EXPLORE_OR:
		return before | value;
	default:
		return value;
	}
}

/* A read-modify-write always reads the newest value. */
static void replace(int index, void *at, unsigned size_bytes, uint64_t value, int order)
{
	place *p = &engine.places[index];
	message before = p->history[p->count - 1];

	memory_append(index, value, memory_releases(order), order == __ATOMIC_SEQ_CST, &before);
	/*
	 * Storing the same value again does not count as a write, so that two threads that wait for a
	 * lock do not wake each other.
	 */
	p->writes -= value == before.value;
	engine.threads[engine.current].last_writes = p->writes;
	memcpy(at, &value, size_bytes);
}

uint64_t explore_change(void *at, unsigned size_bytes, int how, uint64_t value, int order,
                        const char *source)
{
	static const char *const names[] = { "swap", "add", "sub", "or" };
	uint64_t before = memory_get(at, size_bytes), after;
	int index;

	if (is_alone(at)) {
		after = changed(before, how, value);
		memcpy(at, &after, size_bytes);
		return before;
	}
	schedule_point_of(OP_WRITE, at, order);
	before = memory_get(at, size_bytes);
	after = changed(before, how, value);
	race_access(at, size_bytes, true, true, "an atomic change");
	index = memory_place_of(at, size_bytes);
	memory_read(index, 0, order);
	replace(index, at, size_bytes, after, order);
	report_note(names[how], at, after, 0, source);
	return before;
}

bool explore_cas(void *at, unsigned size_bytes, void *expected, uint64_t value, int order,
                 int order_failed, const char *source)
{
	uint64_t wanted = memory_get(expected, size_bytes), found = memory_get(at, size_bytes);
	unsigned ages[HISTORY_MAX], count = 0, most;
	int index;

	if (is_alone(at)) {
		memcpy(found == wanted ? at : expected, found == wanted ? &value : &found, size_bytes);
		return found == wanted;
	}
	schedule_point_of(OP_WRITE, at, order);
	found = memory_get(at, size_bytes);
	race_access(at, size_bytes, true, true, "a compare and swap");
	index = memory_place_of(at, size_bytes);
	/* A compare and swap succeeds on the newest value only; it may fail on an older one. */
	most = memory_visible(index, order_failed);
	ages[count++] = 0;
	for (unsigned age = 1; age < most; age++)
		if (engine.places[index].history[engine.places[index].count - 1 - age].value != wanted)
			ages[count++] = age;
	most = ages[search_choose_value(count)];
	if (most == 0 && found == wanted) {
		memory_read(index, 0, order);
		replace(index, at, size_bytes, value, order);
		report_note("cas", at, value, 0, source);
		return true;
	}
	found = memory_read(index, most, order_failed)->value;
	engine.threads[engine.current].saw_old = true; /* so that explore_relax does not wait */
	report_note("cas fails on", at, found, most, source);
	memcpy(expected, &found, size_bytes);
	return false;
}

void explore_fence(int order, const char *source)
{
	if (is_alone(NULL))
		return;
	if (order == __ATOMIC_SEQ_CST)
		schedule_point(OP_FENCE, NULL);
	memory_fence(order);
	report_note("fence", NULL, (uint64_t)order, 0, source);
}

/*
 * A light fence is ordered with heavy fences only. A later heavy fence sees what was stored before
 * the light fence; the loads after the light fence see what was stored before an earlier heavy
 * fence. Two light fences are not ordered.
 */
void explore_light_fence(const char *source)
{
	logical *t = &engine.threads[engine.current];

	if (is_alone(NULL))
		return;
	schedule_point(OP_LIGHT, NULL);
	memcpy(t->light, t->view, sizeof t->view);
	for (int i = 0; i < engine.place_count; i++)
		if (engine.places[i].heavy > t->view[i])
			t->view[i] = engine.places[i].heavy;
	report_note("light fence", NULL, 0, 0, source);
}

void explore_heavy_fence(void)
{
	logical *t = &engine.threads[engine.current];

	if (is_alone(NULL))
		return;
	schedule_point(OP_HEAVY, NULL);
	for (int i = 0; i < engine.count; i++)
		memory_join_views(t->view, engine.threads[i].light);
	memory_fence(__ATOMIC_SEQ_CST);
	for (int i = 0; i < engine.place_count; i++)
		engine.places[i].heavy = t->view[i];
	report_note("heavy fence", NULL, 0, 0, NULL);
}

void explore_relax(void)
{
	logical *t = &engine.threads[engine.current];

	if (!engine.running)
		return;
	t->wants_newest = true;
	if (!t->saw_old && engine.places[t->last_place].writes == t->last_writes)
		schedule_point(OP_WAIT, engine.places[t->last_place].at);
}

void explore_await_word(uint32_t *word)
{
	while (explore_load(word, sizeof *word, __ATOMIC_ACQUIRE, NULL) == 0)
		explore_relax();
}

uint32_t explore_newest(const uint32_t *word)
{
	engine.threads[engine.current].wants_newest = true;
	return (uint32_t)explore_load(word, sizeof *word, __ATOMIC_RELAXED, NULL);
}
