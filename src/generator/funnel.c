/*
 * funnel.c - buffer and merge: functions that run at the same time, the pumps, bring the elements
 * of one or more generators into a ring, from which one generator emits them.
 *
 * Each pump has a number of permits. It takes one before it asks for an element, and the body gives
 * it back when the consumer asks for the next one after that. So the ring has room for what the
 * pumps bring, and with one permit an element stays valid until the consumer has done with it.
 *
 * The lock guards the ring, the permits, and what waits. A wait is a source of the body or of the
 * pump; it is completed after the lock was given back, once: `waits` tells that it may be.
 *
 *     taken permits of all lanes == elements in the ring + elements that pumps ask for + 1 while
 *                                   the consumer has one
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/assert.h"
#include "base/misuse.h"
#include "base/own.h"
#include "base/spin.h"
#include "base/text.h"
#include "generator/operators.h"
#include "memory/allocator.h"

typedef struct bide_gate {
	bide_user_source source;
	bool waits;
} bide_gate;

typedef struct bide_lane {
	bide_generator *from;
	bide_value_task pump;
	size_t permits;
	bide_gate gate;
} bide_lane;

typedef struct bide_entry {
	bide_payload element;
	size_t lane;
} bide_entry;

typedef struct bide_funnel {
	uint32_t lock;
	bool stopped;
	bide_value_task failure; /* the first of a generator; ready. Succeeded: there is none */
	size_t living;           /* pumps that have not ended */
	size_t lanes, capacity, oldest, count;
	bide_gate body;
	size_t size_bytes;
	bide_entry *ring;
	bide_lane lane[];
} bide_funnel;

/* Under the lock. */
static bool is_valid(const bide_funnel *f)
{
	BIDE_INVARIANT_(f->count <= f->capacity);
	BIDE_INVARIANT_(f->oldest < f->capacity);
	BIDE_INVARIANT_(f->living <= f->lanes);
	BIDE_INVARIANT_(!f->body.waits || (f->count == 0 && f->living > 0 && !f->failure.state));
	for (size_t i = 0; i < f->lanes; i++)
		BIDE_INVARIANT_(!f->lane[i].gate.waits || f->lane[i].permits == 0);
	return true;
}

static void lock(bide_funnel *f)
{
	bide_spin_lock_(&f->lock);
}

static void unlock(bide_funnel *f)
{
	BIDE_ASSERT_(is_valid(f));
	bide_spin_unlock_(&f->lock);
}

/* Under the lock: begins a wait at the gate. */
static bide_value_task gate_wait(bide_gate *gate)
{
	bide_user_source_init(&gate->source, NULL);
	gate->waits = true;
	return bide_user_source_value_task(&gate->source);
}

/* Under the lock. Returns true if something waits: then the caller opens the gate afterwards. */
static bool gate_take(bide_gate *gate)
{
	bool waits = gate->waits;

	gate->waits = false;
	return waits;
}

/* --- the pumps --- */

/* Returns a value task that is ready when the pump may ask for an element. */
static bide_value_task permit(bide_funnel *f, size_t i)
{
	bide_lane *lane = &f->lane[i];
	bide_value_task v = bide_value_task_completed();

	lock(f);
	if (f->stopped)
		v = bide_value_task_from_error(BIDE_ECANCELED_);
	else if (lane->permits > 0)
		lane->permits--;
	else
		v = gate_wait(&lane->gate);
	unlock(f);
	return v;
}

static void put(bide_funnel *f, size_t i, int64_t element)
{
	bool wakes;

	lock(f);
	BIDE_ASSERT_(f->count < f->capacity);
	f->ring[(f->oldest + f->count) % f->capacity] =
		(bide_entry){ .element = { .i = element }, .lane = i };
	f->count++;
	wakes = gate_take(&f->body);
	unlock(f);
	if (wakes)
		bide_user_source_complete_int(&f->body.source, 0);
}

static void pump_ended(bide_funnel *f, bide_value_task end)
{
	bool wakes;

	lock(f);
	f->living--;
	if (end.state != BIDE_EEND && !f->failure.state)
		f->failure = end;
	wakes = (f->living == 0 || f->failure.state) && gate_take(&f->body);
	unlock(f);
	if (wakes)
		bide_user_source_complete_int(&f->body.source, 0);
}

static const bide_own_ bide_pump_own_ = { .kind = BIDE_OWN_HIDDEN_ };

struct bide_pump {
	BIDE_ASYNC_FRAME;
	struct {
		bide_funnel *funnel;
		size_t lane;
	} in;
	int64_t x;
	bide_value_task end; /* what it failed with */
};

bide_async(bide_pump)
{
	bide_async_begin;
	for (;;) {
		bide_await_or(permit(my->in.funnel, my->in.lane), {
			my->end = bide_await_failure;
			break;
		});
		bide_await_or(my->x, bide_generator_next(my->in.funnel->lane[my->in.lane].from), {
			my->end = bide_await_failure;
			break;
		});
		put(my->in.funnel, my->in.lane, my->x);
	}
bide_async_finally:
	pump_ended(my->in.funnel, my->end);
	bide_async_end;
}

/* --- the body --- */

/* Returns a value task that is ready when there is an element, or the end. */
static bide_value_task filled(bide_funnel *f)
{
	bide_value_task v = bide_value_task_completed();

	lock(f);
	if (f->count == 0 && f->living > 0 && !f->failure.state)
		v = gate_wait(&f->body);
	unlock(f);
	return v;
}

/* Returns false at the end. */
static bool take(bide_funnel *f, bide_entry *entry)
{
	bool has;

	lock(f);
	has = f->count > 0;
	if (has) {
		*entry = f->ring[f->oldest];
		f->oldest = (f->oldest + 1) % f->capacity;
		f->count--;
	}
	unlock(f);
	return has;
}

/* The consumer has done with the element: its lane gets the permit back. */
static void done_with(bide_funnel *f, size_t i)
{
	bide_lane *lane = &f->lane[i];
	bool wakes;

	lock(f);
	wakes = gate_take(&lane->gate);
	if (!wakes)
		lane->permits++;
	unlock(f);
	if (wakes)
		bide_user_source_complete_int(&lane->gate.source, 0);
}

/* The pumps end: the context ends those that ask for an element, this those without a permit. */
static void stop(bide_funnel *f, bide_context *context)
{
	(void)bide_context_cancel(context, BIDE_ECANCELED_);
	lock(f);
	f->stopped = true;
	unlock(f);
	for (size_t i = 0; i < f->lanes; i++) {
		bool wakes;

		lock(f);
		wakes = gate_take(&f->lane[i].gate);
		unlock(f);
		if (wakes)
			bide_user_source_cancel(&f->lane[i].gate.source);
	}
}

static void describe_funneled(const void *copy, char *to, size_t size_bytes);

static const bide_own_ bide_funneled_own_ = { .name = "bide_generator_merge",
	                                          .kind = BIDE_OWN_CALL_,
	                                          .describe = describe_funneled };

struct bide_funneled {
	BIDE_ASYNC_GENERATOR;
	struct {
		bide_funnel *funnel;
		const char *call;
	} in;
	bide_entry entry;
	size_t i, started;
};

static void describe_funneled(const void *copy, char *to, size_t size_bytes)
{
	bide_put_(to, size_bytes, "%s", ((const struct bide_funneled *)copy)->in.call);
}

static void pump_start(bide_funnel *f, size_t i)
{
	f->lane[i].pump = bide_async_start(bide_pump, .funnel = f, .lane = i);
	if (f->lane[i].pump.state == BIDE_ENOFRAME)
		pump_ended(f, bide_value_task_from_error(BIDE_ENOMEM_));
}

bide_async_generator(bide_funneled)
{
	bide_async_begin;
	for (; my->started < my->in.funnel->lanes; my->started++)
		pump_start(my->in.funnel, my->started);
	for (;;) {
		bide_await(filled(my->in.funnel));
		if (!take(my->in.funnel, &my->entry))
			break;
		bide_async_emit(my->entry.element.i);
		done_with(my->in.funnel, my->entry.lane);
	}
	bide_async_return(my->in.funnel->failure);
bide_async_finally:
	stop(my->in.funnel, my->BIDE_FRAME_MEMBER_.context);
	for (my->i = 0; my->i < my->started; my->i++)
		bide_await_or(my->in.funnel->lane[my->i].pump, (void)0);
	for (my->i = 0; my->i < my->in.funnel->lanes; my->i++)
		bide_await(bide_generator_end_taken_(my->in.funnel->lane[my->i].from));
	bide_deallocate_(my->in.funnel, my->in.funnel->size_bytes);
	bide_async_end;
}

/* --- making one --- */

/* Each lane has `permits` of them. Returns NULL if there is no memory. */
static bide_funnel *funnel_new(size_t lanes, size_t permits)
{
	size_t capacity, lanes_bytes, ring_bytes, size_bytes;
	bide_funnel *f;

	if (__builtin_mul_overflow(lanes, permits, &capacity))
		return NULL;
	capacity += capacity == 0;
	if (__builtin_mul_overflow(lanes, sizeof f->lane[0], &lanes_bytes) ||
	    __builtin_mul_overflow(capacity, sizeof f->ring[0], &ring_bytes) ||
	    __builtin_add_overflow(lanes_bytes, ring_bytes, &size_bytes) ||
	    __builtin_add_overflow(size_bytes, sizeof *f, &size_bytes))
		return NULL;
	f = bide_allocate_(size_bytes, 16);
	if (!f)
		return NULL;
	__builtin_memset(f, 0, sizeof *f + lanes_bytes);
	f->living = f->lanes = lanes;
	f->capacity = capacity;
	f->size_bytes = size_bytes;
	f->ring = (bide_entry *)(void *)((char *)f + sizeof *f + lanes_bytes);
	for (size_t i = 0; i < lanes; i++)
		f->lane[i].permits = permits;
	return f;
}

/* The operator has taken the generators. If there is no memory, it ends them. */
static bide_generator *funnel(bide_generator *const *from, size_t count, size_t permits,
                              const char *call)
{
	bide_generator *g = NULL;
	bide_funnel *f = bide_thread_() ? funnel_new(count, permits) : NULL;

	if (f) {
		for (size_t i = 0; i < count; i++)
			f->lane[i].from = from[i];
		g = bide_generator_start(bide_funneled, .funnel = f, .call = call);
		if (!g)
			bide_deallocate_(f, f->size_bytes);
	}
	for (size_t i = 0; !g && i < count; i++)
		bide_generator_drop_(from[i]);
	return g;
}

bide_generator *bide_generator_buffer(bide_generator *from, size_t capacity)
{
	static const char what[] = "bide_generator_buffer";

	if (capacity == 0)
		bide_misuse_("%s: capacity is 0; 1 and more are allowed", what);
	if (!bide_generators_take_(&from, 1, what))
		return NULL;
	if (capacity > 0)
		return funnel(&from, 1, capacity, what);
	bide_generator_drop_(from);
	return NULL;
}

bide_generator *bide_generator_merge(bide_generator *const *from, size_t count)
{
	static const char what[] = "bide_generator_merge";

	if (!from && count > 0) {
		bide_misuse_("%s: generators is NULL", what);
		return NULL;
	}
	return bide_generators_take_(from, count, what) ? funnel(from, count, 1, what) : NULL;
}
