/* expect gcc: error: .struct f. has no member named .BIDE_ASYNC_FRAME_is_the_first_member_ */
/* expect clang: error: no member named 'BIDE_ASYNC_FRAME_is_the_first_member_' in 'f' */
/* lines gcc: 32 */
/* lines clang: 84 */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	int number;
};

async(f)
{
	async_begin;
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
