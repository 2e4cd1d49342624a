/* expect: error: static.assert.*bide_await assigns a number or a pointer; bide_await_large assigns a struct */
/* lines clang: 90 */
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
	await(my->point, channel_read(my->in.c));
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
