/*
 * jobs.c - runs shell commands, some at a time, each with a time limit, as xargs -P does. The
 * output of each comes in one piece when the command has ended. Ctrl-C kills those that run.
 *
 *     jobs [-j COUNT] [-t SECONDS] COMMAND...
 *
 * It ends with 1 if a command has failed. Without a command it runs a few of its own, and ends with
 * 0 if they did what they must. In a simulation there are no processes.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bide/short.h>

static const char *const own_commands[] = { "echo one", "sleep 0.01; echo two", "exit 3",
	                                        "kill -TERM $$" };
enum { OWN_COUNT = 4, OWN_FAILURES = 2, OWN_LIMIT_S = 100 };

static size_t count_at_once = 4;
static int64_t limit_ns = BIDE_FOREVER;

struct job {
	ASYNC_FRAME;
	struct {
		const char *command;
		int *failed; /* of this job alone */
	} in;
	bide_process_output *output;
	int error;
};

static void report(const char *command, const bide_process_output *output, int error)
{
	int64_t status = output ? output->status : 0;

	if (output && output->out)
		fputs(output->out, stdout);
	if (error)
		printf("%s: %s\n", command, bide_strerror(error));
	else if (process_exit_signal(status))
		printf("%s: ended by signal %d\n", command, process_exit_signal(status));
	else if (status)
		printf("%s: exit code %d\n", command, process_exit_code(status));
}

static value_task run_command(const char *command)
{
	const char *const words[] = { "sh", "-c", command, NULL }; /* copied inside the call */
	bide_process_options options = { .arguments = words, .err = BIDE_PROCESS_INHERIT };

	return process_run(&options, NULL, 0, 0).untyped;
}

async(job)
{
	async_in(command, failed);
	await_or(my->output, with_timeout(limit_ns, run_command(command)), my->error = await_error);
	if (my->error == ECANCELED)
		async_fail(ECANCELED);
	report(command, my->output, my->error);
	*failed = my->error != 0 || my->output->status != 0;
async_finally:
	process_output_free(my->output);
	async_end;
}

struct jobs {
	const char *const *commands;
	int *failed;
};

static value_task begin_job(int64_t index, void *argument)
{
	const struct jobs *jobs = argument;

	return async_start(job, .command = jobs->commands[index], .failed = &jobs->failed[index]);
}

/* Returns how many commands have failed, or -1 after a signal. */
static int run_all(const char *const *commands, int64_t count)
{
	bide_parallel_options options = { .limit = count_at_once };
	struct jobs jobs = { commands, calloc((size_t)count, sizeof(int)) };
	payload number = { .i = 0 };
	int failed = 0, error;

	if (!jobs.failed)
		return -1;
	error = value_task_wait(until_signal(for_each(0, count, begin_job, &jobs, &options), SIGINT,
	                                     SIGTERM),
	                        &number);
	for (int64_t i = 0; i < count; i++)
		failed += jobs.failed[i];
	free(jobs.failed);
	if (error)
		fprintf(stderr, "jobs: %s\n", bide_strerror(error));
	else if (number.i)
		fprintf(stderr, "jobs: signal %d\n", (int)number.i);
	return error || number.i ? -1 : failed;
}

static int run_own(void)
{
	int failed;

	limit_ns = BIDE_SECONDS(OWN_LIMIT_S);
	failed = run_all(own_commands, OWN_COUNT);
	return bide_shutdown(NULL) != 0 || failed != OWN_FAILURES;
}

int main(int argument_count, char **arguments)
{
	int at = 1, failed;

	for (; at + 1 < argument_count && arguments[at][0] == '-'; at += 2) {
		long number = atol(arguments[at + 1]);

		if (number <= 0 || number > 1000000 || !strchr("jt", arguments[at][1])) {
			fprintf(stderr, "usage: jobs [-j COUNT] [-t SECONDS] COMMAND...\n");
			return 2;
		}
		if (arguments[at][1] == 'j')
			count_at_once = (size_t)number;
		else
			limit_ns = BIDE_SECONDS(number);
	}
	if (at == argument_count)
		return run_own();
	failed = run_all((const char *const *)arguments + at, argument_count - at);
	return bide_shutdown(NULL) != 0 || failed != 0;
}
