/* expect gcc: error: .*has no member named .kye. */
/* expect clang: error: no member named 'kye' */
/* lines clang: 80 */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	struct {
		int key;
	} in;
};

async(f)
{
	async_in(kye);
	async_return(key);
async_finally:
	async_end;
}

value_task f(int key);
value_task f(int key)
{
	return async_start(f, .key = key);
}
