/* expect: error: static.assert.*BIDE_ASYNC_FRAME must be the first member */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	int before;
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
