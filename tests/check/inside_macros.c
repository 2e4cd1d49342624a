/* Locals that are used inside macros, and awaits inside macros of the user. */
#include <stdio.h>

#include <bide/short.h>

#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define PAUSE() await(delay_ms(1))
#define NEXT(x) ((x) + data)

struct f {
	ASYNC_FRAME;
	struct {
		int key;
	} in;
	int r;
};

async(f)
{
	int data, other;

	async_begin;
	data = other = my->in.key;
	PAUSE();
	my->r = MAX(other, 1) + 1; /* FOUND: 'other' .* await of line 24 */
	my->r = NEXT(my->r);       /* FOUND: 'data' */
	async_return(my->r);
async_finally:
	async_end;
}

value_task f(int key);
value_task f(int key)
{
	return async_start(f, .key = key);
}
