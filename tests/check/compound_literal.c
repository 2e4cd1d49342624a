/* A compound literal is a local without a name. */
#include <bide/short.h>

struct message {
	const char *text;
};
value_task send(const struct message *message);
value_task send_copy(struct message message);

struct g {
	ASYNC_FRAME;
	struct {
		const struct message *message;
		struct message copy;
	} in;
};

async(g)
{
	async_begin;
	await(delay_ms(1));
async_finally:
	async_end;
}

struct f {
	ASYNC_FRAME;
	const struct message *message;
	int *numbers;
	bide_group group;
	int way;
};

async(f)
{
	async_begin;
	await(send(&(struct message){ "text" })); /* FOUND: compound literal */
	await(send_copy((struct message){ "text" }));
	await(async_start(g, .copy = (struct message){ "text" }));
	await(async_start(g, .message = &(struct message){ "text" })); /* FOUND: compound literal */
	(void)!bide_group_init(&my->group, &(bide_group_options){ 0 });
	my->message = &(struct message){ "text" }; /* FOUND: compound literal */
	my->numbers = (int[]){ 1, 2, 3 };          /* FOUND: compound literal */
	await(delay_ms(1));
	if (my->way)
		async_return(&(struct message){ "text" });   /* FOUND: compound literal */
	async_return(send(&(struct message){ "text" })); /* FOUND: compound literal */
async_finally:
	async_end;
}

value_task f(void);
value_task f(void)
{
	return async_start(f);
}
