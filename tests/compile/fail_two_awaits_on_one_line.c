/* expect gcc: error: duplicate case value */
/* expect clang: error: (duplicate case value|redefinition of label) */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

/* clang-format off */
async(f)
{
	async_begin;
	await(async_yield()); await(async_yield());
async_finally:
	async_end;
}
/* clang-format on */

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
