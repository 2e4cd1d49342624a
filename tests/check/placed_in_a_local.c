/* Things of the library that are placed in a local across an await. */
#include <bide/short.h>

void stop_it(void *argument);

struct f {
	ASYNC_FRAME;
	struct {
		bide_cancel_token token;
	} in;
	bide_group good;
	bide_value_task items[2];
};

async(f)
{
	bide_group group;
	bide_cancel_registration kept, ended;
	bide_when_each each;

	async_begin;
	bide_group_init(&my->good, NULL);
	bide_group_init(&group, NULL);                                  /* FOUND: 'group' */
	bide_cancel_token_register(my->in.token, &kept, stop_it, NULL); /* FOUND: 'kept' */
	bide_cancel_token_register(my->in.token, &ended, stop_it, NULL);
	bide_cancel_registration_unregister(&ended);
	bide_when_each_init(&each, my->items, 2); /* FOUND: 'each' */
	await(bide_group_wait(&my->good));
async_finally:
	async_end;
}

value_task f(bide_cancel_token token);
value_task f(bide_cancel_token token)
{
	return async_start(f, .token = token);
}
