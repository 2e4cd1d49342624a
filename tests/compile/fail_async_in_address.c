/* expect: error: address of register variable (.key. )?requested */
/* The copy ends at the next await. */
#include <bide/bide.h>
#include <bide/short.h>

value_task fill(const int *at);

struct f {
	ASYNC_FRAME;
	struct {
		int key;
	} in;
};

async(f)
{
	async_in(key);
	await(fill(&key));
	async_return(key);
async_finally:
	async_end;
}

value_task f(int key);
value_task f(int key)
{
	return async_start(f, .key = key);
}
