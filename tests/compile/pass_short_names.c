/*
 * The plain words of short.h remain free for members, tags, labels, parameters and locals, without
 * a warning of -Wshadow.
 */
#define BIDE_NO_SHORT_race 1
#define BIDE_NO_SHORT_stats 1
#include <bide/short.h>
#undef value_task_wait

struct run {
	ASYNC_FRAME;
	struct {
		int delay;
	} in;
	int (*dump)(int);
};

async(run)
{
	async_begin;
	await(delay(my->in.delay));
async_finally:
	async_end;
}

struct operations {
	int (*run)(int drain);
	struct config {
		int group, status, task;
	} config;
};

static int race(int value_task_wait)
{
	return value_task_wait;
}

static struct stats {
	int trace;
} stats;

int use(struct operations *operations, int (*run)(int), unsigned group, const char *status);
int use(struct operations *operations, int (*run)(int), unsigned group, const char *status)
{
	int context = (int)group, payload = status[0], config = operations->config.status;

	if (payload)
		goto trace;
	return operations->run(context) + run(config);
trace:
	return race(stats.trace);
}

value_task start(void);
value_task start(void)
{
	return async_start(run, .delay = 3);
}
