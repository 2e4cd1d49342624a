/* expect gcc: error: overflow in conversion from .long long int. to .int. */
/* expect clang: error: duplicate case value: 'await_inside_a_switch__use_if_or_a_function' */
/* An await inside a switch of the user would become a label of that switch. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	struct {
		int way;
	} in;
};

async(f)
{
	async_begin;
	switch (my->in.way) {
	case 1:
		await(async_yield());
		break;
	default:
		break;
	}
async_finally:
	async_end;
}

value_task f(int way);
value_task f(int way)
{
	return async_start(f, .way = way);
}
