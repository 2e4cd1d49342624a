/* expect: error: static.assert.*bide_await takes a value task or a bide_task .*, and this is neither */
/* lines clang: 40 */
/* The call operator is missing. */
#include <bide/bide.h>
#include <bide/short.h>

value_task get(void);
struct f {
	ASYNC_FRAME;
	int number;
};

async(f)
{
	async_begin;
	await(my->number, get);
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
