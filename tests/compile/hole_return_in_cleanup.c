/* A return in the cleanup is reported at run time, to the misuse hook. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
async_finally:
	async_return(1); /* FOUND: return in the cleanup */
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
