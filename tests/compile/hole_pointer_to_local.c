/* A pointer in the frame to a local is invalid after the await. */
#include <bide/bide.h>
#include <bide/short.h>

value_task fill(int *at);

struct f {
	ASYNC_FRAME;
	value_task filling;
};

async(f)
{
	int number;

	async_begin;
	my->filling = fill(&number); /* FOUND: address of local 'number' */
	await(async_yield());
	await(my->filling);
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
