/* expect gcc: error: .load_starts_above_its_body__write_async_declare_before_. undeclared */
/* lines gcc: 56 */
/* expect clang: error: use of undeclared identifier .load_starts_above_its_body__write_async_declare_before_ */
#include <bide/bide.h>
#include <bide/short.h>

struct load {
	ASYNC_FRAME;
	struct {
		int key;
	} in;
};

value_task load(int key);
value_task load(int key)
{
	return async_start(load, .key = key);
}

async(load)
{
	async_begin;
	async_return(my->in.key);
async_finally:
	async_end;
}
