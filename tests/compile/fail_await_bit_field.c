/* expect: error: static.assert.*bide_await takes a value task or a bide_task .*, and this is neither */
/* lines clang: 60 */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	unsigned bits : 3;
};

async(f)
{
	async_begin;
	await(my->bits);
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
