/*
 * os.h - all that the runtime asks of the operating system: clock, futex, mutex, threads, stack,
 * memory, output, environment, signals, fences. event.h has descriptors, catcher.h has handlers of
 * signals.
 *
 * Everything else in the library is portable C over these calls. A port to another system needs its
 * own versions of the linux sources and of cpu.c. Nothing here calls back into the library. Only
 * functions for which an error is named can fail.
 */
#ifndef BIDE_OS_OS_H
#define BIDE_OS_OS_H

#include <bide/abi.h>

/* Returns CLOCK_MONOTONIC in nanoseconds. */
BIDE_INTERNAL int64_t bide_os_now_ns_(void);

/*
 * Sleeps while *word == expected, at most until deadline_ns of that clock (INT64_MAX: no limit). It
 * may also return without a reason, as after a signal, so the caller looks at the word again. Pairs
 * with a store to the word that precedes bide_os_wake_.
 */
BIDE_INTERNAL void bide_os_wait_(uint32_t *word, uint32_t expected, int64_t deadline_ns);
/* Wakes up to count threads that sleep on the word. */
BIDE_INTERNAL void bide_os_wake_(uint32_t *word, int count);

/*
 * Unlocked when zero. Not recursive, not fair. Cost without contention: one locked instruction each
 * way.
 */
typedef struct bide_os_mutex {
	uint32_t state; /* 0: free; 1: held; 2: held, and a thread may sleep on it; a futex */
} bide_os_mutex;

BIDE_INTERNAL void bide_os_lock_(bide_os_mutex *mutex);
BIDE_INTERNAL void bide_os_unlock_(bide_os_mutex *mutex);

typedef uintptr_t bide_os_thread;

/*
 * Calls run(argument). If that call ends the thread (pthread_exit, pthread_cancel), died(argument)
 * is called on the thread before the thread ends.
 */
BIDE_INTERNAL void bide_os_guard_(void (*run)(void *argument), void (*died)(void *argument),
                                  void *argument);

/*
 * How many threads can still be started before starting one fails with EAGAIN; any number if it is
 * below 0. Only tests write it.
 */
extern BIDE_INTERNAL int bide_os_thread_starts_left_;

/*
 * Starts a joinable thread. All signals are blocked in it except those of its own faults, so that
 * handlers of the program run on threads of the program. Returns 0, or the error number of
 * pthread_create. The new thread stores its bide_os_thread_self_() for the thread that will join
 * it.
 */
BIDE_INTERNAL int bide_os_thread_start_(void *(*run)(void *argument), void *argument);
BIDE_INTERNAL bide_os_thread bide_os_thread_self_(void);
BIDE_INTERNAL void bide_os_thread_join_(bide_os_thread thread);
/* Names this thread, for ps and debuggers. At most 15 characters. */
BIDE_INTERNAL void bide_os_thread_name_(const char *name);

/*
 * Sets what is called when this thread ends: run(argument). A later call replaces an earlier one.
 * Returns 0; ENOMEM; EAGAIN if no key is left.
 */
BIDE_INTERNAL int bide_os_at_thread_exit_(void (*run)(void *argument), void *argument);

/* Cancels bide_os_at_thread_exit_ for all threads, and frees the key. */
BIDE_INTERNAL void bide_os_no_thread_exit_(void);

/*
 * Called by a thread that ends. Returns true if it is the main thread or, with `or_before`, if the
 * main thread has ended already.
 */
BIDE_INTERNAL bool bide_os_main_is_over_(bool or_before);
/* As bide_os_thread_start_, but with the signal mask of the caller. */
BIDE_INTERNAL int bide_os_open_thread_start_(void *(*run)(void *argument), void *argument);
/* No thread will join this thread. */
BIDE_INTERNAL void bide_os_thread_detach_self_(void);

/*
 * Registers what is called at each fork(2): before it, and after it in the parent and in the child.
 * Returns 0 or ENOMEM. A registration cannot be undone.
 */
BIDE_INTERNAL int bide_os_at_fork_(void (*before)(void), void (*in_parent)(void),
                                   void (*in_child)(void));

/* Returns an address that is unique among living threads. Cost: one instruction. */
BIDE_INTERNAL const void *bide_os_thread_id_(void);

/*
 * Returns the lowest usable address of this thread's stack, and stores the size of the stack. If
 * the stack has no limit, it takes 8 MiB below the caller. Cost: on the main thread it reads
 * /proc/self/maps, so call it once for each thread.
 */
BIDE_INTERNAL uintptr_t bide_os_stack_low_(size_t *size_bytes);

/*
 * Returns how many CPUs this process may use, at least 1: those of its affinity mask, but not more
 * than the CPU quota of its cgroups allows, rounded up. Cost: it reads some files of /proc and
 * /sys.
 */
BIDE_INTERNAL unsigned bide_os_cpu_count_(void);
/*
 * Returns how many CPUs the quota alone allows, or 0 if there is no limit. `root` is put before
 * every path and does not end with a slash; "" stands for the real files.
 */
BIDE_INTERNAL unsigned bide_os_cgroup_cpu_count_(const char *root);

/* Returns NULL if there is no memory. The alignment is a power of two. */
BIDE_INTERNAL void *bide_os_allocate_(size_t size_bytes, size_t alignment);
BIDE_INTERNAL void bide_os_release_(void *memory);

/* Returns the error of the last call by this thread, in this file or event.h, that returned -1. */
BIDE_INTERNAL int bide_os_last_error_(void);

/* Writes all of the text to standard error, unbuffered. */
BIDE_INTERNAL void bide_os_print_(const char *text);

/*
 * Returns true if that environment variable has that value. In a program that runs with more rights
 * than its user has, these three find no variable.
 */
BIDE_INTERNAL bool bide_os_environment_is_(const char *name, const char *value);

/* Returns the number in that variable, or 0 if it is not set or is no number from 1 to max. */
BIDE_INTERNAL unsigned bide_os_environment_number_(const char *name, unsigned max);

/* Returns the text in that variable, or NULL if it is not set. */
BIDE_INTERNAL const char *bide_os_environment_text_(const char *name);

/* Returns true if a program can handle it and go on: it is not SIGKILL, SIGSTOP or a fault. */
BIDE_INTERNAL bool bide_os_signal_can_be_caught_(int number);
/*
 * Returns the signal of this name ("SIGQUIT", "QUIT") or number. Returns 0 if there is none, or if
 * it cannot be counted (those of faults, SIGKILL, SIGSTOP).
 */
BIDE_INTERNAL int bide_os_signal_number_(const char *text);
/*
 * From now on the signal adds 1 to the word and wakes a thread that sleeps on it. A process has
 * only one such word. Returns 0 or the error number of sigaction.
 */
BIDE_INTERNAL int bide_os_signal_count_(int number, uint32_t *word);
/* Unblocks the signal in this thread. */
BIDE_INTERNAL void bide_os_signal_open_(int number);

/*
 * bide_os_heavy_fence_ is a fence on all processors that run threads of this process. Call
 * bide_os_membarrier_start_ once before the first. Both return false if the kernel has no such
 * fence. Cost: about a microsecond.
 */
BIDE_INTERNAL bool bide_os_membarrier_start_(void);
BIDE_INTERNAL bool bide_os_heavy_fence_(void);

/*
 * One step of waiting for another thread: spins, in later tries yields, and then sleeps 50
 * microseconds. The caller counts `tries` up from 0.
 */
BIDE_INTERNAL void bide_os_pause_(unsigned tries);

#endif
