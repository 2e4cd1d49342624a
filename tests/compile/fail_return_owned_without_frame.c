/* expect gcc: error: .struct f. has no member named .BIDE_ASYNC_FRAME_OWNED_is_the_first_member_ */
/* expect clang: error: no member named 'BIDE_ASYNC_FRAME_OWNED_is_the_first_member_' in 'struct f' */
#include <stdlib.h>

#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	void *memory;
};

async(f)
{
	async_begin;
	my->memory = malloc(5);
	async_return_owned(my->memory, free);
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
