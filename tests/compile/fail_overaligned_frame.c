/* expect: error: static.assert.*16-byte alignment at the most */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	_Alignas(32) char line[32];
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
