/* expect gcc: error: .await_stands_behind_async_begin_. undeclared */
/* expect clang: error: use of undeclared identifier .await_stands_behind_async_begin_. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

async(f)
{
	await(async_yield());
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
