/* expect: error: static.*failed.*bide_async_generator begins the body of a generator */
#include <bide/bide.h>
#include <bide/short.h>

struct f {
	ASYNC_GENERATOR;
};

async(f)
{
	async_begin;
async_finally:
	async_end;
}
