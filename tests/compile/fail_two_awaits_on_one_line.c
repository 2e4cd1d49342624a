/* expect gcc: error: duplicate label .await_is_a_statement__alone_on_its_line_ */
/* expect clang: error: redefinition of label 'await_stands_alone_on_its_line_ */
/* lines gcc: 46 */
/* lines clang: 60 */
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
