/* expect clang: error: .*uninitialized */
/* flags: -O0 -DBIDE_COMPUTED_GOTO */
/* With computed goto and without optimisation, gcc does not see a jump over an initialiser. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	struct {
		int a;
	} in;
};

async(f)
{
	async_begin;
	{
		int n = my->in.a * 2;

		await(async_yield());
		async_return(n); /* FOUND: local 'n' */
	}
async_finally:
	async_end;
}

value_task f(int a);
value_task f(int a)
{
	return async_start(f, .a = a);
}
