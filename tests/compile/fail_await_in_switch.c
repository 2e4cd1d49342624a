/* expect gcc: error:.*overflow */
/* expect clang: error: (overflow converting case value|.*-Wswitch) */
/* An await inside a switch of one's own would be a label of that switch. */
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
