/*
 * engine.h - the state of the explorer, which its parts share.
 *
 *     explore.c          an execution, and the loop over all of them
 *     search.c           which order comes next
 *     schedule.c         switching between the threads
 *     memory.c           the memory model: which values a load may see
 *     atomics.c          loads, stores, changes and fences
 *     races.c            the race detector, and memory that was given back
 *     instrumentation.c  plain accesses, as the compiler reports them
 *     queue.c timers.c sleep.c port.c
 *                        the port, and the part of os.h that a sleeper needs
 *     report.c           failing
 *
 * Only the scenarios and the code that they explore are compiled with the instrumentation.
 */
#ifndef EXPLORE_ENGINE_H
#define EXPLORE_ENGINE_H

#include "explore.h"

#include <ucontext.h>

#include "base/thread.h"
#include "source/timer.h"

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

typedef struct message { /* a value in the history of a place */
	uint64_t value;
	clock_vector clock; /* acquired by a reader */
	uint8_t view[PLACES_MAX];
} message;

typedef struct place {
	const void *at;
	unsigned size_bytes;
	uint32_t writes;
	uint8_t count;
	uint8_t sequential; /* the oldest value for a SEQ_CST load, or any load after such a fence */
	uint8_t heavy;      /* the oldest value for a load after a light fence */
	message history[HISTORY_MAX];
} place;

typedef enum op_kind {
	OP_NONE,
	OP_LOAD,
	OP_WRITE,
	OP_WAIT,  /* until the place of its last load is written */
	OP_SLEEP, /* until another thread wakes it */
	OP_LIGHT,
	OP_FENCE, /* SEQ_CST */
	OP_HEAVY
} op_kind;

typedef struct operation {
	op_kind kind;
	const void *at;
	bool sequential; /* of the access */
} operation;

/* What a thread has seen: what happened before, and the oldest value of each place it may see. */
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
	knowledge unacquired;      /* from relaxed loads; joined at an acquire fence */
	knowledge released;        /* at the last release fence; relaxed stores carry it */
	uint8_t light[PLACES_MAX]; /* its view at its last light fence */
	const uint32_t *asleep_on; /* the futex it sleeps on */
	int64_t until_ns;          /* the end of its sleep */
	bool timed_out;            /* has slept to a deadline once */
	int last_place;            /* the place of its last load, on which it spins */
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
	uint8_t options; /* for a load the number of values, otherwise a mask of threads */
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
	bool running; /* the threads run and their accesses are checked */
	bool ended;   /* all of them have ended */
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
	/* Places that the last plain write changed; memory_flush_dirty appends their values. */
	int dirty[8], dirty_count;

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
		uint32_t released; /* the execution that released it */
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
	int64_t clock_ns; /* atomic */
	unsigned unobserved;
	int64_t in_use;

	step steps[STEPS_MAX];
	int step_count;
};

extern struct engine engine;
extern char __data_start[], _end[];

/* --- report.c --- */

/* Notes a step of the running thread for the report. */
void report_note(const char *what, const void *at, uint64_t value, unsigned age,
                 const char *source);

/* --- races.c: accesses of the running thread --- */

/* Fails if the access races or touches memory that was given back. `what` is for the report. */
void race_access(const void *at, size_t size_bytes, bool write, bool atomic, const char *what);
/* Checks a plain access before it happens. */
void race_plain(const void *at, size_t size_bytes, bool write);
void race_give_back(const void *at, size_t size_bytes);
/* Finds the watched sources that writes since the last access gave back. */
void race_flush_watched(void);
bool race_is_token(const void *at, int order);

/* --- search.c --- */

/* Returns the age of the value to read, below `options`; 0 is the newest. */
unsigned search_choose_value(unsigned options);
/* Returns NOBODY if no thread can go on. */
int search_choose_thread(void);
/* Prepares the trail for the next execution. Returns false if all have been explored. */
bool search_next(void);

/* --- schedule.c --- */

void schedule_switch_to(int thread);
/* Switches to the thread that the search chooses. */
void schedule_next(void);
/* Announces the next operation of the running thread; other threads may run first. */
void schedule_point_of(op_kind kind, const void *at, int order);
void schedule_point(op_kind kind, const void *at);
void schedule_thread_entry(void);

/* --- memory.c: a place is an index; a new place begins with the value in memory --- */

uint64_t memory_get(const void *at, unsigned size_bytes);
/* Returns a negative number if the memory is not a place yet. */
int memory_place_index(const void *at);
int memory_place_of(const void *at, unsigned size_bytes);
/* Returns how many of the newest values the load may see. */
unsigned memory_visible(int index, int order);
const message *memory_read(int index, unsigned age, int order);
/*
 * Appends a value. `before` is the value that a read-modify-write read; it continues its release.
 */
void memory_append(int index, uint64_t value, bool release, bool sequential, const message *before);
/* Appends the values of the places that plain writes changed, once those writes have happened. */
void memory_flush_dirty(void);
bool memory_releases(int order);
void memory_join_views(uint8_t *to, const uint8_t *from);
void memory_fence(int order);

/* --- atomics.c --- */

void explore_heavy_fence(void);

#endif
