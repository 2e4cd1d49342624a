/* expect gcc: error: incompatible types when returning */
/* expect clang: error: returning 'int' from a function with incompatible result type */
/* A `return` with a value would skip the cleanup. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
	await(async_yield());
	return 5;
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
