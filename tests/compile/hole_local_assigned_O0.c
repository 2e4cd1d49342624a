/* expect clang: error: .*uninitialized */
/* flags: -O0 */
/* fail_local_assigned.c without optimisation, where gcc does not check. */
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
	async_return(n); /* FOUND: local 'n' */
async_finally:
	async_end;
}

value_task f(int a);
value_task f(int a)
{
	return async_start(f, .a = a);
}
