/* expect gcc: error: switch jumps over variable initialization */
/* expect clang: error: variable 'n' (may be|is used) uninitialized */
/* A local with an initialiser does not survive an await. */
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
		async_return(n);
	}
async_finally:
	async_end;
}

value_task f(int a);
value_task f(int a)
{
	return async_start(f, .a = a);
}
