/* expect gcc: error: assignment of read-only variable .key. */
/* expect clang: error: cannot assign to variable 'key' with const-qualified type */
/* A change of the copy would be lost at the next await. */
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
	async_in(key);
	key = 5;
	async_return(key);
async_finally:
	async_end;
}

value_task f(int key);
value_task f(int key)
{
	return async_start(f, .key = key);
}
