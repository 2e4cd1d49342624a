/* expect gcc: error: duplicate label .async_finally_stands_twice */
/* expect clang: error: redefinition of label 'async_finally_stands_twice' */
/* lines gcc: 40 */
/* lines clang: 85 */
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
	await(async_yield());
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
