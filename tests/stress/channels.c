/*
 * channels.c - channels of all kinds, between functions on workers and on a strand, and threads of
 * the program. Elements are written one by one and in batches; waits are canceled, run out of time
 * and are forgotten, and the channel is closed at a random moment. What was written was read,
 * dropped, or is in the channel at its end: the counts and the sums agree, and each writer's
 * elements come in their order.
 */
#include "stress.h"

enum { WRITERS_MAX = 5, READERS_MAX = 5, BATCH = 8, FILLER = 3 };

typedef struct element {
	int64_t value;
	unsigned writer;
	unsigned filler[FILLER];
} element;

typedef struct scene {
	bide_channel *channel;
	bide_context *scope;
	bool small;                   /* elements of 8 bytes, without the rest */
	atomic_ullong written, taken; /* the sums */
	atomic_uint writers_left, left;
} scene;

static void account(atomic_ullong *sum, int64_t value)
{
	atomic_fetch_add(sum, (unsigned long long)value);
	stress_count(1);
}

/* What was read, or dropped. */
static void take(scene *s, const element *e)
{
	for (unsigned i = 0; !s->small && i < FILLER; i++)
		CHECK_EQUAL(e->filler[i], (unsigned)e->value);
	account(&s->taken, e->value);
}

static void dropped(void *at, void *argument)
{
	scene *s = argument;
	element e = { .value = *(int64_t *)at };

	if (!s->small)
		e = *(element *)at;
	take(s, &e);
}

static element made(dice *d)
{
	element e = { .value = 1 + (int64_t)below(d, 1000) };

	for (unsigned i = 0; i < FILLER; i++)
		e.filler[i] = (unsigned)e.value;
	return e;
}

/* --- writers --- */

struct writer {
	ASYNC_FRAME;
	struct {
		scene *scene;
		dice dice;
	} in;
	element elements[BATCH];
	int64_t values[BATCH];
	int64_t sum;
	unsigned i, count, done;
	value_task wait;
	bool failed;
};

static value_task write_one(struct writer *my)
{
	scene *s = my->in.scene;

	my->elements[0] = made(&my->in.dice);
	my->sum = my->elements[0].value;
	if (s->small)
		return channel_write(s->channel, my->sum);
	return channel_write(s->channel, my->elements[0]);
}

static value_task write_batch(struct writer *my)
{
	scene *s = my->in.scene;

	my->count = 1 + below(&my->in.dice, BATCH);
	for (unsigned i = 0; i < my->count; i++) {
		my->elements[i] = made(&my->in.dice);
		my->values[i] = my->elements[i].value;
	}
	if (s->small)
		return channel_write_many(s->channel, my->values, my->count);
	return channel_write_many(s->channel, my->elements, my->count);
}

static value_task limited(dice *d, value_task (*start)(struct writer *), struct writer *my)
{
	if (chance(d, 30))
		return with_timeout((int64_t)below(d, 100000), start(my));
	return start(my);
}

async(writer)
{
	async_begin;
	for (my->i = 5 + below(&my->in.dice, 30); my->i > 0; my->i--) {
		my->failed = false;
		if (chance(&my->in.dice, 60)) {
			await_or(limited(&my->in.dice, write_one, my), my->failed = true);
			if (!my->failed)
				account(&my->in.scene->written, my->sum);
		} else {
			await_or(my->done, limited(&my->in.dice, write_batch, my), my->failed = true);
			for (unsigned i = 0; !my->failed && i < my->done; i++)
				account(&my->in.scene->written, my->values[i]);
		}
		await_or(pause_a_bit(&my->in.dice), (void)0);
	}
async_finally:
	atomic_fetch_sub(&my->in.scene->writers_left, 1);
	atomic_fetch_sub(&my->in.scene->left, 1);
	async_end;
}

/* --- readers --- */

struct reader {
	ASYNC_FRAME;
	struct {
		scene *scene;
		dice dice;
	} in;
	element elements[BATCH];
	int64_t values[BATCH];
	int64_t value;
	unsigned i, count;
	int error;
	value_task wait;
};

static value_task read_some(struct reader *my)
{
	scene *s = my->in.scene;
	void *to = s->small ? (void *)my->values : (void *)my->elements;
	size_t count_max = 1 + below(&my->in.dice, BATCH);

	if (chance(&my->in.dice, 30))
		return with_timeout((int64_t)below(&my->in.dice, 100000),
		                    channel_read_many(s->channel, to, count_max));
	return channel_read_many(s->channel, to, count_max);
}

static void take_read(struct reader *my, unsigned i)
{
	element e = my->elements[i];

	if (my->in.scene->small)
		e.value = my->values[i];
	take(my->in.scene, &e);
}

static void try_read(struct reader *my)
{
	scene *s = my->in.scene;

	if (channel_try_read(s->channel, s->small ? (void *)my->values : (void *)my->elements))
		take_read(my, 0);
}

async(reader)
{
	async_begin;
	for (;;) {
		my->error = 0;
		switch (below(&my->in.dice, 5)) {
		case 0:
			goto forgotten;
		case 1:
			goto single;
		default:
			break;
		}
		my->count = 0;
		await_or(my->count, read_some(my), my->error = await_error);
		for (my->i = 0; my->i < my->count; my->i++)
			take_read(my, my->i);
		goto next;
forgotten: /* what had come goes to `dropped` */
		my->wait = channel_read(my->in.scene->channel);
		await_or(pause_a_bit(&my->in.dice), (void)0);
		value_task_forget(my->wait);
		try_read(my);
		goto next;
single:
		if (my->in.scene->small) {
			await_or(my->values[0], channel_read(my->in.scene->channel), my->error = await_error);
		} else {
			await_large(my->elements[0], channel_read(my->in.scene->channel));
		}
		if (!my->error)
			take_read(my, 0);
next:
		if (my->error && my->error != ETIMEDOUT)
			break;
	}
	async_fail(my->error);
async_finally:
	atomic_fetch_sub(&my->in.scene->left, 1);
	async_end;
}

/* --- threads --- */

/* The thread that closes the channel does not wait: it may be that nothing reads any more. */
static void write_on_thread(scene *s, dice *d, bool waits)
{
	element e = made(d);
	bool is_in =
		s->small ? channel_try_write(s->channel, e.value) : channel_try_write(s->channel, e);

	if (!is_in && waits)
		is_in = bide_value_task_wait(s->small ? channel_write(s->channel, e.value)
		                                      : channel_write(s->channel, e),
		                             NULL) == 0;
	if (is_in)
		account(&s->written, e.value);
}

static void read_on_thread(scene *s)
{
	element e = { .value = 0 };
	int64_t value = 0;

	if (!channel_try_read(s->channel, s->small ? (void *)&value : (void *)&e))
		return;
	if (s->small)
		e.value = value;
	take(s, &e);
}

/* The first thread closes, or cancels. */
static void meddle(void *argument, dice *d, unsigned index)
{
	scene *s = argument;
	static const int ends[] = { 0, 0, BIDE_EEND, ECANCELED, BIDE_EUSER };

	for (unsigned i = below(d, 60); i && atomic_load(&s->writers_left) > 0; i--) {
		if (chance(d, 50))
			write_on_thread(s, d, index > 0 && chance(d, 50));
		else
			read_on_thread(s);
		if (index == 0 && chance(d, 2))
			bide_context_cancel(s->scope, ECANCELED);
		dawdle(d);
	}
	if (index > 0)
		return;
	(void)channel_close(s->channel, ends[below(d, 5)]);
	CHECK(!channel_close(s->channel, 0));
}

static bide_channel *some_channel(scene *s, dice *d)
{
	static const size_t capacities[] = { 0, 1, 2, 7, 64, BIDE_CHANNEL_UNBOUNDED };
	bide_channel_options options = {
		.capacity = capacities[below(d, 6)],
		.element_bytes = s->small ? 0 : sizeof(element),
		.full = (bide_channel_full)below(d, 3),
		.dropped = dropped,
		.argument = s,
	};

	return bide_channel_create(&options);
}

STRESS(channels)
{
	static scene s;
	task *parties[WRITERS_MAX + READERS_MAX];
	unsigned writers = 1 + below(d, WRITERS_MAX), readers = 1 + below(d, READERS_MAX);
	bide_executor *strand = bide_strand_create();
	bide_context *on_strand;
	crowd c;

	(void)workers;
	memset(&s, 0, sizeof s);
	s.small = chance(d, 50);
	CHECK((s.scope = bide_context_create(NULL)) && (s.channel = some_channel(&s, d)) && strand);
	on_strand =
		bide_context_create(&(bide_context_options){ .executor = strand, .parent = s.scope });
	CHECK(on_strand);
	atomic_store(&s.writers_left, writers);
	atomic_store(&s.left, writers + readers);
	for (unsigned i = 0; i < writers + readers; i++) {
		bide_context *context = chance(d, 30) ? on_strand : chance(d, 50) ? s.scope : NULL;

		parties[i] = value_task_as_task(
			bide_in_context(context, i < writers
		                                 ? async_start(writer, .scene = &s, .dice = fork_dice(d))
		                                 : async_start(reader, .scene = &s, .dice = fork_dice(d))));
		dawdle(d);
	}
	crowd_start(&c, 1 + below(d, 3), meddle, &s, d);
	crowd_join(&c);
	for (unsigned i = 0; i < writers + readers; i++) {
		int error = task_wait(parties[i], NULL);

		CHECK(error == 0 || error == BIDE_EEND || error == ECANCELED || error == EPIPE ||
		      error == BIDE_EUSER);
		task_unref(parties[i]);
	}
	CHECK_EQUAL(atomic_load(&s.left), 0);
	bide_channel_unref(s.channel); /* drops what is in it */
	CHECK_EQUAL(atomic_load(&s.written), atomic_load(&s.taken));
	bide_context_unref(on_strand);
	bide_context_unref(s.scope);
	bide_executor_unref(strand);
}
