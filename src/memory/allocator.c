/*
 * allocator.c - every byte that the library takes passes here and is counted.
 */
#include "memory/allocator.h"

#include "base/count.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/settings.h"
#include "memory/poison.h"

static void *default_allocate(size_t size_bytes, size_t alignment, void *argument)
{
	(void)argument;
	return bide_port_allocate_(size_bytes, alignment);
}

static void default_release(void *memory, size_t size_bytes, void *argument)
{
	(void)argument;
	bide_port_release_(memory, size_bytes);
}

static bide_allocator allocator = { default_allocate, default_release, NULL };
static bool allocator_is_users; /* bide_allocator_set has set it */

int bide_allocator_set(const bide_allocator *wanted)
{
	if (!wanted || !wanted->allocate || !wanted->release) {
		bide_misuse_("bide_allocator_set: %s is NULL; an allocator needs both functions",
		             !wanted             ? "the allocator"
		             : !wanted->allocate ? "allocate"
		                                 : "release");
		return BIDE_EINVAL_;
	}
	if (bide_counted_(BIDE_COUNT_BYTES_) != 0)
		return BIDE_EBUSY_;
	allocator = *wanted;
	allocator_is_users = true;
	return 0;
}

/* An allocator of the user's is user code, which must not end the runtime. */
static BIDE_COLD void *allocate_by_user(size_t size_bytes, size_t alignment)
{
	const char *before = bide_inside_enter_("the allocator");
	void *memory = allocator.allocate(size_bytes, alignment, allocator.argument);

	bide_inside_ = before;
	return memory;
}

static BIDE_COLD void release_by_user(void *memory, size_t size_bytes)
{
	const char *before = bide_inside_enter_("the allocator");

	allocator.release(memory, size_bytes, allocator.argument);
	bide_inside_ = before;
}

void *bide_allocate_(size_t size_bytes, size_t alignment)
{
	void *memory = BIDE_UNLIKELY(allocator_is_users)
	                   ? allocate_by_user(size_bytes, alignment)
	                   : allocator.allocate(size_bytes, alignment, allocator.argument);

	if (!memory) {
		bide_count_(BIDE_COUNT_FAILED_, 1);
		return NULL;
	}
	bide_count_(BIDE_COUNT_ALLOCATIONS_, 1);
	bide_count_(BIDE_COUNT_BYTES_, size_bytes);
	return memory;
}

void bide_deallocate_(void *memory, size_t size_bytes)
{
	bide_count_(BIDE_COUNT_RELEASES_, 1);
	bide_count_(BIDE_COUNT_BYTES_, 0 - (uint64_t)size_bytes);
	if (BIDE_UNLIKELY(allocator_is_users))
		release_by_user(memory, size_bytes);
	else
		allocator.release(memory, size_bytes, allocator.argument);
}

/*
 * In debug mode the memory of the last so many stays as it was, so that what is done with them
 * afterwards is told. Their size stands in their first word.
 */
enum { RETIRED_COUNT = 256 };
static void *retired[RETIRED_COUNT];
static uint32_t retired_next;

static void retired_free(void *memory)
{
	if (memory)
		bide_deallocate_(memory, *(const size_t *)memory);
}

void bide_retire_(void *memory, size_t size_bytes)
{
	uint32_t i;

	if (BIDE_LIKELY(!bide_debug_)) {
		bide_deallocate_(memory, size_bytes);
		return;
	}
	*(size_t *)memory = size_bytes;
	i = BIDE_ADD(&retired_next, 1, RELAXED) % RETIRED_COUNT;
	/* acq_rel: the next to swap has the size */
	retired_free(BIDE_SWAP(&retired[i], memory, ACQ_REL));
}

void bide_retired_release_(void)
{
	for (size_t i = 0; i < RETIRED_COUNT; i++)
		retired_free(BIDE_SWAP(&retired[i], NULL, ACQ_REL));
}

/* The last of what was kept; under the lock of the setup. */
enum { KEPT_COUNT = 256, KEPT_BYTES = 1 << 23 };
static struct {
	void *memory;
	size_t size_bytes;
} kept[KEPT_COUNT];
static uint32_t kept_oldest, kept_count;
static size_t kept_bytes;

static void kept_release_oldest(void)
{
	uint32_t i = kept_oldest++ % KEPT_COUNT;

	kept_count--;
	kept_bytes -= kept[i].size_bytes;
	bide_port_release_(kept[i].memory, kept[i].size_bytes);
	kept[i].memory = NULL;
}

void bide_keep_(void *memory, size_t size_bytes)
{
	uint32_t i;

	if (allocator.release != default_release || size_bytes > KEPT_BYTES) {
		bide_deallocate_(memory, size_bytes);
		return;
	}
	while (kept_count == KEPT_COUNT || kept_bytes + size_bytes > KEPT_BYTES)
		kept_release_oldest();
	bide_count_(BIDE_COUNT_RELEASES_, 1);
	bide_count_(BIDE_COUNT_BYTES_, 0 - (uint64_t)size_bytes);
	i = (kept_oldest + kept_count++) % KEPT_COUNT;
	kept[i].memory = memory;
	kept[i].size_bytes = size_bytes;
	kept_bytes += size_bytes;
}

void bide_memory_known_(void *at, size_t size_bytes)
{
	VALGRIND_MAKE_MEM_DEFINED(at, size_bytes);
}
