/* expect: error: static.*failed.*await the value task before it */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_GENERATOR;
};

async_generator(f)
{
	async_begin;
	async_emit(delay_ms(1));
async_finally:
	async_end;
}

bide_generator *f(void);
bide_generator *f(void)
{
	return generator_start(f);
}
