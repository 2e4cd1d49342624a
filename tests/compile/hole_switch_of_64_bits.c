/* In a switch over 64 bits the label of an await is valid; the function aborts when it resumes. */
/* not with computed goto */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	struct {
		int64_t way;
	} in;
};

async(f)
{
	async_begin;
	switch (my->in.way) {
	case 1:
		await(async_yield()); /* FOUND: inside a switch */
		break;
	default:
		break;
	}
async_finally:
	async_end;
}

value_task f(int64_t way);
value_task f(int64_t way)
{
	return async_start(f, .way = way);
}
