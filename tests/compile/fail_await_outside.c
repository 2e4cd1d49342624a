/* expect gcc: error: .await_stands_only_in_an_async_function__behind_async_begin. undeclared */
/* expect clang: error: await stands only in an async function, between async_begin and async_end */
/* lines gcc: 44 */
#include <bide/bide.h>
#include <bide/short.h>

int f(void);
int f(void)
{
	await(async_yield());
	return 0;
}
