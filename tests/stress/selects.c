/*
 * selects.c - selects over several channels, which read and write, with delays and value tasks
 * among the cases; against selects on the same channels, threads of the program, and closes at
 * random moments. Selects are canceled and forgotten. What was written was read or dropped.
 */
#include "stress.h"

enum { CHANNELS = 4, PARTIES_MAX = 10, CASES_MAX = CHANNELS + 1 };

typedef struct scene {
	bide_channel *channels[CHANNELS];
	bide_context *scope;
	atomic_ullong written, taken; /* the sums */
	atomic_uint left;
} scene;

static void account(atomic_ullong *sum, int64_t value)
{
	atomic_fetch_add(sum, (unsigned long long)value);
	stress_count(1);
}

static void dropped(void *at, void *argument)
{
	account(&((scene *)argument)->taken, *(int64_t *)at);
}

struct party {
	ASYNC_FRAME;
	struct {
		scene *scene;
		dice dice;
	} in;
	select_case cases[CASES_MAX];
	int64_t got[CASES_MAX]; /* a place for each read; 0: nothing came */
	int64_t put[CASES_MAX]; /* what each write writes; 0: a read, or another case */
	unsigned i, count, which;
	value_task task, wait;
	int error;
};

/* Draws the cases: some channels, each once, and perhaps a delay or a value task. */
static void draw_cases(struct party *my, bool reads_only)
{
	dice *d = &my->in.dice;
	unsigned first = below(d, CHANNELS);

	my->count = 0;
	for (unsigned i = 0; i < CHANNELS; i++) {
		unsigned at = my->count;
		bide_channel *channel = my->in.scene->channels[(first + i) % CHANNELS];

		if (i > 0 && chance(d, 40))
			continue;
		my->got[at] = my->put[at] = 0;
		if (reads_only || chance(d, 50)) {
			my->cases[at] = select_read(channel, &my->got[at]);
		} else {
			my->put[at] = 1 + below(d, 1000);
			my->cases[at] = select_write(channel, &my->put[at]);
		}
		my->count++;
	}
	my->got[my->count] = my->put[my->count] = 0;
	my->task = value_task_completed();
	if (chance(d, 30)) {
		my->cases[my->count++] = select_delay((int64_t)below(d, 100000));
	} else if (chance(d, 30)) {
		my->task = delay((int64_t)below(d, 100000));
		my->cases[my->count++] = select_value_task(my->task);
	}
}

/* One case has happened, and no other one. */
static void account_for(struct party *my)
{
	scene *s = my->in.scene;

	CHECK(my->which < my->count);
	for (unsigned i = 0; i < my->count; i++)
		CHECK(my->got[i] == 0 || i == my->which);
	if (my->put[my->which])
		account(&s->written, my->put[my->which]);
	else if (my->got[my->which])
		account(&s->taken, my->got[my->which]);
}

static value_task chosen(struct party *my)
{
	draw_cases(my, false);
	if (chance(&my->in.dice, 20))
		return with_timeout((int64_t)below(&my->in.dice, 100000),
		                    bide_select(my->cases, my->count));
	return bide_select(my->cases, my->count);
}

/*
 * Selects of reads alone may be forgotten: an element that had come goes to `dropped`, before the
 * forget returns.
 */
static value_task to_be_forgotten(struct party *my)
{
	draw_cases(my, true);
	return bide_select(my->cases, my->count);
}

async(party)
{
	async_begin;
	for (my->i = 5 + below(&my->in.dice, 20); my->i > 0; my->i--) {
		my->error = 0;
		if (chance(&my->in.dice, 20)) {
			my->wait = to_be_forgotten(my); /* bide-check: ignore */
			await_or(pause_a_bit(&my->in.dice), (void)0);
			value_task_forget(my->wait);
			value_task_forget(my->task);
			continue;
		}
		await_or(my->which, chosen(my), my->error = await_error);
		value_task_forget(my->task);
		if (!my->error)
			account_for(my);
		else if (my->error != ETIMEDOUT)
			break;
	}
async_finally:
	atomic_fetch_sub(&my->in.scene->left, 1);
	async_end;
}

/* --- threads --- */

static void read_or_write(scene *s, dice *d)
{
	int64_t got = 0, put = 1 + below(d, 1000);

	if (channel_try_write(s->channels[below(d, CHANNELS)], put))
		account(&s->written, put);
	if (channel_try_read(s->channels[below(d, CHANNELS)], &got))
		account(&s->taken, got);
}

/* A close ends it. */
static void select_on_thread(scene *s, dice *d)
{
	int64_t got = 0, put = 1 + below(d, 1000);
	bide_payload which = { .i = 0 };
	unsigned a = below(d, CHANNELS), b = (a + 1 + below(d, CHANNELS - 1)) % CHANNELS;
	select_case cases[2] = { select_read(s->channels[a], &got),
		                     select_write(s->channels[b], &put) };

	if (bide_value_task_wait(bide_select(cases, 2), &which))
		return;
	CHECK(which.i == 1 || got > 0);
	account(which.i == 0 ? &s->taken : &s->written, which.i == 0 ? got : put);
}

static void meddle(void *argument, dice *d, unsigned index)
{
	scene *s = argument;

	for (unsigned i = below(d, 100); i && atomic_load(&s->left) > 0; i--) {
		if (index > 0 && chance(d, 30))
			select_on_thread(s, d);
		else
			read_or_write(s, d);
		if (index == 0 && chance(d, 2))
			bide_context_cancel(s->scope, ECANCELED);
		if (index == 0 && chance(d, 4))
			(void)channel_close(s->channels[below(d, CHANNELS)], 0);
		dawdle(d);
	}
	for (unsigned i = 0; index == 0 && i < CHANNELS; i++)
		(void)channel_close(s->channels[i], chance(d, 20) ? BIDE_EUSER : 0);
}

STRESS(selects)
{
	static const size_t capacities[] = { 0, 0, 1, 3, BIDE_CHANNEL_UNBOUNDED };
	static scene s;
	task *parties[PARTIES_MAX];
	unsigned count = 2 + below(d, PARTIES_MAX - 1);
	bide_executor *strand = bide_strand_create();
	bide_context *on_strand;
	crowd c;

	(void)workers;
	memset(&s, 0, sizeof s);
	for (unsigned i = 0; i < CHANNELS; i++) {
		bide_channel_options options = { .capacity = capacities[below(d, 5)],
			                             .dropped = dropped,
			                             .argument = &s };

		CHECK((s.channels[i] = bide_channel_create(&options)) != NULL);
	}
	CHECK((s.scope = bide_context_create(NULL)) && strand);
	on_strand =
		bide_context_create(&(bide_context_options){ .executor = strand, .parent = s.scope });
	CHECK(on_strand);
	atomic_store(&s.left, count);
	for (unsigned i = 0; i < count; i++) {
		bide_context *context = chance(d, 30) ? on_strand : chance(d, 50) ? s.scope : NULL;

		parties[i] = value_task_as_task(
			bide_in_context(context, async_start(party, .scene = &s, .dice = fork_dice(d))));
		dawdle(d);
	}
	crowd_start(&c, 1 + below(d, 3), meddle, &s, d);
	crowd_join(&c);
	for (unsigned i = 0; i < count; i++) {
		CHECK_EQUAL(task_wait(parties[i], NULL), 0);
		task_unref(parties[i]);
	}
	CHECK_EQUAL(atomic_load(&s.left), 0);
	for (unsigned i = 0; i < CHANNELS; i++)
		bide_channel_unref(s.channels[i]);
	CHECK_EQUAL(atomic_load(&s.written), atomic_load(&s.taken));
	bide_context_unref(on_strand);
	bide_context_unref(s.scope);
	bide_executor_unref(strand);
}
