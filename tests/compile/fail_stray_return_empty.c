/* expect gcc: error: .*return.* with no value */
/* expect clang: error: non-void function .* should return a value */
/* An empty `return` would leave the function unfinished. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
	await(async_yield());
	return;
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
