/* expect gcc: error: .*struct f.* has no member named .*bide_frame_ */
/* expect clang: error: no member named 'bide_frame_' in 'f' */
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
