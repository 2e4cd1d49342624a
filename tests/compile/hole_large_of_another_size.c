/* await_large copies as many bytes as the destination has, and does not know the result's size. */
#include <bide/bide.h>
#include <bide/short.h>

struct small {
	int n;
};
struct big {
	int n[100];
};

struct g {
	ASYNC_FRAME;
	struct small result;
};

async(g)
{
	async_begin;
	async_return_large(&my->result);
async_finally:
	async_end;
}

struct f {
	ASYNC_FRAME;
	struct big got;
};

async(f)
{
	async_begin;
	await_large(my->got, async_start(g)); /* FOUND: 'g' returns 4 bytes, and .* copies 400 */
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
