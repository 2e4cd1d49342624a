/* expect: error: .*struct_f_must_be_defined_above_the_async_function */
/* lines gcc: 44 */
#include <bide/bide.h>
#include <bide/short.h>

async(f)
{
	async_begin;
	await(async_yield());
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
