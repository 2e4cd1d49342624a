/* The address of memory that ends with the function cannot be a result. */
#include <stdio.h>

#include <bide/short.h>

struct g {
	ASYNC_FRAME;
	struct {
		char *name;
	} in;
	char name[32];
	const char *text, *found;
	struct {
		int numbers[4];
	} result;
	int way;
};

async(g)
{
	char *alias = my->name;
	int local;

	async_begin;
	await(delay_ms(1));
	snprintf(my->name, sizeof my->name, "a name of %d", 42);
	if (my->way == 1)
		async_return(my->name); /* FOUND: address in the frame */
	if (my->way == 2)
		async_return(&my->way); /* FOUND: address in the frame */
	if (my->way == 3)
		async_return(my->result.numbers + 1); /* FOUND: address in the frame */
	if (my->way == 4)
		async_return(&local); /* FOUND: address of local 'local' */
	if (my->way == 5)
		async_return(my->way ? my->in.name : my->name); /* FOUND: address in the frame */
	if (my->way == 10)
		async_return(alias); /* FOUND: address in the frame */
	if (my->way == 11) {
		my->found = NULL;
		if (my->in.name)
			my->found = my->name;
		my->found++;
		async_return(my->found); /* FOUND: address in the frame */
	}
	if (my->way == 12)
		async_return(my); /* FOUND: address in the frame */
	my->text = my->name;
	my->text = "text";
	if (my->way == 6)
		async_return(my->in.name);
	if (my->way == 7)
		async_return(my->text);
	if (my->way == 8)
		async_return(my->name[0]);
	if (my->way == 9)
		async_return_large(&my->result);
	async_return(my->result.numbers[2]);
async_finally:
	async_end;
}

value_task g(char *name);
value_task g(char *name)
{
	return async_start(g, .name = name);
}
