/*
 * pool_walk.c - visits everything in use: for counts, dumps and leak reports.
 */
#include "base/spin.h"
#include "memory/pool_parts.h"

/*
 * What the thread that gave an object back, or completed it, did before is seen by a visitor that
 * passes an acquire fence (bide_drain). ThreadSanitizer knows no fences, so it is told.
 */
#if defined(__SANITIZE_THREAD__)
#define TELL_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TELL_SANITIZER 1
#endif
#endif
#if defined(TELL_SANITIZER) && !defined(BIDE_EXPLORE)
void __tsan_acquire(void *address);
#define SEES(source) (__tsan_acquire(&(source)->generation), __tsan_acquire(&(source)->word))
#else
#define SEES(source) ((void)0)
#endif

/* Other threads take and give back meanwhile, so what is visited is a snapshot. */
__attribute__((no_sanitize_thread)) static void visit_one(bide_source *source,
                                                          void (*visit)(bide_source *, void *),
                                                          void *argument)
{
	if (bide_is_in_use_(source))
		visit(source, argument);
	SEES(source);
}

void bide_pools_visit_all_(void (*visit)(bide_source *source, void *argument), void *argument)
{
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
		for (bide_chunk *k = bide_pools_.chunks[c]; k; k = k->next)
			for (uint32_t i = 0; i < k->made; i++)
				visit_one(bide_chunk_object_(k, i), visit, argument);
	for (bide_record *r = bide_pools_.singles; r; r = r->next)
		visit_one(bide_record_object_(r), visit, argument);
}

void bide_pools_visit_(void (*visit)(bide_source *source, void *argument), void *argument)
{
	bide_spin_lock_(&bide_pools_.lock);
	if (!bide_pools_.disowned)
		bide_pools_visit_all_(visit, argument);
	bide_spin_unlock_(&bide_pools_.lock);
}

/*
 * Returns false if the visitor ended the step. The next step calls it with the same object again.
 */
static bool walk_chunk(bide_pools_walk *walk, bide_chunk *k)
{
	for (; walk->index < k->made; walk->index++) {
		bide_source *source = bide_chunk_object_(k, walk->index);

		if (bide_is_in_use_(source) && !walk->visit(source, walk->argument))
			return false;
	}
	walk->index = 0;
	return true;
}

static bool walk_on(bide_pools_walk *walk)
{
	for (; walk->size_class < BIDE_CLASS_COUNT_; walk->size_class++, walk->chunk = NULL) {
		bide_chunk *k = walk->chunk ? walk->chunk : bide_pools_.chunks[walk->size_class];

		for (; k; k = k->next) {
			walk->chunk = k;
			if (!walk_chunk(walk, k))
				return false;
		}
	}
	for (bide_record *r = bide_pools_.singles; r; r = r->next) {
		bide_source *source = bide_record_object_(r);

		if (walk->before && r->number >= walk->before)
			continue;
		if (bide_is_in_use_(source) && !walk->visit(source, walk->argument))
			return false;
		walk->before = r->number;
	}
	return true;
}

bide_pools_walked bide_pools_walk_(bide_pools_walk *walk)
{
	enum { TRIES = 20000 }; /* about a second; then the holder of the lock does not run */
	bool is_over;

	for (unsigned tries = 0; BIDE_SWAP(&bide_pools_.lock, 1u, ACQUIRE) != 0; tries++) {
		if (tries == TRIES)
			return BIDE_POOLS_LOCKED_;
		bide_port_wait_a_moment_(tries);
	}
	if (!walk->begun)
		walk->epoch = bide_pools_.epoch;
	walk->begun = true;
	is_over = bide_pools_.disowned || walk->epoch != bide_pools_.epoch || walk_on(walk);
	bide_spin_unlock_(&bide_pools_.lock);
	return is_over ? BIDE_POOLS_OVER_ : BIDE_POOLS_PAUSED_;
}

bool bide_pools_hold_(const void *address)
{
	uintptr_t at = (uintptr_t)address;

	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
		if (bide_chunks_hold_(bide_pools_.chunks[c], at))
			return true;
	return bide_records_hold_(bide_pools_.singles, at); /* none goes under the lock */
}
