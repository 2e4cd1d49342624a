/* The cases of a select are copied. What a case reads or acquires comes to where the case says. */
#include <bide/bide.h>
#include <bide/short.h>

struct chooser {
	ASYNC_FRAME;
	struct {
		channel *from, *to;
		mutex *m;
		semaphore *s;
	} in;
	int64_t which, element;
	hold hold;
};

async(chooser)
{
	async_begin;
	{
		bide_select_case cases[2];
		int64_t got;

		cases[0] = bide_select_read(my->in.from, &got); /* FOUND: 'bide_select_read' .* 'got' */
		cases[1] = bide_select_delay(1000);
		await(my->which, bide_select(cases, 2));
	}
	{
		bide_select_case cases[2];
		hold here, kept;

		here = kept = (hold){ 0 };
		cases[0] = bide_select_mutex(my->in.m, &here); /* FOUND: 'bide_select_mutex' .* 'here' */
		cases[1] = bide_select_semaphore(my->in.s, 1, &kept); /* FOUND: 'kept' */
		await(my->which, bide_select(cases, 2));
	}
	{
		bide_select_case cases[3];
		int64_t given;

		given = 3;
		cases[0] = bide_select_write(my->in.to, &given);
		cases[1] = bide_select_read(my->in.from, &my->element);
		cases[2] = bide_select_mutex(my->in.m, &my->hold);
		await(my->which, bide_select(cases, 3));
	}
	{
		bide_select_case only;
		int64_t got;

		only = bide_select_read(my->in.from, &got); /* FOUND: 'got' */
		await(my->which, bide_select(&only, 1));
	}
async_finally:
	hold_release(&my->hold);
	async_end;
}
