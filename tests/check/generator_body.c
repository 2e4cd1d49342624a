/* A local of a generator is lost at an emit, as at an await; also in a loop over elements. */
#include <bide/bide.h>
#include <bide/short.h>

struct numbers {
	ASYNC_GENERATOR;
	struct {
		int64_t count;
		generator *from;
	} in;
	int64_t i, x;
};

async_generator(numbers)
{
	async_begin;
	{
		int64_t twice = my->in.count * 2;

		async_emit(twice);
		async_emit(twice); /* FOUND: 'twice' */
	}
	for (my->i = 0; my->i < my->in.count; my->i++) {
		int64_t square;

		square = my->i * my->i;
		async_emit(square);
	}
	await_each(my->x, my->in.from) {
		int64_t sum = my->x + 1;

		async_emit(sum);
		my->x = sum; /* FOUND: 'sum' */
	}
	{
		int64_t total = 0;

		await_each(my->x, my->in.from)
			total += my->x; /* FOUND: 'total' */
		my->x = total;      /* FOUND: 'total' */
	}
	{
		int64_t left;

		left = my->in.count;
		await(async_yield());
		async_emit(left); /* FOUND: 'left' */
	}
async_finally:
	async_end;
}
