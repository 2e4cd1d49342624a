/* expect: error: static.*failed.*begins with BIDE_ASYNC_GENERATOR */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

async_generator(f)
{
	async_begin;
	async_emit(1);
async_finally:
	async_end;
}

bide_generator *f(void);
bide_generator *f(void)
{
	return generator_start(f);
}
