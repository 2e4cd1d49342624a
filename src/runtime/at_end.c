/*
 * at_end.c - see at_end.h.
 */
#include "runtime/at_end.h"

#include "base/spin.h"

static bide_at_end *all; /* atomic; grows under the lock, at its head */
static uint32_t lock;

void bide_at_end_add_(bide_at_end *entry)
{
	if (BIDE_LOAD(&entry->is_listed, RELAXED))
		return;
	bide_spin_lock_(&lock);
	if (!entry->is_listed) {
		entry->next = all;
		BIDE_STORE(&all, entry, RELEASE); /* Pairs with the loads below. */
		BIDE_STORE(&entry->is_listed, 1u, RELAXED);
	}
	bide_spin_unlock_(&lock);
}

void bide_at_end_stop_(void)
{
	for (bide_at_end *entry = BIDE_LOAD(&all, ACQUIRE); entry; entry = entry->next)
		if (entry->stop)
			entry->stop();
}

void bide_at_end_last_(void)
{
	for (bide_at_end *entry = BIDE_LOAD(&all, ACQUIRE); entry; entry = entry->next)
		if (entry->last)
			entry->last();
}

void bide_at_end_restart_(void)
{
	for (bide_at_end *entry = BIDE_LOAD(&all, ACQUIRE); entry; entry = entry->next)
		if (entry->restart)
			entry->restart();
}

void bide_at_end_run_(void)
{
	for (bide_at_end *entry = BIDE_LOAD(&all, ACQUIRE); entry; entry = entry->next)
		if (entry->end)
			entry->end();
}

void bide_at_end_fork_(void)
{
	lock = 0;
	for (bide_at_end *entry = BIDE_LOAD(&all, ACQUIRE); entry; entry = entry->next)
		if (entry->fork)
			entry->fork();
}
