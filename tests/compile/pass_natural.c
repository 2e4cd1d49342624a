/* Naturally written code causes no warning of any compiler, with either dispatch. */
#include <stdlib.h>

#include <bide/bide.h>
#include <bide/short.h>

VALUE_TASK_OF(text_task, const char *);
text_task text(int key);
value_task number(int key);
task *shared(void);

/* Has no parameters and does not use `my`. */
struct bare {
	ASYNC_FRAME;
};

async(bare)
{
	async_begin;
async_finally:
	async_end;
}

/* Branches, loops and jumps. */
struct load {
	ASYNC_FRAME;
	struct {
		int key;
		const char *name;
	} in;
	int i, n;
	long sum;
	unsigned char small;
	const char *text;
	struct {
		int x[10];
	} inner;
};

/* Destinations, parameters and returns of many types, and a cleanup that awaits. */
struct convert {
	ASYNC_FRAME;
	struct {
		int key;
		value_task before, after;
	} in;
	int n;
	long sum;
	float f;
	double d;
	bool flag;
	const char *text;
	void *memory;
};

struct recursive {
	ASYNC_FRAME;
	struct {
		int depth;
	} in;
	int64_t below;
};

async_declare(convert);

async(recursive)
{
	async_begin;
	if (my->in.depth == 0)
		async_return(0);
	await(my->below, async_start(recursive, .depth = my->in.depth - 1));
	async_return(my->below + 1);
async_finally:
	async_end;
}

async(load)
{
	async_begin;
	if (my->in.key)
		await(number(1));
	if (my->in.key)
		await(my->n, number(2));
	else
		my->n = 5;
	if (my->in.key)
		my->n = 7;
	else
		await_or(my->n, number(3), my->n = -1);
	if (my->in.key > 1) {
		await(my->text, text(4));
	} else if (my->in.key > 2) {
		await(text(5));
	} else {
		await(async_yield());
	}
	for (my->i = 0; my->i < 10; my->i++)
		await(my->inner.x[my->i], number(my->i));
	for (my->i = 0; my->i < 10; my->i++) {
		await_or(my->n, number(my->i), continue);
		await_or(my->n, number(my->i), break);
		my->sum += my->n;
	}
	while (my->n-- > 0)
		await(delay_ms(1));
	do
		await(my->small, number(9));
	while (my->small > 3);
	switch (my->n) {
	case 1:
		my->n = 2;
		break;
	default:
		break;
	}
	switch (my->in.key) {
	case 1:
		async_fail(5);
	case 2:
		goto retry;
	default:
		break;
	}
retry:
	await_or(number(6), my->n = await_error);
	if (my->n)
		await_or(text(7), goto retry);
	async_return(async_start(convert, .key = my->in.key));
async_finally:
	async_end;
}

async(convert)
{
	async_begin;
	await(my->f, value_task_from(1.5));
	await(my->d, value_task_from(2.5));
	await(my->flag, value_task_from(true));
	await(my->sum, shared());
	await(shared());
	await(my->memory, value_task_from(my));
	await(with_timeout_ms(50, number(1)));
	await(my->n, async_start(recursive, .depth = 3));
	await(async_start(bare));
	await(async_start(convert, .key = my->in.key - 1, .before = async_start(bare),
	                  .after = async_start(recursive, .depth = 1)));
	await(my->in.before);
	await_or(my->n, my->in.after, async_fail(await_error));
	{
		int local = my->n * 2; /* its block has no await */

		my->sum += local;
	}
	if (my->sum > 100)
		async_return(my->sum);
	if (my->sum > 50)
		async_return("text");
	if (my->sum > 20)
		async_return(number(1));
	if (my->sum > 10)
		async_return(text(1));
	async_return(my->text);
async_finally:
	free(my->memory);
	if (async_error)
		await(number(async_error));
	await(async_yield());
	async_end;
}

struct owner {
	ASYNC_FRAME_OWNED;
	struct {
		size_t size_bytes;
	} in;
};

async(owner)
{
	void *memory = malloc(my->in.size_bytes); /* before async_begin, so at each resume; allowed */

	free(memory);
	async_begin;
	async_return_owned(malloc(my->in.size_bytes), free);
async_finally:
	async_end;
}

struct buffered {
	ASYNC_FRAME;
	struct {
		int fd;
	} in;
	size_t used;
	char buffer[2000];
};

async(buffered, buffer)
{
	async_begin;
	await(my->used, number(my->in.fd));
	async_return_large(&my->buffer);
async_finally:
	async_end;
}

struct reads {
	ASYNC_FRAME;
	char got[2000];
};

async(reads)
{
	async_begin;
	await_large(my->got, async_start(buffered, .fd = 5));
	if (my->got[0])
		await_large(my->got, async_start(buffered, .fd = 5));
	async_return(my->got[0]);
async_finally:
	async_end;
}

value_task start(int key);
value_task start(int key)
{
	value_task v = async_start(load, .key = key, .name = "name");

	value_task_forget(async_start(owner, .size_bytes = 5));
	task_unref(value_task_as_task(async_start(reads)));
	if (key > 5)
		return async_start(bare);
	if (key > 4)
		return value_task_from(key);
	if (key > 3)
		return value_task_from("text");
	if (key > 2)
		return value_task_from(BIDE_TYPED(text_task, v));
	return v;
}
