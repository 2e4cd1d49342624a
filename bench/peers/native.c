/*
 * The floors, which are there on every host; README.md says which row is compared with which.
 * `call` is a plain C call that returns 16 bytes like a value_task. `malloc` is the cost of a frame
 * of 72 bytes from the C allocator. `callbacks` is a queue of functions and their arguments: the
 * least that resumes one; a function that begins has its arguments in an allocation. `locked` is a
 * locked instruction on a line that no other CPU has.
 */
#include <stdatomic.h>

#include "../participant.h"

enum { FRAME_BYTES = 72, RING_ENTRIES = 256 };

struct answer {
	int64_t value;
	uint64_t state;
};

static int64_t sink;

static BENCH_NOINLINE struct answer get_answer(int64_t key)
{
	BENCH_OPAQUE(key);
	return (struct answer){ .value = key + 1, .state = 0 };
}

static void ready_await(uint64_t count)
{
	int64_t sum = 0;

	for (uint64_t i = 0; i < count; i++)
		sum += get_answer((int64_t)i).value;
	BENCH_OPAQUE(sum);
	sink = sum;
}

static void allocate_frame(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		char *frame = malloc(FRAME_BYTES);

		if (frame == NULL)
			abort();
		*(volatile char *)frame = 1;
		BENCH_OPAQUE(frame);
		free(frame);
	}
}

/* ---- callbacks: a ring of functions, as the smallest loop has it */

struct callback {
	void (*function)(void *argument);
	void *argument;
};

static struct {
	struct callback entries[RING_ENTRIES];
	uint64_t head, tail;
} ring;

static void put(void (*function)(void *argument), void *argument)
{
	ring.entries[ring.tail++ % RING_ENTRIES] = (struct callback){ function, argument };
}

static void run_ring(void)
{
	while (ring.head != ring.tail) {
		struct callback *next = &ring.entries[ring.head++ % RING_ENTRIES];

		next->function(next->argument);
	}
}

static void count_down(void *left)
{
	if (--*(uint64_t *)left > 0)
		put(count_down, left);
}

struct closure {
	uint64_t key, *sum;
	char rest[FRAME_BYTES - 2 * sizeof(uint64_t)];
};

static void finish_closure(void *argument)
{
	struct closure *closure = (struct closure *)argument;

	*closure->sum += closure->key + 1;
	free(closure);
}

/* A function with arguments of its own goes through the queue, for each step. */
static void allocated_callback(uint64_t count)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++) {
		struct closure *closure = (struct closure *)malloc(sizeof *closure);

		if (closure == NULL)
			abort();
		closure->key = i;
		closure->sum = &sum;
		put(finish_closure, closure);
		run_ring();
	}
	BENCH_OPAQUE(sum);
}

/* Two functions in turn: two passes through the queue for each step. */
static void two_callbacks(uint64_t count)
{
	uint64_t left = count, other_left = count;

	put(count_down, &left);
	put(count_down, &other_left);
	run_ring();
}

/* ---- locked */

static void locked(uint64_t count)
{
	static _Atomic uint64_t counter;

	for (uint64_t i = 0; i < count; i++)
		atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
}

/* ---- sleepers: an allocation for each, which nothing waits for */

static struct bench_sleepers allocate_sleepers(uint64_t count, uint64_t sleep_ms)
{
	struct bench_sleepers result = { 0 };
	char *last = NULL;
	uint64_t started;

	(void)sleep_ms;
	started = bench_now_ns();
	for (uint64_t i = 0; i < count; i++) {
		char *frame = malloc(FRAME_BYTES);

		if (frame == NULL)
			abort();
		memcpy(frame, &last, sizeof last); /* a list, to free them by */
		last = frame;
	}
	result.create_ns = (double)(bench_now_ns() - started);
	started = bench_cpu_ns();
	while (last != NULL) {
		char *frame = last;

		memcpy(&last, frame, sizeof last);
		free(frame);
	}
	result.fire_ns = (double)(bench_cpu_ns() - started);
	return result;
}

#define COUNT_OF(cases) (sizeof(cases) / sizeof *(cases))
#define MANY .batch_min_ns = BENCH_WORKERS_BATCH_NS, .by_workers = true

int main(int argc, char **argv)
{
	static const struct bench_case none[] = {
		{ .bench = "ready_await", .who = "call", .run = ready_await },
		{ .bench = "frame_sync", .who = "malloc", .run = allocate_frame },
		{ .bench = "task_sync", .who = "malloc", .run = allocate_frame },
		{ .bench = "suspend_resume", .who = "callbacks", .run = allocated_callback },
		{ .bench = "round_trip", .who = "callbacks", .run = two_callbacks },
		{ .bench = "round_trip_source", .who = "callbacks", .run = two_callbacks },
		{ .bench = "timers", .who = "malloc", .run = allocate_frame },
		{ .bench = "timers_100k", .who = "malloc", .run = allocate_frame },
		{ .bench = "await_depth", .who = "malloc", .run = allocate_frame },
	};
	static const struct bench_case one[] = {
		{ .bench = "spawn_await", .who = "call", .run = ready_await, MANY },
		{ .bench = "run_await", .who = "callbacks", .run = allocated_callback, MANY },
	};
	static const struct bench_case many[] = {
		{ .bench = "spawn_await", .who = "locked", .run = locked, MANY },
		{ .bench = "run_await", .who = "locked", .run = locked, MANY },
		{ .bench = "suspend_resume", .who = "locked", .run = locked, MANY },
		{ .bench = "round_trip_source", .who = "locked", .run = locked, MANY },
	};

	if (bench_workers() == 1)
		return bench_participant(argc, argv, one, COUNT_OF(one), "", NULL);
	if (bench_workers() > 1)
		return bench_participant(argc, argv, many, COUNT_OF(many), "", NULL);
	return bench_participant(argc, argv, none, COUNT_OF(none), "malloc", allocate_sleepers);
}
