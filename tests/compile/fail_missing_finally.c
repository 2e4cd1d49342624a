/* expect gcc: error: label .*bide_finally_.* used but not defined */
/* expect clang: error: use of undeclared label 'bide_finally_' */
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
