/* expect gcc: error: .await_stands_behind_async_begin_. undeclared */
/* expect clang: error: use of undeclared identifier .await_stands_behind_async_begin_. */
#include <bide/bide.h>
#include <bide/short.h>

int f(void);
int f(void)
{
	await(async_yield());
	return 0;
}
