/*
 * process.c - a child process: its memory, the list of all, and the calls of its owner.
 */
#include "process/process.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/misuse.h"
#include "base/spin.h"
#include "os/os.h"
#include "os/process.h"

static bide_slab slab = BIDE_SLAB_OF_(bide_process);

/* All processes, for a shutdown. */
static bide_process *all;
static uint32_t all_lock;

static bide_process *process_of(const bide_handle *handle)
{
	return BIDE_CONTAINER_(handle, bide_process, handle);
}

/* --- its memory --- */

static void list(bide_process *process)
{
	bide_spin_lock_(&all_lock);
	process->next = all;
	process->at = &all;
	if (all)
		all->at = &process->next;
	all = process;
	bide_spin_unlock_(&all_lock);
}

static void unlist(bide_process *process)
{
	bide_spin_lock_(&all_lock);
	if (process->at) {
		*process->at = process->next;
		if (process->next)
			process->next->at = process->at;
	}
	process->at = NULL;
	bide_spin_unlock_(&all_lock);
}

bide_process *bide_process_new_(void)
{
	bide_process *process = bide_slab_take_(&slab);

	if (!process)
		return NULL;
	process->in = process->out = process->err = NULL;
	process->outcome = NULL;
	process->looks = NULL;
	process->next = NULL;
	process->at = NULL;
	process->pid = process->pidfd = -1;
	process->lock = 0;
	process->is_over = process->is_closed = process->is_killed = false;
	process->has_begun = process->is_let_go = process->keep = false;
	process->is_public = process->is_looked = false;
	process->request = NULL;
	BIDE_STORE(&process->holders, 1u, RELAXED);
	list(process);
	return process;
}

static void close_streams(bide_process *process)
{
	bide_stream_close(process->in);
	bide_stream_close(process->out);
	bide_stream_close(process->err);
	process->in = process->out = process->err = NULL;
}

void bide_process_discard_(bide_process *process)
{
	if (!process)
		return;
	if (process->has_begun) {
		bide_process_close(process);
		return;
	}
	if (process->pid >= 0) { /* it was started, and not watched yet */
		int status;

		(void)bide_os_process_kill_(process->pid, process->pidfd, SIGKILL);
		(void)bide_os_process_take_(process->pid, process->pidfd, true, &status);
		if (process->pidfd >= 0)
			(void)close(process->pidfd);
	}
	close_streams(process);
	unlist(process);
	bide_slab_give_(&slab, process);
}

static void closed(bide_handle *handle)
{
	bide_slab_give_(&slab, process_of(handle));
}

void bide_process_release_(bide_process *process)
{
	/* Pairs with itself: the last holder sees what the others did. */
	if (BIDE_SUB(&process->holders, 1u, ACQ_REL) != 1)
		return;
	unlist(process);
	bide_context_unref(process->looks);
	process->looks = NULL;
	bide_handle_close_(&process->handle, closed);
}

int bide_process_take_(bide_process *process, int64_t *status)
{
	int value = 0, error = ECHILD;

	bide_spin_lock_(&process->lock);
	if (!process->is_over)
		error = bide_os_process_take_(process->pid, process->pidfd, false, &value);
	process->is_over |= error != EAGAIN;
	bide_spin_unlock_(&process->lock);
	if (error == EAGAIN)
		return EAGAIN;
	*status = error ? -1 : value;
	return 0;
}

/* --- the owner's calls --- */

int bide_process_check_(const bide_process *process, const char *what)
{
	if (process && bide_thread_() && bide_handle_is_live_(&process->handle) &&
	    !BIDE_LOAD(&process->is_closed, RELAXED))
		return 0;
	if (process)
		bide_misuse_("%s: process is closed, or of a parent process or an earlier life of the "
		             "runtime",
		             what);
	else
		bide_misuse_("%s: process is NULL", what);
	return process ? EBADF : EINVAL;
}

int bide_process_kill(bide_process *process, int signal_number)
{
	int error = bide_process_check_(process, "bide_process_kill");

	if (error)
		return error;
	bide_spin_lock_(&process->lock);
	error = process->is_over ? ESRCH
	                         : bide_os_process_kill_(process->pid, process->pidfd, signal_number);
	bide_spin_unlock_(&process->lock);
	return error;
}

int bide_process_id(const bide_process *process)
{
	return bide_process_check_(process, "bide_process_id") ? 0 : process->pid;
}

bide_stream *bide_process_in(const bide_process *process)
{
	return bide_process_check_(process, "bide_process_in") ? NULL : process->in;
}

bide_stream *bide_process_out(const bide_process *process)
{
	return bide_process_check_(process, "bide_process_out") ? NULL : process->out;
}

bide_stream *bide_process_err(const bide_process *process)
{
	return bide_process_check_(process, "bide_process_err") ? NULL : process->err;
}

void bide_process_close_in(bide_process *process)
{
	if (bide_process_check_(process, "bide_process_close_in"))
		return;
	bide_stream_close(process->in);
	process->in = NULL;
}

/* Returns false if it was closed already, also at this moment by another thread. */
static bool end_ownership(bide_process *process, bool *is_kept)
{
	bool ends;

	bide_spin_lock_(&process->lock);
	ends = !process->is_closed;
	BIDE_STORE(&process->is_closed, true, RELAXED);
	*is_kept = !process->is_over && process->keep;
	if (ends && !process->is_over && !process->keep) {
		process->is_killed = true;
		(void)bide_os_process_kill_(process->pid, process->pidfd, SIGKILL);
	}
	bide_spin_unlock_(&process->lock);
	return ends;
}

void bide_process_close(bide_process *process)
{
	bool has_runtime, is_kept;
	uint32_t era;

	if (!process)
		return;
	era = BIDE_LOAD(&process->handle.era, RELAXED);
	has_runtime = bide_thread_() != NULL; /* In the child of a fork, this leaves the parent's. */
	if (era != 0 && (!has_runtime || era != bide_handle_era_())) {
		/* Of a parent process: its child is not this one's. */
		era = bide_handle_take_(&process->handle, "bide_process_close", "process");
		if (era == 0)
			return;
		close_streams(process);
		bide_handle_close_taken_(&process->handle, era, closed);
		return;
	}
	/* If the era is 0, its number may be another file by now. */
	if (era == 0 || !end_ownership(process, &is_kept)) {
		(void)bide_process_check_(process, "bide_process_close");
		return;
	}
	close_streams(process);
	bide_task_unref(process->outcome);
	process->outcome = NULL;
	if (process->looks && is_kept)
		(void)bide_context_cancel(process->looks, ECANCELED);
	bide_process_release_(process);
}

/* --- for the end of the runtime --- */

bide_process *bide_process_next_closed_(void)
{
	bide_process *process;

	bide_spin_lock_(&all_lock);
	for (process = all; process; process = process->next) {
		uint32_t holders = BIDE_LOAD(&process->holders, RELAXED);
		bool is_wanted;

		bide_spin_lock_(&process->lock);
		is_wanted = process->is_closed && !process->is_over && !process->is_let_go;
		if (is_wanted)
			process->is_let_go = true;
		bide_spin_unlock_(&process->lock);
		while (is_wanted && holders > 0)
			if (BIDE_CAS(&process->holders, &holders, holders + 1, ACQUIRE, RELAXED))
				break;
		if (is_wanted && holders > 0)
			break;
	}
	bide_spin_unlock_(&all_lock);
	return process;
}

/* No other thread of the library runs. */
bide_process *bide_process_next_abandoned_(void)
{
	for (bide_process *process = all; process; process = process->next)
		if (!process->is_public && !process->is_closed)
			return process;
	return NULL;
}

bide_process *bide_process_next_looked_(void)
{
	for (bide_process *process = all; process; process = process->next)
		if (process->is_looked && process->is_closed) {
			process->is_looked = false;
			return process;
		}
	return NULL;
}

void bide_process_forget_all_(void)
{
	all = NULL;
	all_lock = 0;
}
