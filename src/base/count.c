/*
 * count.c - see count.h.
 */
#include "base/count.h"

#include "base/assert.h"
#include "base/spin.h"

/* What threads without a record have counted, and those that have left. Atomic. */
static uint64_t process_counts[BIDE_COUNTERS_];
static bide_thread *counted; /* under the lock */
static uint32_t counted_lock;
BIDE_STATIC_ASSERT(sizeof(((bide_thread *)0)->counts) / sizeof(uint64_t) == BIDE_COUNTERS_,
                   "one for each");

void bide_count_for_process_(bide_counter counter, uint64_t change)
{
	BIDE_ADD(&process_counts[counter], change, RELAXED);
}

void bide_counts_lock_(void)
{
	bide_spin_lock_(&counted_lock);
}

void bide_counts_unlock_(void)
{
	bide_spin_unlock_(&counted_lock);
}

/* Under the lock. A circle never ends, so one step is taken for each two of a second walk. */
static bool list_is_valid(void)
{
	const bide_thread *slow = counted, *fast = counted;

	while (fast && fast->next_counted) {
		slow = slow->next_counted;
		fast = fast->next_counted->next_counted;
		BIDE_INVARIANT_(!fast || slow != fast);
	}
	return true;
}

bool bide_counts_are_valid_(void)
{
	bool valid;

	bide_spin_lock_(&counted_lock);
	valid = list_is_valid();
	bide_spin_unlock_(&counted_lock);
	return valid;
}

/* Under the lock. Returns the link to a record, or the one that ends the list. */
static bide_thread **link_to(const bide_thread *thread)
{
	bide_thread **t = &counted;

	while (*t && *t != thread)
		t = &(*t)->next_counted;
	return t;
}

void bide_counts_join_(bide_thread *thread)
{
	bide_spin_lock_(&counted_lock);
	BIDE_ASSERT_(!*link_to(thread));
	thread->next_counted = counted;
	counted = thread;
	bide_spin_unlock_(&counted_lock);
}

void bide_counts_leave_(bide_thread *thread)
{
	bide_thread **link;

	bide_spin_lock_(&counted_lock);
	link = link_to(thread);
	if (*link)
		*link = thread->next_counted;
	for (unsigned i = 0; i < BIDE_COUNTERS_; i++)
		BIDE_ADD(&process_counts[i], thread->counts[i], RELAXED);
	bide_spin_unlock_(&counted_lock);
}

/* A thread writes its generation without a locked instruction, so what is read is a snapshot. */
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

/* Under the lock. */
static uint64_t sum_of(bide_counter counter)
{
	uint64_t sum = BIDE_LOAD(&process_counts[counter], RELAXED);

	for (const bide_thread *t = counted; t; t = t->next_counted)
		sum += BIDE_LOAD(&t->counts[counter], RELAXED);
	return sum;
}

/* Under the lock. Returns what tasks that were counted once add to a counter. */
static uint64_t of_tasks(bide_counter counter)
{
	switch (counter) {
	case BIDE_COUNT_ALLOCATIONS_:
		return sum_of(BIDE_COUNT_TASKS_MADE_);
	case BIDE_COUNT_RELEASES_:
		return sum_of(BIDE_COUNT_TASKS_FREED_);
	case BIDE_COUNT_TASKS_:
		return sum_of(BIDE_COUNT_TASKS_MADE_) - sum_of(BIDE_COUNT_TASKS_FREED_);
	case BIDE_COUNT_BYTES_:
		return of_tasks(BIDE_COUNT_TASKS_) * BIDE_TASK_BYTES_;
	default:
		return 0;
	}
}

uint64_t bide_counted_(bide_counter counter)
{
	uint64_t sum;

	bide_spin_lock_(&counted_lock);
	sum = sum_of(counter) + of_tasks(counter);
	bide_spin_unlock_(&counted_lock);
	return sum;
}
