/*
 * memory.c - every byte the library takes passes here and is counted.
 */
#include "base/everything.h"
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

/* Of objects that other threads change meanwhile: a snapshot. */
__attribute__((no_sanitize_thread)) static void count(bide_source *source, void *argument)
{
	bide_stats *stats = argument;

	if (source->kind >= BIDE_KIND_TIMER_) {
		stats->operation_count++;
		return;
	}
	stats->frame_count++;
	if ((BIDE_LOAD(&source->word, RELAXED) & BIDE_WORD_TAGS_) == BIDE_WORD_DONE_ &&
	    source->generation < BIDE_COUNT_BASE_)
		stats->unconsumed_count++;
}

void bide_stats_get(bide_stats *stats)
{
	if (!stats) {
		bide_misuse_("bide_stats_get: stats is NULL");
		return;
	}
	__builtin_memset(stats, 0, sizeof *stats);
	stats->allocation_count = bide_counted_(BIDE_COUNT_ALLOCATIONS_);
	stats->release_count = bide_counted_(BIDE_COUNT_RELEASES_);
	stats->failed_count = bide_counted_(BIDE_COUNT_FAILED_);
	stats->live_bytes = bide_counted_(BIDE_COUNT_BYTES_);
	stats->task_count = bide_counted_(BIDE_COUNT_TASKS_);
	stats->unobserved_count = bide_counted_(BIDE_COUNT_UNOBSERVED_);
	stats->misuse_count = bide_counted_(BIDE_COUNT_MISUSE_);
	bide_port_stats_(stats);
	bide_pools_visit_(count, stats);
}
