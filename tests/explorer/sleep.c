/*
 * sleep.c - a futex, which os.h offers to a thread that sleeps.
 */
#include "engine.h"

#include "os/os.h"

void bide_os_wait_(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	logical *t = &engine.threads[engine.current];

	schedule_point(OP_WRITE, word);
	(void)memory_read(memory_place_of(word, sizeof *word), 0, __ATOMIC_RELAXED);
	if (memory_get(word, sizeof *word) != expected || engine.over) {
		report_note("does not sleep", word, expected, 0, NULL);
		return;
	}
	if (deadline_ns != INT64_MAX && !t->timed_out && search_choose_value(2)) {
		t->timed_out = true;
		report_note("sleeps, to its deadline", word, expected, 0, NULL);
		return;
	}
	report_note("sleeps", word, expected, 0, NULL);
	t->until_ns = deadline_ns;
	t->asleep_on = word;
	schedule_point(OP_SLEEP, word);
}

void bide_os_wake_(uint32_t *word, int count)
{
	if (!engine.running)
		return;
	schedule_point(OP_WRITE, word);
	report_note("wakes", word, 0, 0, NULL);
	for (int i = 0; i < engine.count && count > 0; i++)
		if (engine.threads[i].asleep_on == word) {
			engine.threads[i].asleep_on = NULL;
			count--;
		}
}

bool explore_is_over(void)
{
	return engine.over;
}

bool explore_sleeps(int thread, int64_t *until_ns)
{
	*until_ns = engine.threads[thread].until_ns;
	return engine.threads[thread].asleep_on != NULL;
}
