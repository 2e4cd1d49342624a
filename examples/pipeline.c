/*
 * pipeline.c - three functions that pass elements on by channels: one makes texts, one makes
 * numbers of them, one adds these up. Each stage closes both its channels with its own outcome. So
 * the end goes down the pipeline, an error goes down, too, and a stage that stops early stops those
 * above it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bide/short.h>

struct produce {
	ASYNC_FRAME;
	struct {
		const char *const *texts;
		channel *to;
	} in;
	int i;
};

async(produce)
{
	async_begin;
	for (my->i = 0; my->in.texts[my->i]; my->i++)
		await(channel_write(my->in.to, my->in.texts[my->i]));
async_finally:
	channel_close(my->in.to, async_error);
	async_end;
}

/* An element by value. */
struct number {
	int64_t value;
	int64_t length; /* of its text */
};

struct parse {
	ASYNC_FRAME;
	struct {
		channel *from, *to;
	} in;
	const char *text;
	struct number number;
};

async(parse)
{
	async_begin;
	await_each(my->text, my->in.from) {
		char *end;

		my->number.value = strtol(my->text, &end, 10);
		my->number.length = (int64_t)strlen(my->text);
		if (*end)
			async_fail(EINVAL);
		await(channel_write(my->in.to, my->number));
	}
async_finally:
	channel_close(my->in.from, async_error);
	channel_close(my->in.to, async_error);
	async_end;
}

struct add {
	ASYNC_FRAME;
	struct {
		int64_t limit;
		channel *from;
	} in;
	int64_t sum;
	int error;
	struct number numbers[4]; /* it reads up to 4 at a time */
	int64_t count;
};

async(add)
{
	async_begin;
	while (my->sum < my->in.limit) {
		await_or(my->count, channel_read_many(my->in.from, my->numbers, 4),
		         my->error = await_error);
		if (my->error == BIDE_EEND)
			break;
		if (my->error)
			async_fail(my->error);
		for (int i = 0; i < my->count; i++)
			my->sum += my->numbers[i].value;
	}
	async_return(my->sum);
async_finally:
	channel_close(my->in.from, EPIPE);
	async_end;
}

struct pipeline {
	ASYNC_FRAME;
	struct {
		const char *const *texts;
		int64_t limit;
	} in;
	channel *texts, *numbers;
	value_task produced, parsed;
	int64_t sum;
	int produce_error, parse_error, add_error;
};

async(pipeline)
{
	async_begin;
	my->texts = channel_create(&(channel_options){ .capacity = 4 });
	my->numbers =
		channel_create(&(channel_options){ .capacity = 4, .element_bytes = sizeof(struct number) });
	if (!my->texts || !my->numbers)
		async_fail(ENOMEM);
	my->produced = async_start(produce, .texts = my->in.texts, .to = my->texts);
	my->parsed = async_start(parse, .from = my->texts, .to = my->numbers);
	await_or(my->sum, async_start(add, .limit = my->in.limit, .from = my->numbers),
	         my->add_error = await_error);
	await_or(my->parsed, my->parse_error = await_error);
	await_or(my->produced, my->produce_error = await_error);
	printf("  sum %d; add: %s; parse: %s; produce: %s\n", (int)my->sum,
	       bide_strerror(my->add_error), bide_strerror(my->parse_error),
	       bide_strerror(my->produce_error));
async_finally:
	channel_unref(my->texts);
	channel_unref(my->numbers);
	async_end;
}

static int run_pipeline(const char *what, const char *const *texts, int64_t limit)
{
	printf("%s:\n", what);
	return value_task_wait(async_start(pipeline, .texts = texts, .limit = limit), NULL);
}

int main(void)
{
	static const char *const good[] = { "1", "20", "300", NULL };
	static const char *const bad[] = { "1", "20", "many", "300", NULL };
	static const char *many[1001];

	for (int i = 0; i < 1000; i++)
		many[i] = "7";
	return run_pipeline("to the end", good, 1000000) ||
	       run_pipeline("an error in the middle", bad, 1000000) ||
	       run_pipeline("the last stage has enough", many, 21);
}
