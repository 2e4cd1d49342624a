/* Objects of the library that are placed in a local across an await. */
#include <bide/short.h>

void stop_it(void *argument);

struct part {
	ASYNC_FORK;
};
async_forked(part)
{
	return value_task_from(my != NULL);
}

struct forks {
	ASYNC_FRAME_FORKING;
	struct part good;
};

async(forks)
{
	struct part slot;

	async_begin;
	async_fork(part, my->good);
	async_fork(part, slot); /* FOUND: 'bide_async_fork' gets the address of local 'slot' */
	await(async_join(part, slot));
	await(async_join(part, my->good));
async_finally:
	async_end;
}

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
	(void)!bide_group_init(&my->good, NULL);
	(void)!bide_group_init(&group, NULL);                           /* FOUND: 'group' */
	bide_cancel_token_register(my->in.token, &kept, stop_it, NULL); /* FOUND: 'kept' */
	bide_cancel_token_register(my->in.token, &ended, stop_it, NULL);
	bide_cancel_registration_unregister(&ended);
	(void)!bide_when_each_init(&each, my->items, 2); /* FOUND: 'each' */
	await(bide_group_wait(&my->good));
	await(async_start(forks));
async_finally:
	async_end;
}

value_task f(bide_cancel_token token);
value_task f(bide_cancel_token token)
{
	return async_start(f, .token = token);
}
