/* expect gcc: error: ignoring return value of */
/* expect clang: error: ignoring return value of function */
/* flags: -Werror=unused-result */
#include <bide/bide.h>
#include <bide/short.h>

struct g {
	ASYNC_FRAME;
};

async(g)
{
	async_begin;
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	delay_ms(5);
	return async_start(g);
}
