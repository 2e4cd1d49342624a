/* expect: error: static.assert.*bide_await takes a value task or a bide_task .*, and this is neither */
/* lines clang: 55 */
#include <bide/bide.h>
#include <bide/short.h>

void nothing(void);
struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
	await(nothing());
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
