/*
 * explore.c - the engine of the explorer: scheduler, memory model, race detector, and the port of
 * core that goes with it.
 *
 * Logical threads are contexts of one thread. A thread runs up to its next atomic, tells what it is
 * going to do, and the scheduler chooses who goes on; the choices are kept in a trail, and each
 * execution replays the trail with its last choice changed. Memory: every place that is reached
 * atomically keeps the history of its values; a thread, and every value that was released, has a
 * view: the oldest value of each place that it may still see.
 *
 * This file is compiled without the compiler's instrumentation, everything that is explored with
 * it.
 */
#define _GNU_SOURCE
#include "explore.h"

#include "core/queue.h"
#include "os/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND
#define RUNNING_ON_VALGRIND 0
#endif

enum {
	STACK_BYTES = 1 << 16,
	ARENA_BYTES = 1 << 20,
	PLACES_MAX = 64,
	HISTORY_MAX = 48,
	TRAIL_MAX = 2048,
	STEPS_MAX = 2000,
	WATCHED_MAX = 16,
	BLOCKS_MAX = 256,
	QUEUE_MAX = 16,
	WHEEL_MAX = 8,
	POOLS = 12, /* size classes that scenarios may use */
	NOBODY = EXPLORE_THREADS
};

/* ---- state */

typedef struct clock_vector {
	uint16_t at[EXPLORE_THREADS];
} clock_vector;

typedef struct message { /* a value that a place has had */
	uint64_t value;
	clock_vector clock; /* what its reader acquires */
	uint8_t view[PLACES_MAX];
} message;

typedef struct place {
	const void *at;
	unsigned size_bytes;
	uint32_t writes;
	uint8_t count;
	uint8_t sequential; /* the oldest that a SEQ_CST load may see, and any behind such a fence */
	uint8_t heavy;      /* the oldest that a load behind a light fence may see */
	message history[HISTORY_MAX];
} place;

typedef enum op_kind {
	OP_NONE,
	OP_LOAD,
	OP_WRITE,
	OP_WAIT,  /* until the place that it read last is written */
	OP_SLEEP, /* until it is woken */
	OP_LIGHT,
	OP_FENCE, /* SEQ_CST */
	OP_HEAVY
} op_kind;

typedef struct operation {
	op_kind kind;
	const void *at;
	bool sequential; /* an access */
} operation;

/* What one has seen: by happening before, and of each place the oldest value it may see. */
typedef struct knowledge {
	clock_vector clock;
	uint8_t view[PLACES_MAX];
} knowledge;

typedef struct logical {
	ucontext_t context;
	void (*body)(void);
	char *stack;
	bool started, finished;
	operation next;
	clock_vector clock;
	uint8_t view[PLACES_MAX];
	knowledge unacquired;      /* of its relaxed reads, until an acquire fence */
	knowledge released;        /* at its last release fence: relaxed stores carry it */
	uint8_t light[PLACES_MAX]; /* its view at its last light fence */
	const uint32_t *asleep_on; /* a futex */
	int64_t until_ns;          /* its sleep */
	bool timed_out;            /* once */
	int last_place;            /* of its last read: what it spins on */
	uint32_t last_writes;
	bool saw_old, wants_newest;
} logical;

typedef struct cell { /* the history of one byte */
	uint32_t execution;
	bool freed;
	uint8_t writer;
	uint16_t write;
	uint16_t read[EXPLORE_THREADS], atomic_read[EXPLORE_THREADS], atomic_write[EXPLORE_THREADS];
} cell;

typedef struct decision {
	bool is_read;
	uint8_t chosen;
	uint8_t options; /* how many values; or a mask of threads */
	uint8_t asleep;
} decision;

typedef struct step {
	uint8_t thread;
	const char *what, *source;
	const void *at;
	uint64_t value;
	unsigned age;
} step;

static struct {
	const char *name;
	const explore_scenario *scenario;
	bool running; /* the threads run: accesses are checked */
	uint32_t execution;
	uint64_t complete, cut;

	ucontext_t home;
	logical threads[EXPLORE_THREADS];
	bide_thread records[EXPLORE_THREADS];
	int current, count;

	decision trail[TRAIL_MAX];
	int trail_length, trail_at;
	uint8_t asleep;
	unsigned switches;
	bool redundant, over;

	place places[PLACES_MAX];
	int place_count;
	int dirty[8], dirty_count; /* places that a plain write is about to change */

	char *arena;
	size_t arena_used;
	cell *arena_cells, *data_cells;

	struct {
		const bide_source *source;
		size_t size_bytes;
		unsigned freed;
		bool is_free, dirty;
	} watched[WATCHED_MAX];
	int watched_count;
	bool watched_dirty;
	struct {
		char *at;
		size_t size_bytes;
		bool used;
		uint32_t released; /* the execution */
	} blocks[BLOCKS_MAX];
	int block_count;

	/* The port. */
	struct {
		bide_frame *frame;
		bide_post *post;
	} queue[QUEUE_MAX];
	unsigned queue_count;
	bide_timer *wheel[WHEEL_MAX];
	unsigned wheel_count;
	unsigned unobserved;
	int64_t in_use;

	step steps[STEPS_MAX];
	int step_count;
} x;

extern char __data_start[], _end[];
__thread bide_worker *bide_current_worker_ __attribute__((tls_model("initial-exec")));
bool bide_simulating_;

/* ---- failing */

static void print_address(const void *at)
{
	const char *byte = at;

	for (int i = 0; i < x.watched_count; i++)
		if (byte >= (const char *)x.watched[i].source &&
		    byte < (const char *)x.watched[i].source + x.watched[i].size_bytes) {
			fprintf(stderr, "watched%d+%d", i, (int)(byte - (const char *)x.watched[i].source));
			return;
		}
	for (int i = 0; i < x.block_count; i++)
		if (byte >= x.blocks[i].at && byte < x.blocks[i].at + x.blocks[i].size_bytes) {
			fprintf(stderr, "block%d+%d", i, (int)(byte - x.blocks[i].at));
			return;
		}
	fprintf(stderr, "%p", at);
}

_Noreturn void explore_fail(const char *format, ...)
{
	va_list arguments;

	x.running = false;
	fprintf(stderr, "%s, execution %u: ", x.name, (unsigned)x.execution);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\nthe order (thread, access, place, value):\n");
	for (int i = 0; i < x.step_count; i++) {
		const step *s = &x.steps[i];
		const char *slash = s->source ? strrchr(s->source, '/') : NULL;

		fprintf(stderr, "  %*s%d %s ", 4 * s->thread, "", s->thread, s->what);
		print_address(s->at);
		fprintf(stderr, " %#llx", (unsigned long long)s->value);
		if (s->age)
			fprintf(stderr, " (old by %u)", s->age);
		fprintf(stderr, "  %s\n", slash ? slash + 1 : s->source ? s->source : "");
	}
	fprintf(stderr, "  running: %d\n", x.current);
	abort();
}

static void note(const char *what, const void *at, uint64_t value, unsigned age, const char *source)
{
	if (x.step_count == STEPS_MAX)
		explore_fail("no end after %d accesses: a livelock", STEPS_MAX);
	x.steps[x.step_count++] = (step){ (uint8_t)x.current, what, source, at, value, age };
}

/* ---- races, and memory that was given back */

static cell *cell_of(const void *at)
{
	const char *byte = at;
	cell *c;

	if (byte >= x.arena && byte < x.arena + ARENA_BYTES)
		c = &x.arena_cells[byte - x.arena];
	else if (byte >= __data_start && byte < _end)
		c = &x.data_cells[byte - __data_start];
	else
		return NULL;
	if (c->execution != x.execution) {
		memset(c, 0, sizeof *c);
		c->execution = x.execution;
		c->writer = NOBODY;
	}
	return c;
}

static bool unordered(const uint16_t epochs[EXPLORE_THREADS])
{
	const logical *t = &x.threads[x.current];

	for (int i = 0; i < EXPLORE_THREADS; i++)
		if (i != x.current && epochs[i] > t->clock.at[i])
			return true;
	return false;
}

static void access(const void *at, size_t size_bytes, bool write, bool atomic, const char *what)
{
	logical *t = &x.threads[x.current];
	uint16_t now = t->clock.at[x.current];
	const char *race = NULL;

	for (size_t i = 0; i < size_bytes; i++) {
		cell *c = cell_of((const char *)at + i);

		if (!c)
			return;
		if (c->freed)
			race = "touches memory that was given back";
		else if (c->writer != NOBODY && c->writer != x.current && c->write > t->clock.at[c->writer])
			race = "races with a plain write";
		else if (write && unordered(c->read))
			race = "races with a plain read";
		else if (!atomic && unordered(c->atomic_write))
			race = "races with an atomic write";
		else if (!atomic && write && unordered(c->atomic_read))
			race = "races with an atomic read";
		if (race) {
			note("HERE", at, 0, 0, "");
			explore_fail("%s of %zu bytes %s", what, size_bytes, race);
		}
		if (!atomic && write) {
			c->writer = (uint8_t)x.current;
			c->write = now;
		} else if (!atomic) {
			c->read[x.current] = now;
		} else if (write) {
			c->atomic_write[x.current] = now;
		} else {
			c->atomic_read[x.current] = now;
		}
	}
}

static void set_freed(const void *at, size_t size_bytes, bool freed)
{
	for (size_t i = 0; i < size_bytes; i++) {
		cell *c = cell_of((const char *)at + i);

		if (c)
			c->freed = freed;
	}
}

/* Freeing conflicts with every access that does not happen before it. */
static void give_back(const void *at, size_t size_bytes)
{
	if (x.running)
		access(at, size_bytes, true, false, "giving back");
	set_freed(at, size_bytes, true);
}

void explore_watch(const void *source)
{
	int i = 0;

	while (i < x.watched_count && x.watched[i].source != source)
		i++;
	if (i == WATCHED_MAX)
		explore_fail("too many watched");
	if (i == x.watched_count)
		x.watched_count++;
	else if (!x.watched[i].is_free)
		return;
	x.watched[i].source = source;
	x.watched[i].size_bytes = bide_class_bytes_(((const bide_source *)source)->kind & 31u);
	x.watched[i].is_free = x.watched[i].dirty = false;
}

unsigned explore_freed(const void *source)
{
	unsigned count = 0;

	for (int i = 0; i < x.watched_count; i++)
		if (x.watched[i].source == source)
			count += x.watched[i].freed;
	return count;
}

/*
 * The generation of free pool memory is a link: its upper bits are zero. No pool is ever empty
 * here.
 */
static void watched_flush(void)
{
	x.watched_dirty = false;
	for (int i = 0; i < x.watched_count; i++) {
		const bide_source *source = x.watched[i].source;

		if (!x.watched[i].dirty)
			continue;
		x.watched[i].dirty = false;
		if (source->generation >> 48 != 0 || source->generation == 0)
			continue; /* in use, or about to be given back */
		if (x.watched[i].is_free)
			explore_fail("watched%d is given back twice", i);
		x.watched[i].is_free = true;
		x.watched[i].freed++;
		give_back(source, offsetof(bide_source, generation));
		give_back(&source->payload, x.watched[i].size_bytes - offsetof(bide_source, payload));
	}
}

/*
 * Known and meant, though the language calls it a race: a token looks at the generation of a source
 * that may be gone.
 */
static bool is_token(const void *at, int order)
{
	for (int i = 0; i < x.watched_count; i++)
		if (at == &x.watched[i].source->generation)
			return order == __ATOMIC_RELAXED || order == __ATOMIC_RELEASE;
	return false;
}

static bool watched_access(const void *at, bool write)
{
	for (int i = 0; i < x.watched_count; i++) {
		if (at != &x.watched[i].source->generation)
			continue;
		if (write) {
			x.watched[i].dirty = x.watched_dirty = true;
		} else if (x.watched[i].is_free) { /* taken from the pool again */
			x.watched[i].is_free = false;
			set_freed(x.watched[i].source, x.watched[i].size_bytes, false);
		}
		return true;
	}
	return false;
}

static void dirty_flush(void);

static void plain(const void *at, size_t size_bytes, bool write)
{
	if (!x.running)
		return;
	if (x.watched_dirty)
		watched_flush();
	if (x.dirty_count)
		dirty_flush();
	watched_access(at, write);
	access(at, size_bytes, write, false, write ? "a plain write" : "a plain read");
	if (!write)
		return;
	for (int i = 0; i < x.place_count; i++)
		if ((const char *)x.places[i].at < (const char *)at + size_bytes &&
		    (const char *)at < (const char *)x.places[i].at + x.places[i].size_bytes) {
			if (x.dirty_count == 8)
				explore_fail("one write changes too many places");
			x.dirty[x.dirty_count++] = i;
		}
}

static void outside_of_macros(const void *at, bool write)
{
	if (x.running)
		access(at, 1, write, true, write ? "an atomic store" : "an atomic load");
}

/* What the compiler calls. */
#define HOOKS(size)                              \
	void __tsan_read##size(void *at);            \
	void __tsan_read##size(void *at)             \
	{                                            \
		plain(at, size, false);                  \
	}                                            \
	void __tsan_write##size(void *at);           \
	void __tsan_write##size(void *at)            \
	{                                            \
		plain(at, size, true);                   \
	}                                            \
	void __tsan_unaligned_read##size(void *at);  \
	void __tsan_unaligned_read##size(void *at)   \
	{                                            \
		plain(at, size, false);                  \
	}                                            \
	void __tsan_unaligned_write##size(void *at); \
	void __tsan_unaligned_write##size(void *at)  \
	{                                            \
		plain(at, size, true);                   \
	}
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

void __tsan_read_range(void *at, size_t size_bytes);
void __tsan_write_range(void *at, size_t size_bytes);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_init(void);
void __tsan_atomic_signal_fence(int order);
uint8_t __tsan_atomic8_load(const volatile uint8_t *at, int order);
void __tsan_atomic8_store(volatile uint8_t *at, uint8_t value, int order);
void *__tsan_memset(void *at, int value, size_t size_bytes);
void *__tsan_memcpy(void *to, const void *from, size_t size_bytes);

void __tsan_read_range(void *at, size_t size_bytes)
{
	plain(at, size_bytes, false);
}

void __tsan_write_range(void *at, size_t size_bytes)
{
	plain(at, size_bytes, true);
}

void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void)
{
}

void __tsan_init(void)
{
}

/* For the compiler alone: clang tells of it, gcc does not. */
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
}

/*
 * Atomics that do not pass abi.h's macros: flags of a source, of which the other side looks at one
 * that never changes.
 */
uint8_t __tsan_atomic8_load(const volatile uint8_t *at, int order)
{
	(void)order;
	outside_of_macros((const void *)at, false);
	return *at;
}

void __tsan_atomic8_store(volatile uint8_t *at, uint8_t value, int order)
{
	(void)order;
	outside_of_macros((const void *)at, true);
	*at = value;
}

void *__tsan_memset(void *at, int value, size_t size_bytes)
{
	plain(at, size_bytes, true);
	return memset(at, value, size_bytes);
}

void *__tsan_memcpy(void *to, const void *from, size_t size_bytes)
{
	plain(from, size_bytes, false);
	plain(to, size_bytes, true);
	return memcpy(to, from, size_bytes);
}

/* ---- the search */

/* A fence shares views with other fences and with sequentially consistent accesses. */
static bool fences_meet(operation fence, operation other)
{
	switch (fence.kind) {
	case OP_LIGHT:
		return other.kind == OP_HEAVY;
	case OP_FENCE:
	case OP_HEAVY:
		return other.kind == OP_FENCE || other.kind == OP_HEAVY || other.sequential;
	default:
		return false;
	}
}

static bool dependent(operation a, operation b)
{
	if (a.kind >= OP_LIGHT || b.kind >= OP_LIGHT)
		return fences_meet(a, b) || fences_meet(b, a);
	if (a.kind == OP_SLEEP || b.kind == OP_SLEEP)
		return a.at == b.at;
	if (a.kind == OP_WAIT || b.kind == OP_WAIT)
		return a.kind == OP_WRITE || b.kind == OP_WRITE;
	return a.at == b.at && (a.kind == OP_WRITE || b.kind == OP_WRITE);
}

static decision *decide(bool is_read, unsigned options)
{
	decision *d = &x.trail[x.trail_at];

	if (x.trail_at < x.trail_length) {
		if (d->is_read != is_read || d->options != options)
			explore_fail("the scenario is not deterministic");
		x.trail_at++;
		return d;
	}
	if (x.trail_length == TRAIL_MAX)
		explore_fail("the trail is too long");
	x.trail_length = ++x.trail_at;
	*d = (decision){ is_read, 0, (uint8_t)options, x.asleep };
	return NULL;
}

/* Which of so many values is read; 0 is the newest. */
static unsigned choose_value(unsigned options)
{
	decision *d;

	if (options == 1 || x.redundant || x.over)
		return 0;
	d = decide(true, options);
	return d ? d->chosen : 0;
}

static int place_index(const void *at);

static bool is_enabled(const logical *t)
{
	if (t->finished || !t->body)
		return false;
	if (t->next.kind == OP_SLEEP)
		return !t->asleep_on;
	return t->next.kind != OP_WAIT || x.places[t->last_place].writes != t->last_writes;
}

static int choose_thread(void)
{
	unsigned enabled = 0, candidates;
	decision *d;
	int chosen;

	for (int i = 0; i < x.count; i++)
		if (is_enabled(&x.threads[i]))
			enabled |= 1u << i;
	if (!enabled)
		return NOBODY;
	if (x.scenario->switches_max && x.current != NOBODY && enabled >> x.current & 1 &&
	    x.switches == x.scenario->switches_max)
		return x.current;
	candidates = x.redundant ? enabled : enabled & ~x.asleep;
	if (!candidates) {
		x.redundant = true;
		candidates = enabled;
	}
	chosen = candidates >> x.current & 1 ? x.current : __builtin_ctz(candidates);
	if (!x.redundant && !x.over && (enabled & (enabled - 1))) {
		d = decide(false, enabled);
		if (d) {
			chosen = d->chosen;
			if (!x.scenario->switches_max) /* a bound may cut off the order that is the equal */
				x.asleep = d->asleep;
		} else {
			x.trail[x.trail_at - 1].chosen = (uint8_t)chosen;
		}
	}
	x.switches += x.current != NOBODY && chosen != x.current && enabled >> x.current & 1;
	for (int i = 0; i < x.count; i++)
		if (x.asleep >> i & 1 && dependent(x.threads[i].next, x.threads[chosen].next))
			x.asleep &= (uint8_t) ~(1u << i);
	return chosen;
}

/* false: all has been explored. */
static bool next_execution(void)
{
	while (x.trail_length > 0) {
		decision *d = &x.trail[x.trail_length - 1];
		unsigned candidates;

		if (d->is_read && d->chosen + 1 < d->options) {
			d->chosen++;
			return true;
		}
		if (!d->is_read) {
			d->asleep |= (uint8_t)(1u << d->chosen);
			candidates = d->options & ~(unsigned)d->asleep;
			if (candidates) {
				d->chosen = (uint8_t)__builtin_ctz(candidates);
				return true;
			}
		}
		x.trail_length--;
	}
	return false;
}

/* ---- switching */

static void switch_to(int thread)
{
	int from = x.current;

	if (thread == from)
		return;
	x.current = thread;
	if (thread == NOBODY) {
		bide_current_worker_ = &x.records[0].worker;
		swapcontext(&x.threads[from].context, &x.home);
	} else {
		bide_current_worker_ = &x.records[thread].worker;
		swapcontext(from == NOBODY ? &x.home : &x.threads[from].context,
		            &x.threads[thread].context);
	}
}

/* All that have not ended sleep: asks whether they may, and tells them that it is over. */
static void quiet(void)
{
	int current = x.current;

	x.running = false;
	x.current = NOBODY;
	x.scenario->quiet();
	x.current = current;
	x.running = x.over = true;
	for (int i = 0; i < x.count; i++)
		x.threads[i].asleep_on = NULL;
}

static void reschedule(void)
{
	int chosen = choose_thread();
	bool ended = true, asleep = true;

	for (int i = 0; chosen == NOBODY && i < x.count; i++) {
		ended &= x.threads[i].finished;
		asleep &= x.threads[i].finished || x.threads[i].asleep_on;
	}
	if (chosen == NOBODY && !ended) {
		if (!asleep || !x.scenario->quiet)
			explore_fail("a deadlock: nobody can go on");
		quiet();
		chosen = choose_thread();
	}
	switch_to(chosen);
}

static void point_of(op_kind kind, const void *at, int order)
{
	logical *t = &x.threads[x.current];

	if (x.watched_dirty)
		watched_flush();
	if (x.dirty_count)
		dirty_flush();
	t->next = (operation){ kind, at, order == __ATOMIC_SEQ_CST };
	if (!t->started) { /* this is its first */
		t->started = true;
		switch_to(NOBODY);
	} else {
		reschedule();
	}
	t->next.kind = OP_NONE;
}

static void point(op_kind kind, const void *at)
{
	point_of(kind, at, __ATOMIC_ACQ_REL);
}

static void thread_entry(void)
{
	logical *t = &x.threads[x.current];

	t->body();
	point(OP_WRITE, x.queue);
	x.places[place_index(x.queue)].writes++;
	note("ends", x.queue, 0, 0, NULL);
	t->finished = true;
	reschedule();
}

/* ---- memory */

static uint64_t memory_get(const void *at, unsigned size_bytes)
{
	uint64_t value = 0;

	memcpy(&value, at, size_bytes); /* little endian */
	return value;
}

static int place_index(const void *at)
{
	for (int i = 0; i < x.place_count; i++)
		if (x.places[i].at == at)
			return i;
	if (x.place_count == PLACES_MAX)
		explore_fail("too many atomics");
	return -1;
}

static int place_of(const void *at, unsigned size_bytes)
{
	int i = place_index(at);
	place *p;

	if (i >= 0)
		return i;
	i = x.place_count++;
	p = &x.places[i];
	p->at = at;
	p->size_bytes = size_bytes;
	p->writes = 0;
	p->count = 1;
	p->sequential = p->heavy = 0;
	memset(&p->history[0], 0, sizeof p->history[0]);
	p->history[0].value = memory_get(at, size_bytes);
	for (int k = 0; k < EXPLORE_THREADS; k++) {
		logical *t = &x.threads[k];
		t->view[i] = t->light[i] = t->unacquired.view[i] = t->released.view[i] = 0;
	}
	for (int k = 0; k < i; k++)
		for (int m = 0; m < x.places[k].count; m++)
			x.places[k].history[m].view[i] = 0;
	return i;
}

static void join_views(uint8_t *to, const uint8_t *from)
{
	for (int i = 0; i < x.place_count; i++)
		if (from[i] > to[i])
			to[i] = from[i];
}

static void join_clocks(clock_vector *to, const clock_vector *from)
{
	for (int i = 0; i < EXPLORE_THREADS; i++)
		if (from->at[i] > to->at[i])
			to->at[i] = from->at[i];
}

static bool acquires(int order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

/* Appends a value. before: what a read-modify-write read, whose release it carries on. */
static void append(int index, uint64_t value, bool release, bool sequential, const message *before)
{
	logical *t = &x.threads[x.current];
	place *p = &x.places[index];
	message *m;

	if (p->count == HISTORY_MAX)
		explore_fail("too many writes to one place");
	m = &p->history[p->count];
	if (before)
		*m = *before;
	else
		memset(m, 0, sizeof *m);
	m->value = value;
	t->view[index] = p->count;
	if (release) {
		join_clocks(&m->clock, &t->clock);
		join_views(m->view, t->view);
		t->clock.at[x.current]++; /* what it does from here on is not released */
	} else {
		join_clocks(&m->clock, &t->released.clock);
		join_views(m->view, t->released.view);
	}
	if (sequential)
		p->sequential = p->count;
	p->count++;
	p->writes++;
	if (index == t->last_place)
		t->last_writes = p->writes; /* its own: nothing to wait for */
}

static void dirty_flush(void)
{
	for (int i = 0; i < x.dirty_count; i++) {
		place *p = &x.places[x.dirty[i]];
		append(x.dirty[i], memory_get(p->at, p->size_bytes), false, false, NULL);
	}
	x.dirty_count = 0;
}

/* Counters: no part of any protocol, so no point and no order. */
static bool is_counter(const void *at)
{
	for (int i = 0; i < EXPLORE_THREADS; i++)
		if ((const uint64_t *)at >= x.records[i].counts &&
		    (const uint64_t *)at < x.records[i].counts + BIDE_COUNTERS_)
			return true;
	return false;
}

static bool is_alone(const void *at)
{
	return x.current == NOBODY || is_counter(at);
}

static const message *read_message(int index, unsigned age, int order)
{
	logical *t = &x.threads[x.current];
	place *p = &x.places[index];
	const message *m = &p->history[p->count - 1 - age];

	t->view[index] = (uint8_t)(p->count - 1 - age);
	if (acquires(order)) {
		join_clocks(&t->clock, &m->clock);
		join_views(t->view, m->view);
	} else {
		join_clocks(&t->unacquired.clock, &m->clock);
		join_views(t->unacquired.view, m->view);
	}
	t->last_place = index;
	t->last_writes = p->writes;
	t->saw_old = age > 0;
	return m;
}

/* How many of the newest values a load may see. */
static unsigned visible(int index, int order)
{
	logical *t = &x.threads[x.current];
	place *p = &x.places[index];
	unsigned oldest = t->view[index];

	if (order == __ATOMIC_SEQ_CST && p->sequential > oldest)
		oldest = p->sequential;
	if (t->wants_newest || x.scenario->newest_only)
		oldest = p->count - 1u;
	t->wants_newest = false;
	return p->count - oldest;
}

uint64_t explore_load(const void *at, unsigned size_bytes, int order, const char *source)
{
	const message *m;
	unsigned age;
	int index;

	if (is_alone(at))
		return memory_get(at, size_bytes);
	point_of(OP_LOAD, at, order);
	if (!is_token(at, order))
		access(at, size_bytes, false, true, "an atomic load");
	index = place_of(at, size_bytes);
	age = choose_value(visible(index, order));
	m = read_message(index, age, order);
	note("load", at, m->value, age, source);
	return m->value;
}

void explore_store(void *at, unsigned size_bytes, uint64_t value, int order, const char *source)
{
	int index;

	/*
	 * given back (release, for bide_drain, which is not explored), or a new life: orders nothing,
	 * so seen as the plain write it is
	 */
	if (is_token(at, order == __ATOMIC_RELEASE ? __ATOMIC_RELAXED : order)) {
		plain(at, size_bytes, true);
		memcpy(at, &value, size_bytes);
		return;
	}
	if (!is_alone(at)) {
		point_of(OP_WRITE, at, order);
		access(at, size_bytes, true, true, "an atomic store");
		index = place_of(at, size_bytes);
		append(index, value, releases(order), order == __ATOMIC_SEQ_CST, NULL);
		note("store", at, value, 0, source);
	}
	memcpy(at, &value, size_bytes);
}

static uint64_t changed(uint64_t before, int how, uint64_t value)
{
	switch (how) {
	case EXPLORE_ADD:
		return before + value;
	case EXPLORE_SUB:
		return before - value;
	case EXPLORE_OR:
		return before | value;
	default:
		return value;
	}
}

/* A read-modify-write reads the newest, always. */
static void replace(int index, void *at, unsigned size_bytes, uint64_t value, int order)
{
	place *p = &x.places[index];
	message before = p->history[p->count - 1];

	append(index, value, releases(order), order == __ATOMIC_SEQ_CST, &before);
	x.threads[x.current].last_writes = p->writes;
	memcpy(at, &value, size_bytes);
}

uint64_t explore_change(void *at, unsigned size_bytes, int how, uint64_t value, int order,
                        const char *source)
{
	static const char *const names[] = { "swap", "add", "sub", "or" };
	uint64_t before = memory_get(at, size_bytes), after;
	int index;

	if (is_alone(at)) {
		after = changed(before, how, value);
		memcpy(at, &after, size_bytes);
		return before;
	}
	point_of(OP_WRITE, at, order);
	before = memory_get(at, size_bytes);
	after = changed(before, how, value);
	access(at, size_bytes, true, true, "an atomic change");
	index = place_of(at, size_bytes);
	read_message(index, 0, order);
	replace(index, at, size_bytes, after, order);
	note(names[how], at, after, 0, source);
	return before;
}

bool explore_cas(void *at, unsigned size_bytes, void *expected, uint64_t value, int order,
                 int order_failed, const char *source)
{
	uint64_t wanted = memory_get(expected, size_bytes), found = memory_get(at, size_bytes);
	unsigned ages[HISTORY_MAX], count = 0, most;
	int index;

	if (is_alone(at)) {
		memcpy(found == wanted ? at : expected, found == wanted ? &value : &found, size_bytes);
		return found == wanted;
	}
	point_of(OP_WRITE, at, order);
	found = memory_get(at, size_bytes);
	access(at, size_bytes, true, true, "a compare and swap");
	index = place_of(at, size_bytes);
	/* It succeeds on the newest only; it may fail on an older one. */
	most = visible(index, order_failed);
	ages[count++] = 0;
	for (unsigned age = 1; age < most; age++)
		if (x.places[index].history[x.places[index].count - 1 - age].value != wanted)
			ages[count++] = age;
	most = ages[choose_value(count)];
	if (most == 0 && found == wanted) {
		read_message(index, 0, order);
		replace(index, at, size_bytes, value, order);
		note("cas", at, value, 0, source);
		return true;
	}
	found = read_message(index, most, order_failed)->value;
	x.threads[x.current].saw_old = true; /* it has news: to relax then is no wait */
	note("cas fails on", at, found, most, source);
	memcpy(expected, &found, size_bytes);
	return false;
}

/* Acquire and release: the thread's own affair. */
static void fence(int order)
{
	logical *t = &x.threads[x.current];

	if (acquires(order)) {
		join_clocks(&t->clock, &t->unacquired.clock);
		join_views(t->view, t->unacquired.view);
	}
	if (order == __ATOMIC_SEQ_CST)
		for (int i = 0; i < x.place_count; i++) {
			place *p = &x.places[i];
			if (t->view[i] > p->sequential)
				p->sequential = t->view[i];
			t->view[i] = p->sequential;
		}
	if (releases(order)) {
		t->released.clock = t->clock;
		memcpy(t->released.view, t->view, sizeof t->view);
		t->clock.at[x.current]++;
	}
}

void explore_fence(int order, const char *source)
{
	if (is_alone(NULL))
		return;
	if (order == __ATOMIC_SEQ_CST)
		point(OP_FENCE, NULL);
	fence(order);
	note("fence", NULL, (uint64_t)order, 0, source);
}

/*
 * A light fence is ordered with the heavy ones alone: one that comes later has what was stored
 * before it; behind it stands what was stored before a heavy one that came earlier. Between two of
 * them nothing is ordered.
 */
void explore_light_fence(const char *source)
{
	logical *t = &x.threads[x.current];

	if (is_alone(NULL))
		return;
	point(OP_LIGHT, NULL);
	memcpy(t->light, t->view, sizeof t->view);
	for (int i = 0; i < x.place_count; i++)
		if (x.places[i].heavy > t->view[i])
			t->view[i] = x.places[i].heavy;
	note("light fence", NULL, 0, 0, source);
}

static void heavy_fence(void)
{
	logical *t = &x.threads[x.current];

	point(OP_HEAVY, NULL);
	for (int i = 0; i < x.count; i++)
		join_views(t->view, x.threads[i].light);
	fence(__ATOMIC_SEQ_CST);
	for (int i = 0; i < x.place_count; i++)
		x.places[i].heavy = t->view[i];
	note("heavy fence", NULL, 0, 0, NULL);
}

void explore_relax(void)
{
	logical *t = &x.threads[x.current];

	if (!x.running)
		return;
	t->wants_newest = true;
	if (!t->saw_old && x.places[t->last_place].writes == t->last_writes)
		point(OP_WAIT, x.places[t->last_place].at);
}

void explore_await_word(uint32_t *word)
{
	while (explore_load(word, sizeof *word, __ATOMIC_ACQUIRE, NULL) == 0)
		explore_relax();
}

uint32_t explore_newest(const uint32_t *word)
{
	x.threads[x.current].wants_newest = true;
	return (uint32_t)explore_load(word, sizeof *word, __ATOMIC_RELAXED, NULL);
}

/* ---- the port */

void *bide_port_allocate(size_t size_bytes, size_t alignment)
{
	size_t rounded_bytes = (size_bytes + 63) & ~(size_t)63;
	int i;

	(void)alignment;
	for (i = 0; i < x.block_count; i++)
		if (!x.blocks[i].used && x.blocks[i].size_bytes == rounded_bytes &&
		    x.blocks[i].released != x.execution)
			break;
	if (i == x.block_count) {
		if (x.block_count == BLOCKS_MAX || x.arena_used + rounded_bytes > ARENA_BYTES)
			explore_fail("the explorer's memory is full");
		x.block_count++;
		x.blocks[i].at = x.arena + x.arena_used;
		x.blocks[i].size_bytes = rounded_bytes;
		x.arena_used += rounded_bytes;
	}
	x.blocks[i].used = true;
	return x.blocks[i].at;
}

void bide_port_release(void *memory, size_t size_bytes)
{
	(void)size_bytes;
	for (int i = 0; i < x.block_count; i++) {
		if (x.blocks[i].at != memory)
			continue;
		if (!x.blocks[i].used)
			explore_fail("block%d is released twice", i);
		x.blocks[i].used = false;
		x.blocks[i].released = x.execution;
		give_back(memory, x.blocks[i].size_bytes);
		return;
	}
	explore_fail("%p was never allocated", memory);
}

bool explore_is_released(const void *memory)
{
	for (int i = 0; i < x.block_count; i++)
		if (x.blocks[i].at == memory)
			return !x.blocks[i].used;
	return false;
}

/* The queue acts as an intrusive one that is pushed and taken by one read-modify-write. */
static void queue_touch(bool take)
{
	int index;

	if (!x.running)
		return;
	point(OP_WRITE, x.queue);
	index = place_of(x.queue, 1);
	read_message(index, 0, __ATOMIC_ACQ_REL);
	if (take && x.queue_count == 0)
		return;
	append(index, 0, true, false, &x.places[index].history[x.places[index].count - 1]);
	x.threads[x.current].last_writes = x.places[index].writes;
}

static void queue_push(bide_frame *frame, bide_post *post)
{
	for (unsigned i = 0; i < x.queue_count; i++)
		if ((frame && x.queue[i].frame == frame) || (post && x.queue[i].post == post))
			explore_fail("%s is scheduled twice", frame ? "a frame" : "a post");
	if (x.queue_count == QUEUE_MAX)
		explore_fail("the queue is full");
	if (frame)
		bide_queue_set_link_(frame, NULL);
	queue_touch(false);
	if (x.running)
		note(frame ? "schedules" : "posts", frame ? (const void *)frame : post, 0, 0, NULL);
	x.queue[x.queue_count].frame = frame;
	x.queue[x.queue_count++].post = post;
}

/* From the worker's own queue, or from the one for all. false: they are empty. */
static bool queue_run_one(void)
{
	bide_worker *worker = bide_current_worker_;
	bide_frame *frame = worker->next;
	bide_post *post = NULL;

	worker->next = NULL;
	if (!frame)
		frame = bide_queue_pop_(worker);
	if (!frame && x.queue_count > 0) {
		frame = x.queue[0].frame;
		post = x.queue[0].post;
		memmove(&x.queue[0], &x.queue[1], --x.queue_count * sizeof x.queue[0]);
	}
	if (!frame && !post)
		return false;
	if (post) {
		post->run(post);
		return true;
	}
	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_) {
		bide_flags_drop_(&frame->source, BIDE_FLAG_SELF_LINKED_);
		frame->awaiting = NULL;
	}
	worker->handovers = 0;
	bide_frame_resume_(worker, frame);
	return true;
}

void explore_unschedule(void)
{
	x.queue_count = 0;
	while (bide_queue_pop_(bide_current_worker_))
		;
}

void explore_finish(void)
{
	for (int i = 0; i < EXPLORE_THREADS; i++) {
		bide_current_worker_ = &x.records[i].worker;
		while (queue_run_one())
			;
	}
	bide_current_worker_ = &x.records[0].worker;
}

void explore_hand_on(void)
{
	bide_worker *worker = bide_current_worker_;
	bide_frame *frame = worker->next;

	worker->next = NULL;
	if (frame)
		bide_port_schedule(frame, true);
	while ((frame = bide_queue_pop_(worker)) != NULL)
		bide_port_schedule(frame, true);
}

bool explore_run_now(void)
{
	queue_touch(true);
	return queue_run_one();
}

void explore_run_once(void)
{
	queue_touch(true);
	if (!queue_run_one())
		explore_relax();
}

void explore_run(void)
{
	for (;;) {
		bool others = false;

		queue_touch(true);
		if (queue_run_one())
			continue;
		for (int i = 0; i < x.count; i++)
			others |= i != x.current && !x.threads[i].finished;
		if (!others)
			return;
		explore_relax();
	}
}

void bide_port_schedule(bide_frame *frame, bool next)
{
	(void)next;
	queue_push(frame, NULL);
}

void bide_port_post(bide_post *post)
{
	if (bide_shared_)
		post->run(post);
	else
		queue_push(NULL, post);
}

bool bide_port_on_worker(void)
{
	return bide_shared_ || x.current == NOBODY || !(x.scenario->foreign >> x.current & 1);
}

unsigned bide_port_worker_count(void)
{
	return 1;
}

int64_t bide_port_now(void)
{
	return 0;
}

/* The wheel acts as a list under a lock. what: is done to a timer; timer NULL: to the first. */
static void wheel_touch(bide_timer *timer, const char *what)
{
	int index;

	if (!x.running)
		return;
	point(OP_WRITE, x.wheel);
	index = place_of(x.wheel, 1);
	read_message(index, 0, __ATOMIC_ACQ_REL);
	if (!timer && x.wheel_count > 0)
		timer = x.wheel[0];
	if (timer) {
		plain(&timer->next, sizeof timer->next, true);
		note(what, timer, 0, 0, NULL);
	}
	append(index, 0, true, false, &x.places[index].history[x.places[index].count - 1]);
}

static bide_timer *wheel_take(unsigned index)
{
	bide_timer *timer = x.wheel[index];

	memmove(&x.wheel[index], &x.wheel[index + 1], (--x.wheel_count - index) * sizeof(bide_timer *));
	return timer;
}

void bide_port_arm(bide_timer *timer)
{
	wheel_touch(timer, "arms");
	for (unsigned i = 0; i < x.wheel_count; i++)
		if (x.wheel[i] == timer)
			explore_fail("a timer is armed twice");
	if (x.wheel_count == WHEEL_MAX)
		explore_fail("the wheel is full");
	x.wheel[x.wheel_count++] = timer;
}

bool bide_port_disarm(bide_timer *timer)
{
	wheel_touch(timer, "disarms");
	for (unsigned i = 0; i < x.wheel_count; i++)
		if (x.wheel[i] == timer) {
			(void)wheel_take(i);
			return true;
		}
	return false;
}

bool explore_expire(void)
{
	bide_timer *timer;

	wheel_touch(NULL, "is due");
	if (x.wheel_count == 0)
		return false;
	timer = wheel_take(0);
	bide_timer_due_(timer);
	return true;
}

/* ---- sleeping: what os.h offers */

void bide_os_wait(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	logical *t = &x.threads[x.current];

	point(OP_WRITE, word);
	(void)read_message(place_of(word, sizeof *word), 0, __ATOMIC_RELAXED);
	if (memory_get(word, sizeof *word) != expected || x.over) {
		note("does not sleep", word, expected, 0, NULL);
		return;
	}
	if (deadline_ns != INT64_MAX && !t->timed_out && choose_value(2)) {
		t->timed_out = true;
		note("sleeps, to its deadline", word, expected, 0, NULL);
		return;
	}
	note("sleeps", word, expected, 0, NULL);
	t->until_ns = deadline_ns;
	t->asleep_on = word;
	point(OP_SLEEP, word);
}

void bide_os_wake(uint32_t *word, int count)
{
	if (!x.running)
		return;
	point(OP_WRITE, word);
	note("wakes", word, 0, 0, NULL);
	for (int i = 0; i < x.count && count > 0; i++)
		if (x.threads[i].asleep_on == word) {
			x.threads[i].asleep_on = NULL;
			count--;
		}
}

bool explore_is_over(void)
{
	return x.over;
}

bool explore_sleeps(int thread, int64_t *until_ns)
{
	*until_ns = x.threads[thread].until_ns;
	return x.threads[thread].asleep_on != NULL;
}

bide_worker *explore_worker(int thread)
{
	return &x.records[thread].worker;
}

void bide_port_stats(bide_stats *stats)
{
	(void)stats;
}

const void *bide_port_thread(void)
{
	return &x.threads[x.current == NOBODY ? 0 : x.current];
}

bool bide_port_heavy_fence(void)
{
	if (!x.scenario->fenced && !is_alone(NULL))
		heavy_fence();
	return !x.scenario->fenced;
}

void bide_port_offer(bide_worker *worker)
{
	if (x.scenario->offered)
		x.scenario->offered(worker);
}

void bide_port_print(const char *text)
{
	fputs(text, stderr);
}

void bide_port_format(char *to, size_t size_bytes, const char *format, va_list arguments)
{
	vsnprintf(to, size_bytes, format, arguments);
}

const char *bide_port_error_text(int error)
{
	(void)error;
	return "";
}

void bide_port_abort(void)
{
	explore_fail("abort");
}

void bide_port_wait_a_moment(unsigned tries)
{
	(void)tries;
	explore_relax();
}

bide_worker *bide_worker_attach_(void)
{
	explore_fail("a thread without a record");
}

/* ---- an execution */

static void on_misuse(const char *text, void *argument)
{
	(void)argument;
	explore_fail("misuse: %s", text);
}

static void on_unobserved(int error, const char *name, bide_trace trace, void *argument)
{
	(void)error;
	(void)name;
	(void)trace;
	(void)argument;
	x.unobserved++;
}

unsigned explore_unobserved(void)
{
	return x.unobserved;
}

static int64_t objects_in_use(void)
{
	bide_stats stats;

	bide_get_stats(&stats);
	return (int64_t)stats.frame_count + (int64_t)stats.operation_count + (int64_t)stats.task_count;
}

/* Objects go back to whose they were, so that no execution depends on those before it. */
static void pools_balance(unsigned size_class)
{
	enum { ROOM = 64 };

	for (int from = 0; from < EXPLORE_THREADS; from++) {
		bide_pool *much = &x.records[from].worker.pool[size_class];

		for (int to = 0; to < EXPLORE_THREADS; to++) {
			bide_pool *little = &x.records[to].worker.pool[size_class];

			for (; much->room < ROOM && little->room > ROOM; much->room++, little->room--) {
				bide_source *source = much->free;
				much->free = (bide_source *)(uintptr_t)source->generation;
				source->generation = (uint64_t)(uintptr_t)little->free;
				little->free = source;
			}
		}
	}
}

static void prepare(void)
{
	x.execution++;
	x.place_count = x.dirty_count = x.step_count = x.watched_count = 0;
	x.watched_dirty = x.redundant = x.over = false;
	x.unobserved = 0;
	x.asleep = 0;
	x.switches = 0;
	x.trail_at = 0;
	memset(x.watched, 0, sizeof x.watched);
	for (unsigned c = 0; c < POOLS; c++)
		pools_balance(c);
	x.current = NOBODY;
	bide_current_worker_ = &x.records[0].worker;
	x.scenario->setup();
	place_of(x.queue, 1);
	place_of(x.wheel, 1);
	for (int i = 0; i < x.count; i++) {
		logical *t = &x.threads[i];

		t->body = x.scenario->threads[i];
		t->started = t->finished = t->saw_old = t->wants_newest = false;
		t->last_place = 0;
		t->last_writes = 0;
		memset(&t->clock, 0, sizeof t->clock);
		memset(t->view, 0, sizeof t->view);
		memset(t->light, 0, sizeof t->light);
		memset(&t->unacquired, 0, sizeof t->unacquired);
		memset(&t->released, 0, sizeof t->released);
		t->asleep_on = NULL;
		t->until_ns = INT64_MAX;
		t->timed_out = false;
		t->clock.at[i] = 1;
		getcontext(&t->context);
		t->context.uc_stack.ss_sp = t->stack;
		t->context.uc_stack.ss_size = STACK_BYTES;
		makecontext(&t->context, thread_entry, 0);
	}
}

static void execute(void)
{
	prepare();
	x.running = true;
	for (int i = 0; i < x.count; i++)
		switch_to(i); /* up to its first access */
	reschedule();
	if (x.watched_dirty)
		watched_flush();
	x.running = false;
	explore_finish(); /* a scenario without a worker's loop */
	x.scenario->check();
	if (objects_in_use() != x.in_use)
		explore_fail("%lld objects are left", (long long)(objects_in_use() - x.in_use));
	if (x.redundant)
		x.cut++;
	else
		x.complete++;
}

static void *map(size_t size_bytes)
{
	void *at = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		abort();
	return at;
}

static void start(void)
{
	x.arena = map(ARENA_BYTES);
	x.arena_cells = map(ARENA_BYTES * sizeof(cell));
	x.data_cells = map((size_t)(_end - __data_start) * sizeof(cell));
	bide_set_misuse_hook(on_misuse, NULL);
	bide_set_unobserved_hook(on_unobserved, NULL);
	bide_shared_ = x.scenario->shared;
	for (int i = 0; i < EXPLORE_THREADS; i++) {
		bide_worker *worker = &x.records[i].worker;

		x.threads[i].stack = x.arena + x.arena_used;
		x.arena_used += STACK_BYTES;
		bide_thread_init_(&x.records[i], (uint32_t)i + 1, false);
		worker->frame_flags =
			x.scenario->one_worker && !(x.scenario->foreign >> i & 1) ? 0 : BIDE_FLAG_SYNC_;
		worker->frame_tail = (uint64_t)worker->frame_flags << BIDE_TAIL_FLAGS_;
		for (unsigned c = 0; c < POOLS; c++) { /* so that no execution has to fill a pool */
			bide_source *source = bide_pool_refill_(worker, c, NULL);
			bide_pool_give_(worker, source, c);
		}
	}
	x.in_use = objects_in_use();
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void explore(const char *name, const explore_scenario *scenario)
{
	const char *to = getenv("BIDE_EXPLORE_COUNTS");
	double started = now_s();
	FILE *file;

	if (RUNNING_ON_VALGRIND)
		SKIP("the explorer changes stacks, and checks each access itself");
	x.name = name;
	x.scenario = scenario;
	x.current = NOBODY;
	while (x.count < EXPLORE_THREADS && scenario->threads[x.count])
		x.count++;
	start();
	do
		execute();
	while (next_execution());
	printf("%s: %llu interleavings, %llu cut as equal to one of them, %.2f s\n", name,
	       (unsigned long long)x.complete, (unsigned long long)x.cut, now_s() - started);
	if (to && (file = fopen(to, "a"))) { /* the runner shows the output of failed tests only */
		fprintf(file, "%-60s %9llu interleavings, %9llu cut, %6.2f s\n", name,
		        (unsigned long long)x.complete, (unsigned long long)x.cut, now_s() - started);
		fclose(file);
	}
}
