/* The costs of the host; see host.h. */
#include "host.h"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../process.h"

enum { CALLS = 50000, FENCES = 300, WAKES = 150 };

static _Atomic uint32_t word;
static _Atomic int64_t woken_ns;
static _Atomic int mode; /* 0: asleep, 1: spins, 2: waits for the word, 3: ends */

static void *other(void *unused)
{
	(void)unused;
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

static int64_t fence_ns(void)
{
	static int64_t took[FENCES];

	for (int i = 0; i < FENCES; i++) {
		int64_t start = process_now_ns();

		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
		took[i] = process_now_ns() - start;
	}
	return median(took, FENCES);
}

static void wake_ns(int64_t *in_call, int64_t *until_run)
{
	static int64_t call[WAKES], run[WAKES];

	for (int i = 0; i < WAKES; i++) {
		int64_t start, limit;

		word = 0;
		woken_ns = 0;
		usleep(1000);
		start = process_now_ns();
		limit = start + 100000000;
		word = 1;
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		call[i] = process_now_ns() - start;
		while (woken_ns == 0 && process_now_ns() < limit)
			;
		run[i] = woken_ns - start;
	}
	*in_call = median(call, WAKES);
	*until_run = median(run, WAKES);
}

void host_describe(char *out, size_t size)
{
	int64_t call = call_ns(), asleep, runs, wake = 0, until = 0;
	pthread_t thread;

	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	mode = 0;
	if (pthread_create(&thread, NULL, other, NULL) != 0) {
		snprintf(out, size, "system call %lld ns", (long long)call);
		return;
	}
	usleep(2000);
	asleep = fence_ns();
	mode = 1;
	usleep(5000);
	runs = fence_ns();
	mode = 2;
	wake_ns(&wake, &until);
	mode = 3;
	word = 1;
	pthread_join(thread, NULL);
	snprintf(out, size,
	         "system call %lld ns; futex wake %.1f us in the call, %.1f us until it runs; fence of "
	         "all threads %.1f us, %.1f us if another runs",
	         (long long)call, (double)wake / 1e3, (double)until / 1e3, (double)asleep / 1e3,
	         (double)runs / 1e3);
}
