/*
 * get_data.c - the same function twice: one returns a task, and the other returns a value
 * task. Both can wait without holding a thread. The value task costs nothing if the data is there.
 */
#include <stdio.h>

#include <bide/short.h>

struct get_data {
	ASYNC_FRAME;
};

async(get_data)
{
	async_begin;
	await(delay_ms(1000));
	async_return("data");
async_finally:
	async_end;
}

/* Returns an object for the operation. It can be shared, kept, and awaited many times. */
static task *get_data_task(void)
{
	return value_task_as_task(async_start(get_data));
}

/* Returns two registers. They hold the data if it is there; otherwise they say where it will be. */
static value_task get_data_value(const char *have)
{
	if (have)
		return value_task_from(have);
	return async_start(get_data);
}

static int show(const char *what, value_task data)
{
	bool ready = value_task_is_ready(data);
	payload result;
	int error = value_task_wait(data, &result);

	if (error) {
		fprintf(stderr, "%s: %s\n", what, bide_strerror(error));
		return 1;
	}
	printf("%-28s %-10s %s\n", what, ready ? "at once:" : "waited:", (const char *)result.p);
	return 0;
}

int main(void)
{
	task *data = get_data_task();
	int failed;

	if (!data) {
		fprintf(stderr, "no memory\n");
		return 1;
	}
	failed = show("task", task_await(data));
	failed |= show("the same task, awaited again", task_await(data));
	task_unref(data);
	failed |= show("value_task, data not there", get_data_value(NULL));
	failed |= show("value_task, data there", get_data_value("data"));
	return failed;
}
