/* expect: error: static.assert.*bide_async_return of a bide_task . would hand out the pointer */
#include <bide/bide.h>
#include <bide/short.h>

task *a_task(void);
struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
	async_return(a_task());
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
