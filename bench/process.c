/* The co-processes of the harness; see process.h. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STOP_MS = 3000 };

int64_t process_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void become(char *const argv[], char *const environment[], const int input[2],
                   const int output[2], int errors)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(input[0], STDIN_FILENO) < 0 || dup2(output[1], STDOUT_FILENO) < 0 ||
	    dup2(errors, STDERR_FILENO) < 0)
		_exit(126);
	for (; environment != NULL && *environment != NULL; environment++)
		putenv(*environment);
	execv(argv[0], argv);
	dprintf(STDERR_FILENO, "cannot start %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

bool process_start(struct process *process, char *const argv[], char *const environment[])
{
	int input[2] = { -1, -1 }, output[2] = { -1, -1 };

	memset(process, 0, sizeof *process);
	process->errors = tmpfile();
	if (process->errors == NULL || pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0)
		goto failed;
	process->pid = fork();
	if (process->pid < 0)
		goto failed;
	if (process->pid == 0)
		become(argv, environment, input, output, fileno(process->errors));
	close(input[0]);
	close(output[1]);
	process->input = input[1];
	process->output = output[0];
	return true;
failed:
	for (int i = 0; i < 2; i++) {
		if (input[i] >= 0)
			close(input[i]);
		if (output[i] >= 0)
			close(output[i]);
	}
	if (process->errors != NULL)
		fclose(process->errors);
	memset(process, 0, sizeof *process);
	return false;
}

bool process_write(struct process *process, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t written = write(process->input, text, left);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		text += written;
		left -= (size_t)written;
	}
	return true;
}

/* Takes a whole line out of the buffer. A line longer than the buffer is cut. */
static bool take_line(struct process *process, char *line, size_t size)
{
	char *end = memchr(process->buffer, '\n', process->used);
	size_t length = end ? (size_t)(end - process->buffer) : process->used;
	size_t taken = end ? length + 1 : length;

	if (end == NULL && process->used < sizeof process->buffer)
		return false;
	snprintf(line, size, "%.*s", (int)length, process->buffer);
	process->used -= taken;
	memmove(process->buffer, process->buffer + taken, process->used);
	return true;
}

enum process_read process_read_line(struct process *process, char *line, size_t size,
                                    int64_t deadline_ns)
{
	while (!take_line(process, line, size)) {
		struct pollfd waiting = { .fd = process->output, .events = POLLIN };
		int64_t left_ms = (deadline_ns - process_now_ns()) / 1000000;
		int ready = poll(&waiting, 1, left_ms > 0 ? (int)left_ms : 0);
		ssize_t got;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return PROCESS_LATE;
		got = read(process->output, process->buffer + process->used,
		           sizeof process->buffer - process->used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return PROCESS_ENDED;
		process->used += (size_t)got;
	}
	return PROCESS_LINE;
}

static void last_error_line(FILE *errors, char *out, size_t size)
{
	char line[LINE_BYTES];

	out[0] = '\0';
	rewind(errors);
	while (fgets(line, sizeof line, errors) != NULL) {
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] != '\0')
			snprintf(out, size, ": %s", line);
	}
}

/* Waits a little for the end of a process whose input is closed, then kills it. */
static int wait_for_end(pid_t pid, bool kill_it)
{
	int64_t deadline = process_now_ns() + (int64_t)STOP_MS * 1000000;
	int status = 0;

	if (kill_it)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, kill_it ? 0 : WNOHANG) == 0) {
		struct timespec pause = { .tv_nsec = 2000000 };

		nanosleep(&pause, NULL);
		if (process_now_ns() > deadline) {
			kill(pid, SIGKILL);
			kill_it = true;
		}
	}
	return status;
}

bool process_stop(struct process *process, bool kill_it, char *reason, size_t size)
{
	char said[LINE_BYTES + 2];
	int status;

	if (process->pid == 0)
		return true;
	close(process->input);
	status = wait_for_end(process->pid, kill_it);
	close(process->output);
	last_error_line(process->errors, said, sizeof said);
	fclose(process->errors);
	if (reason != NULL && WIFSIGNALED(status))
		snprintf(reason, size, "died of signal %d (%s)%s", WTERMSIG(status),
		         strsignal(WTERMSIG(status)), said);
	else if (reason != NULL)
		snprintf(reason, size, "ended with status %d%s", WEXITSTATUS(status), said);
	memset(process, 0, sizeof *process);
	return status == 0;
}
