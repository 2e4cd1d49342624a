/*
 * allocator.c - every byte that the library takes passes here and is counted.
 */
#include "memory/allocator.h"

#include "base/assert.h"
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

/* They count nothing. */
static inline void *take(size_t size_bytes, size_t alignment)
{
	return BIDE_UNLIKELY(allocator_is_users) ? allocate_by_user(size_bytes, alignment)
	                                         : bide_port_allocate_(size_bytes, alignment);
}

static inline void give(void *memory, size_t size_bytes)
{
	if (BIDE_UNLIKELY(allocator_is_users))
		release_by_user(memory, size_bytes);
	else
		bide_port_release_(memory, size_bytes);
}

void *bide_allocate_(size_t size_bytes, size_t alignment)
{
	void *memory;

	BIDE_ASSERT_(size_bytes > 0);
	BIDE_ASSERT_(alignment >= sizeof(void *) && (alignment & (alignment - 1)) == 0);
	memory = take(size_bytes, alignment);
	if (!memory) {
		bide_count_(BIDE_COUNT_FAILED_, 1);
		return NULL;
	}
	bide_count_(BIDE_COUNT_ALLOCATIONS_, 1);
	bide_count_(BIDE_COUNT_BYTES_, size_bytes);
	return memory;
}

static void count_release(size_t size_bytes)
{
	bide_count_(BIDE_COUNT_RELEASES_, 1);
	bide_count_(BIDE_COUNT_BYTES_, 0 - (uint64_t)size_bytes);
}

void bide_deallocate_(void *memory, size_t size_bytes)
{
	BIDE_ASSERT_(memory && size_bytes > 0);
	count_release(size_bytes);
	give(memory, size_bytes);
}

void *bide_allocate_task_(bide_thread_head *head)
{
	void *memory = take(BIDE_TASK_BYTES_, 16);

	if (BIDE_UNLIKELY(!memory)) {
		bide_count_(BIDE_COUNT_FAILED_, 1);
		return NULL;
	}
	bide_count_by_(head, BIDE_COUNT_TASKS_MADE_, 1);
	return memory;
}

/* --- memory that stays in debug mode --- */

/*
 * The last ones that were retired. Each stays as it was, but for its first word, which holds its
 * size.
 */
enum { RETIRED_COUNT = 256 };
static void *retired[RETIRED_COUNT]; /* atomic */
static uint32_t retired_next;        /* atomic */

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
	BIDE_ASSERT_(size_bytes >= sizeof(size_t));
	*(size_t *)memory = size_bytes;
	i = BIDE_ADD(&retired_next, 1, RELAXED) % RETIRED_COUNT;
	/* Pairs with itself: the next thread that swaps sees the size. */
	retired_free(BIDE_SWAP(&retired[i], memory, ACQ_REL));
}

void bide_retire_task_(void *memory)
{
	if (BIDE_LIKELY(!bide_debug_)) {
		bide_count_(BIDE_COUNT_TASKS_FREED_, 1);
		give(memory, BIDE_TASK_BYTES_);
		return;
	}
	bide_count_(BIDE_COUNT_TASKS_, (uint64_t)-1);
	bide_retire_(memory, BIDE_TASK_BYTES_);
}

void bide_retired_free_(void)
{
	for (size_t i = 0; i < RETIRED_COUNT; i++)
		retired_free(BIDE_SWAP(&retired[i], NULL, ACQ_REL));
}

/* --- memory that stays after a shutdown --- */

/*
 * A ring of the last ones that were kept: kept_count of them, from kept_oldest on. The places are
 * numbered modulo KEPT_COUNT. Under the lock of the setup.
 */
enum { KEPT_COUNT = 256, KEPT_BYTES = 1 << 23 };
static struct {
	void *memory;
	size_t size_bytes;
} kept[KEPT_COUNT];
static uint32_t kept_oldest, kept_count;
static size_t kept_bytes; /* the sum of size_bytes */

bool bide_allocator_is_valid_(void)
{
	size_t sum = 0;

	BIDE_INVARIANT_(kept_count <= KEPT_COUNT);
	for (uint32_t i = 0; i < KEPT_COUNT; i++) {
		bool holds = (i - kept_oldest) % KEPT_COUNT < kept_count;

		BIDE_INVARIANT_(holds == (kept[i].memory != NULL));
		sum += holds ? kept[i].size_bytes : 0;
	}
	BIDE_INVARIANT_(sum == kept_bytes);
	BIDE_INVARIANT_(kept_bytes <= KEPT_BYTES);
	return true;
}

static void kept_free_oldest(void)
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
		kept_free_oldest();
	count_release(size_bytes);
	i = (kept_oldest + kept_count++) % KEPT_COUNT;
	kept[i].memory = memory;
	kept[i].size_bytes = size_bytes;
	kept_bytes += size_bytes;
	BIDE_ASSERT_(bide_allocator_is_valid_());
}

void bide_memory_known_(void *at, size_t size_bytes)
{
	VALGRIND_MAKE_MEM_DEFINED(at, size_bytes);
}
