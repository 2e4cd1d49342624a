/* expect gcc: error: switch jumps over variable initialization */
/* An array with an initialiser. */
#include <bide/bide.h>
#include <bide/short.h>

void use(int *numbers);

struct f {
	ASYNC_FRAME;
};

async(f)
{
	async_begin;
	{
		int numbers[2] = { 1, 2 };

		await(async_yield());
		use(numbers); /* FOUND: local 'numbers' */
	}
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
