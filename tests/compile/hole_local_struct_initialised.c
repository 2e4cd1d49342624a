/* expect gcc: error: switch jumps over variable initialization */
/* A struct with an initialiser: gcc refuses it, clang checks scalars only. */
#include <bide/bide.h>
#include <bide/short.h>

struct point {
	int x, y;
};
void use(struct point *point);

struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
	{
		struct point point = { 1, 2 };

		await(async_yield());
		use(&point); /* FOUND: local 'point' */
	}
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
