/* A return in the cleanup, an await in a switch, and a comment that silences a report. */
/* not with computed goto */
#include <stdio.h>

#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	int64_t way;
};

async(f)
{
	int n;

	async_begin;
	n = 1;
	switch (my->way) {
	case 1:
		await(delay_ms(1)); /* FOUND: await inside a switch of your own */
		break;
	default:
		break;
	}
	printf("%d\n", n); /* bide-check: ignore */
async_finally:
	if (my->way)
		async_fail(3); /* FOUND: return in the cleanup */
	async_return(1);   /* FOUND: return in the cleanup */
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
