/* expect clang: error: .*uninitialized */
/* flags: -O2 -Wno-maybe-uninitialized */
/* closed gcc: 13 */
/*
 * A use in a macro defined above the function: gcc decides by the macro's place if it is an error.
 */
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
	my->result = LARGER(data, 1) + 1; /* FOUND: local 'data' */
	async_return(my->result);
async_finally:
	async_end;
}

value_task f(int key);
value_task f(int key)
{
	return async_start(f, .key = key);
}
