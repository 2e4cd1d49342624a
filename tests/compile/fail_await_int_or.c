/* expect: error: static.assert.*bide_await takes a value task or a bide_task .*, and this is neither */
#include <bide/bide.h>
#include <bide/short.h>

int plain(void);
struct f {
	ASYNC_FRAME;
	int number;
};

async(f)
{
	async_begin;
	await_or(my->number, plain(), async_fail(5));
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
