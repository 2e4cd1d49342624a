/* An untyped value task can go into any type: a double into a number, a number into a pointer. */
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
	await(my->number, value_task_from(2.5)); /* FOUND: delivers a double, .* into an integer */
	await(my->text, value_task_from(7));     /* FOUND: delivers an integer, .* into a pointer */
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
