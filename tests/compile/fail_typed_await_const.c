/* expect: error: static.assert.*this await has another type than the value task delivers */
/* The target of the pointer must not lose its const, either. */
#include <bide/bide.h>
#include <bide/short.h>

VALUE_TASK_OF(text_task, const char *);
text_task text(void);

struct f {
	ASYNC_FRAME;
	char *number;
};

async(f)
{
	async_begin;
	await(my->number, text());
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
