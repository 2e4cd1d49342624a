/* The scope of a local of the body ends before the cleanup: returns and failures leave it. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	int number;
};

async(f)
{
	async_begin;
	await(async_yield());
	int answer = my->number * 2;
	if (answer == 4)
		async_fail(5);
	async_return(answer);
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
