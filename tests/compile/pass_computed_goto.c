/* flags: -DBIDE_COMPUTED_GOTO */
/* Only this dispatch allows an await inside a switch, and several awaits on a line. */
#include <bide/bide.h>
#include <bide/short.h>

value_task number(int key);

struct f {
	ASYNC_FRAME;
	struct {
		int way;
	} in;
	int a, b;
};

/* clang-format off */
async(f)
{
	async_begin;
	switch (my->in.way) {
	case 1:
		await(my->a, number(1));
		break;
	case 2:
		await(my->a, number(1)); await(my->b, number(2)); await(number(3));
		break;
	default:
		async_return(number(4));
	}
	async_return(my->a + my->b);
async_finally:
	switch (my->in.way) {
	case 1:
		await(async_yield());
		break;
	default:
		break;
	}
	async_end;
}
/* clang-format on */

value_task f(int way);
value_task f(int way)
{
	return async_start(f, .way = way);
}
