/*
 * process.h - a child process, as the room process sees it.
 *
 * The words of this room:
 *
 *     process    the object of the caller's, and what watches the child
 *     watch      an operation on the pidfd, which takes the outcome of the child. The task of it
 *                is the outcome, for which any number of functions wait.
 *     holder     what uses the object: its owner until the close, the watch until it is over, and a
 *                shutdown that looks at it. The last one frees it.
 *     request    what was asked for, copied (request.h)
 *
 * All objects are in a list from their birth on. A shutdown ends those that are closed, and those
 * that the program has never got: of a start or a run that it does not let end (end.c).
 *
 * If the kernel has no pidfd, an async function looks at the child from time to time (by_time.c).
 */
#ifndef BIDE_PROCESS_PROCESS_H
#define BIDE_PROCESS_PROCESS_H

#include <bide/process.h>
#include <bide/task.h>

#include "io/handle.h"
#include "io/slab.h"

struct bide_process {
	bide_slab_link link;
	bide_handle handle; /* of the pidfd */
	bide_stream *in, *out, *err;
	bide_task *outcome;                   /* the owner's reference */
	bide_context *looks;                  /* of the function that looks at it, without a pidfd */
	struct bide_process_request *request; /* of which it is, until the program has it */
	bide_process *next, **at;             /* in the list of all */
	int pid, pidfd;
	uint32_t holders; /* atomic */
	/*
	 * A spin lock. It guards what follows. No signal is sent without it, or else it might go to a
	 * process that has the number anew.
	 */
	uint32_t lock;
	bool is_over; /* its outcome was taken */
	bool is_closed, is_killed;
	bool is_let_go; /* a shutdown has looked at it */
	bool has_begun; /* it is watched; the owner's, as the next ones */
	bool keep;
	bool is_public; /* the program has it, or the operation of its start */
	bool is_looked; /* the function that looks at it is one of the holders */
};

/*
 * Returns an object with one holder, its owner, and no child. Returns NULL if there is no memory.
 */
BIDE_INTERNAL bide_process *bide_process_new_(void);
/* The child was started. Begins to watch it. Returns 0 or the error; then it was killed. */
BIDE_INTERNAL int bide_process_begin_(bide_process *process, int pid, int pidfd);
/* Closes one that nothing else has seen yet, with or without a child. NULL does nothing. */
BIDE_INTERNAL void bide_process_discard_(bide_process *process);
/*
 * Takes the outcome, if the child has ended: 0 and the status, which is -1 if it is lost; or
 * EAGAIN.
 */
BIDE_INTERNAL int bide_process_take_(bide_process *process, int64_t *status);
/* Returns 0; or EINVAL or EBADF, which it reports as misuse of `what`. */
BIDE_INTERNAL int bide_process_check_(const bide_process *process, const char *what);
/* One of its holders is through with it. */
BIDE_INTERNAL void bide_process_release_(bide_process *process);

/*
 * Returns a process that was closed, and of which the outcome was not taken, with one more holder;
 * or NULL. Each is returned once.
 */
BIDE_INTERNAL bide_process *bide_process_next_closed_(void);
/* Returns a process that the program has never got, or NULL. In a shutdown, at last. */
BIDE_INTERNAL bide_process *bide_process_next_abandoned_(void);
/* Returns one whose function that looks at it has ended for good, and hands over its holder. */
BIDE_INTERNAL bide_process *bide_process_next_looked_(void);
/* In the child of a fork: the processes of the parent are not this one's. */
BIDE_INTERNAL void bide_process_forget_all_(void);
/* From now on a shutdown ends processes (end.c). */
BIDE_INTERNAL void bide_process_ends_(void);

/*
 * Returns a value task of the outcome, for a kernel without pidfds. What it does is one of the
 * holders, also if it fails.
 */
BIDE_INTERNAL bide_value_task bide_process_watch_by_time_(bide_process *process);

#endif
