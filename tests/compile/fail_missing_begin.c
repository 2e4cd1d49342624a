/* expect gcc: error: .await_stands_only_in_an_async_function__behind_async_begin. undeclared */
/* expect clang: error: await stands only in an async function, between async_begin and async_end */
/* lines gcc: 76 */
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
