/*
 * frame.c - pools: where frames and operations live; and the slow paths of starting and resuming
 * them.
 *
 * Fast mode: a list a size class and thread, refilled from chunks in batches; what a thread has too
 * much goes to a depot in batches. Watched mode (BIDE_DEBUG=1, ASan, valgrind): every object passes
 * the slow path, has a record of its own in front, is reused oldest first, and is poisoned beyond
 * its header while it is free. BIDE_POOL=malloc: every object is an allocation of its own. In all
 * modes the generation of free memory matches no value task.
 */
#include "async/deque.h"
#include "base/everything.h"
#include "cancel/cancel_cell.h"
#include "memory/pool_layout.h"
#include "source/run_queue.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif
#if defined(__has_include) && !defined(BIDE_FREESTANDING)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif
#endif
#ifndef VALGRIND_MAKE_MEM_NOACCESS
#define VALGRIND_MAKE_MEM_NOACCESS(at, size) ((void)(at), (void)(size))
#define VALGRIND_MAKE_MEM_UNDEFINED(at, size) ((void)(at), (void)(size))
#define VALGRIND_MAKE_MEM_DEFINED(at, size) ((void)(at), (void)(size))
#define RUNNING_ON_VALGRIND 0
#endif

enum {
	CHUNK_FIRST_BYTES = 4096,
	CHUNK_MAX_BYTES = 1 << 18,
	BATCH = 32, /* objects made, or handed to the depot, at a time */
	ROOM_START = 2 * BATCH
};

struct bide_pools_ bide_pools_;
uint32_t bide_life_ = 1; /* memory of zeroes is of none */

static enum { MODE_UNKNOWN, MODE_FAST, MODE_CHECKED, MODE_SINGLE } mode;
bool bide_debug_, bide_pooling_ = true, bide_shared_;

void bide_thread_init_(bide_thread *thread, uint32_t number, bool is_external)
{
	bide_thread_head *head = &thread->head;

	if (mode == MODE_UNKNOWN) {
		mode = !bide_pooling_                       ? MODE_SINGLE
		       : bide_debug_ || RUNNING_ON_VALGRIND ? MODE_CHECKED
		                                            : MODE_FAST;
#ifdef HAVE_ASAN
		if (mode == MODE_FAST)
			mode = MODE_CHECKED;
#endif
		for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
			bide_pools_.checked_tail[c] = &bide_pools_.checked[c];
	}
	__builtin_memset(thread, 0, sizeof *thread);
	thread->is_external = is_external;
	thread->by_port = is_external || bide_shared_;
	thread->in_use = true;
	thread->completions_tail = &thread->completions;
	head->current = &thread->root;
	head->generation = (uint64_t)number << 48;
	head->frame_flags = is_external || bide_shared_ ? BIDE_FLAG_SYNC_ : 0;
	head->frame_tail = (uint64_t)head->frame_flags << BIDE_TAIL_FLAGS_;
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
		head->pool[c].room = mode == MODE_FAST ? ROOM_START : 0;
	bide_deque_none_(head);
	head->deque.queues_forks = is_external && bide_shared_;
	bide_counts_join_(thread);
}

/* --- the child of a fork --- */

void bide_pools_lock_(void)
{
	bide_spin_lock_(&bide_pools_.lock);
}

void bide_pools_unlock_(void)
{
	bide_spin_unlock_(&bide_pools_.lock);
}

void bide_pools_disown_(void)
{
	bide_pools_.disowned = true;
}

static bool chunks_hold(const chunk *k, uintptr_t at)
{
	for (; k; k = k->next)
		if (at - (uintptr_t)k < k->size_bytes)
			return true;
	return false;
}

static bool records_hold(const record *r, uintptr_t at)
{
	for (; r; r = r->next)
		if (at - (uintptr_t)r < sizeof *r + r->size_bytes)
			return true;
	return false;
}

/* Where it could be taken for one of another mode: it is not used again. */
static bool is_parents(const bide_source *source)
{
	return chunks_hold(bide_pools_.parent_chunks, (uintptr_t)source) ||
	       records_hold(bide_pools_.parent_singles, (uintptr_t)source);
}

/* --- taking and giving --- */

/*
 * Free memory keeps its header readable: stale value tasks look at it. In debug mode the rest is
 * filled at once, so that a use of it does not find what it had.
 */
static void poison(bide_source *source, size_t size_bytes)
{
	if (size_bytes > sizeof(bide_frame)) {
		if (bide_debug_)
			__builtin_memset((char *)source + sizeof(bide_frame), 0xA5,
			                 size_bytes - sizeof(bide_frame));
		ASAN_POISON_MEMORY_REGION((char *)source + sizeof(bide_frame),
		                          size_bytes - sizeof(bide_frame));
		VALGRIND_MAKE_MEM_NOACCESS((char *)source + sizeof(bide_frame),
		                           size_bytes - sizeof(bide_frame));
	}
}

/* In debug mode what a start does not zero is filled: no function may rely on it. */
static void unpoison(bide_source *source, size_t size_bytes)
{
	ASAN_UNPOISON_MEMORY_REGION(source, size_bytes);
	if (size_bytes >
	    sizeof(bide_frame)) /* the filling is allowed, and defines nothing: see below */
		VALGRIND_MAKE_MEM_UNDEFINED((char *)source + sizeof(bide_frame),
		                            size_bytes - sizeof(bide_frame));
	if (bide_debug_ && size_bytes > sizeof(bide_frame))
		__builtin_memset((char *)source + sizeof(bide_frame), 0xA5,
		                 size_bytes - sizeof(bide_frame));
	if (size_bytes > sizeof(bide_frame))
		VALGRIND_MAKE_MEM_UNDEFINED((char *)source + sizeof(bide_frame),
		                            size_bytes - sizeof(bide_frame));
}

static bide_source *single_take(size_t size_bytes, const bide_place *place)
{
	record *r = bide_allocate_(sizeof *r + size_bytes, 16);

	if (!r)
		return NULL;
	r->started = place;
	r->size_bytes = size_bytes;
	r->previous = NULL;
	bide_spin_lock_(&bide_pools_.lock);
	r->number = ++bide_pools_.single_count;
	r->next = bide_pools_.singles;
	if (r->next)
		r->next->previous = r;
	bide_pools_.singles = r;
	BIDE_STORE(&((bide_source *)(void *)(r + 1))->generation, 0, RELAXED); /* a visitor may look */
	bide_spin_unlock_(&bide_pools_.lock);
	return (bide_source *)(void *)(r + 1);
}

static void single_give(bide_source *source)
{
	record *r = (record *)(void *)source - 1;

	BIDE_STORE(&source->generation, 0, RELAXED); /* visits read it */
	bide_spin_lock_(&bide_pools_.lock);
	*(r->previous ? &r->previous->next : &bide_pools_.singles) = r->next;
	if (r->next)
		r->next->previous = r->previous;
	bide_spin_unlock_(&bide_pools_.lock);
	bide_deallocate_(r, sizeof *r + r->size_bytes);
}

/* The bucket of a size above 4096, and the size that all in it have. */
static unsigned big_bucket(size_t *size_bytes)
{
	unsigned doubling = 63u - (unsigned)__builtin_clzll((unsigned long long)*size_bytes - 1);
	size_t quarter = (size_t)1 << (doubling - 2);
	size_t count = (*size_bytes - ((size_t)1 << doubling) + quarter - 1) / quarter;

	*size_bytes = ((size_t)1 << doubling) + count * quarter;
	return (doubling - 12) * 4 + (unsigned)count - 1;
}

/*
 * Large frames are kept as well when they are given back: stale value tasks look at their headers.
 */
bide_source *bide_pool_take_big_(size_t size_bytes, const bide_place *place)
{
	unsigned bucket = big_bucket(&size_bytes);
	record *r;

	if (bucket >= BIG_BUCKETS)
		return NULL;
	if (mode == MODE_SINGLE)
		return single_take(size_bytes, place);
	bide_spin_lock_(&bide_pools_.lock);
	r = bide_pools_.big[bucket];
	if (r)
		bide_pools_.big[bucket] = (record *)(uintptr_t)r->started;
	bide_spin_unlock_(&bide_pools_.lock);
	if (!r)
		return single_take(size_bytes, place);
	r->started = place;
	unpoison((bide_source *)(void *)(r + 1), size_bytes);
	return (bide_source *)(void *)(r + 1);
}

static void big_give(bide_source *source)
{
	record *r = (record *)(void *)source - 1;
	size_t size_bytes = r->size_bytes;
	unsigned bucket = big_bucket(&size_bytes);

	if (is_parents(source))
		return;
	if (mode == MODE_SINGLE) {
		single_give(source);
		return;
	}
	BIDE_STORE(&source->generation, 0, RELAXED); /* visits read it */
	poison(source, size_bytes);
	bide_spin_lock_(&bide_pools_.lock);
	r->started = (const bide_place *)(const void *)bide_pools_.big[bucket];
	bide_pools_.big[bucket] = r;
	bide_spin_unlock_(&bide_pools_.lock);
}

/*
 * Under the lock: a chunk with room for one more object. Chunks double, so small programs stay
 * small.
 */
static chunk *chunk_with_room(unsigned size_class)
{
	chunk *c = bide_pools_.chunks[size_class];
	size_t size_bytes = c ? c->size_bytes * 2 : CHUNK_FIRST_BYTES;
	uint32_t front = mode == MODE_CHECKED ? sizeof(record) : 0;
	uint32_t stride = (uint32_t)bide_class_bytes_(size_class) + front;

	if (c && c->made < c->count)
		return c;
	if (size_bytes < (size_t)stride * 2 + CHUNK_HEAD_BYTES)
		size_bytes = (size_t)stride * 2 + CHUNK_HEAD_BYTES;
	if (size_bytes > CHUNK_MAX_BYTES)
		size_bytes = CHUNK_MAX_BYTES;
	c = bide_allocate_(size_bytes, 64);
	if (!c)
		return NULL;
	c->size_bytes = size_bytes;
	c->stride = stride;
	c->front = front;
	c->made = 0;
	c->count = (uint32_t)((size_bytes - CHUNK_HEAD_BYTES) / stride);
	c->next = bide_pools_.chunks[size_class];
	bide_pools_.chunks[size_class] = c;
	return c;
}

static bide_source *chunk_object(chunk *c, uint32_t index)
{
	return (bide_source *)(void *)((char *)c + CHUNK_HEAD_BYTES + (size_t)index * c->stride +
	                               c->front);
}

static bide_source *link_of(const bide_source *free)
{
	return (bide_source *)(uintptr_t)free->generation;
}

static void set_link(bide_source *free, const bide_source *link)
{
	BIDE_STORE(&free->generation, (uint64_t)(uintptr_t)link, RELAXED); /* stale ones read it */
}

/*
 * Fast mode, under the lock: takes a batch out of the depot, or makes one; NULL: no memory. It is
 * not walked here: what other cores have given back costs a cache miss an object.
 */
static bide_source *batch_take(unsigned size_class)
{
	bide_source *list = bide_pools_.depot[size_class];
	uint32_t first;
	chunk *c;

	if (list) {
		bide_pools_.depot[size_class] = list->payload.p;
		return list;
	}
	c = chunk_with_room(size_class);
	if (!c)
		return NULL;
	/* Linked so that they are taken in the order of their addresses. */
	first = c->made;
	c->made = c->count - first < BATCH ? c->count : first + BATCH;
	for (uint32_t i = c->made; i-- > first;) {
		bide_source *source = chunk_object(c, i);
		set_link(source, list);
		source->kind = BIDE_KIND_OPERATION_;
		list = source;
	}
	return list;
}

static void batch_give(bide_source *list, unsigned size_class)
{
	bide_spin_lock_(&bide_pools_.lock);
	list->payload.p = bide_pools_.depot[size_class];
	bide_pools_.depot[size_class] = list;
	bide_spin_unlock_(&bide_pools_.lock);
}

/* A batch of what is free, which is not nothing. */
static bide_source *batch_cut(bide_pool *pool)
{
	bide_source *list = pool->free, *last = list;

	for (unsigned i = 1; i < BATCH && link_of(last); i++)
		last = link_of(last);
	pool->free = link_of(last);
	set_link(last, NULL);
	return list;
}

static bide_source *checked_take(unsigned size_class, const bide_place *place)
{
	record *r;
	chunk *c;

	bide_spin_lock_(&bide_pools_.lock);
	r = bide_pools_.checked[size_class];
	if (r) {
		bide_pools_.checked[size_class] = r->next;
		if (!r->next)
			bide_pools_.checked_tail[size_class] = &bide_pools_.checked[size_class];
	} else {
		c = chunk_with_room(size_class);
		r = c ? (record *)(void *)chunk_object(c, c->made++) - 1 : NULL;
		if (r)
			((bide_source *)(void *)(r + 1))->generation = 0;
	}
	bide_spin_unlock_(&bide_pools_.lock);
	if (!r)
		return NULL;
	r->started = place;
	unpoison((bide_source *)(void *)(r + 1), bide_class_bytes_(size_class));
	return (bide_source *)(void *)(r + 1);
}

static void checked_give(bide_source *source, unsigned size_class)
{
	record *r = (record *)(void *)source - 1;

	BIDE_STORE(&source->generation, 0, RELAXED); /* visits read it */
	poison(source, bide_class_bytes_(size_class));
	r->next = NULL;
	bide_spin_lock_(&bide_pools_.lock);
	*bide_pools_.checked_tail[size_class] = r;
	bide_pools_.checked_tail[size_class] = &r->next;
	bide_spin_unlock_(&bide_pools_.lock);
}

bide_source *bide_pool_refill_(bide_thread_head *head, unsigned size_class, const bide_place *place)
{
	bide_pool *pool = &head->pool[size_class];
	bide_source *list;

	if (BIDE_UNLIKELY(bide_thread_of_(head)->is_nowhere))
		return NULL;
	if (mode == MODE_SINGLE)
		return single_take(bide_class_bytes_(size_class), place);
	if (mode == MODE_CHECKED)
		return checked_take(size_class, place);
	bide_spin_lock_(&bide_pools_.lock);
	list = batch_take(size_class);
	bide_spin_unlock_(&bide_pools_.lock);
	if (!list)
		return NULL;
	pool->free = link_of(list);
	pool->room++;
	return list;
}

/* Called with room already counted down: below zero the thread has more than its share. */
void bide_pool_spill_(bide_thread_head *head, bide_source *source, unsigned size_class)
{
	bide_pool *pool;

	if (size_class >= BIDE_CLASS_COUNT_) {
		big_give(source);
		return;
	}
	pool = &head->pool[size_class];
	if (mode != MODE_FAST) {
		pool->room = 0;
		if (is_parents(source))
			return;
		if (mode == MODE_SINGLE)
			single_give(source);
		else
			checked_give(source, size_class);
		return;
	}
	set_link(source, pool->free);
	pool->free = source;
	batch_give(batch_cut(pool), size_class);
	pool->room += BATCH;
}

void bide_pools_give_(bide_source *source)
{
	unsigned size_class = source->kind & 31u;

	if (size_class >= BIDE_CLASS_COUNT_) {
		big_give(source);
	} else if (mode != MODE_FAST && is_parents(source)) {
		return;
	} else if (mode == MODE_SINGLE) {
		single_give(source);
	} else if (mode == MODE_CHECKED) {
		checked_give(source, size_class);
	} else {
		set_link(source, NULL);
		batch_give(source, size_class);
	}
}

void bide_pools_leave_(bide_thread *thread)
{
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++) {
		bide_pool *pool = &thread->head.pool[c];

		while (pool->free)
			batch_give(batch_cut(pool), c);
		pool->room = mode == MODE_FAST ? ROOM_START : 0;
	}
}

/*
 * In use: a generation of a thread, or a count of references. Free memory has a link there, or 0.
 */
static bool is_in_use(const bide_source *source)
{
	return BIDE_LOAD(&source->generation, RELAXED) >> 48 != 0;
}

/* A leak: from now on it is neither over nor of any use. true: it was in use. */
static bool end(bide_source *source)
{
	if (!is_in_use(source))
		return false;
	source->generation = BIDE_GENERATION_ENDED_;
	source->word = BIDE_WORD_PENDING_;
	return true;
}

static void chunks_release(chunk *k, bool is_parents)
{
	chunk *next;
	bool keep;

	for (; k; k = next) {
		next = k->next;
		keep = false;
		ASAN_UNPOISON_MEMORY_REGION(k, k->size_bytes);
		for (uint32_t i = 0; !is_parents && i < k->made; i++)
			keep |= end(chunk_object(k, i));
		VALGRIND_MAKE_MEM_DEFINED(k + 1, k->size_bytes - sizeof *k);
		if (keep)
			bide_keep_(k, k->size_bytes);
		else
			bide_deallocate_(k, k->size_bytes);
	}
}

static void records_release(record *r, bool is_parents)
{
	record *next;

	for (; r; r = next) {
		next = r->next;
		if (!is_parents && end((bide_source *)(void *)(r + 1))) {
			bide_keep_(r, sizeof *r + r->size_bytes);
			continue;
		}
		unpoison((bide_source *)(void *)(r + 1), r->size_bytes);
		bide_deallocate_(r, sizeof *r + r->size_bytes);
	}
}

void bide_pools_release_(void)
{
	struct bide_pools_ old;
	uint32_t epoch;

	/* A dump may look on another thread: it finds all or nothing. */
	bide_spin_lock_(&bide_pools_.lock);
	old = bide_pools_;
	epoch = bide_pools_.epoch + 1;
	__builtin_memset(&bide_pools_.epoch, 0,
	                 sizeof bide_pools_ - offsetof(struct bide_pools_, epoch));
	bide_pools_.epoch = epoch;
	bide_life_++;
	mode = MODE_UNKNOWN;
	bide_spin_unlock_(&bide_pools_.lock);
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
		chunks_release(old.chunks[c], false);
	chunks_release(old.parent_chunks, true);
	records_release(old.singles, false);
	records_release(old.parent_singles, true);
	bide_retired_release_();
	bide_cancel_cells_release_();
}

/* Other threads take and give back meanwhile: a snapshot. */
__attribute__((no_sanitize_thread)) static void visit_one(bide_source *source,
                                                          void (*visit)(bide_source *, void *),
                                                          void *argument)
{
	if (is_in_use(source))
		visit(source, argument);
}

static void visit_all(void (*visit)(bide_source *source, void *argument), void *argument)
{
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
		for (chunk *k = bide_pools_.chunks[c]; k; k = k->next)
			for (uint32_t i = 0; i < k->made; i++)
				visit_one(chunk_object(k, i), visit, argument);
	for (record *r = bide_pools_.singles; r; r = r->next)
		visit_one((bide_source *)(void *)(r + 1), visit, argument);
}

void bide_pools_visit_(void (*visit)(bide_source *source, void *argument), void *argument)
{
	bide_spin_lock_(&bide_pools_.lock);
	if (!bide_pools_.disowned)
		visit_all(visit, argument);
	bide_spin_unlock_(&bide_pools_.lock);
}

/* false: the visitor has to go out first; the object comes again. */
static bool walk_chunk(bide_pools_walk *walk, chunk *k)
{
	for (; walk->index < k->made; walk->index++) {
		bide_source *source = chunk_object(k, walk->index);

		if (is_in_use(source) && !walk->visit(source, walk->argument))
			return false;
	}
	walk->index = 0;
	return true;
}

static bool walk_on(bide_pools_walk *walk)
{
	for (; walk->size_class < BIDE_CLASS_COUNT_; walk->size_class++, walk->chunk = NULL) {
		chunk *k = walk->chunk ? walk->chunk : bide_pools_.chunks[walk->size_class];

		for (; k; k = k->next) {
			walk->chunk = k;
			if (!walk_chunk(walk, k))
				return false;
		}
	}
	for (record *r = bide_pools_.singles; r; r = r->next) {
		bide_source *source = (bide_source *)(void *)(r + 1);

		if (walk->before && r->number >= walk->before)
			continue;
		if (is_in_use(source) && !walk->visit(source, walk->argument))
			return false;
		walk->before = r->number;
	}
	return true;
}

bide_pools_walked bide_pools_walk_(bide_pools_walk *walk)
{
	enum { TRIES = 20000 }; /* a second: the thread that holds it does not run */
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

void bide_pools_inherit_(void (*visit)(bide_source *source, void *argument))
{
	chunk *chunks, **end;
	record *singles = bide_pools_.singles, **last;

	visit_all(visit, NULL);
	chunks = bide_pools_.parent_chunks;
	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++) {
		for (end = &bide_pools_.chunks[c]; *end; end = &(*end)->next)
			;
		*end = chunks;
		chunks = bide_pools_.chunks[c];
	}
	for (last = &singles; *last; last = &(*last)->next)
		;
	*last = bide_pools_.parent_singles;
	__builtin_memset(&bide_pools_, 0, sizeof bide_pools_);
	bide_pools_.parent_chunks = chunks;
	bide_pools_.parent_singles = singles;
	mode = MODE_UNKNOWN;
}

bool bide_pools_hold_(const void *address)
{
	uintptr_t at = (uintptr_t)address;

	for (unsigned c = 0; c < BIDE_CLASS_COUNT_; c++)
		if (chunks_hold(bide_pools_.chunks[c], at))
			return true;
	return records_hold(bide_pools_.singles, at); /* under the lock none of them goes */
}

const bide_place *bide_started_at_(const bide_frame *frame)
{
	if (mode == MODE_FAST && (frame->source.kind & 31u) != BIDE_CLASS_BIG_)
		return NULL;
	return ((const record *)(const void *)frame - 1)->started;
}

/* --- operations --- */

static bide_source *source_new(size_t size_bytes, unsigned kind, size_t header_bytes)
{
	bide_thread_head *head = bide_thread_();
	unsigned size_class = bide_class_of_(size_bytes);
	bide_source *source;

	if (!head)
		return NULL;
	source = size_class == BIDE_CLASS_BIG_ ? bide_pool_take_big_(size_bytes, NULL)
	                                       : bide_pool_take_(head, size_class, NULL);
	if (!source)
		return NULL;
	source->word = BIDE_WORD_PENDING_;
	BIDE_STORE(&source->generation, ++head->generation, RELAXED); /* visits read it */
	source->payload.i = 0;
	source->line = 0;
	source->error = 0;
	source->kind = (uint8_t)(kind | size_class);
	source->flags = (uint8_t)head->frame_flags;
	__builtin_memset((char *)source + header_bytes, 0, size_bytes - header_bytes);
	return source;
}

bide_operation *bide_operation_new_(size_t size_bytes, const bide_operation_type *type)
{
	bide_operation *operation =
		(bide_operation *)(void *)source_new(size_bytes, BIDE_KIND_OPERATION_, sizeof(bide_source));

	if (operation)
		operation->type = type;
	return operation;
}

bide_timer *bide_timer_new_(size_t size_bytes)
{
	bide_source *source = source_new(size_bytes, BIDE_KIND_TIMER_, sizeof(bide_source));

	if (source)
		source->line = bide_thread_of_(bide_current_thread_)->home << BIDE_LINE_HOME_SHIFT_;
	return (bide_timer *)(void *)source;
}

void bide_operation_discard_(bide_source *source)
{
	bide_source_release_(bide_thread_(), source);
}

void bide_memory_known_(void *at, size_t size_bytes)
{
	VALGRIND_MAKE_MEM_DEFINED(at, size_bytes);
}

/* --- starting and resuming --- */

bide_value_task bide_start_failed_(const bide_function_info *async)
{
	(void)async;
	return bide_value_task_from_error(BIDE_ENOFRAME);
}

/* Too little stack, another executor, or not the worker's thread: the body runs from a queue. */
bide_value_task bide_start_cold_(bide_thread_head *head, bide_frame *frame)
{
	bide_value_task v;

	if (BIDE_UNLIKELY(frame->context & BIDE_CONTEXT_EXECUTOR_))
		bide_executor_admit_(frame);
	bide_frame_publish_(head, frame);
	v = bide_source_value_(&frame->source);
	frame->awaiting = NULL;
	bide_flags_add_(&frame->source, BIDE_FLAG_SELF_LINKED_);
	bide_schedule_(frame, false);
	return v;
}

/* The end of a body that has a context to let go, or a large result. */
bide_body_result bide_frame_step_slow_(bide_frame *frame)
{
	bide_body_result step;

	if (frame->source.flags & BIDE_FLAG_HAS_CONTEXT_REF_) {
		bide_flags_drop_(&frame->source, BIDE_FLAG_HAS_CONTEXT_REF_);
		bide_context_unref((bide_context *)(frame->context & ~BIDE_CONTEXT_TAGS_));
	}
	/* a large result keeps the frame, which must not take a reference when it is published */
	frame->context = 0;
	step.payload = frame->source.payload;
	step.state =
		frame->source.flags & BIDE_FLAG_LARGE_ ? BIDE_RESULT_IN_FRAME_ : frame->source.error;
	return step;
}

bide_value_task bide_start_kept_(bide_thread_head *head, bide_frame *frame, bide_body_result step)
{
	if (!(frame->source.flags & BIDE_FLAG_PUBLISHED_))
		bide_frame_publish_(head, frame);
	frame->source.payload = step.payload;
	frame->source.error = 0;
	frame->source.line = BIDE_LINE_CLAIMED_;
	BIDE_STORE(&frame->source.word, BIDE_WORD_DONE_, RELAXED); /* no other thread has seen it yet */
	return bide_source_value_(&frame->source);
}

static void frame_keep(bide_frame *frame, bide_body_result step)
{
	frame->source.payload = step.payload;
	frame->source.error = step.state == BIDE_RESULT_IN_FRAME_ ? 0 : (uint16_t)step.state;
	frame->source.line = BIDE_LINE_CLAIMED_;
}

static uintptr_t frame_finish(bide_frame *frame, bide_body_result step)
{
	frame_keep(frame, step);
	return bide_source_finish_(&frame->source);
}

/*
 * A frame that waited for this one runs right after it, without a way through the queue, but not
 * without end: then the loop looks at what else there is.
 */
void bide_frame_resume_(bide_thread_head *head, bide_frame *frame)
{
	bide_frame *outer = head->current;
	bide_body_result step;
	uintptr_t seen;

	for (;;) {
		head->current = frame;
		step = frame->async->resume(frame);
		if (step.state == BIDE_SUSPENDED_)
			break; /* it may be running on another worker by now */
		seen = frame_finish(frame, step);
		if (BIDE_UNLIKELY((seen & BIDE_WORD_TAGS_) != BIDE_WORD_PENDING_)) {
			head->current = outer;
			bide_source_deliver_(&frame->source, seen);
			break;
		}
		frame = (bide_frame *)seen;
		if (!frame)
			break;
		if (BIDE_UNLIKELY(frame->context & BIDE_CONTEXT_EXECUTOR_)) {
			bide_executor_push_(frame, true);
			break;
		}
		if (++head->handovers >= BIDE_HANDOVERS_MAX_ || head->next) {
			bide_port_schedule_(frame, true);
			break;
		}
	}
	head->current = outer;
}

/*
 * On a thread that may not tell the waiter (a listener runs on the worker) the end is posted,
 * through two words that a frame without a body does not need.
 */
BIDE_STATIC_ASSERT(sizeof(bide_post) == sizeof(bide_frame) - offsetof(bide_frame, awaiting),
                   "same two words");

static void finish_posted(bide_post *post)
{
	bide_frame *frame = BIDE_CONTAINER_(post, bide_frame, awaiting);

	bide_flags_drop_(&frame->source, BIDE_FLAG_SELF_LINKED_);
	frame->awaiting = NULL;
	frame->context = 0;
	bide_source_deliver_(&frame->source, bide_source_finish_(&frame->source));
}

void bide_frame_run_(bide_thread_head *head, bide_frame *frame)
{
	bide_frame *outer = head->current;
	bide_post *post;
	bide_body_result step;

	head->current = frame;
	step = frame->async->resume(frame);
	head->current = outer;
	if (step.state == BIDE_SUSPENDED_)
		return;
	if (bide_port_on_worker_()) {
		bide_source_deliver_(&frame->source, frame_finish(frame, step));
		return;
	}
	frame_keep(frame, step);
	post = (bide_post *)(void *)&frame->awaiting;
	post->run = finish_posted;
	bide_flags_add_(&frame->source, BIDE_FLAG_SELF_LINKED_); /* awaits nothing: for dumps */
	bide_port_post_(post);
}

/* To the end of the queue. */
bide_value_task bide_await_yield_(bide_frame *frame, uint32_t point)
{
	bide_thread_head *head = bide_current_thread_;

	if (!(frame->source.flags & BIDE_FLAG_PUBLISHED_))
		bide_frame_publish_(head, frame);
	frame->source.line = point;
	frame->awaiting = NULL;
	bide_flags_add_(&frame->source, BIDE_FLAG_SELF_LINKED_);
	/* Through the port it may run before this returns. */
	if (BIDE_UNLIKELY(frame->context & BIDE_CONTEXT_EXECUTOR_ || bide_thread_of_(head)->by_port))
		bide_schedule_(frame, false);
	else
		bide_queue_push_(head, frame);
	return bide_suspended_();
}

bide_value_task bide_await_stale_(bide_frame *frame, bide_value_task value_task, uint32_t point)
{
	if (!(frame->source.flags & BIDE_FLAG_PUBLISHED_))
		bide_frame_publish_(bide_current_thread_, frame);
	frame->source.line = point;
	bide_report_stale_(value_task, "bide_await", NULL, frame);
	return bide_value_task_from_error(BIDE_ESTALE);
}

bide_value_task bide_await_take_outlined_(bide_frame *frame)
{
	return bide_await_take_(frame);
}

static BIDE_COLD bide_value_task take_failed(const bide_frame *frame, bide_source *source)
{
	bide_value_task v;

	v.payload = source->payload;
	v.state = source->error;
	bide_await_release_(frame, source);
	return v;
}

/* The line of the await that the frame was resumed at; 0: not known. */
static uint32_t line_of(const bide_frame *frame)
{
	return frame->async->points_are_lines ? bide_line_(&frame->source) : 0;
}

bide_value_task bide_await_take_slow_(bide_frame *frame)
{
	bide_source *source = frame->awaiting;

	if (!source)
		return bide_value_task_completed(); /* after a yield */
	if (source->error)
		return take_failed(frame, source);
	bide_misuse_in_(frame, line_of(frame),
	                "bide_await: the result is larger than 8 bytes; use bide_await_large");
	bide_release_(source, NULL);
	return bide_value_task_from_error(BIDE_EINVAL_);
}

/*
 * Suspended, or failed (and released), or a pointer to the result, which stays until
 * bide_await_large_take_.
 */
bide_value_task bide_await_large_(bide_frame *frame, bide_value_task value_task, uint32_t point)
{
	bide_source *source = (bide_source *)value_task.state;
	bide_registered registered;

	if (value_task.state <= BIDE_ERROR_MAX) {
		frame->awaiting = NULL;
		return value_task;
	}
	if (value_task.state != BIDE_SUSPENDED_) {
		if (source->generation != value_task.payload.generation)
			return bide_await_pending_(frame, value_task, point);
		if (!(frame->source.flags & BIDE_FLAG_PUBLISHED_))
			bide_frame_publish_(bide_current_thread_, frame);
		frame->source.line = point;
		frame->awaiting = source;
		registered = bide_source_register_(source, (uintptr_t)frame);
		if (registered == BIDE_REGISTERED_)
			return bide_suspended_();
		if (registered == BIDE_ALREADY_TAKEN_)
			return bide_await_stale_(frame, value_task, point);
	}
	source = frame->awaiting;
	if (!source)
		return bide_value_task_completed();
	if (source->error) {
		value_task.payload = source->payload;
		value_task.state = source->error;
		bide_release_(source, NULL);
		return value_task;
	}
	return bide_value_task_from_pointer(source->payload.p);
}

/*
 * As far as it can be told: what a task or a source has may be a pointer to a result, or a number.
 */
static bool may_be_large(const bide_source *source, const void *result)
{
	enum { no_address_is_below = 4096 };

	if ((uintptr_t)result < no_address_is_below)
		return false;
	return !source || source->flags & BIDE_FLAG_LARGE_ ||
	       ((source->kind & 0xE0u) != BIDE_KIND_FRAME_ &&
	        (source->kind & 0xE0u) != BIDE_KIND_TIMER_);
}

void bide_await_large_take_(bide_frame *frame, void *to, size_t size_bytes, bide_value_task got)
{
	if (may_be_large(frame->awaiting, got.payload.p))
		__builtin_memcpy(to, got.payload.p, size_bytes);
	else
		bide_misuse_in_(frame, line_of(frame),
		                "bide_await_large: the result is not larger than 8 bytes; bide_await takes "
		                "it, or the function that is awaited must end with "
		                "bide_async_return_large");
	if (frame->awaiting)
		bide_release_(frame->awaiting, NULL);
	frame->awaiting = NULL;
}

void bide_async_bad_resume_(bide_frame *frame)
{
	bide_misuse_("%s: resumed at line %u, where it does not wait: its frame was overwritten, or an "
	             "await stands inside a switch of its own",
	             frame->async->name, bide_line_(&frame->source));
	bide_port_abort_();
}

/* If the hook returns, the cleanup ends here with the outcome it had. */
bide_body_result bide_async_late_return_(bide_frame *frame)
{
	bide_misuse_in_(frame, 0,
	                "bide_async_return: it stands in the cleanup of %s; a return belongs before "
	                "bide_async_finally",
	                frame->async->name);
	return bide_frame_step_slow_(frame);
}

bide_value_task bide_async_bad_pointer_(bide_frame *frame, const void *result)
{
	bide_misuse_in_(
		frame, 0,
		"bide_async_return: %p points into the frame, which ends with the function; use "
		"bide_async_return_large, or memory of the caller's",
		result);
	return bide_value_task_from_error_(BIDE_EINVAL_);
}

void bide_async_bad_large_(bide_frame *frame, const void *result)
{
	bide_misuse_in_(
		frame, 0,
		"bide_async_return_large: %p is outside of the frame; the result must be a member "
		"of it",
		result);
	frame->source.error = BIDE_EINVAL_;
}
