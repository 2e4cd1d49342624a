/* The costs of the host; see host.h. */
#include "host.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

enum {
	CALLS = 50000,
	FENCES = 30,
	FENCE_BATCHES = 12,
	WAKES = 100,
	WAKES_NS = 500 * 1000 * 1000, /* fewer wakes, if the machine is busy */
	LINE_BATCHES = 20,
	LINE_TRIPS = 2000,
	CACHE_LINE_BYTES = 64,
	LIMIT_NS = 20 * 1000 * 1000, /* for a wake, or for a batch of a line's trips */
};

static _Atomic uint32_t word;
static _Atomic int64_t woken_ns;
static _Atomic int mode; /* 0: asleep, 1: spins, 2: waits for the word, 3: ends */

/* Even: the turn of the measuring thread. */
static struct {
	_Alignas(CACHE_LINE_BYTES) _Atomic uint64_t turn;
	char rest[CACHE_LINE_BYTES - sizeof(uint64_t)];
} line;

/*
 * Ends the other thread. Not a value of the turn: the other thread's answer, which may come late,
 * would overwrite it.
 */
static _Atomic bool line_over;

/* The CPUs that this process may use. Each thread of a measurement has one of its own. */
static cpu_set_t allowed;

/* Pins the calling thread to the CPU of that rank among those that are allowed. */
static void pin(int rank)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && rank-- == 0)
			CPU_SET(cpu, &set);
	(void)sched_setaffinity(0, sizeof set, &set); /* without it the figure is worse */
}

static void *other(void *unused)
{
	(void)unused;
	pin(1);
	while (mode != 3) {
		if (mode == 0)
			usleep(500);
		if (mode == 2 && word == 0) {
			syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
			woken_ns = word != 0 ? process_now_ns() : 0;
		}
	}
	return NULL;
}

static int by_value(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static int64_t median(int64_t *values, int count)
{
	qsort(values, (size_t)count, sizeof *values, by_value);
	return values[count / 2];
}

static int64_t call_ns(void)
{
	int64_t least = INT64_MAX;

	for (int batch = 0; batch < 10; batch++) {
		int64_t start = process_now_ns(), took;

		for (int i = 0; i < CALLS / 10; i++)
			syscall(SYS_getppid);
		took = (process_now_ns() - start) / (CALLS / 10);
		least = took < least ? took : least;
	}
	return least;
}

static int64_t fence_batch_ns(void)
{
	static int64_t took[FENCES];

	for (int i = 0; i < FENCES; i++) {
		int64_t start = process_now_ns();

		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
		took[i] = process_now_ns() - start;
	}
	return median(took, FENCES);
}

/*
 * Returns the upper quartile of some batches: a batch is cheap if another program has the CPU of
 * the other thread just then.
 */
static int64_t fence_ns(void)
{
	int64_t batches[FENCE_BATCHES];

	for (int i = 0; i < FENCE_BATCHES; i++) {
		batches[i] = fence_batch_ns();
		usleep(1000);
	}
	qsort(batches, FENCE_BATCHES, sizeof *batches, by_value);
	return batches[FENCE_BATCHES * 3 / 4];
}

static void wake_ns(int64_t *in_call, int64_t *until_run)
{
	static int64_t call[WAKES], run[WAKES];
	int64_t end = process_now_ns() + WAKES_NS;
	int count = 0;

	for (int i = 0; i < WAKES && process_now_ns() < end; i++, count++) {
		int64_t start, limit;

		word = 0;
		woken_ns = 0;
		usleep(1000);
		start = process_now_ns();
		limit = start + LIMIT_NS;
		word = 1;
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		call[i] = process_now_ns() - start;
		while (woken_ns == 0 && process_now_ns() < limit)
			;
		run[i] = (woken_ns != 0 ? woken_ns : limit) - start;
	}
	*in_call = median(call, count);
	*until_run = median(run, count);
}

/* ---- a cache line to another CPU and back */

static void *answer_turns(void *unused)
{
	(void)unused;
	pin(1);
	while (!atomic_load_explicit(&line_over, memory_order_relaxed)) {
		uint64_t turn = atomic_load_explicit(&line.turn, memory_order_acquire);

		if (turn % 2 == 1)
			atomic_store_explicit(&line.turn, turn + 1, memory_order_release);
	}
	return NULL;
}

/* Waits for the answer. Returns false if it did not come in time. */
static bool turn_comes(uint64_t turn, int64_t limit_ns)
{
	uint32_t looks = 0;

	while (atomic_load_explicit(&line.turn, memory_order_acquire) != turn)
		if (++looks % 4096 == 0 && process_now_ns() > limit_ns)
			return false;
	return true;
}

/* Returns the time of a trip, or 0 if the other thread did not answer in time. */
static int64_t line_batch_ns(void)
{
	int64_t start = process_now_ns(), limit = start + LIMIT_NS;
	uint64_t turn = atomic_load(&line.turn);

	turn += turn % 2; /* the answer to the batch before may still come */
	if (!turn_comes(turn, limit))
		return 0;
	for (int i = 0; i < LINE_TRIPS; i++, turn += 2) {
		atomic_store_explicit(&line.turn, turn + 1, memory_order_release);
		if (!turn_comes(turn + 2, limit))
			return 0;
	}
	return (process_now_ns() - start) / LINE_TRIPS;
}

static double line_ns(void)
{
	static int64_t took[LINE_BATCHES];
	pthread_t thread;
	int count = 0;

	if (CPU_COUNT(&allowed) < 2)
		return 0;
	atomic_store(&line.turn, 0);
	atomic_store(&line_over, false);
	if (pthread_create(&thread, NULL, answer_turns, NULL) != 0)
		return 0;
	(void)line_batch_ns(); /* the other thread begins */
	for (int batch = 0; batch < LINE_BATCHES; batch++) {
		took[count] = line_batch_ns();
		count += took[count] > 0;
	}
	atomic_store(&line_over, true);
	pthread_join(thread, NULL);
	return count > 0 ? (double)median(took, count) : 0;
}

/* ---- all of them */

void host_measure(struct host *host)
{
	pthread_t thread;
	int64_t call = 0, run = 0;

	*host = (struct host){ .call_ns = (double)call_ns() };
	if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
		return;
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	mode = 0;
	if (pthread_create(&thread, NULL, other, NULL) != 0)
		return;
	pin(0);
	usleep(2000);
	host->fence_asleep_ns = (double)fence_ns();
	mode = 1;
	usleep(5000);
	host->fence_ns = (double)fence_ns();
	mode = 2;
	wake_ns(&call, &run);
	host->wake_call_ns = (double)call;
	host->wake_ns = (double)run;
	mode = 3;
	word = 1;
	pthread_join(thread, NULL);
	host->line_ns = line_ns();
	(void)sched_setaffinity(0, sizeof allowed, &allowed);
}

void host_describe(const struct host *host, char *out, size_t size)
{
	snprintf(out, size,
	         "system call %.0f ns; membarrier %.1f us, %.1f us if another thread runs; futex wake "
	         "%.1f us in the call, %.1f us until the thread runs; cache line to another CPU and "
	         "back %.0f ns",
	         host->call_ns, host->fence_asleep_ns / 1e3, host->fence_ns / 1e3,
	         host->wake_call_ns / 1e3, host->wake_ns / 1e3, host->line_ns);
}
