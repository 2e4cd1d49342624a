/*
 * probe.c - see probe.h.
 */
#define _GNU_SOURCE
#include "io/probe.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bide/value_task.h>

#include "base/text.h"
#include "io/uring_kernel.h"
#include "memory/poison.h"

#if BIDE_HAS_URING

enum {
	OPCODES = 64,
	PROBE_BYTES = sizeof(struct io_uring_probe) + OPCODES * sizeof(struct io_uring_probe_op),
	NEWEST_OPCODE = 48 /* IORING_OP_SENDMSG_ZC: since 6.1, as the newest of what is needed */
};

/* What a probe has done last; each is the next thing that may be missing. */
typedef enum step { SET_UP, FEATURES, OPCODE, CANCEL, ENTER, GOOD } step;

static const char *const step_names[] = { "io_uring_setup", "its features",   "its operations",
	                                      "its cancels",    "io_uring_enter", "" };

typedef struct probe {
	step failed;
	int error;
} probe;

static long check_opcodes(int fd)
{
	uint64_t memory[PROBE_BYTES / sizeof(uint64_t)] = { 0 };
	struct io_uring_probe *known = (struct io_uring_probe *)(void *)memory;
	long done = syscall(SYS_io_uring_register, fd, IORING_REGISTER_PROBE, known, (unsigned)OPCODES);

	if (done == 0 && known->last_op < NEWEST_OPCODE) {
		errno = ENOSYS;
		return -1;
	}
	return done;
}

/* A kernel that has it finds nothing to cancel. */
static long check_cancel(int fd)
{
	struct io_uring_sync_cancel_reg nothing = { .addr = 1, .fd = -1 };
	long done = syscall(SYS_io_uring_register, fd, IORING_REGISTER_SYNC_CANCEL, &nothing, 1);

	return done < 0 && errno == ENOENT ? 0 : done;
}

static step check(int fd, const struct io_uring_params *p)
{
	const uint32_t wanted = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_FAST_POLL |
	                        IORING_FEAT_EXT_ARG | IORING_FEAT_SUBMIT_STABLE;

	errno = ENOSYS;
	if ((p->features & wanted) != wanted)
		return FEATURES;
	if (check_opcodes(fd) != 0)
		return OPCODE;
	if (check_cancel(fd) != 0)
		return CANCEL;
	return syscall(SYS_io_uring_enter, fd, 0, 0, 0, NULL, 0) == 0 ? GOOD : ENTER;
}

/* It calls nothing but the system, so that it may run in the child of a process with threads. */
static void try_it(probe *result)
{
	struct io_uring_params p = { .flags = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
		                                  IORING_SETUP_SUBMIT_ALL };
	int fd = (int)syscall(SYS_io_uring_setup, 4, &p);

	result->failed = fd < 0 ? SET_UP : check(fd, &p);
	result->error = result->failed == GOOD ? 0 : errno;
	if (fd >= 0)
		(void)syscall(SYS_close, fd);
}

/*
 * A plain system call in place of fork(2), so that no handler of pthread_atfork(3) runs. The child
 * ends without a signal, so no handler for children hears of it, and a filter that traps reaches
 * no handler of the program's. Returns the signal that has ended the child, or 0; -1 if there is
 * none.
 */
static int try_in_child(probe *shared)
{
	const struct sigaction action = { .sa_handler = SIG_DFL };
	long child = syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
	int status = 0;

	if (child < 0)
		return -1;
	if (child == 0) {
		(void)sigaction(SIGSYS, &action, NULL);
		try_it(shared);
		syscall(SYS_exit_group, 0);
	}
	while (waitpid((pid_t)child, &status, __WALL) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static int try_below_filter(probe *result)
{
	probe *shared =
		mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int killed = -1;

	if (shared == MAP_FAILED)
		return -1;
	*shared = *result;
	killed = try_in_child(shared);
	*result = *shared;
	(void)munmap(shared, sizeof *shared);
	return killed;
}

int bide_uring_probe_(char *reason, size_t size)
{
	probe result = { .failed = SET_UP, .error = EPERM };
	int killed = 0;

	reason[0] = 0;
	if (RUNNING_ON_VALGRIND) {
		bide_put_(reason, size, "valgrind does not see what a ring writes");
		return ENOSYS;
	}
	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) > 0)
		killed = try_below_filter(&result);
	else
		try_it(&result);
	if (killed > 0)
		bide_put_(reason, size, "a filter of system calls ends the process (signal %d)", killed);
	else if (killed < 0)
		bide_put_(reason, size, "no process could be made to try it below the filter");
	else if (result.error == ENOSYS || result.error == EINVAL)
		bide_put_(reason, size, "the kernel lacks %s; Linux 6.1 has all of it",
		          step_names[result.failed]);
	else if (result.error)
		bide_put_(reason, size, "%s is refused: %s", step_names[result.failed],
		          bide_strerror(result.error));
	return result.error;
}

#else

int bide_uring_probe_(char *reason, size_t size)
{
	bide_put_(reason, size, "the library was built without the kernel's header of Linux 6.1");
	return ENOSYS;
}

#endif
