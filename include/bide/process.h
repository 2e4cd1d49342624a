/*
 * process.h - child processes: started, fed, read, awaited and killed without a thread that blocks,
 * and without a handler of SIGCHLD.
 *
 *     static const char *const words[] = { "sort", "-u", NULL };
 *
 *     bide_await(my->sort, bide_process_spawn(&(bide_process_options){
 *                              .arguments = words, .in = BIDE_PROCESS_PIPE }));
 *     bide_await(bide_stream_write(bide_process_in(my->sort), my->text, my->size_bytes));
 *     bide_process_close_in(my->sort);                     // the child reads the end
 *     bide_await(my->status, bide_process_wait(my->sort)); // 0: it has ended well
 *     ...
 *     bide_process_close(my->sort);                        // in the cleanup
 *
 * bide_process_run does all of that for a program of which only the output is wanted.
 *
 * What a child has. Its descriptors 0, 1 and 2 are what the options say; it has no other one of the
 * parent's, unless you ask for it. No signal is blocked in it, and each has the default action,
 * also those that this process ignores. It has the environment and the directory of the options, or
 * this process's own at the time of the call.
 *
 * No zombies. The library waits for each child by a pidfd, and for no other process: a child of
 * yours, of system(3) or of another library is not touched. Nor should the program wait for all
 * children (wait(2), waitpid with -1), or ignore SIGCHLD: then the outcome of a child is lost, and
 * bide_process_wait fails with ECHILD.
 *
 * A child that asks for a signal at the death of its parent (PR_SET_PDEATHSIG) gets it when the
 * thread that started it ends, which is one of those of bide_run_blocking: ten idle seconds later.
 *
 * Errors besides those that are named below: EBADF (misuse): the object was closed, or is of
 * another life of the library: made before a fork or a shutdown. EINVAL: an argument is wrong,
 * which is misuse. ENOMEM. EMFILE and ENFILE: no descriptor is left. ENOTSUP: a simulation; what
 * another process does is not simulated.
 *
 * Threads: any.
 */
#ifndef BIDE_PROCESS_H
#define BIDE_PROCESS_H

#include "stream.h"
#include "value_task.h"

typedef struct bide_process bide_process;
BIDE_VALUE_TASK_OF(bide_process_task, bide_process *);

/* What a standard descriptor of the child is. */
typedef enum bide_process_io {
	BIDE_PROCESS_DEFAULT, /* spawn: INHERIT; run: NULL for `in`, and out and err are collected */
	BIDE_PROCESS_INHERIT, /* that of this process with the same number */
	BIDE_PROCESS_PIPE,    /* a pipe, whose other end is a stream here (bide_process_in) */
	BIDE_PROCESS_NULL,    /* /dev/null */
	BIDE_PROCESS_FD,      /* a duplicate of in_fd, out_fd or err_fd, made within the call */
	BIDE_PROCESS_OUT      /* only for `err`: the same as `out` */
} bide_process_io;

/* The steps of a start. */
typedef enum bide_process_step {
	BIDE_PROCESS_STEP_NONE,        /* none has failed, or it was canceled before it began */
	BIDE_PROCESS_STEP_PREPARE,     /* pipes, descriptors and memory of this process */
	BIDE_PROCESS_STEP_FORK,        /* making the process: EAGAIN, ENOMEM */
	BIDE_PROCESS_STEP_DESCRIPTORS, /* its standard descriptors */
	BIDE_PROCESS_STEP_DIRECTORY,   /* chdir(2): ENOENT, ENOTDIR, EACCES */
	BIDE_PROCESS_STEP_EXECUTE      /* execve(2): ENOENT, EACCES, ENOEXEC, E2BIG */
} bide_process_step;

/* Zeroes are the defaults, which stand in brackets. */
typedef struct bide_process_options {
	/* The words of the command, with NULL at the end. The first one is the program. Needed. */
	const char *const *arguments;
	/*
	 * The file to execute [the first of the arguments]. Without a slash it is looked for in the
	 * folders of this process's PATH. A relative path is taken from `directory`.
	 */
	const char *program;
	/* Entries "NAME=value" with NULL at the end [the environment of this process]. */
	const char *const *environment;
	const char *directory; /* [that of this process] */
	bide_process_io in, out, err;
	int in_fd, out_fd, err_fd; /* for BIDE_PROCESS_FD; they stay yours */
	/* bide_process_close leaves the child running [it kills it]. */
	bool keep;
	/*
	 * Descriptors above 2 of this process that are not close-on-exec stay open in the child, as
	 * exec does it [they are closed].
	 */
	bool inherit_descriptors;
	/* Where the step that failed is stored, when the start is over. Borrowed until then. */
	bide_process_step *failed_step;
} bide_process_options;

/*
 * What came of bide_process_run. The texts end with a zero, which the sizes do not count. A text is
 * NULL if the options do not collect it.
 */
typedef struct bide_process_output {
	int64_t status; /* as of bide_process_wait */
	char *out, *err;
	size_t out_bytes, err_bytes;
} bide_process_output;
BIDE_VALUE_TASK_OF(bide_process_output_task, bide_process_output *);

BIDE_BEGIN_DECLS

/*
 * Starts a program. The result is the process, which is yours until bide_process_close. It is there
 * when the program was loaded, so a program that does not exist is an error here: the errors are
 * those of execve(2) and chdir(2), and `failed_step` says of which step. All of the options is
 * copied inside the call, but for `failed_step`.
 *
 * If the call is canceled before it has begun, nothing starts. If no consumer takes the result,
 * because the value task was forgotten or its function canceled, the child is killed, also with
 * `keep`. Cost: a thread of bide_run_blocking for the time that execve takes, 50 us and more,
 * because it may wait for a disk; a descriptor, and one for each pipe. The memory of this process
 * is not copied.
 */
BIDE_API BIDE_USE_RESULT bide_process_task bide_process_spawn(const bide_process_options *options);

/*
 * Waits until the child has ended. The result is the status: 0 to 255 is its exit code; after a
 * signal it is 256 and the number of the signal. Any number of functions may wait, and as often as
 * they like. If a wait is canceled or forgotten, the child goes on. A wait that is pending when the
 * process is closed goes on, and gets the status. ECHILD: the status is lost, since SIGCHLD is
 * ignored or the program waited for the child itself. Cost: a frame from a pool while it waits; no
 * system call.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_process_wait(const bide_process *process);
/* Returns the exit code of a status; after a signal 128 and its number, as shells do. */
BIDE_INLINE int bide_process_exit_code(int64_t status);
/* Returns the signal that has ended the child, or 0. */
BIDE_INLINE int bide_process_exit_signal(int64_t status);

/*
 * Sends a signal, and never to another process: the number of one that has ended may be in use
 * anew. 0 sends none. Returns 0; ESRCH: the child has ended; EPERM: it has another user by now;
 * EINVAL: there is no such signal.
 */
BIDE_API int bide_process_kill(bide_process *process, int signal_number);
/* Returns the number of the process. It stays valid until the child has ended. */
BIDE_API int bide_process_id(const bide_process *process);
/*
 * Return the stream to the child's descriptor 0, or from its 1 or 2. NULL: it is no pipe, or was
 * closed. The streams belong to the process, which closes them.
 */
BIDE_API bide_stream *bide_process_in(const bide_process *process);
BIDE_API bide_stream *bide_process_out(const bide_process *process);
BIDE_API bide_stream *bide_process_err(const bide_process *process);
/*
 * Closes the stream to the child, so that it reads the end. Flush it before (bide_stream_flush). If
 * there is none, it does nothing.
 */
BIDE_API void bide_process_close_in(bide_process *process);

/*
 * Closes the streams and frees the object. A child that runs is killed (SIGKILL), unless `keep` was
 * set, and its end is awaited in the background, also that of one that is kept. It never waits.
 * NULL does nothing. For its owner: no call may use the process afterwards. Close it before
 * bide_shutdown, which waits for a child that was killed, at most a second.
 */
BIDE_API void bide_process_close(bide_process *process);

/*
 * Runs a program to its end: writes input_bytes bytes of input to it, collects what it writes, and
 * waits. It is over when the child has ended and its pipes are at their end, so a process that the
 * child has left behind with them is waited for, too. The result, which bide_process_output_free
 * frees, has the status; a status other than 0 is no error.
 *
 * options: as for bide_process_spawn, but `in` without input is /dev/null, and `out` and `err` are
 * collected if they are BIDE_PROCESS_DEFAULT or BIDE_PROCESS_PIPE. `keep` is not used. input is
 * borrowed until the end, and may be NULL if input_bytes is 0; `in` must be DEFAULT or PIPE if it
 * is not. That the child does not read its input is no error.
 *
 * EMSGSIZE: out or err has more than output_max_bytes bytes (0: 16 MiB); the child is killed. If it
 * is canceled, or its deadline passes, the child is killed, and nothing of its output is kept.
 */
BIDE_API BIDE_USE_RESULT bide_process_output_task
bide_process_run(const bide_process_options *options, const void *input, size_t input_bytes,
                 size_t output_max_bytes);
/* NULL does nothing. A second time is misuse. */
BIDE_API void bide_process_output_free(bide_process_output *output);

BIDE_INLINE int bide_process_exit_code(int64_t status)
{
	return status < 256 ? (int)status : (int)(status - 128);
}

BIDE_INLINE int bide_process_exit_signal(int64_t status)
{
	return status >= 256 ? (int)(status - 256) : 0;
}

BIDE_END_DECLS
#endif
