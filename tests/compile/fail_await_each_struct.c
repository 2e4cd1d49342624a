/* expect: error: static.assert.*bide_await_each assigns a struct from a bide_channel . alone */
/* lines clang: 60 */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	struct {
		generator *c;
	} in;
	char text[16];
	struct point {
		long x, y;
	} point;
};

async(f)
{
	async_begin;
	await_each(my->point, my->in.c)
		;
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
