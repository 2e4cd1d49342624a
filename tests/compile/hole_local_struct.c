/* No compiler reports a struct whose members are assigned, either. */
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
	struct point point;

	async_begin;
	point.x = 1;
	point.y = 2;
	await(async_yield());
	use(&point); /* FOUND: local 'point' */
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
