/* A started function that writes into the frame must end before the frame does. */
#include <bide/short.h>

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

struct awaited {
	ASYNC_FRAME;
	int x, way;
	value_task v;
};

async(awaited)
{
	async_begin;
	my->v = async_start(g, .out = &my->x);
	if (my->way)
		await(my->v);
	await(async_start(g, .out = &my->x));
	async_return(async_start(g, .out = &my->x));
async_finally:
	async_end;
}

struct f {
	ASYNC_FRAME;
	struct {
		bide_group *group;
	} in;
	int x;
	value_task v;
};

async(f)
{
	value_task later;

	async_begin;
	later = async_start(g, .out = &my->x); /* FOUND: 'g' .* is forgotten */
	value_task_forget(later);
	my->v = async_start(g, .out = &my->x); /* FOUND: 'g' .* is forgotten */
	value_task_forget(my->v);
	value_task_forget(async_start(g, .out = &my->x)); /* FOUND: 'g' .* is forgotten */
	await(async_start(awaited));
	bide_group_add(my->in.group, async_start(g, .out = &my->x)); /* FOUND: no await follows */
	my->v = async_start(g, .out = &my->x); /* FOUND: 'g' .* no await follows */
async_finally:
	async_end;
}

value_task f(bide_group *group);
value_task f(bide_group *group)
{
	return async_start(f, .group = group);
}
