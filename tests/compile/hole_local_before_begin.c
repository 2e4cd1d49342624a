/* A local that is initialised before async_begin has that value (1) again at each resume. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

async(f)
{
	int n = 1;

	async_begin;
	n = 2;
	await(async_yield());
	async_return(n); /* FOUND: 'n' is set anew at each resume */
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
