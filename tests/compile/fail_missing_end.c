/* expect gcc: error: static declaration of .f. follows non-static declaration */
/* expect clang: error: (expected|function definition is not allowed here) */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
	await(async_yield());
async_finally:
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
