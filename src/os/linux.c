/*
 * linux.c - os.h for Linux, with glibc or musl.
 *
 * The only source file that includes pthread and sys headers. The mutex and all that sleeps stand
 * on the futex; their ordering is in atomics, so thread sanitizers understand them without
 * annotations.
 */
#define _GNU_SOURCE
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_S = 1000000000 };

/*
 * The kernel's numbers, by its names. Its headers are a package of their own where libc is musl,
 * and often not there.
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
	 * WAIT_BITSET, because its time is absolute: waking early for nothing does not stretch the
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
	/* Held for some dozen instructions as a rule: a short spin is cheaper than two system calls. */
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

/* ---- threads */

int bide_os_thread_starts_left_ = -1;

int bide_os_open_thread_start_(void *(*run)(void *argument), void *argument)
{
	pthread_t thread;

	if (bide_os_thread_starts_left_ == 0)
		return EAGAIN;
	if (bide_os_thread_starts_left_ > 0)
		bide_os_thread_starts_left_--;
	return pthread_create(&thread, NULL, run, argument);
}

int bide_os_thread_start_(void *(*run)(void *argument), void *argument)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
	sigset_t blocked, before;
	size_t i;
	int error;

	/*
	 * A fault goes to the thread that made it; blocked, it would kill the process past any handler
	 * or sanitizer.
	 */
	sigfillset(&blocked);
	for (i = 0; i < sizeof faults / sizeof faults[0]; i++)
		sigdelset(&blocked, faults[i]);
	/* Inherited by the new thread, which so never runs with a signal open. */
	error = pthread_sigmask(SIG_SETMASK, &blocked, &before);
	if (error)
		return error;
	error = bide_os_open_thread_start_(run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

void bide_os_guard_(void (*run)(void *argument), void (*died)(void *argument), void *argument)
{
	pthread_cleanup_push(died, argument);
	run(argument);
	pthread_cleanup_pop(0);
}

void bide_os_thread_detach_self_(void)
{
	pthread_detach(pthread_self());
}

bool bide_os_main_is_over_(bool or_before)
{
	char state[512], *end;
	ssize_t length = -1;
	int fd;

	if (getpid() == (pid_t)syscall(SYS_gettid))
		return true;
	if (!or_before)
		return false;
	/* What ended by pthread_exit is a zombie until the process ends. */
	fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = read(fd, state, sizeof state - 1);
		close(fd);
	}
	state[length > 0 ? length : 0] = '\0';
	end = strrchr(state, ')'); /* of the name */
	return end && end[1] == ' ' && end[2] == 'Z';
}

bide_os_thread bide_os_thread_self_(void)
{
	return (bide_os_thread)pthread_self();
}

void bide_os_thread_join_(bide_os_thread thread)
{
	pthread_join((pthread_t)thread, NULL);
}

void bide_os_thread_name_(const char *name)
{
	pthread_setname_np(pthread_self(), name);
}

static __thread struct exit_hook {
	void (*run)(void *argument);
	void *argument;
} exit_hook;
static pthread_key_t exit_key;
static bide_os_mutex exit_key_lock; /* of making and deleting it */
static uint32_t exit_key_is_made;

static void run_exit_hook(void *value)
{
	struct exit_hook *hook = value;

	hook->run(hook->argument);
}

static int make_exit_key(void)
{
	int error = 0;

	bide_os_lock_(&exit_key_lock);
	if (!exit_key_is_made)
		error = pthread_key_create(&exit_key, run_exit_hook);
	BIDE_STORE(&exit_key_is_made, error == 0, RELEASE); /* pairs with the look below */
	bide_os_unlock_(&exit_key_lock);
	return error;
}

void bide_os_no_thread_exit_(void)
{
	bide_os_lock_(&exit_key_lock);
	if (exit_key_is_made)
		pthread_key_delete(exit_key);
	BIDE_STORE(&exit_key_is_made, 0u, RELAXED);
	bide_os_unlock_(&exit_key_lock);
}

int bide_os_at_thread_exit_(void (*run)(void *argument), void *argument)
{
	int error;

	if (!BIDE_LOAD(&exit_key_is_made, ACQUIRE) && (error = make_exit_key()) != 0)
		return error;
	exit_hook.run = run;
	exit_hook.argument = argument;
	return pthread_setspecific(exit_key, &exit_hook);
}

int bide_os_at_fork_(void (*before)(void), void (*in_parent)(void), void (*in_child)(void))
{
	return pthread_atfork(before, in_parent, in_child);
}

const void *bide_os_thread_id_(void)
{
	static __thread char here;

	return &here;
}

uintptr_t bide_os_stack_low_(size_t *size_bytes)
{
	/* For what cannot be known: what the kernel gives to a process as a rule. */
	const size_t usual_bytes = (size_t)8 << 20;
	enum { SMALLEST_BYTES = 16384 };
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	void *low = NULL;
	struct rlimit limit;
	pthread_attr_t attributes;
	bool known = false;

	/*
	 * The main stack without a limit grows until it meets a mapping: what libc says of it is not
	 * usable.
	 */
	if (getpid() == (pid_t)syscall(SYS_gettid) &&
	    (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)) {
		*size_bytes = usual_bytes;
		return here - usual_bytes;
	}
	if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
		known = pthread_attr_getstack(&attributes, &low, size_bytes) == 0;
		pthread_attr_destroy(&attributes);
	}
	if (known)
		return (uintptr_t)low;
	*size_bytes =
		SMALLEST_BYTES; /* no /proc: every thread has at least this, and most of it is left */
	return here - SMALLEST_BYTES / 2;
}

/* ---- memory, output, environment */

void *bide_os_allocate_(size_t size_bytes, size_t alignment)
{
	size_t rounded_bytes = (size_bytes + alignment - 1) & ~(alignment - 1);

	if (alignment <= _Alignof(max_align_t))
		return malloc(size_bytes);
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
			return; /* there is no way to report it */
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
