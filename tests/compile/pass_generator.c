/* Generators, and loops over what has elements, without a warning. */
#include <bide/bide.h>
#include <bide/short.h>

struct letters {
	ASYNC_GENERATOR;
	struct {
		const char *text;
	} in;
	char letter;
};

async_generator(letters)
{
	async_in(text);
	while (text[0] != '\0') {
		my->letter = *my->in.text++;
		if (my->letter == ' ')
			await(delay_ms(1));
		async_emit(my->letter);
		async_emit(&my->letter);
		async_emit(1.5);
	}
	async_return(0);
async_finally:
	async_end;
}

struct loop {
	ASYNC_FRAME;
	bide_generator *all;
	bide_when_each each;
	bide_periodic_timer *timer;
	char letter;
	int64_t i;
	bool tick;
};

async(loop)
{
	async_begin;
	my->all = generator_start(letters, .text = "a b");
	await_each(my->letter, my->all) {
		if (my->letter == 'b')
			continue;
		await(async_yield());
	}
	await_each(my->i, &my->each)
		await(delay_ms(my->i));
	await_each(my->tick, my->timer)
		if (my->tick)
			break;
	async_return(my->letter);
async_finally:
	await(generator_end(my->all));
	async_end;
}

value_task loop(void);
value_task loop(void)
{
	return async_start(loop);
}
