/*
 * blocking.c - a blocking call (here: reading a file) runs on another thread. Meanwhile the async
 * function waits and this thread does other things.
 */
#include <errno.h>
#include <stdio.h>

#include <bide/short.h>

struct count_lines {
	ASYNC_FRAME;
	struct {
		const char *path;
	} in;
	int64_t line_count;
};

/*
 * Runs on a thread for blocking calls. Frames never move, so it may get a pointer to the whole
 * frame.
 */
static value_task count_lines(void *argument)
{
	const struct count_lines *my = argument;
	FILE *file = fopen(my->in.path, "r");
	int64_t count = 0;
	int c;

	if (!file)
		return value_task_from_error(errno); /* the error of the await */
	while ((c = getc(file)) != EOF)
		count += c == '\n';
	fclose(file);
	return value_task_from(count);
}

async(count_lines)
{
	async_begin;
	await(my->line_count, run_blocking(count_lines, my));
	async_return(my->line_count);
async_finally:
	async_end;
}

struct run {
	ASYNC_FRAME;
	value_task counts[2];
	int64_t none; /* when_all has no result */
	int error, ticks;
};

async(run)
{
	async_begin;
	my->counts[0] = async_start(count_lines, .path = "/proc/self/status");
	my->counts[1] = async_start(count_lines, .path = "/proc/self/there-is-none");
	for (; !value_task_is_ready(my->counts[0]); my->ticks++)
		await(delay_ms(1)); /* this thread is not blocked meanwhile */
	await_or(my->none, when_all(my->counts, 2), my->error = await_error); /* the first error */
	printf("lines: %d; the file that is not there: %s\n", (int)my->counts[0].payload.i,
	       bide_strerror(value_task_error(my->counts[1]))); /* each has its own outcome */
	async_return(my->counts[0].payload.i > 0 && my->error == ENOENT);
async_finally:
	async_end;
}

int main(void)
{
	payload good;
	int error = value_task_wait(async_start(run), &good);

	if (error)
		fprintf(stderr, "blocking: %s\n", bide_strerror(error));
	return error || !good.i;
}
