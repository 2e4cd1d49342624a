/* In a loop that awaits, a local that the round before set is lost. */
#include <stdio.h>

#include <bide/short.h>

int next(void);

struct f {
	ASYNC_FRAME;
	int i;
};

async(f)
{
	int before = 0, sum, inner, out;

	async_begin;
	sum = 0;
	for (my->i = 0; my->i < 3; my->i++) {
		sum += next(); /* FOUND: 'sum' */
		inner = next();
		printf("%d\n", inner);
		await(delay_ms(1));
	}
	for (int i = 0; i < 3; i++) { /* FOUND: 'i' */
		await(delay_ms(1));
	}
	out = 1;
	while (out) { /* FOUND: 'out' */
		await(delay_ms(1));
		if (next())
			break;
	}
	do {
		inner = next();
		if (inner == 2)
			continue;
		await(delay_ms(1));
	} while (inner); /* FOUND: 'inner' */
	for (;;) {
		if (before++ > 3) /* FOUND: 'before' is set anew at each resume */
			break;
		await(delay_ms(1));
	}
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
