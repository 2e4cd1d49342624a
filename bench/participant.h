/*
 * participant.h - shared by the participants in C and C++ (C11 and C++20): the protocol of
 * README.md and the stop-watch. A participant is a table of cases and a call of
 * bench_participant().
 *
 * Timing pass: CLOCK_MONOTONIC around each of 25 batches of at least 2 ms, with nothing interposed.
 * A case with several threads has fewer and longer batches.
 *
 * Counting pass: another process, with bench_allocations.so preloaded; see allocations.c.
 */
#ifndef BENCH_PARTICIPANT_H
#define BENCH_PARTICIPANT_H

#include <dirent.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "count_names.h"

/* A measured function is never inlined, and the compiler must not know the value. */
#define BENCH_NOINLINE __attribute__((noinline))
#define BENCH_OPAQUE(value) __asm__ volatile("" : "+r"(value))
#define BENCH_MEMORY() __asm__ volatile("" ::: "memory")

enum {
	BENCH_BATCHES = 25,
	BENCH_BATCH_MIN_NS = 2 * 1000 * 1000, /* less than a time slice: some run undisturbed */
	BENCH_BATCH_AIM_PERCENT = 125,        /* of the minimum */
	/*
	 * With several threads, starting and waking them must not count. So their batches are longer:
	 * 0.3 seconds of them, but at least three.
	 */
	BENCH_WORKERS_BATCH_NS = 20 * 1000 * 1000,
	BENCH_WORKERS_SPENT_NS = 300 * 1000 * 1000,
	BENCH_WORKERS_BATCHES_MIN = 3,
	BENCH_COUNTED = 2000, /* operations in the counting pass */
	BENCH_CASES_MAX = 32,
};

/*
 * The same work in every language. fib(27) has 635,621 calls, each a real one; every call but a
 * leaf forks one of its two. Skynet is a tree with 10 children per node, whose leaves are numbered
 * and summed.
 */
enum {
	BENCH_FIB = 27,
	BENCH_FIB_RESULT = 196418,
	BENCH_FIB_CALLS = 635621,
	BENCH_FIB_LOAD = 20, /* for a second of load in small pieces */
	BENCH_SKYNET_LEAVES = 1000 * 1000,
	BENCH_SKYNET_TASKS = 1111111,
	BENCH_INJECTED = 10 * 1000,
	BENCH_PAUSE_NS = 1000 * 1000, /* long enough for a worker without work to fall asleep */
	BENCH_LOAD_NS = 1000 * 1000 * 1000,
	BENCH_IDLE_NS = 1000 * 1000 * 1000,
	/* Two stages that compute; the median of some runs. */
	BENCH_STAGE_NS = 1000 * 1000,
	BENCH_STAGE_ITEMS = 50,
	BENCH_STAGE_RUNS = 5,
	/* One function is published after a chain of others; then its publisher computes. */
	BENCH_HIDDEN_CHAIN = 2000,
	BENCH_HIDDEN_NS = 2 * 1000 * 1000,
	BENCH_HIDDEN_RUNS = 51,
	/* Two forks, a short one and a long one, and then a long leaf. */
	BENCH_LEAF_SHORT_NS = 1000 * 1000,
	BENCH_LEAF_NS = 5 * 1000 * 1000,
	BENCH_LEAF_RUNS = 15,
};

struct bench_case {
	const char *bench;           /* a row of the table, e.g. "ready_await" */
	const char *who;             /* the participant that it answers for, e.g. "call" */
	void (*run)(uint64_t count); /* does `count` steps */
	/*
	 * Operations in one step; 0 means 1. Of a case that is done alone: only for the counts of the
	 * scheduler; 0 means that these are not read.
	 */
	uint64_t operations;
	void (*prepare)(void); /* run before and after a measurement, untimed; may be NULL */
	void (*clean)(void);
	uint64_t batch_min_ns; /* 0 means BENCH_BATCH_MIN_NS; otherwise the case has several threads */
	bool by_workers;       /* the row's name ends in the number of workers: "skynet_2" */
	/*
	 * Replaces run. Returns the time of the steps in the row's unit, without the pauses between
	 * them. Its allocations are not counted.
	 */
	double (*timed)(uint64_t count);
	bool alone; /* one batch of one step, without a warm-up */
};

/* The result of one run in a fresh process. Times are in nanoseconds for all `count` sleepers. */
struct bench_sleepers {
	bool early;       /* one woke before the last one slept */
	double create_ns; /* wall time until all sleep */
	double fire_ns;   /* CPU time of the process from then until all are done */
};

typedef struct bench_sleepers (*bench_sleepers_fn)(uint64_t count, uint64_t sleep_ms);

static inline uint64_t bench_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t bench_now_ns(void)
{
	return bench_clock_ns(CLOCK_MONOTONIC);
}

static inline uint64_t bench_cpu_ns(void)
{
	return bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/* The same timer lengths in every language: 10 s to about 75 s, xorshift from a fixed seed. */
static inline uint64_t bench_next_delay_ms(uint32_t *state)
{
	uint32_t x = *state ? *state : 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*state = x;
	return 10000 + (x & 0xffff);
}

/* Reads the allocations so far from the preloaded counter. Returns false if it is not loaded. */
static inline bool bench_allocations(uint64_t *count, uint64_t *bytes)
{
	void (*read_counter)(uint64_t *, uint64_t *) = NULL;
	void *symbol = dlsym(RTLD_DEFAULT, "bench_allocations_read");

	if (symbol == NULL)
		return false;
	memcpy(&read_counter, &symbol, sizeof symbol);
	read_counter(count, bytes);
	return true;
}

static inline uint64_t bench_peak_bytes(void)
{
	char line[256];
	uint64_t kib = 0;
	FILE *status = fopen("/proc/self/status", "r");

	if (status == NULL)
		return 0;
	while (fgets(line, sizeof line, status) != NULL)
		if (sscanf(line, "VmHWM: %" SCNu64, &kib) == 1)
			break;
	fclose(status);
	return kib * 1024;
}

/* Returns the number of workers of this process, or 0 for one thread that does everything. */
static inline int bench_workers(void)
{
	const char *text = getenv("BENCH_WORKERS");

	return text != NULL ? atoi(text) : 0;
}

static inline const char *bench_name(const struct bench_case *test)
{
	static char name[64];

	snprintf(name, sizeof name, "%.40s", test->bench);
	if (test->by_workers)
		snprintf(name, sizeof name, "%.40s_%d", test->bench, bench_workers());
	return name;
}

/* Returns the number of leaves of skynet in the case "scale". */
static inline uint64_t *bench_scale_leaves(void)
{
	static uint64_t leaves;

	return &leaves;
}

/*
 * Returns why this process can do nothing that it lists, or an empty text. Each row then says so.
 */
static inline char *bench_refusal(void)
{
	static char reason[128];

	return reason;
}

/* Stores what the scheduler has counted so far. */
typedef void (*bench_counts_fn)(uint64_t counts[COUNT_COUNT]);

/* Returns the function that reads the counts; NULL, as from the beginning: there are none. */
static inline bench_counts_fn *bench_counts_reader(void)
{
	static bench_counts_fn reader;

	return &reader;
}

#define bench_refuse(...) ((void)snprintf(bench_refusal(), 128, __VA_ARGS__))

/* For a loop that waits for another thread, which gets this CPU if it has none. */
static inline void bench_spin(unsigned *turn)
{
	if (++*turn % 10000 == 0)
		sched_yield();
}

#ifdef CPU_SET /* of _GNU_SOURCE */
/* Has this thread run on one CPU. It may fail with a single CPU. */
static inline void bench_pin(size_t cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof set, &set);
}
#endif

static inline void bench_pause(uint64_t pause_ns)
{
	uint64_t until = bench_now_ns() + pause_ns;

	while (bench_now_ns() < until)
		;
}

/*
 * Has the kernel account for what the other threads have run so far. The clock of the process has
 * that of a thread that runs only up to the last tick, which is up to 10 ms.
 */
static inline void bench_account(void)
{
	DIR *threads = opendir("/proc/self/task");
	struct dirent *entry;
	struct timespec time;

	while (threads && (entry = readdir(threads)) != NULL) {
		long id = strtol(entry->d_name, NULL, 10);

		if (id > 0) /* the CPU clock of a thread: linux/posix-timers.h */
			(void)clock_gettime((clockid_t)(~(unsigned long)id << 3 | 6), &time);
	}
	if (threads)
		closedir(threads);
}

/*
 * For idle_cpu: returns the microseconds of CPU time of the process while this thread sleeps for a
 * second.
 */
static inline double bench_idle_cpu_us(void)
{
	struct timespec second = { .tv_sec = BENCH_IDLE_NS / 1000000000, .tv_nsec = 0 };
	uint64_t before;

	bench_account();
	before = bench_cpu_ns();

	nanosleep(&second, NULL);
	return (double)(bench_cpu_ns() - before) / 1e3;
}

static inline double bench_batch_ns(const struct bench_case *test, uint64_t count)
{
	uint64_t started = bench_now_ns();

	if (test->timed != NULL)
		(void)test->timed(count);
	else
		test->run(count);
	return (double)(bench_now_ns() - started);
}

/* Returns the result of a batch: its time, or the value that the case itself measured. */
static inline double bench_batch_value(const struct bench_case *test, uint64_t count)
{
	return test->timed != NULL ? test->timed(count) : bench_batch_ns(test, count);
}

/* Finds the number of steps of a batch. Later rounds keep `count`, and this only warms up. */
static inline void bench_calibrate(const struct bench_case *test, uint64_t *count)
{
	const double min_ns = (double)(test->batch_min_ns ? test->batch_min_ns : BENCH_BATCH_MIN_NS);
	const double aim_ns = min_ns * 1.25;
	double elapsed_ns;

	if (*count == 0)
		*count = 1;
	while ((elapsed_ns = bench_batch_ns(test, *count)) < min_ns) {
		if (elapsed_ns < aim_ns / 16)
			*count *= 8;
		else
			*count = (uint64_t)((double)*count * aim_ns / elapsed_ns) + 1;
	}
}

static inline bool bench_enough(const struct bench_case *test, int done, uint64_t started_ns)
{
	if (test->alone || done >= BENCH_BATCHES)
		return done > 0;
	return test->batch_min_ns > 0 && done >= BENCH_WORKERS_BATCHES_MIN &&
	       bench_now_ns() - started_ns >= BENCH_WORKERS_SPENT_NS;
}

/* Measures nanoseconds per operation in each batch. Returns the number of batches. */
static inline int bench_measure(const struct bench_case *test, uint64_t *count,
                                double batches_ns[BENCH_BATCHES])
{
	uint64_t operations = test->operations && !test->alone ? test->operations : 1, started_ns;
	int done = 0;

	if (test->prepare != NULL)
		test->prepare();
	if (test->alone)
		*count = 1;
	else
		bench_calibrate(test, count);
	for (started_ns = bench_now_ns(); !bench_enough(test, done, started_ns); done++)
		batches_ns[done] = bench_batch_value(test, *count) / (double)*count / (double)operations;
	if (test->clean != NULL)
		test->clean();
	return done;
}

/* The line stays open for the counts. */
static inline void bench_print_batches(const struct bench_case *test,
                                       const double batches_ns[BENCH_BATCHES], int count)
{
	printf("{\"bench\":\"%s\",\"who\":\"%s\",\"batches\":[", bench_name(test), test->who);
	for (int i = 0; i < count; i++)
		printf("%s%.4f", i ? "," : "", batches_ns[i]);
	putchar(']');
}

/*
 * Prints what the scheduler counts for a million operations, in a batch that is as long as all the
 * timed ones, so that its start and its end hardly count. With one worker nothing is counted.
 */
static inline void bench_print_counts(const struct bench_case *test, uint64_t count)
{
	static const char *const names[] = {
#define BENCH_COUNT_NAME(id, name, ...) name,
		BENCH_COUNTS(BENCH_COUNT_NAME)
#undef BENCH_COUNT_NAME
	};
	uint64_t steps = test->alone ? 1 : count * (BENCH_WORKERS_SPENT_NS / BENCH_WORKERS_BATCH_NS);
	uint64_t before[COUNT_COUNT], after[COUNT_COUNT];
	double millions = (double)steps * (double)(test->operations ? test->operations : 1) / 1e6;

	if (*bench_counts_reader() == NULL || bench_workers() < 2 ||
	    (test->alone && test->operations == 0))
		return;
	if (test->prepare != NULL)
		test->prepare();
	(*bench_counts_reader())(before);
	(void)bench_batch_ns(test, steps);
	(*bench_counts_reader())(after);
	if (test->clean != NULL)
		test->clean();
	for (int i = 0; i < COUNT_COUNT; i++)
		printf(",\"%s\":%.2f", names[i], (double)(after[i] - before[i]) / millions);
}

/*
 * Counts allocations per operation: those of 2n steps minus those of n, so that what a batch itself
 * needs (a root frame, the first pages of a pool) does not count.
 */
static inline bool bench_count(const struct bench_case *test, double *allocs, double *bytes)
{
	uint64_t operations = test->operations ? test->operations : 1;
	uint64_t steps = BENCH_COUNTED / operations + 1;
	uint64_t count[3], size[3];

	if (test->timed != NULL || !bench_allocations(&count[0], &size[0]))
		return false;
	if (test->prepare != NULL)
		test->prepare();
	test->run(2 * steps);
	bench_allocations(&count[0], &size[0]);
	test->run(steps);
	bench_allocations(&count[1], &size[1]);
	test->run(2 * steps);
	bench_allocations(&count[2], &size[2]);
	if (test->clean != NULL)
		test->clean();
	*allocs = ((double)(count[2] - count[1]) - (double)(count[1] - count[0])) /
	          (double)(steps * operations);
	*bytes =
		((double)(size[2] - size[1]) - (double)(size[1] - size[0])) / (double)(steps * operations);
	return true;
}

/* Answers a question. `scale <leaves>` asks the case "scale", with another batch size each time. */
static inline void bench_answer(const struct bench_case *cases, size_t case_count,
                                const char *command, const char *argument)
{
	static uint64_t counts[BENCH_CASES_MAX];
	bool scale = strcmp(command, "scale") == 0, found = false;
	const char *bench = scale ? "scale" : argument;

	if (bench_refusal()[0] != '\0') {
		printf("skip %s %s\n", bench, bench_refusal());
		return;
	}
	if (scale)
		*bench_scale_leaves() = strtoull(argument, NULL, 10);

	for (size_t i = 0; i < case_count; i++) {
		double batches_ns[BENCH_BATCHES], allocs, bytes;

		if (strcmp(bench_name(&cases[i]), bench) != 0)
			continue;
		found = true;
		if (scale)
			counts[i] = 0;
		if (scale || strcmp(command, "run") == 0) {
			int count = bench_measure(&cases[i], &counts[i], batches_ns);

			bench_print_batches(&cases[i], batches_ns, count);
			if (!scale)
				bench_print_counts(&cases[i], counts[i]);
			puts("}");
		} else if (bench_count(&cases[i], &allocs, &bytes)) {
			printf("{\"bench\":\"%s\",\"who\":\"%s\",\"allocs\":%.3f,\"bytes\":%.1f}\n", bench,
			       cases[i].who, allocs, bytes);
		}
	}
	if (found)
		puts(".");
	else
		printf("skip %s not offered\n", bench);
}

/* Answers `once sleepers <who> <count> <ms>` with one line; then the process ends. */
static inline int bench_once(int argc, char **argv, const char *who, bench_sleepers_fn sleepers)
{
	uint64_t count, before[2] = { 0, 0 }, after[2] = { 0, 0 };
	struct bench_sleepers result;

	if (argc != 6 || sleepers == NULL || strcmp(argv[2], "sleepers") != 0 ||
	    strcmp(argv[3], who) != 0 || (count = strtoull(argv[4], NULL, 10)) == 0) {
		fprintf(stderr, "usage: %s once sleepers %s <count> <ms>\n", argv[0], who);
		return 2;
	}
	bench_allocations(&before[0], &before[1]);
	result = sleepers(count, strtoull(argv[5], NULL, 10));
	bench_allocations(&after[0], &after[1]);
	printf("{\"bench\":\"sleepers\",\"who\":\"%s\",\"early\":%d,\"peak_bytes\":%" PRIu64
	       ",\"create_ns\":%.0f,\"fire_ns\":%.0f,\"total_allocs\":%" PRIu64
	       ",\"total_bytes\":%" PRIu64 "}\n.\n",
	       who, result.early, bench_peak_bytes(), result.create_ns, result.fire_ns,
	       after[0] - before[0], after[1] - before[1]);
	return 0;
}

/* Answers the harness until it closes its end of the pipe. `sleepers` may be NULL. */
static inline int bench_participant(int argc, char **argv, const struct bench_case *cases,
                                    size_t case_count, const char *sleeper,
                                    bench_sleepers_fn sleepers)
{
	char line[256], command[16], bench[64];

	if (case_count > BENCH_CASES_MAX)
		abort();
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "once") == 0)
		return bench_once(argc, argv, sleeper, sleepers);
	while (fgets(line, sizeof line, stdin) != NULL) {
		int words = sscanf(line, "%15s %63s", command, bench);

		if (words == 1 && strcmp(command, "list") == 0) {
			for (size_t i = 0; i < case_count; i++)
				printf("%s %s\n", bench_name(&cases[i]), cases[i].who);
			if (sleepers != NULL)
				printf("sleepers %s\n", sleeper);
			puts(".");
		} else if (words == 2 && (strcmp(command, "run") == 0 || strcmp(command, "count") == 0 ||
		                          strcmp(command, "scale") == 0)) {
			bench_answer(cases, case_count, command, bench);
		} else {
			printf("skip %s unknown command\n", words > 1 ? bench : "-");
		}
	}
	return 0;
}

#endif
