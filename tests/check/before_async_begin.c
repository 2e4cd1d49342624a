/* A local declared before async_begin is set again at each resume; fine if it never changes. */
#include <stdio.h>
#include <string.h>

#include <bide/short.h>

struct f {
	ASYNC_FRAME;
	struct {
		int limit;
	} in;
	char name[8];
};

async(f)
{
	const int limit = my->in.limit;
	char *name = my->name;
	int sum = 0, again = 0;
	char text[8] = "abc", *at = text;
	int numbers[2] = { 1, 2 };

	async_begin;
	sum += limit;
	again = 3;
	strcpy(name, "name");
	numbers[1] = 4;
	await(delay_ms(1));
	again = 4;
	printf("%s %d %s %s %d\n", name, limit, text, at, again);
	printf("%d\n", numbers[1]); /* FOUND: 'numbers' is set anew at each resume */
	sum += limit;               /* FOUND: 'sum' is set anew at each resume */
async_finally:
	printf("%s %d\n", name, limit);
	async_end;
}

value_task f(int limit);
value_task f(int limit)
{
	return async_start(f, .limit = limit);
}
