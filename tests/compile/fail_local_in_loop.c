/* expect gcc: error: (switch jumps over variable initialization|.*uninitialized) */
/* expect clang: error: variable 'i' (may be|is used) uninitialized */
/* The counter of a for loop that awaits belongs in the frame. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
	for (int i = 0; i < 10; i++)
		await(async_yield());
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
