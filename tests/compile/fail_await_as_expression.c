/* expect gcc: error: .await_is_a_statement__alone_on_its_line_[0-9]*. undeclared */
/* expect clang: error: expected expression */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	int number;
};

async(f)
{
	async_begin;
	my->number = await(async_yield());
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
