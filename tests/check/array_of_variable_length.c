/* No jump can enter the scope of an array of variable length, used or not. */
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	struct {
		int count;
	} in;
};

async(f)
{
	async_begin;
	{
		char buffer[my->in.count]; /* FOUND: variable length */

		buffer[0] = 1;
		await(async_yield());
	}
	{
		char buffer[my->in.count];

		buffer[0] = 1;
		await(async_yield());
		async_return(buffer[0]); /* FOUND: 'buffer' */
	}
async_finally:
	async_end;
}

value_task f(int count);
value_task f(int count)
{
	return async_start(f, .count = count);
}
