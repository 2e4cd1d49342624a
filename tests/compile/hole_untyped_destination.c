/* An untyped value task goes into anything: a double into a number, a number into a pointer. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	int64_t number;
	const char *text;
};

async(f)
{
	async_begin;
	await(my->number, value_task_from(2.5));
	await(my->text, value_task_from(7));
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
