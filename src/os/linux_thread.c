/*
 * linux_thread.c - the part of os.h that is about threads, for Linux: start, end, fork, stack.
 */
#define _GNU_SOURCE
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __has_include
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND
#define RUNNING_ON_VALGRIND 0
#endif

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
	 * A fault goes to the thread that made it. If it were blocked, it would kill the process
	 * without any handler or sanitizer.
	 */
	sigfillset(&blocked);
	for (i = 0; i < sizeof faults / sizeof faults[0]; i++)
		sigdelset(&blocked, faults[i]);
	/* The new thread inherits the mask, so it never runs with a signal unblocked. */
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
	/* A main thread that ended by pthread_exit is a zombie until the process ends. */
	fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		length = read(fd, state, sizeof state - 1);
		close(fd);
	}
	state[length > 0 ? length : 0] = '\0';
	end = strrchr(state, ')'); /* the end of the name */
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
static bide_os_mutex exit_key_lock; /* guards making and deleting it */
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
	BIDE_STORE(&exit_key_is_made, error == 0,
	           RELEASE); /* pairs with the load in bide_os_at_thread_exit_ */
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
	/* What the kernel usually gives to a process. For a size that cannot be known. */
	const size_t usual_bytes = (size_t)8 << 20;
	enum { SMALLEST_BYTES = 16384 };
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	void *low = NULL;
	struct rlimit limit;
	pthread_attr_t attributes;
	bool known = false;

	/*
	 * A main stack without a limit grows until it meets a mapping, so what libc returns is of no
	 * use. Below valgrind it grows by mappings of its own, and libc takes the first for all of it.
	 */
	if (getpid() == (pid_t)syscall(SYS_gettid)) {
		if (getrlimit(RLIMIT_STACK, &limit) != 0)
			limit.rlim_cur = RLIM_INFINITY;
		if (limit.rlim_cur == RLIM_INFINITY || RUNNING_ON_VALGRIND) {
			*size_bytes = limit.rlim_cur < usual_bytes ? (size_t)limit.rlim_cur : usual_bytes;
			return here - *size_bytes;
		}
	}
	if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
		known = pthread_attr_getstack(&attributes, &low, size_bytes) == 0;
		pthread_attr_destroy(&attributes);
	}
	if (known)
		return (uintptr_t)low;
	/* There is no /proc. Every thread has at least this, and most of it is left. */
	*size_bytes = SMALLEST_BYTES;
	return here - SMALLEST_BYTES / 2;
}
