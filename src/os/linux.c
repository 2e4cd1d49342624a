/*
 * linux.c - os.h for Linux, with glibc or musl: clock, futex, mutex, memory, output, environment,
 * fences. The others are in linux_thread.c, linux_signal.c and cpu.c.
 *
 * The mutex and all that sleeps use the futex. Atomics give the order, so that thread sanitizers
 * understand them without annotations.
 */
#define _GNU_SOURCE
#include "os/os.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000 };

/*
 * The numbers of the kernel, under its names. With musl the headers of the kernel are a package of
 * their own, which is often missing.
 */
enum {
	FUTEX_WAKE = 1,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_PRIVATE_FLAG = 128,
	FUTEX_BITSET_MATCH_ANY = -1,
	MEMBARRIER_CMD_PRIVATE_EXPEDITED = 1 << 3,
	MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 1 << 4
};

int64_t bide_os_now_ns_(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ---- futex and mutex */

void bide_os_wait_(uint32_t *word, uint32_t expected, int64_t deadline_ns)
{
	struct timespec deadline = { 0 };

	if (deadline_ns > 0) {
		deadline.tv_sec = (time_t)(deadline_ns / NS_PER_S);
		deadline.tv_nsec = (long)(deadline_ns % NS_PER_S);
	}
	/*
	 * WAIT_BITSET, because its time is absolute: a wake-up without a reason does not prolong the
	 * wait.
	 */
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
	        deadline_ns == INT64_MAX ? NULL : &deadline, NULL, FUTEX_BITSET_MATCH_ANY);
}

void bide_os_wake_(uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
}

void bide_os_lock_(bide_os_mutex *mutex)
{
	uint32_t seen = 0;
	unsigned tries;

	if (BIDE_CAS(&mutex->state, &seen, 1, ACQUIRE, RELAXED)) /* pairs with the release of unlock */
		return;
	/* Usually held for some dozen instructions: a short spin is cheaper than two system calls. */
	for (tries = 0; tries < 50; tries++) {
		BIDE_RELAX();
		seen = 0;
		if (BIDE_LOAD(&mutex->state, RELAXED) == 0 &&
		    BIDE_CAS(&mutex->state, &seen, 1, ACQUIRE, RELAXED))
			return;
	}
	while (BIDE_SWAP(&mutex->state, 2, ACQUIRE) != 0) /* pairs with the release of unlock */
		bide_os_wait_(&mutex->state, 2, INT64_MAX);
}

void bide_os_unlock_(bide_os_mutex *mutex)
{
	if (BIDE_SWAP(&mutex->state, 0, RELEASE) == 2) /* pairs with the acquire of lock */
		bide_os_wake_(&mutex->state, 1);
}

/* ---- memory, output, environment */

void *bide_os_allocate_(size_t size_bytes, size_t alignment)
{
	size_t rounded_bytes;

	if (alignment <= _Alignof(max_align_t))
		return malloc(size_bytes);
	rounded_bytes = (size_bytes + alignment - 1) & ~(alignment - 1);
	return rounded_bytes < size_bytes ? NULL : aligned_alloc(alignment, rounded_bytes);
}

void bide_os_release_(void *memory)
{
	free(memory);
}

int bide_os_last_error_(void)
{
	return errno;
}

void bide_os_print_(const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t wrote = write(STDERR_FILENO, text, left);

		if (wrote < 0 && errno != EINTR)
			return; /* it cannot be reported */
		if (wrote > 0) {
			text += wrote;
			left -= (size_t)wrote;
		}
	}
}

bool bide_os_environment_is_(const char *name, const char *value)
{
	const char *found = secure_getenv(name);

	return found && strcmp(found, value) == 0;
}

const char *bide_os_environment_text_(const char *name)
{
	return secure_getenv(name);
}

unsigned bide_os_environment_number_(const char *name, unsigned max)
{
	const char *found = secure_getenv(name);
	char *end;
	unsigned long number;

	if (!found || *found < '0' || *found > '9')
		return 0;
	number = strtoul(found, &end, 10);
	return *end == '\0' && number <= max ? (unsigned)number : 0;
}

/* ---- fences and pauses */

static bool has_membarrier; /* written before the first thief exists */

bool bide_os_membarrier_start_(void)
{
	has_membarrier = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
	return has_membarrier;
}

bool bide_os_heavy_fence_(void)
{
	if (has_membarrier && syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
		bide_os_print_("bide: membarrier worked and is refused now (a seccomp filter that was set "
		               "after the runtime began?): it cannot be done without\n");
		abort();
	}
	return has_membarrier;
}

void bide_os_pause_(unsigned tries)
{
	enum { SPINS = 64, YIELDS = 32, SLEEP_NS = 50000 };

	if (tries < SPINS)
		BIDE_RELAX();
	else if (tries < SPINS + YIELDS)
		sched_yield();
	else
		nanosleep(&(struct timespec){ .tv_nsec = SLEEP_NS }, NULL);
}
