/* expect: error: static.*failed.*async_emit stands only in a generator */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
	async_emit(1);
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
