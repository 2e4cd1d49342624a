/* Functions of the same file are analysed: do they read through a pointer, or fill its target? */
#include <stdio.h>

#include <bide/short.h>

struct point {
	int x, y;
	char name[8];
};

static void put_there(struct point *to)
{
	if (to->name[0] == 0)
		return;
	to->x = 1;
}

static void shift(struct point *point)
{
	point->x = 1;
	point->y = 2;
}

static int take(int *at)
{
	return (*at)--;
}

static void give(int *at)
{
	*at = 3;
}

struct f {
	ASYNC_FRAME;
};

async(f)
{
	struct point a, b;
	int n, m;

	async_begin;
	a.x = a.y = b.x = b.y = n = m = 0;
	await(delay_ms(1));
	put_there(&a);            /* FOUND: 'a' */
	printf("%d\n", take(&n)); /* FOUND: 'n' */
	shift(&b);
	give(&m);
	printf("%d %d\n", b.x, m);
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
