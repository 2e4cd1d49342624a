/* expect: error: .*.data.*uninitialized */
/* hole_local_in_macro.c with the option that bide_async(7) recommends for gcc. */
/* flags: -O2 -Werror=maybe-uninitialized */
#include <bide/bide.h>
#include <bide/short.h>

#define LARGER(a, b) ((a) > (b) ? (a) : (b))

struct f {
	ASYNC_FRAME;
	struct {
		int key;
	} in;
	int result;
};

async(f)
{
	async_begin;
	int data;
	data = my->in.key;
	await(async_yield());
	my->result = LARGER(data, 1) + 1;
	async_return(my->result);
async_finally:
	async_end;
}

value_task f(int key);
value_task f(int key)
{
	return async_start(f, .key = key);
}
