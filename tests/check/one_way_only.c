/* An await on one of several paths is enough: branches, goto, switch, conditions. */
#include <stdio.h>

#include <bide/short.h>

int next(void);

struct f {
	ASYNC_FRAME;
};

async(f)
{
	int a, b, c, d, e;

	async_begin;
	a = b = c = d = e = 1;
	if (next())
		await(delay_ms(1));
	printf("%d\n", a); /* FOUND: 'a' .* line 19 */
	a = 2;
	if (next()) {
		printf("%d\n", a);
		goto end;
	}
	await(delay_ms(1));
	b = 2;
	switch (next()) {
	case 1:
		c = 3;
		break;
	case 2:
		c = 4;
		/* fallthrough */
	default:
		c = 5;
		break;
	}
	printf("%d %d\n", b, c);
	switch (next()) {
	case 1:
		d = 3;
		break;
	default:
		break;
	}
	printf("%d\n", d); /* FOUND: 'd' */
	if (next() && (e = next()) > 1)
		next();
	printf("%d\n", e); /* FOUND: 'e' */
end:
	printf("%d\n", next() ? a : 0); /* FOUND: 'a' .* line 26 */
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
