/* expect clang: error: .*uninitialized */
/* A function fills a local through its address, and gcc takes the local for initialised. */
#include <bide/bide.h>
#include <bide/short.h>

void fill(int *at);

struct f {
	ASYNC_FRAME;
};

async(f)
{
	int n;

	async_begin;
	fill(&n);
	await(async_yield());
	async_return(n); /* FOUND: local 'n' */
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
