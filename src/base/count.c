/*
 * count.c - see count.h.
 */
#include "base/count.h"

#include "base/spin.h"
#include "base/thread.h"

/* Counts of threads that are gone, or have no record; atomic. */
static uint64_t process_counts[BIDE_COUNTERS_];
static bide_thread *counted;
static uint32_t counted_lock;
BIDE_STATIC_ASSERT(sizeof(((bide_thread *)0)->counts) / sizeof(uint64_t) == BIDE_COUNTERS_,
                   "one for each");

void bide_count_(bide_counter counter, uint64_t change)
{
	bide_thread_head *head = bide_current_thread_;
	uint64_t *mine;

	if (head) {
		mine = &bide_thread_of_(head)->counts[counter];
		BIDE_STORE(mine, *mine + change, RELAXED); /* nobody else writes it */
	} else {
		BIDE_ADD(&process_counts[counter], change, RELAXED);
	}
}

void bide_counts_lock_(void)
{
	bide_spin_lock_(&counted_lock);
}

void bide_counts_unlock_(void)
{
	bide_spin_unlock_(&counted_lock);
}

void bide_counts_join_(bide_thread *thread)
{
	bide_spin_lock_(&counted_lock);
	thread->next_counted = counted;
	counted = thread;
	bide_spin_unlock_(&counted_lock);
}

void bide_counts_leave_(bide_thread *thread)
{
	bide_spin_lock_(&counted_lock);
	for (bide_thread **t = &counted; *t; t = &(*t)->next_counted)
		if (*t == thread) {
			*t = thread->next_counted;
			break;
		}
	for (unsigned i = 0; i < BIDE_COUNTERS_; i++)
		BIDE_ADD(&process_counts[i], thread->counts[i], RELAXED);
	bide_spin_unlock_(&counted_lock);
}

/* Each is written by its thread alone, without a locked instruction: a snapshot. */
__attribute__((no_sanitize_thread)) static uint64_t generation_of(const bide_thread *thread)
{
	return *(const volatile uint64_t *)&thread->head.generation;
}

uint64_t bide_generations_(void)
{
	uint64_t sum = 0;

	bide_spin_lock_(&counted_lock);
	for (const bide_thread *t = counted; t; t = t->next_counted)
		sum += generation_of(t);
	bide_spin_unlock_(&counted_lock);
	return sum;
}

uint64_t bide_counted_(bide_counter counter)
{
	uint64_t sum;

	bide_spin_lock_(&counted_lock);
	sum = BIDE_LOAD(&process_counts[counter], RELAXED);
	for (const bide_thread *t = counted; t; t = t->next_counted)
		sum += BIDE_LOAD(&t->counts[counter], RELAXED);
	bide_spin_unlock_(&counted_lock);
	return sum;
}
