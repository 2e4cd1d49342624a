/* expect gcc: error: static.assert.*bide_await takes a value task or a bide_task .*, and this is neither */
/* expect clang: error: (static.assert.*bide_await takes a value task .*, and this is neither|use of undeclared identifier .undeclared.) */
/* lines clang: 40 */
/* flags: -Wno-implicit-function-declaration */
/* gcc and clang assume that an undeclared function returns an int. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	int number;
};

async(f)
{
	async_begin;
	await(my->number, undeclared(5));
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
