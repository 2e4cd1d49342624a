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
	bide_task *outcome;       /* the owner's reference */
	bide_context *looks;      /* of the function that looks at it, without a pidfd; the owner's */
	bide_process *next, **at; /* in the list of all */
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
	bool has_begun; /* it has, or had, a child; the owner's, as the next */
	bool keep;
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

/* Has it in the list of all, which a shutdown walks. */
BIDE_INTERNAL void bide_process_list_(bide_process *process);
/*
 * Returns a value task of the outcome, for a kernel without pidfds. What it does is one of the
 * holders, also if it fails.
 */
BIDE_INTERNAL bide_value_task bide_process_watch_by_time_(bide_process *process);

#endif
