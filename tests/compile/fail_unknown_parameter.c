/* expect gcc: error: .* has no member named .*kye */
/* expect clang: error: field designator 'kye' does not refer to any field */
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
	async_begin;
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f, .kye = 1);
}
