/* expect: error: .*'?n'?.*uninitialized */
/* flags: -O2 */
/* A local that is assigned after its declaration does not survive an await, either. */
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
	int n;

	async_begin;
	n = my->in.a * 2;
	await(async_yield());
	async_return(n);
async_finally:
	async_end;
}

value_task f(int a);
value_task f(int a)
{
	return async_start(f, .a = a);
}
