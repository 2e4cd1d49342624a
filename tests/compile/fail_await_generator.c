/* expect: error: static.assert.*a generator is not awaited: loop over it by bide_await_each */
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
	generator *all;
};

async(f)
{
	async_begin;
	my->all = generator_start(numbers, .count = 1);
	await(my->all);
async_finally:
	async_end;
}

value_task g(void);
value_task g(void)
{
	return async_start(f);
}
