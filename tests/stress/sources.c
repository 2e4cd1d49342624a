/*
 * sources.c - user sources that threads complete. Two threads race for each generation, and one
 * wins. The consumer gets the winner's outcome, once per generation, and resets the source.
 */
#include "stress.h"

enum { PORTS_MAX = 6, ROUNDS_MAX = 60, PRODUCERS = 2 };

typedef struct port {
	bide_user_source next;
	atomic_uint generation; /* which one may be completed now; stored by the consumer */
	atomic_uint tried;      /* attempts over all generations */
	atomic_uint wins;
	atomic_long said; /* sum of the winners' outcomes over all generations, errors negated */
	atomic_uint released;
	unsigned limit;
} port;

typedef struct scene {
	port ports[PORTS_MAX];
	unsigned count;
} scene;

static void released(bide_source *source)
{
	port *p = (port *)(void *)((char *)source - offsetof(port, next.source));

	atomic_fetch_add(&p->released, 1);
}

static const bide_source_operations operations = { .release = released };

struct consumer {
	ASYNC_FRAME;
	struct {
		port *port;
		dice dice;
	} in;
	unsigned i;
	int64_t sum, got;
};

static value_task take(struct consumer *my)
{
	return bide_user_source_value_task(&my->in.port->next);
}

async(consumer)
{
	async_begin;
	for (; my->i < my->in.port->limit; my->i++) {
		await(pause_a_bit(&my->in.dice));
		atomic_store(&my->in.port->generation, my->i + 1);
		await(pause_a_bit(&my->in.dice));
		await_or(my->got, take(my), my->got = -(int64_t)await_error);
		my->sum += my->got;
		/* The loser may still be in its call. */
		while (atomic_load(&my->in.port->tried) < PRODUCERS * (my->i + 1))
			await(bide_async_yield());
		bide_user_source_reset(&my->in.port->next);
	}
	async_return(my->sum);
async_finally:
	async_end;
}

static void produce(void *argument, dice *d, unsigned index)
{
	scene *s = argument;
	unsigned done[PORTS_MAX] = { 0 }, ports_left = s->count;

	(void)index;
	while (ports_left) {
		unsigned i = below(d, s->count);
		port *p = &s->ports[i];
		long value = (long)below(d, 1000);
		bool fails = chance(d, 20), won;

		if (done[i] == p->limit || atomic_load(&p->generation) == done[i]) {
			usleep(10);
			continue;
		}
		if (chance(d, 30))
			dawdle(d);
		won = fails ? bide_user_source_try_fail(&p->next, 1 + (int)value)
		            : bide_user_source_try_complete(&p->next, (bide_payload){ .i = value });
		if (won) {
			atomic_fetch_add(&p->wins, 1);
			atomic_fetch_add(&p->said, fails ? -1 - value : value);
		}
		atomic_fetch_add(&p->tried, 1);
		if (++done[i] == p->limit)
			ports_left--;
		stress_count(1);
	}
}

STRESS(sources)
{
	static scene s;
	crowd c;
	task *consumers[PORTS_MAX];

	(void)workers;
	memset(&s, 0, sizeof s);
	s.count = 1 + below(d, PORTS_MAX);
	for (unsigned i = 0; i < s.count; i++) {
		s.ports[i].limit = 1 + below(d, ROUNDS_MAX);
		bide_user_source_init(&s.ports[i].next, &operations);
	}
	crowd_start(&c, PRODUCERS, produce, &s, d);
	for (unsigned i = 0; i < s.count; i++)
		consumers[i] =
			value_task_as_task(async_start(consumer, .port = &s.ports[i], .dice = fork_dice(d)));
	for (unsigned i = 0; i < s.count; i++) {
		bide_payload sum = { .i = 0 };

		CHECK_EQUAL(task_wait(consumers[i], &sum), 0);
		task_unref(consumers[i]);
		CHECK_EQUAL(sum.i, atomic_load(&s.ports[i].said));
		CHECK_EQUAL(atomic_load(&s.ports[i].wins), s.ports[i].limit);
		CHECK_EQUAL(atomic_load(&s.ports[i].released), s.ports[i].limit);
	}
	crowd_join(&c);
}
