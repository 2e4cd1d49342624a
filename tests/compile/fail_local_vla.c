/* expect gcc: error: switch jumps into scope of identifier with variably modified type */
/* expect clang: error: cannot jump from switch statement to this case label */
/* An array of variable length cannot be jumped over. */
#include <bide/bide.h>
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
		char buffer[my->in.count];

		buffer[0] = 1;
		await(async_yield());
		async_return(buffer[0]);
	}
async_finally:
	async_end;
}

value_task f(int count);
value_task f(int count)
{
	return async_start(f, .count = count);
}
