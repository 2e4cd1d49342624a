/*
 * linux_process.c - process.h for Linux.
 *
 * The child of clone(CLONE_VM | CLONE_VFORK) runs in the parent's memory, on a stack of its own,
 * while the thread that started it waits until the program is loaded or the child has ended. So
 * nothing is copied, however much memory the parent has, and no lock of another thread is copied in
 * a locked state. The child has its own table of descriptors and of actions. It calls only system
 * calls: a function of the C library, or of a sanitizer, could change the parent's memory.
 *
 * An emulator (valgrind, qemu) may make a plain fork of it. Then the child has its own memory, and
 * the parent does not wait. So there is a pipe, too, which tells the error in that case.
 */
#define _GNU_SOURCE
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"

/* Numbers of the kernel, which are the same on all machines and younger than some headers. */
enum {
	PIDFD_OF_CLONE = 0x1000,      /* CLONE_PIDFD, Linux 5.2 */
	CLOSE_ON_EXEC = 1 << 2,       /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */
	CALL_PIDFD_SEND_SIGNAL = 424, /* Linux 5.1 */
	CALL_PIDFD_OPEN = 434,        /* Linux 5.3 */
	CALL_CLOSE_RANGE = 436,       /* Linux 5.9 */
	WAIT_BY_PIDFD = 3,            /* P_PIDFD, Linux 5.4 */
	SIGNALS_MAX = 64,             /* of the kernel */
	SIGNAL_SET_BYTES = SIGNALS_MAX / 8,
	DESCRIPTORS_MAX = 1 << 20, /* the loop without close_range ends here at the latest */
	EXIT_FAILED = 127
};

bool bide_os_no_pidfd_;

/* --- in the child --- */

typedef struct child {
	bide_os_process_start *start;
	struct rlimit descriptors;
	int report_fd;
	/* Written by the child, if it has the memory of the parent. */
	volatile uint32_t shares_memory;
	volatile int error;
	volatile int step;
} child;

/* What goes through the pipe. */
typedef struct report {
	int error, step;
} report;

/* Sanitizers would count the calls of the child as calls of the parent's thread. */
#ifdef __clang__
#define IN_CHILD __attribute__((disable_sanitizer_instrumentation))
#else
#define IN_CHILD __attribute__((no_sanitize_address, no_sanitize_thread, no_sanitize_undefined))
#endif

IN_CHILD static void child_fails(child *c, int step, int error)
{
	report told;

	told.error = error;
	told.step = step;
	c->step = step;
	c->error = error;
	(void)syscall(SYS_write, c->report_fd, &told, sizeof told);
	for (;;)
		syscall(SYS_exit_group, EXIT_FAILED);
}

/*
 * A program starts with the signals that its parent blocks and ignores. What the parent catches has
 * the default action after exec, but not sooner: a handler must not run in this child.
 */
IN_CHILD static void child_resets_actions(void)
{
	uint64_t none[8]; /* a sigaction of the kernel, with SIG_DFL */

	for (unsigned i = 0; i < sizeof none / sizeof none[0]; i++)
		((volatile uint64_t *)none)[i] = 0;
	for (long number = 1; number <= SIGNALS_MAX; number++)
		(void)syscall(SYS_rt_sigaction, number, none, NULL, (long)SIGNAL_SET_BYTES);
}

/* Makes 0, 1 and 2 what they are to be. Returns 0 or the error. */
IN_CHILD static int child_places_descriptors(const child *c)
{
	int from[3];

	for (int i = 0; i < 3; i++) {
		from[i] = c->start->standard[i];
		/* What another one will replace moves out of the way. */
		if (from[i] >= 0 && from[i] < 3 && from[i] != i)
			from[i] = (int)syscall(SYS_fcntl, from[i], (long)F_DUPFD_CLOEXEC, 3L);
		if (from[i] < 0 && c->start->standard[i] >= 0)
			return errno;
	}
	for (int i = 0; i < 3; i++)
		if (from[i] >= 0 && (from[i] == i ? syscall(SYS_fcntl, i, (long)F_SETFD, 0L) < 0
		                                  : syscall(SYS_dup3, from[i], i, 0L) < 0))
			return errno;
	return 0;
}

/* No other descriptor of the parent comes through exec. */
IN_CHILD static void child_closes_others(const child *c)
{
	rlim_t end = c->descriptors.rlim_cur;

	if (syscall(CALL_CLOSE_RANGE, 3U, ~0U, (unsigned)CLOSE_ON_EXEC) == 0)
		return;
	if (end > DESCRIPTORS_MAX)
		end = DESCRIPTORS_MAX;
	for (rlim_t fd = 3; fd < end; fd++)
		(void)syscall(SYS_fcntl, (long)fd, (long)F_SETFD, (long)FD_CLOEXEC);
}

IN_CHILD static bool has_slash(const char *text)
{
	for (; *text; text++)
		if (*text == '/')
			return true;
	return false;
}

/* Returns true if the next folder may have the program. */
IN_CHILD static bool looks_on(int error)
{
	return error == ENOENT || error == EACCES || error == ENOTDIR || error == ESTALE ||
	       error == ENODEV || error == ETIMEDOUT || error == ENAMETOOLONG || error == ELOOP;
}

/* Puts a folder of the path and the program together. Returns the next folder, or NULL. */
IN_CHILD static const char *next_name(const bide_os_process_start *start, const char *folder)
{
	volatile char *to = start->name;
	bool is_empty = *folder == ':' || *folder == '\0';

	while (*folder && *folder != ':')
		*to++ = *folder++;
	if (!is_empty)
		*to++ = '/';
	for (const char *from = start->program; *from; from++)
		*to++ = *from;
	*to = '\0';
	return *folder ? folder + 1 : NULL;
}

/* Returns the error: it does not return if the program runs. */
IN_CHILD static int child_executes(const bide_os_process_start *start)
{
	const char *folder = start->path;
	bool was_refused = false;

	if (!*start->program || has_slash(start->program)) {
		(void)syscall(SYS_execve, start->program, start->arguments, start->environment);
		return errno;
	}
	while (folder) {
		folder = next_name(start, folder);
		(void)syscall(SYS_execve, start->name, start->arguments, start->environment);
		if (!looks_on(errno))
			return errno;
		was_refused |= errno == EACCES;
	}
	return was_refused ? EACCES : ENOENT;
}

IN_CHILD static int run_child(void *argument)
{
	child *c = argument;
	const bide_os_process_start *start = c->start;
	uint64_t no_signal = 0;
	int error;

	c->shares_memory = 1;
	child_resets_actions();
	error = child_places_descriptors(c);
	if (error)
		child_fails(c, BIDE_OS_STEP_DESCRIPTORS_, error);
	if (start->directory && syscall(SYS_chdir, start->directory) < 0)
		child_fails(c, BIDE_OS_STEP_DIRECTORY_, errno);
	if (!start->keeps_descriptors)
		child_closes_others(c);
	(void)syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK, &no_signal, NULL, (long)SIGNAL_SET_BYTES);
	child_fails(c, BIDE_OS_STEP_EXECUTE_, child_executes(start));
	return 0;
}

/* --- in the parent --- */

/*
 * ThreadSanitizer and AddressSanitizer replace `clone`, and then the child runs their code. glibc
 * has it by another name, too.
 */
#ifdef __GLIBC__
int __clone(int (*run)(void *argument), void *stack, int flags, void *argument, ...);
#define clone_process __clone
#else
#define clone_process clone
#endif

static int clone_child(child *c, bool with_pidfd)
{
	bide_os_process_start *start = c->start;
	char *top = start->stack + BIDE_OS_PROCESS_STACK_BYTES_;
	int flags = CLONE_VM | CLONE_VFORK | SIGCHLD | (with_pidfd ? PIDFD_OF_CLONE : 0);

	top -= (uintptr_t)top & 63;
	return clone_process(run_child, top, flags, c, &start->pidfd, NULL, NULL);
}

/* Returns the number of the process, or -1 and errno. */
static int start_child(child *c)
{
	bide_os_process_start *start = c->start;
	int pid = -1;

	start->pidfd = -1;
	if (!bide_os_no_pidfd_)
		pid = clone_child(c, true);
	if (pid < 0 && (bide_os_no_pidfd_ || errno == EINVAL)) /* an emulator may not know the flag */
		pid = clone_child(c, false);
	if (pid < 0 || bide_os_no_pidfd_)
		return pid;
	if (start->pidfd < 0)
		start->pidfd = (int)syscall(CALL_PIDFD_OPEN, pid, 0);
	return pid;
}

/* Takes what the child told. Returns 0, or the error and the step. */
static int outcome_of(child *c, int report_fd)
{
	report told = { 0, 0 };
	ssize_t size;

	if (c->shares_memory) { /* It has run until exec, or has ended. */
		told.error = c->error;
		told.step = c->step;
	} else {
		do
			size = read(report_fd, &told, sizeof told);
		while (size < 0 && errno == EINTR);
		if (size != sizeof told)
			told.error = 0;
	}
	c->start->failed_step = (bide_os_process_step)told.step;
	return told.error;
}

/* A pipe whose writing end is no standard descriptor. Returns 0 or the error. */
static int open_report(int fd[2])
{
	int high;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return errno;
	if (fd[1] > 2)
		return 0;
	high = fcntl(fd[1], F_DUPFD_CLOEXEC, 3);
	close(fd[1]);
	fd[1] = high;
	if (high >= 0)
		return 0;
	close(fd[0]);
	return EMFILE;
}

static void close_pidfd(bide_os_process_start *start)
{
	if (start->pidfd >= 0)
		close(start->pidfd);
	start->pidfd = -1;
}

int bide_os_process_start_(bide_os_process_start *start)
{
	child c = { .start = start };
	sigset_t all, before;
	int fd[2], error, status;

	start->failed_step = BIDE_OS_STEP_PREPARE_;
	start->pid = start->pidfd = -1;
	error = open_report(fd);
	if (error)
		return error;
	c.report_fd = fd[1];
	if (getrlimit(RLIMIT_NOFILE, &c.descriptors) < 0)
		c.descriptors.rlim_cur = DESCRIPTORS_MAX;
	/* A handler must not run in the child, nor here on behalf of the child's memory. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	start->failed_step = BIDE_OS_STEP_FORK_;
	start->pid = start_child(&c);
	error = start->pid < 0 ? errno : 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(fd[1]);
	if (!error) {
		error = outcome_of(&c, fd[0]);
		if (error) {
			(void)bide_os_process_take_(start->pid, start->pidfd, true, &status);
			close_pidfd(start);
		}
	}
	close(fd[0]);
	return error;
}

/* --- its end --- */

int bide_os_process_take_(int pid, int pidfd, bool waits, int *status)
{
	siginfo_t info;
	int options = WEXITED | (waits ? 0 : WNOHANG), result;

	do {
		memset(&info, 0, sizeof info);
		result = pidfd >= 0 ? waitid((idtype_t)WAIT_BY_PIDFD, (id_t)pidfd, &info, options) : -1;
		/* Linux 5.3 has a pidfd to poll, but not to wait for. */
		if (pidfd < 0 || (result < 0 && errno == EINVAL))
			result = waitid(P_PID, (id_t)pid, &info, options);
	} while (result < 0 && errno == EINTR);
	if (result < 0)
		return errno;
	if (info.si_pid == 0)
		return EAGAIN;
	*status = info.si_code == CLD_EXITED ? info.si_status : 256 + info.si_status;
	return 0;
}

/* Returns true if the child has ended. A signal to it would be a success until it is taken. */
static bool has_ended(int pid, int pidfd)
{
	siginfo_t info;

	if (pidfd >= 0)
		return bide_os_process_ends_(pidfd, 0);
	memset(&info, 0, sizeof info);
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

int bide_os_process_kill_(int pid, int pidfd, int number)
{
	long result = -1;

	if (has_ended(pid, pidfd))
		return ESRCH;
	if (pidfd >= 0)
		result = syscall(CALL_PIDFD_SEND_SIGNAL, pidfd, number, NULL, 0);
	if (pidfd < 0 || (result < 0 && errno == ENOSYS))
		result = kill(pid, number);
	return result < 0 ? errno : 0;
}

bool bide_os_process_ends_(int pidfd, int64_t deadline_ns)
{
	enum { NS_PER_MS = 1000000 };
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

	for (;;) {
		int64_t left_ns = deadline_ns - bide_os_now_ns_();

		if (poll(&poll_fd, 1, left_ns > 0 ? (int)(left_ns / NS_PER_MS) + 1 : 0) > 0)
			return true;
		if (left_ns <= 0)
			return false;
	}
}
