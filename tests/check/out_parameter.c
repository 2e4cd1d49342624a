/* A local that a function filled through its address, and one that is filled again. */
#include <stdio.h>

#include <bide/short.h>

static void get(int *out)
{
	*out = 12;
}
int fetch(char *to, size_t size);

struct f {
	ASYNC_FRAME;
};

async(f)
{
	int x, y;
	char text[8];

	async_begin;
	get(&x);
	get(&y);
	fetch(text, sizeof text);
	await(delay_ms(1));
	printf("%d\n", x); /* FOUND: 'x' */
	get(&y);
	printf("%d\n", y);
	if (fetch(text, sizeof text))
		puts(text);
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
