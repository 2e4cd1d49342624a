/* An array is lost across an await. No compiler reports it; ./dev lint does. */
#include <string.h>

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
	char copy[64];

	async_begin;
	strncpy(copy, my->in.text, 63);
	copy[63] = 0;
	await(async_yield());
	async_return(strlen(copy)); /* FOUND: local 'copy' */
async_finally:
	async_end;
}

value_task f(const char *text);
value_task f(const char *text)
{
	return async_start(f, .text = text);
}
