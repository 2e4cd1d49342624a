/*
 * chunk.c - see chunk.h.
 */
#include "io/chunk.h"

#include "base/assert.h"
#include "base/spin.h"
#include "memory/allocator.h"
#include "memory/poison.h"
#include "runtime/at_end.h"
#include "runtime/runtime.h"

/* Beyond this number workers share a home. The array costs no memory before it is written. */
enum { HOMES = 256 };

typedef struct chunk_home {
	_Alignas(64) uint32_t lock;
	uint32_t large_count;                     /* chunks in use that are not small */
	size_t used_bytes;                        /* of the chunks in use */
	bide_io_chunk *free[BIDE_CHUNK_CLASSES_]; /* newest first */
	bide_chunk_claim *first, **last; /* claims that wait, oldest first; last: NULL if none */
	const bide_chunk_claim *exceeds; /* the one that may exceed the budget */
} chunk_home;

static chunk_home homes[HOMES];
static const uint32_t class_bytes[BIDE_CHUNK_CLASSES_] = { 64, 256, 1024, 4096, 16384 };
/* This thread wakes claims of that home. What they give back to it, the same loop takes. */
static BIDE_THREAD_LOCAL_ chunk_home *waking;
/* With one worker, what another thread gave back is offered to claims by the worker. */
static bide_post offer;
static uint32_t is_offered; /* atomic */

/* With one worker, too: other threads may use streams. */
static void lock(chunk_home *home)
{
	bide_spin_lock_(&home->lock);
}

static void unlock(chunk_home *home)
{
	bide_spin_unlock_(&home->lock);
}

/* Returns the class, and all bytes, of a chunk with that room. */
static unsigned class_for(size_t room_bytes, size_t *size_bytes)
{
	size_t needed = room_bytes + BIDE_CHUNK_HEAD_;

	for (unsigned c = 0; c < BIDE_CHUNK_CLASSES_; c++) {
		if (needed <= class_bytes[c]) {
			*size_bytes = class_bytes[c];
			return c;
		}
	}
	*size_bytes = (needed + 4095) & ~(size_t)4095;
	return BIDE_CHUNK_BIG_;
}

static void end_all(void);
static void fork_all(void);
static bide_at_end ends = { .end = end_all, .fork = fork_all };

/* Under the lock. */
static bool fits(const chunk_home *home, size_t size_bytes)
{
	return home->used_bytes + size_bytes <= bide_runtime_buffers_max_();
}

/* Under the lock. A small chunk is always within its share. */
static bool is_within_share(const chunk_home *home, size_t size_bytes)
{
	return size_bytes <= BIDE_CHUNK_SMALL_ ||
	       size_bytes <= bide_runtime_buffers_max_() / (home->large_count + 1u);
}

/* --- claims, under the lock --- */

static void claim_wait(chunk_home *home, bide_chunk_claim *claim, size_t size_bytes)
{
	claim->size_bytes = (uint32_t)size_bytes;
	claim->waits = true;
	if (claim->at)
		return;
	if (!home->last)
		home->last = &home->first;
	claim->next = NULL;
	claim->at = home->last;
	*home->last = claim;
	home->last = &claim->next;
}

static void claim_unwait(chunk_home *home, bide_chunk_claim *claim)
{
	*claim->at = claim->next;
	if (claim->next)
		claim->next->at = claim->at;
	else
		home->last = claim->at;
	claim->next = NULL;
	claim->at = NULL;
}

/* Returns true if the claim may have the chunk now. Otherwise it waits. */
static bool claim_is_met(chunk_home *home, bide_chunk_claim *claim, size_t size_bytes)
{
	if (fits(home, size_bytes) || is_within_share(home, size_bytes) || home->exceeds == claim) {
		if (claim->at)
			claim_unwait(home, claim);
		return true;
	}
	if (!home->exceeds) {
		home->exceeds = claim;
		claim->exceeds = true;
		if (claim->at)
			claim_unwait(home, claim);
		return true;
	}
	claim_wait(home, claim, size_bytes);
	return false;
}

/* Takes the oldest claim out that may be met now. Returns NULL if there is none. */
static bide_chunk_claim *claim_pop(chunk_home *home)
{
	bide_chunk_claim *claim = home->first;

	if (!claim || (home->exceeds && !fits(home, claim->size_bytes) &&
	               !is_within_share(home, claim->size_bytes)))
		return NULL;
	claim_unwait(home, claim);
	return claim;
}

static void wake_and_unlock(chunk_home *home);

static void offer_posted(bide_post *post)
{
	(void)post;
	BIDE_STORE(&is_offered, 0u, RELEASE); /* From now on it may be posted anew. */
	lock(&homes[0]);
	wake_and_unlock(&homes[0]);
}

/* Lets claims try again. Unlocks. */
static void wake_and_unlock(chunk_home *home)
{
	chunk_home *outer = waking;
	bide_chunk_claim *claim;
	void (*again)(bide_chunk_claim * claim, uint32_t key);
	uint32_t key;

	if (BIDE_LIKELY(!home->first) || outer == home) {
		unlock(home);
		return;
	}
	if (!bide_port_on_worker_()) {
		unlock(home);
		if (!BIDE_SWAP(&is_offered, 1u, ACQ_REL)) {
			offer.run = offer_posted;
			bide_port_post_(&offer);
		}
		return;
	}
	while ((claim = claim_pop(home)) != NULL) {
		again = claim->again;
		key = claim->key;
		unlock(home);
		waking = home;
		again(claim, key);
		waking = outer;
		lock(home);
	}
	unlock(home);
}

/* --- chunks --- */

/* Counts a chunk that is about to be taken, and returns one of the cache, or NULL. */
static bide_io_chunk *take_locked(chunk_home *home, unsigned size_class, size_t size_bytes)
{
	bide_io_chunk *chunk = NULL;

	home->used_bytes += size_bytes;
	if (size_bytes > BIDE_CHUNK_SMALL_)
		home->large_count++;
	if (size_class != BIDE_CHUNK_BIG_ && (chunk = home->free[size_class]) != NULL)
		home->free[size_class] = chunk->next;
	return chunk;
}

/* Uncounts a chunk. */
static void give_locked(chunk_home *home, size_t size_bytes)
{
	BIDE_ASSERT_(home->used_bytes >= size_bytes);
	home->used_bytes -= size_bytes;
	if (size_bytes > BIDE_CHUNK_SMALL_)
		home->large_count--;
}

static bide_io_chunk *chunk_new(unsigned home, unsigned size_class, size_t size_bytes)
{
	bide_io_chunk *chunk;

	bide_at_end_add_(&ends);
	chunk = bide_allocate_(size_bytes, 16);
	if (!chunk)
		return NULL;
	chunk->size_bytes = (uint32_t)size_bytes;
	chunk->home = (uint16_t)home;
	chunk->size_class = (uint8_t)size_class;
	return chunk;
}

int bide_io_chunk_take_(unsigned home_number, size_t room_bytes, bide_chunk_how how,
                        bide_chunk_claim *claim, bide_io_chunk **taken)
{
	chunk_home *home = &homes[home_number %= HOMES];
	bide_io_chunk *chunk = NULL;
	size_t size_bytes;
	unsigned size_class = class_for(room_bytes, &size_bytes);
	bool met = how == BIDE_CHUNK_ALWAYS_;

	BIDE_ASSERT_(room_bytes < UINT32_MAX / 2 && (claim != NULL) == (how == BIDE_CHUNK_OR_WAIT_));
	lock(home);
	if (how == BIDE_CHUNK_IF_FREE_) {
		met = fits(home, size_bytes);
	} else if (claim) {
		claim->home = (uint16_t)home_number;
		met = claim_is_met(home, claim, size_bytes);
	}
	if (met)
		chunk = take_locked(home, size_class, size_bytes);
	unlock(home);
	if (!met)
		return BIDE_EAGAIN_;
	if (chunk) {
		ASAN_UNPOISON_MEMORY_REGION(chunk->data, bide_io_chunk_room_(chunk));
		VALGRIND_MAKE_MEM_UNDEFINED(chunk->data, bide_io_chunk_room_(chunk));
	} else if ((chunk = chunk_new(home_number, size_class, size_bytes)) == NULL) {
		lock(home);
		give_locked(home, size_bytes);
		wake_and_unlock(home);
		return BIDE_ENOMEM_;
	}
	chunk->next = NULL;
	chunk->from = chunk->upto = 0;
	chunk->in_use = true;
	*taken = chunk;
	return 0;
}

void bide_io_chunk_give_(bide_io_chunk *chunk)
{
	chunk_home *home;
	size_t size_bytes;
	bool is_big;

	if (!chunk)
		return;
	BIDE_ASSERT_(chunk->in_use);
	home = &homes[chunk->home];
	size_bytes = chunk->size_bytes;
	is_big = chunk->size_class == BIDE_CHUNK_BIG_;
	chunk->in_use = false;
	if (is_big) {
		bide_deallocate_(chunk, size_bytes);
	} else {
		ASAN_POISON_MEMORY_REGION(chunk->data, bide_io_chunk_room_(chunk));
		VALGRIND_MAKE_MEM_NOACCESS(chunk->data, bide_io_chunk_room_(chunk));
	}
	lock(home);
	give_locked(home, size_bytes);
	if (!is_big) {
		chunk->next = home->free[chunk->size_class];
		home->free[chunk->size_class] = chunk;
	}
	wake_and_unlock(home);
}

void bide_chunk_claim_end_(bide_chunk_claim *claim)
{
	chunk_home *home = &homes[claim->home];

	lock(home);
	if (claim->at)
		claim_unwait(home, claim);
	if (home->exceeds == claim)
		home->exceeds = NULL;
	claim->exceeds = claim->waits = false;
	wake_and_unlock(home);
}

/* --- all of them --- */

uint64_t bide_chunks_bytes_(void)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < HOMES; i++) {
		if (i >= bide_port_worker_count_())
			break;
		lock(&homes[i]);
		bytes += homes[i].used_bytes;
		unlock(&homes[i]);
	}
	return bytes;
}

static bool is_used(const chunk_home *home)
{
	bool used = home->lock || home->used_bytes || home->first || home->exceeds;

	for (unsigned c = 0; c < BIDE_CHUNK_CLASSES_; c++)
		used = used || home->free[c];
	return used;
}

/* Streams that are left are of before, and give nothing back. */
static void end_all(void)
{
	BIDE_ASSERT_IN_DEBUG_(bide_chunks_are_valid_());
	for (unsigned i = 0; i < HOMES; i++) {
		if (!is_used(&homes[i]))
			continue; /* its memory is not written */
		for (unsigned c = 0; c < BIDE_CHUNK_CLASSES_; c++) {
			bide_io_chunk *chunk;

			while ((chunk = homes[i].free[c]) != NULL) {
				homes[i].free[c] = chunk->next;
				ASAN_UNPOISON_MEMORY_REGION(chunk->data, bide_io_chunk_room_(chunk));
				bide_deallocate_(chunk, chunk->size_bytes);
			}
		}
		homes[i] = (chunk_home){ 0 };
	}
	is_offered = 0;
}

/* What there is stays with the parent's streams. */
static void fork_all(void)
{
	waking = NULL;
	is_offered = 0;
	for (unsigned i = 0; i < HOMES; i++)
		if (is_used(&homes[i]))
			homes[i] = (chunk_home){ 0 };
}

static bool free_chunks_are_valid(const chunk_home *home, unsigned number)
{
	for (unsigned c = 0; c < BIDE_CHUNK_CLASSES_; c++) {
		for (const bide_io_chunk *chunk = home->free[c]; chunk; chunk = chunk->next) {
			BIDE_INVARIANT_(!chunk->in_use);
			BIDE_INVARIANT_(chunk->size_class == c && chunk->size_bytes == class_bytes[c]);
			BIDE_INVARIANT_(chunk->home == number);
		}
	}
	return true;
}

static bool claims_are_valid(const chunk_home *home, unsigned number)
{
	bide_chunk_claim *const *at = &home->first;

	for (; *at; at = &(*at)->next) {
		BIDE_INVARIANT_((*at)->at == at);
		BIDE_INVARIANT_((*at)->home == number && (*at)->waits && !(*at)->exceeds);
	}
	BIDE_INVARIANT_(!home->last || home->last == at);
	BIDE_INVARIANT_(!home->exceeds || home->exceeds->exceeds);
	return true;
}

bool bide_chunks_are_valid_(void)
{
	for (unsigned i = 0; i < HOMES; i++) {
		chunk_home *home = &homes[i];
		bool valid;

		lock(home);
		valid = free_chunks_are_valid(home, i) && claims_are_valid(home, i);
		if (valid && home->large_count > 0)
			valid = home->used_bytes >= (size_t)home->large_count * BIDE_CHUNK_SMALL_;
		unlock(home);
		BIDE_INVARIANT_(valid);
	}
	return true;
}
