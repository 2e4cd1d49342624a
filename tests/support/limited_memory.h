/*
 * limited_memory.h - an allocator that fails after a number of allocations. To be set before the
 * library is used. Several threads may allocate.
 */
#ifndef BIDE_TEST_LIMITED_MEMORY_H
#define BIDE_TEST_LIMITED_MEMORY_H

#include <stdatomic.h>
#include <stdlib.h>

#include <bide/bide.h>

#include "test.h"

static atomic_long allowed_allocations = -1; /* negative: no limit */

static void *limited_allocate(size_t size_bytes, size_t alignment, void *argument)
{
	long allowed = allowed_allocations;
	void *memory = NULL;

	(void)argument;
	while (allowed > 0 &&
	       !atomic_compare_exchange_weak(&allowed_allocations, &allowed, allowed - 1))
		;
	if (allowed == 0)
		return NULL;
	return posix_memalign(&memory, alignment < sizeof(void *) ? sizeof(void *) : alignment,
	                      size_bytes) == 0
	           ? memory
	           : NULL;
}

static void limited_release(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes;
	(void)argument;
	free(memory);
}

BIDE_UNUSED static void limit_memory(void)
{
	static const bide_allocator limited = { limited_allocate, limited_release, NULL };

	allowed_allocations = -1;
	assert_int_equal(bide_allocator_set(&limited), 0);
}

/* Makes every object an allocation of its own, so that each one can fail. */
BIDE_UNUSED static void limit_objects(void)
{
	setenv("BIDE_POOL", "malloc", 1);
	limit_memory();
}

#endif
