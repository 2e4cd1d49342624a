/* expect: error: static.assert.*bide_await_each loops over a generator, a channel,  */
#include <bide/bide.h>
#include <bide/short.h>

struct numbers {
	ASYNC_GENERATOR;
	struct {
		int count;
	} in;
};

async_generator(numbers)
{
	async_begin;
	async_emit(my->in.count);
async_finally:
	async_end;
}

struct f {
	ASYNC_FRAME;
	value_task all;
	int64_t x;
};

async(f)
{
	async_begin;
	await_each(my->x, my->all)
		;
async_finally:
	async_end;
}

value_task g(void);
value_task g(void)
{
	return async_start(f);
}
