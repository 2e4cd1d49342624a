/*
 * count.c - the allocator of bide in the demo.
 *
 * bide counts every allocation itself (bide_stats_get). This allocator counts them again, from
 * outside, and both must agree. The memory comes from malloc, as usual.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <bide/bide.h>

#include "demo.h"

static bool counting; /* changes only while bide is idle */
static struct allocations counted;
static uint64_t stats_at_start;

static void *allocate(size_t size_bytes, size_t alignment, void *argument)
{
	void *memory = NULL;

	(void)argument;
	if (alignment <= _Alignof(max_align_t))
		memory = malloc(size_bytes);
	else if (posix_memalign(&memory, alignment, size_bytes) != 0)
		memory = NULL;
	if (counting && memory) { /* on any thread */
		__atomic_fetch_add(&counted.calls, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&counted.bytes, size_bytes, __ATOMIC_RELAXED);
	}
	return memory;
}

static void release(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes;
	(void)argument;
	free(memory);
}

int count_install(void)
{
	return bide_allocator_set(&(bide_allocator){ .allocate = allocate, .release = release });
}

void count_start(void)
{
	bide_stats stats;

	bide_stats_get(&stats);
	stats_at_start = stats.allocation_count;
	counted = (struct allocations){ 0, 0 };
	counting = true;
}

struct allocations count_stop(void)
{
	bide_stats stats;

	counting = false;
	bide_stats_get(&stats);
	if (stats.allocation_count - stats_at_start != counted.calls) {
		fprintf(stderr, "demo: bide counted %llu allocations, the allocator %llu\n",
		        (unsigned long long)(stats.allocation_count - stats_at_start),
		        (unsigned long long)counted.calls);
		exit(1); /* atexit removes the database */
	}
	return counted;
}
