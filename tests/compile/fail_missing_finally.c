/* expect gcc: error: label .async_finally_is_missing_above_async_end. used but not defined */
/* expect clang: error: use of undeclared label 'async_finally_is_missing_above_async_end' */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
	await(async_yield());
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
