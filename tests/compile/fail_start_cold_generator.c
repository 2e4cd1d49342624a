/* expect: error: static.assert.*this is a generator: bide_generator_start starts it */
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

value_task f(void);
value_task f(void)
{
	return async_start_cold(numbers, .count = 1);
}
