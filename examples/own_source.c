/*
 * own_source.c - a source of your own: a mailbox that uses the same memory for every message. No
 * await of a message allocates. There is one worker, this thread, so the program decides when the
 * reader runs.
 */
#include <stdio.h>

#include <bide/short.h>

struct mailbox {
	user_source next; /* the next message */
};

/* The reader has its result, so the source can be used again. */
static void consumed(bide_source *source)
{
	user_source_reset((user_source *)(void *)source);
}

static const source_operations operations = { .release = consumed };

static value_task mailbox_next(struct mailbox *box)
{
	return user_source_value_task(&box->next);
}

/* Returns false if the message before has not been read. */
static bool mailbox_put(struct mailbox *box, int64_t message)
{
	return user_source_try_complete(&box->next, (payload){ .i = message });
}

enum { MESSAGE_COUNT = 10000 };

struct reader {
	ASYNC_FRAME;
	struct {
		struct mailbox *box;
	} in;
	int64_t i, message, sum;
};

async(reader)
{
	async_in(box);
	for (my->i = 0; my->i < MESSAGE_COUNT; my->i++) {
		await(my->message, mailbox_next(box));
		my->sum += my->message;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

int main(void)
{
	struct mailbox box;
	stats before, after;
	payload sum;
	value_task reader;
	int error;

	/* A runtime with one worker: this thread runs the reader itself, in between. */
	if (configure(&(config){ .workers = 1 }) != 0)
		return 1;
	user_source_init(&box.next, &operations);
	reader = async_start(reader, .box = &box);
	stats_get(&before);
	for (int64_t i = 1; i <= MESSAGE_COUNT; i++)
		while (!mailbox_put(&box, i))
			if (value_task_wait(async_yield(),
			                    NULL)) /* meanwhile the reader takes the previous one */
				return 1;
	error = value_task_wait(reader, &sum);
	stats_get(&after);
	printf("%d messages, %d allocations, sum %lld\n", MESSAGE_COUNT,
	       (int)(after.allocation_count - before.allocation_count), (long long)sum.i);
	return error || sum.i != (int64_t)MESSAGE_COUNT * (MESSAGE_COUNT + 1) / 2;
}
