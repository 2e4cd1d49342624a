/* expect: error: static.*failed.*emit the address of a struct in the frame */
#include <bide/bide.h>
#include <bide/short.h>

struct point {
	int64_t x, y;
};

struct f {
	ASYNC_GENERATOR;
	struct point point;
};

async_generator(f)
{
	async_begin;
	async_emit(my->point);
async_finally:
	async_end;
}

bide_generator *f(void);
bide_generator *f(void)
{
	return generator_start(f);
}
