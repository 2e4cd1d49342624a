/*
 * engine.h - the state of the explorer, which its parts share.
 *
 *     explore.c          an execution, and the loop over all of them
 *     search.c           which order comes next
 *     schedule.c         switching between the threads
 *     memory.c           the memory model: what a load may see
 *     atomics.c          loads, stores, changes and fences
 *     races.c            the race detector, and memory that was given back
 *     instrumentation.c  plain accesses, as the compiler tells of them
 *     queue.c timers.c sleep.c port.c
 *                        the port of core, and what of os.h a sleeper needs
 *     report.c           failing
 *
 * All but the scenarios and the code they explore is compiled without the instrumentation.
 */
#ifndef EXPLORE_ENGINE_H
#define EXPLORE_ENGINE_H

#include "explore.h"

#include <ucontext.h>

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

struct engine {
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
};

extern struct engine engine;
extern char __data_start[], _end[];

/* --- report.c --- */

/* Of what the running thread did, for the report. */
void report_note(const char *what, const void *at, uint64_t value, unsigned age,
                 const char *source);

/* --- races.c: accesses of the running thread --- */

/* Fails if it races, or touches what was given back. what: for the report. */
void race_access(const void *at, size_t size_bytes, bool write, bool atomic, const char *what);
/* A plain access, before it happens. */
void race_plain(const void *at, size_t size_bytes, bool write);
void race_give_back(const void *at, size_t size_bytes);
/* Looks which watched sources the writes since the last access gave back. */
void race_flush_watched(void);
bool race_is_token(const void *at, int order);

/* --- search.c --- */

/* Which of so many values is read; 0 is the newest. */
unsigned search_choose_value(unsigned options);
/* NOBODY: nobody can go on. */
int search_choose_thread(void);
/* Makes the trail that of the next execution. false: all has been explored. */
bool search_next(void);

/* --- schedule.c --- */

void schedule_switch_to(int thread);
/* Whoever the search chooses goes on. */
void schedule_next(void);
/* The running thread is about to do this: somebody else may come first. */
void schedule_point_of(op_kind kind, const void *at, int order);
void schedule_point(op_kind kind, const void *at);
void schedule_thread_entry(void);

/* --- memory.c: places are indices; a new one begins with what memory holds --- */

uint64_t memory_get(const void *at, unsigned size_bytes);
/* Below 0: it is none. */
int memory_place_index(const void *at);
int memory_place_of(const void *at, unsigned size_bytes);
/* How many of the newest values a load may see. */
unsigned memory_visible(int index, int order);
const message *memory_read(int index, unsigned age, int order);
/* Appends a value. before: what a read-modify-write read, whose release it carries on. */
void memory_append(int index, uint64_t value, bool release, bool sequential, const message *before);
/* Plain writes to places: their values are looked at after they were made. */
void memory_flush_dirty(void);
bool memory_releases(int order);
void memory_join_views(uint8_t *to, const uint8_t *from);
void memory_fence(int order);

/* --- atomics.c --- */

void explore_heavy_fence(void);

#endif
