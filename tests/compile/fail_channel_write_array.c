/* expect: error: static.assert.*an array is not copied */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	struct {
		channel *c;
	} in;
	char text[16];
	struct point {
		long x, y;
	} point;
};

async(f)
{
	async_begin;
	channel_try_write(my->in.c, "text");
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
