/*
 * executors.c - strands and loops of threads: functions switch between them, start others there,
 * wait and are canceled. The data that a strand guards are written without atomics, so two
 * functions at once would be a data race and give a wrong sum.
 */
#include "stress.h"

#include <poll.h>

#include "context/executor.h"

enum { PLACES = 5, LOOPS = 1, WALKERS_MAX = 16, STEPS_MAX = 12 };

typedef struct place {
	bide_executor *executor;
	bool inside; /* plain on purpose, like visits */
	uint64_t visits;
} place;

typedef struct scene {
	place places[PLACES]; /* the first LOOPS are loops if there are threads for them */
	unsigned first;
	atomic_uint begun, ended, visits;
	atomic_bool over, ready;
} scene;

/* Checks that nothing else runs in the place between two awaits. */
static void visit(scene *s, place *p, dice *d)
{
	CHECK(bide_executor_current() == p->executor);
	CHECK(bide_executor_is_valid_(p->executor));
	CHECK(!p->inside);
	p->inside = true;
	for (volatile unsigned i = below(d, 200); i; i--)
		;
	p->visits++;
	CHECK(p->inside);
	p->inside = false;
	atomic_fetch_add_explicit(&s->visits, 1, memory_order_relaxed);
	stress_count(1);
}

struct visitor {
	ASYNC_FRAME;
	struct {
		scene *scene;
		place *place;
		dice dice;
	} in;
	int i;
};

/* Starts in the place. */
async(visitor)
{
	async_begin;
	atomic_fetch_add(&my->in.scene->begun, 1);
	for (my->i = (int)below(&my->in.dice, 3); my->i >= 0; my->i--) {
		visit(my->in.scene, my->in.place, &my->in.dice);
		await(pause_a_bit(&my->in.dice));
	}
	if (chance(&my->in.dice, 20))
		async_fail(BIDE_EUSER);
async_finally:
	visit(my->in.scene, my->in.place, &my->in.dice);
	atomic_fetch_add(&my->in.scene->ended, 1);
	async_end;
}

static place *some_place(scene *s, dice *d)
{
	return &s->places[s->first + below(d, PLACES - s->first)];
}

/* Moves from place to place. */
struct walker {
	ASYNC_FRAME;
	struct {
		scene *scene;
		dice dice;
	} in;
	place *at, *there;
	task *kept;
	int i, error;
};

async(walker)
{
	async_begin;
	atomic_fetch_add(&my->in.scene->begun, 1);
	for (my->i = (int)below(&my->in.dice, STEPS_MAX); my->i > 0; my->i--) {
		my->at = some_place(my->in.scene, &my->in.dice);
		async_switch_to(my->at->executor);
		visit(my->in.scene, my->at, &my->in.dice);
		await(pause_a_bit(&my->in.dice));
		visit(my->in.scene, my->at, &my->in.dice);
		if (chance(&my->in.dice, 50)) {
			my->there = some_place(my->in.scene, &my->in.dice);
			await_or(with_executor(my->there->executor,
			                       async_start(visitor, .scene = my->in.scene, .place = my->there,
			                                   .dice = fork_dice(&my->in.dice))),
			         my->error = await_error);
			CHECK(my->error == 0 || my->error == BIDE_EUSER);
			my->error = 0;
			visit(my->in.scene, my->at, &my->in.dice);
		} else if (chance(&my->in.dice, 30)) {
			my->there = some_place(my->in.scene, &my->in.dice);
			value_task_forget(
				with_executor(my->there->executor,
			                  async_start(visitor, .scene = my->in.scene, .place = my->there,
			                              .dice = fork_dice(&my->in.dice))));
		}
		async_switch_back;
		CHECK(bide_executor_current() == NULL);
		await(pause_a_bit(&my->in.dice));
	}
async_finally:
	atomic_fetch_add(&my->in.scene->ended, 1);
	async_end;
}

static void start_some(void *argument, dice *d, unsigned index)
{
	scene *s = argument;
	task *walkers[WALKERS_MAX];
	unsigned count = 1 + below(d, WALKERS_MAX);

	(void)index;
	for (unsigned i = 0; i < count; i++) {
		walkers[i] = value_task_as_task(async_start(walker, .scene = s, .dice = fork_dice(d)));
		dawdle(d);
		if (chance(d, 30)) {
			place *p = some_place(s, d);
			value_task_forget(
				with_executor(p->executor,
			                  async_start(visitor, .scene = s, .place = p, .dice = fork_dice(d))));
		}
	}
	for (unsigned i = 0; i < count; i++) {
		CHECK_EQUAL(task_wait(walkers[i], NULL), 0);
		task_unref(walkers[i]);
	}
}

/* A thread that runs a loop by polling, like a GUI. */
static void run_loop(void *argument, dice *d, unsigned index)
{
	scene *s = argument;
	bide_executor *loop = bide_loop_create();
	struct pollfd watched = { .events = POLLIN };

	(void)index;
	CHECK(loop != NULL);
	CHECK_EQUAL(bide_loop_fd(loop, &watched.fd), 0);
	s->places[0].executor = loop;
	atomic_store(&s->ready, true);
	while (!atomic_load(&s->over)) {
		poll(&watched, 1, 1);
		CHECK_EQUAL(bide_loop_run(loop, below(d, 4), NULL), 0);
	}
}

STRESS(executors)
{
	static scene s;
	crowd loops, c;
	uint64_t visits = 0;

	(void)workers;
	memset(&s, 0, sizeof s);
	s.first = LOOPS;
	for (unsigned i = LOOPS; i < PLACES; i++)
		CHECK((s.places[i].executor = bide_strand_create()) != NULL);
	loops.count = 0;
	if (chance(d, 60)) {
		crowd_start(&loops, LOOPS, run_loop, &s, d);
		while (!atomic_load(&s.ready))
			sched_yield();
		s.first = 0;
	}
	crowd_start(&c, below(d, 3), start_some, &s, d);
	start_some(&s, d, 0);
	crowd_join(&c);
	CHECK_EQUAL(bide_drain(BIDE_FOREVER), 0);
	atomic_store(&s.over, true);
	crowd_join(&loops);
	CHECK_EQUAL(atomic_load(&s.begun), atomic_load(&s.ended));
	for (unsigned i = s.first; i < PLACES; i++)
		visits += s.places[i].visits;
	CHECK_EQUAL(visits, atomic_load(&s.visits));
	for (unsigned i = s.first; i < PLACES; i++)
		bide_executor_unref(s.places[i].executor);
}
