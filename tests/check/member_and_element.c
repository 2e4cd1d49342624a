/* A member or an element that is set again after the await is fine; the others are not. */
#include <stdio.h>

#include <bide/short.h>

struct point {
	int x, y;
};

struct f {
	ASYNC_FRAME;
};

async(f)
{
	struct point one, both;
	int two[2], some[4];
	union {
		int i;
		unsigned u;
	} either;

	async_begin;
	one.x = one.y = both.x = both.y = two[0] = two[1] = either.i = 1;
	for (int i = 0; i < 4; i++)
		some[i] = i;
	await(delay_ms(1));
	one.x = both.x = both.y = two[0] = 2;
	either.u = 3;
	printf("%d\n", one.x);
	printf("%d\n", one.y); /* FOUND: 'one' */
	printf("%d %d\n", both.x, both.y);
	printf("%d\n", two[0]);
	printf("%d\n", two[1]); /* FOUND: 'two' */
	printf("%u\n", either.u);
	for (int i = 0; i < 4; i++)
		some[i] = i * 2;
	printf("%d\n", some[3]);
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
