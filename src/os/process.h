/*
 * process.h - child processes: they are started, awaited and killed by a pidfd.
 *
 * Starting one takes the calling thread 50 us at least, mostly less than 1 ms, and may wait for the
 * file system. So a worker does not do it.
 */
#ifndef BIDE_OS_PROCESS_H
#define BIDE_OS_PROCESS_H

#include <bide/abi.h>

/* The steps of a start, for the one that failed. They are BIDE_PROCESS_STEP_ of bide/process.h. */
typedef enum bide_os_process_step {
	BIDE_OS_STEP_NONE_,
	BIDE_OS_STEP_PREPARE_, /* descriptors and memory of the parent */
	BIDE_OS_STEP_FORK_,
	BIDE_OS_STEP_DESCRIPTORS_,
	BIDE_OS_STEP_DIRECTORY_,
	BIDE_OS_STEP_EXECUTE_
} bide_os_process_step;

typedef struct bide_os_process_start {
	/* What to start. All of it is the caller's. */
	const char *program;      /* if it has no slash, it is looked for in `path` */
	const char *path;         /* folders, with colons between them */
	char *const *arguments;   /* ends with NULL */
	char *const *environment; /* ends with NULL */
	const char *directory;    /* that of the parent if it is NULL */
	/*
	 * What becomes descriptors 0, 1 and 2: a descriptor of the parent, which stays open there. -1:
	 * that of the parent with the same number, if there is one.
	 */
	int standard[3];
	bool keeps_descriptors; /* others that are not close-on-exec stay open in the child */
	/* Room for the stack of the child, and for the longest path: BIDE_OS_PROCESS_STACK_BYTES_. */
	char *stack;
	char *name; /* strlen(program) + strlen(path) + 3 bytes */
	/* What came of it. */
	int pid;
	int pidfd; /* -1: the kernel has none */
	bide_os_process_step failed_step;
} bide_os_process_start;

enum { BIDE_OS_PROCESS_STACK_BYTES_ = 64 * 1024 };

/* For tests: behave as a kernel that has no pidfd. */
extern BIDE_INTERNAL bool bide_os_no_pidfd_;

/*
 * Starts a process. It returns when the program runs, or cannot: 0, or the error and the step. The
 * child has no signal blocked and the default action for each, also for those that the parent
 * ignores. Any thread; it waits until the program was loaded.
 */
BIDE_INTERNAL int bide_os_process_start_(bide_os_process_start *start);
/*
 * Takes the outcome of a child that has ended: 0 to 255, or 256 and the number of the signal.
 * pidfd: -1 if there is none. Returns 0; EAGAIN if the child still runs, unless `waits`; or ECHILD:
 * its outcome is lost, since SIGCHLD is ignored or something else waited for it.
 */
BIDE_INTERNAL int bide_os_process_take_(int pid, int pidfd, bool waits, int *status);
/* Sends a signal; 0 sends none. Returns 0 or the error; ESRCH: it has ended. */
BIDE_INTERNAL int bide_os_process_kill_(int pid, int pidfd, int number);
/* Returns true if the pidfd is readable within the time: the child has ended. */
BIDE_INTERNAL bool bide_os_process_ends_(int pidfd, int64_t deadline_ns);

#endif
