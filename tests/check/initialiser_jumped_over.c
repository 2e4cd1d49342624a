/* An initialiser at the outer level: gcc refuses it; a block around the local helps. */
/* not with computed goto */
#include <stdio.h>

#include <bide/short.h>

struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
	int answer = 42; /* FOUND: put the local and its uses into a block */
	printf("%d\n", answer);
	{
		int inner = 43;

		printf("%d\n", inner);
	}
	await(delay_ms(1));
	int unset;
	unset = 3;
	printf("%d\n", unset);
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
