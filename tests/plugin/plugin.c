/*
 * plugin.c - the plug-in that main.c loads. It uses all kinds of threads and shuts the runtime
 * down.
 */
#include <bide/short.h>

static value_task answers(void *argument)
{
	(void)argument;
	return value_task_from(20);
}

struct asks {
	ASYNC_FRAME;
	int64_t first, second;
};

async(asks)
{
	async_begin;
	await(my->first, bide_run_blocking(answers, NULL));
	await(bide_delay(1000));
	await(my->second, bide_run(answers, NULL));
	async_return(my->first + my->second + 2);
async_finally:
	async_end;
}

/* Returns 42. */
__attribute__((visibility("default"))) int plugin_run(unsigned workers);

int plugin_run(unsigned workers)
{
	bide_payload got = { .i = 0 };
	uint64_t leak_count;

	if (bide_configure(&(bide_config){ .workers = workers }) != 0 ||
	    bide_value_task_wait(async_start(asks), &got) != 0 || bide_shutdown(&leak_count) != 0 ||
	    leak_count != 0)
		return 0;
	return (int)got.i;
}
