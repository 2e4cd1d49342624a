/* expect: error: static.assert.*parameters are named: bide_async_start.function, .parameter = value */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	struct {
		int key;
	} in;
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
	return async_start_cold(f, 3);
}
