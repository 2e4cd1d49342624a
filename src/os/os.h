/*
 * os.h - the whole operating-system surface: clock, futex, mutex, threads, stack, memory, output.
 *
 * Everything else of the library is portable C over these calls; a port to another system is
 * another file beside linux.c. Nothing here calls back into the library, and nothing but
 * bide_os_thread_start_ and bide_os_allocate_ can fail where no error is named.
 */
#ifndef BIDE_OS_H
#define BIDE_OS_H

#include <bide/abi.h>

/* CLOCK_MONOTONIC in nanoseconds. */
BIDE_INTERNAL int64_t bide_os_now_ns_(void);

/*
 * Sleeps while *word == expected, at most until deadline_ns of that clock (INT64_MAX: no limit).
 * Also returns for no reason (signals): look at the word again. Pairs with a store to the word that
 * precedes bide_os_wake_.
 */
BIDE_INTERNAL void bide_os_wait_(uint32_t *word, uint32_t expected, int64_t deadline_ns);
/* Wakes up to count threads that sleep on the word. */
BIDE_INTERNAL void bide_os_wake_(uint32_t *word, int count);

/* Unlocked when zero. Not recursive; not fair. Uncontended: one locked instruction each way. */
typedef struct bide_os_mutex {
	uint32_t state; /* 0 free, 1 held, 2 held and a thread may sleep on it */
} bide_os_mutex;

BIDE_INTERNAL void bide_os_lock_(bide_os_mutex *mutex);
BIDE_INTERNAL void bide_os_unlock_(bide_os_mutex *mutex);

typedef uintptr_t bide_os_thread;

/*
 * Calls run(argument). If that ends the thread instead of returning (pthread_exit, pthread_cancel),
 * died(argument) is called on the thread, and the thread ends.
 */
BIDE_INTERNAL void bide_os_guard_(void (*run)(void *argument), void (*died)(void *argument),
                                  void *argument);

/*
 * How many threads can still be started before that fails with EAGAIN; below 0: any number. Written
 * by tests only.
 */
extern BIDE_INTERNAL int bide_os_thread_starts_left_;

/*
 * A joinable thread with all signals blocked but those of its own faults: the user's handlers run
 * on the user's threads. 0, or the error number of pthread_create. The thread to which it gives its
 * bide_os_thread_self_() joins it.
 */
BIDE_INTERNAL int bide_os_thread_start_(void *(*run)(void *argument), void *argument);
BIDE_INTERNAL bide_os_thread bide_os_thread_self_(void);
BIDE_INTERNAL void bide_os_thread_join_(bide_os_thread thread);
/* Of this thread, for ps and debuggers; at most 15 characters. */
BIDE_INTERNAL void bide_os_thread_name_(const char *name);

/*
 * Has run(argument) called when this thread ends; a second call replaces the first. 0, ENOMEM,
 * EAGAIN (no key left).
 */
BIDE_INTERNAL int bide_os_at_thread_exit_(void (*run)(void *argument), void *argument);

/* Forgets what bide_os_at_thread_exit_ was given, of all threads, and gives the key back. */
BIDE_INTERNAL void bide_os_no_thread_exit_(void);

/*
 * At the end of a thread: it is the one that runs main. or_before: or that one has ended already.
 */
BIDE_INTERNAL bool bide_os_main_is_over_(bool or_before);
/* A joinable thread with the signals of the calling one; else as bide_os_thread_start_. */
BIDE_INTERNAL int bide_os_open_thread_start_(void *(*run)(void *argument), void *argument);
/* No thread will join the calling thread. */
BIDE_INTERNAL void bide_os_thread_detach_self_(void);

/*
 * Has these called at each fork(2): before it, and after it in the parent and in the child. 0, or
 * ENOMEM. What is registered stays.
 */
BIDE_INTERNAL int bide_os_at_fork_(void (*before)(void), void (*in_parent)(void),
                                   void (*in_child)(void));

/* Differs between threads that live at the same time. Cost: one instruction. */
BIDE_INTERNAL const void *bide_os_thread_id_(void);

/*
 * The lowest usable address of this thread's stack and its size. Where the kernel sets no limit: 8
 * MiB below the caller. Cost: on the main thread it reads /proc/self/maps; call it once a thread.
 */
BIDE_INTERNAL uintptr_t bide_os_stack_low_(size_t *size_bytes);

/*
 * How many CPUs this process may use: those of its affinity mask, but not more than the CPU quota
 * of its cgroups is worth, rounded up. At least 1. Cost: reads some files of /proc and /sys.
 */
BIDE_INTERNAL unsigned bide_os_cpu_count_(void);
/*
 * What the quota alone allows; 0: it limits nothing. root: put before every path, without a slash
 * at its end; "" for the real ones.
 */
BIDE_INTERNAL unsigned bide_os_cgroup_cpu_count_(const char *root);

/* NULL: no memory. alignment: a power of two. */
BIDE_INTERNAL void *bide_os_allocate_(size_t size_bytes, size_t alignment);
BIDE_INTERNAL void bide_os_release_(void *memory);

/* Why the call of this file or of event.h failed that this thread made last and that says -1. */
BIDE_INTERNAL int bide_os_last_error_(void);

/* All of the text to standard error, unbuffered. */
BIDE_INTERNAL void bide_os_print_(const char *text);

/*
 * true: that environment variable has that value. Always false in programs that run with other
 * rights than their user's.
 */
BIDE_INTERNAL bool bide_os_environment_is_(const char *name, const char *value);

/* The number in that environment variable, 1 to max; 0: it is not set, or is no such number. */
BIDE_INTERNAL unsigned bide_os_environment_number_(const char *name, unsigned max);

/* The text in that environment variable; NULL: as above, or it is not set. */
BIDE_INTERNAL const char *bide_os_environment_text_(const char *name);

/*
 * The signal of this name ("SIGQUIT", "QUIT") or number; 0: it is none, or cannot be counted (that
 * of a fault, SIGKILL, SIGSTOP).
 */
BIDE_INTERNAL int bide_os_signal_number_(const char *text);
/*
 * From now on the signal adds 1 to the word and wakes a thread that sleeps on it. One word in a
 * process. 0, or the error number of sigaction.
 */
BIDE_INTERNAL int bide_os_signal_count_(int number, uint32_t *word);
/* This thread takes the signal, though the library's threads block all. */
BIDE_INTERNAL void bide_os_signal_open_(int number);

/*
 * A fence on all processors that run this process's threads. start registers the process for it,
 * once, before the first; false: the kernel has none. Cost: about a microsecond.
 */
BIDE_INTERNAL bool bide_os_membarrier_start_(void);
BIDE_INTERNAL bool bide_os_heavy_fence_(void);

/*
 * One step of waiting for another thread: count tries up from 0. Spins, then yields, then sleeps 50
 * microseconds.
 */
BIDE_INTERNAL void bide_os_pause_(unsigned tries);

#endif
