/* expect: error: static.assert.*evaluates this call for each element: keep what it returns in the frame, and loop over that; parentheses around it say that it returns the same one each time */
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

static generator *counting(int count)
{
	return generator_start(numbers, .count = count);
}
struct f {
	ASYNC_FRAME;
	int64_t x;
};

async(f)
{
	async_begin;
	await_each(my->x, counting(1))
		;
async_finally:
	async_end;
}

value_task g(void);
value_task g(void)
{
	return async_start(f);
}
