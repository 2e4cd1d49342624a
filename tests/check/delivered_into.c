/* Awaits into another type or size than a function of the same file returns. */
#include <bide/short.h>

struct point {
	double x, y;
};

struct g {
	ASYNC_FRAME;
	struct {
		int way;
	} in;
	struct point point;
};

async(g)
{
	async_begin;
	await(delay_ms(1));
	async_return(my->point.x);
async_finally:
	async_end;
}

struct large {
	ASYNC_FRAME;
	struct point point;
};

async(large)
{
	async_begin;
	async_return_large(&my->point);
async_finally:
	async_end;
}

struct mixed {
	ASYNC_FRAME;
	int way;
};

async(mixed)
{
	async_begin;
	if (my->way)
		async_return(2.5);
	async_return(2);
async_finally:
	async_end;
}

static value_task wrapped(int way)
{
	if (way == 1)
		return value_task_from(0.5);
	return async_start(g, .way = way);
}

static value_task of_large(void)
{
	return async_start(large);
}

struct f {
	ASYNC_FRAME;
	value_task v;
	int64_t number;
	double real;
	const char *text;
	uintptr_t address;
	struct point point;
	char name[8];
};

async(f)
{
	async_begin;
	await(my->number, async_start(g, .way = 1)); /* FOUND: 'g' delivers a double, .* an integer */
	await(my->real, async_start(g, .way = 1));
	await(my->text, wrapped(2));         /* FOUND: 'wrapped' delivers a double, .* a pointer */
	await(my->real, value_task_from(1)); /* FOUND: an integer, .* a double */
	await(my->number, async_start(mixed));
	await(my->real, async_start(mixed));
	await(my->address, value_task_from("text"));
	await(my->text, value_task_from("text"));
	await_large(my->point, async_start(large));
	await_large(my->point, of_large());
	await_large(my->name, of_large());  /* FOUND: 'of_large' returns 16 bytes, .* copies 8 */
	await_large(my->point, wrapped(3)); /* FOUND: not end with bide_async_return_large */
	my->v = async_start(g);
	await(my->number, my->v);
	await(delay_ms(1));
async_finally:
	wrapped(1); /* FOUND: 'f': the value task of 'wrapped' is dropped */
	(void)wrapped(2);
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
