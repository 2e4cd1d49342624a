/* expect gcc: error: .t_. undeclared */
/* expect clang: error: use of undeclared identifier .t_. */
#include <bide/bide.h>
#include <bide/short.h>

int f(void);
int f(void)
{
	await(async_yield());
	return 0;
}
