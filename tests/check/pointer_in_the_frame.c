/* The address of a local, stored in the frame or in other memory, is invalid after an await. */
#include <stdio.h>

#include <bide/short.h>

struct list {
	struct list *next;
};
struct options {
	int *number;
};
static int *global;

struct f {
	ASYNC_FRAME;
	struct {
		struct list *head;
	} in;
	int *number;
	char *text;
	struct options options;
};

async(f)
{
	int number, alias, brief;
	char text[8];
	struct list node;
	int *to = &alias;

	async_begin;
	my->number = &brief;
	brief = *my->number;
	my->number = NULL;
	await(delay_ms(1));
	my->number = &number; /* FOUND: address of local 'number' .* line 41 */
	my->text = text + 2;  /* FOUND: 'text' */
	my->options = (struct options){ .number = &number }; /* FOUND: 'number' */
	my->in.head->next = &node;                           /* FOUND: 'node' */
	global = to;                                         /* FOUND: 'alias' */
	await(delay_ms(1));
async_finally:
	my->number = &number;
	*my->number = 1;
	async_end;
}

value_task f(struct list *head);
value_task f(struct list *head)
{
	return async_start(f, .head = head);
}
