/* The function of the attribute cleanup runs wherever the body returns, that is at each await. */
/* not with computed goto */
#include <bide/short.h>

void close_it(int *at);
#define CLOSED __attribute__((cleanup(close_it)))

struct f {
	ASYNC_FRAME;
};

async(f)
{
	__attribute__((unused)) int other;

	async_begin;
	{
		CLOSED int good = 1;

		(void)good;
	}
	await(delay_ms(1));
	{
		CLOSED int file; /* FOUND: cleanup of local 'file' */

		file = 3;
		(void)file;
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
