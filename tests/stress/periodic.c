/*
 * periodic.c - periodic timers, which are awaited, whose waits are canceled, and which other
 * threads change, stop and destroy.
 */
#include "stress.h"

enum { TIMERS_MAX = 6 };

typedef struct beat {
	bide_periodic_timer *timer;
	bide_context *scope;
	atomic_bool over;
} beat;

typedef struct scene {
	beat beats[TIMERS_MAX];
	unsigned count;
	bool shared; /* with many workers, any thread may change them */
	atomic_uint left;
} scene;

/* Waits once, in a scope that other threads cancel. */
struct listener {
	ASYNC_FRAME;
	struct {
		scene *scene;
		beat *beat;
		dice dice;
	} in;
	int64_t tick;
	int error;
	bool ended;
};

async(listener)
{
	async_begin;
	while (!my->ended) {
		my->error = 0;
		await_or(my->tick,
		         in_context(chance(&my->in.dice, 50) ? my->in.beat->scope : NULL,
		                    bide_periodic_timer_next(my->in.beat->timer)),
		         my->error = await_error);
		CHECK(my->error == 0 || my->error == ECANCELED);
		CHECK(my->error || my->tick == 0 || my->tick == 1);
		my->ended = !my->error && my->tick == 0;
		if (my->ended)
			CHECK(atomic_load(&my->in.beat->over));
		stress_count(1);
		await(pause_a_bit(&my->in.dice));
	}
async_finally:
	atomic_fetch_sub(&my->in.scene->left, 1);
	async_end;
}

static void meddle(void *argument, dice *d, unsigned index)
{
	scene *s = argument;

	(void)index;
	for (unsigned i = 5 + below(d, 20); i; i--) {
		beat *b = &s->beats[below(d, s->count)];

		if (chance(d, 20))
			bide_context_cancel(b->scope, ECANCELED);
		else if (s->shared && chance(d, 50))
			CHECK_EQUAL(bide_periodic_timer_set_period(b->timer, 1 + below(d, 100000)), 0);
		else if (chance(d, 10)) {
			atomic_store(&b->over, true);
			bide_periodic_timer_stop(b->timer);
		}
		usleep(below(d, 200));
	}
}

STRESS(periodic)
{
	static scene s;
	task *listeners[TIMERS_MAX];
	crowd c;

	memset(&s, 0, sizeof s);
	s.count = 1 + below(d, TIMERS_MAX);
	s.shared = workers > 1;
	atomic_store(&s.left, s.count);
	for (unsigned i = 0; i < s.count; i++) {
		beat *b = &s.beats[i];

		CHECK((b->scope = bide_context_create(NULL)) != NULL);
		CHECK((b->timer = bide_periodic_timer_create(1 + below(d, 300000))) != NULL);
		listeners[i] =
			value_task_as_task(async_start(listener, .scene = &s, .beat = b, .dice = fork_dice(d)));
	}
	crowd_start(&c, 1 + below(d, 3), meddle, &s, d);
	crowd_join(&c);
	for (unsigned i = 0; i < s.count; i++) {
		atomic_store(&s.beats[i].over, true);
		bide_periodic_timer_stop(s.beats[i].timer);
	}
	for (unsigned i = 0; i < s.count; i++) {
		CHECK_EQUAL(task_wait(listeners[i], NULL), 0);
		task_unref(listeners[i]);
		bide_periodic_timer_destroy(s.beats[i].timer);
		bide_context_unref(s.beats[i].scope);
	}
	CHECK_EQUAL(atomic_load(&s.left), 0);
}
