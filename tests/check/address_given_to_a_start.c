/* The address of a local is given to an operation that is pending across an await. */
#include <stdio.h>

#include <bide/short.h>

value_task fill(int *at, const char *from);

struct g {
	ASYNC_FRAME;
	struct {
		int *out;
	} in;
};

async(g)
{
	async_begin;
	await(delay_ms(1));
	*my->in.out = 1;
async_finally:
	async_end;
}

struct f {
	ASYNC_FRAME;
	value_task filling, all[2];
	int number;
	bide_group group;
};

async(f)
{
	int a, b, c, d, e;
	char name[8] = "name";
	value_task items[2];
	bide_payload result;

	async_begin;
	await(fill(&a, NULL));                 /* FOUND: 'fill' gets the address of local 'a' */
	my->filling = fill(&my->number, name); /* FOUND: 'name' */
	await(my->filling);
	await(async_start(g, .out = &b));            /* FOUND: 'g' gets the address of local 'b' */
	my->all[0] = async_start_cold(g, .out = &c); /* FOUND: 'g' .* 'c' */
	my->all[1] = fill(&my->number, NULL);
	await(bide_when_all(my->all, 2));
	items[0] = fill(&my->number, NULL);
	items[1] = fill(&my->number, NULL);
	await(bide_when_all(items, 2)); /* FOUND: 'bide_when_all' .* 'items' */
	bide_value_task_wait(fill(&d, NULL), &result);
	printf("%d\n", d);
	async_return(fill(&e, NULL)); /* FOUND: 'e' .* while the return waits */
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
