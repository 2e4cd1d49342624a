/* expect gcc: error: (switch jumps over variable initialization|.*uninitialized) */
/* expect clang: error: variable 'text' (may be|is used) uninitialized */
/* A pointer is lost just like a number. */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	struct {
		const char *text;
	} in;
};

async(f)
{
	async_begin;
	{
		const char *text = my->in.text;

		await(async_yield());
		async_return(text);
	}
async_finally:
	async_end;
}

value_task f(const char *text);
value_task f(const char *text)
{
	return async_start(f, .text = text);
}
