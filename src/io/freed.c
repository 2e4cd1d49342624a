/*
 * freed.c - see freed.h.
 */
#include "io/freed.h"

#include "base/spin.h"
#include "memory/allocator.h"
#include "runtime/at_end.h"

enum { KEPT = 16 };

typedef struct freed {
	void *memory;
	size_t size_bytes;
} freed;

/* A ring: the oldest one is at `next`. All under the lock. */
static freed kept[KEPT];
static unsigned next;
static uint32_t lock;

static freed exchange(freed newest)
{
	freed oldest;

	bide_spin_lock_(&lock);
	oldest = kept[next];
	kept[next] = newest;
	next = (next + 1) % KEPT;
	bide_spin_unlock_(&lock);
	return oldest;
}

static void deallocate(freed oldest)
{
	if (oldest.memory)
		bide_deallocate_(oldest.memory, oldest.size_bytes);
}

static void free_all(void)
{
	for (unsigned i = 0; i < KEPT; i++)
		deallocate(exchange((freed){ NULL, 0 }));
}

/* The lock may be held for ever by a thread that is not here. */
static void in_child(void)
{
	lock = 0;
}

static bide_at_end ends = { .end = free_all, .fork = in_child };

void bide_freed_keep_(void *memory, size_t size_bytes)
{
	bide_at_end_add_(&ends);
	deallocate(exchange((freed){ memory, size_bytes }));
}
