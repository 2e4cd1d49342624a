/*
 * locks.c - mutexes, semaphores, events and holds: functions on workers and on a strand, and
 * threads of the program, hold and release; waits are canceled, run out of time and are forgotten,
 * and some objects are freed right after that. The data under a mutex is written without atomics.
 */
#include "stress.h"

enum { PERMITS = 3, PARTIES_MAX = 12 };

typedef struct scene {
	bide_mutex mutex;
	bide_semaphore semaphore;
	bide_event gate, signal; /* a manual one, and an automatic one */
	unsigned inside;         /* plain on purpose: under the mutex */
	uint64_t turns;
	atomic_int permits; /* in holds */
	atomic_uint signals, passes, left;
	bide_context *scope;
} scene;

static void enter(scene *s)
{
	CHECK_EQUAL(s->inside++, 0);
	s->turns++;
	stress_count(1);
}

/* Counts before the release, since the next holder may come within it. */
static void leave(scene *s, bide_hold *hold)
{
	CHECK_EQUAL(--s->inside, 0);
	hold_release(hold);
}

static void enter_permits(scene *s, const bide_hold *hold)
{
	int count = atomic_fetch_add(&s->permits, (int)hold->count_) + (int)hold->count_;

	CHECK(count >= 1 && count <= PERMITS);
	stress_count(1);
}

static void leave_permits(scene *s, bide_hold *hold)
{
	atomic_fetch_sub(&s->permits, (int)hold->count_);
	hold_release(hold);
}

/* --- a mutex that is freed when its last wait was forgotten --- */

typedef struct brief {
	bide_mutex mutex;
	bide_semaphore semaphore;
} brief;

struct forgetful {
	ASYNC_FRAME;
	struct {
		dice dice;
	} in;
	brief *object;
	bide_hold first, second;
	value_task wait;
	bool permits;
};

/* Returns a value task of a wait for what `first` holds. */
static value_task wait_behind(struct forgetful *my)
{
	if (my->permits)
		return semaphore_hold(&my->object->semaphore, 1, &my->second);
	return mutex_hold(&my->object->mutex, &my->second);
}

async(forgetful)
{
	async_begin;
	my->object = calloc(1, sizeof *my->object);
	CHECK(my->object);
	CHECK_EQUAL(semaphore_init(&my->object->semaphore, 1, 1), 0);
	my->permits = chance(&my->in.dice, 50);
	if (my->permits)
		CHECK(semaphore_try_hold(&my->object->semaphore, 1, &my->first));
	else
		CHECK(mutex_try_hold(&my->object->mutex, &my->first));
	my->wait = wait_behind(my); /* bide-check: ignore */
	await_or(pause_a_bit(&my->in.dice), (void)0);
async_finally:
	/* A thread may cancel the wait meanwhile. */
	if (chance(&my->in.dice, 50)) {
		value_task_forget(my->wait);
		CHECK(!hold_is_held(&my->second));
		hold_release(&my->first);
	} else {
		hold_release(&my->first);
		value_task_forget(my->wait);
		hold_release(&my->second);
	}
	free(my->object);
	stress_count(1);
	async_end;
}

/* --- parties --- */

struct party {
	ASYNC_FRAME;
	struct {
		scene *scene;
		dice dice;
	} in;
	bide_hold hold, permits;
	value_task wait;
	int came, i;
	bool is_inside, has_permits;
};

/* Fails with ECANCELED, if the scope is canceled, or with ETIMEDOUT. */
static value_task mutex_wait(struct party *my)
{
	bide_mutex *mutex = &my->in.scene->mutex;
	dice *d = &my->in.dice;

	switch (below(d, 4)) {
	case 0:
		return mutex_try_hold_for(mutex, &my->hold, (int64_t)below(d, 100000));
	case 1:
		return with_timeout((int64_t)below(d, 100000), mutex_hold(mutex, &my->hold));
	default:
		return mutex_hold(mutex, &my->hold);
	}
}

static value_task permits_wait(struct party *my)
{
	bide_semaphore *semaphore = &my->in.scene->semaphore;
	dice *d = &my->in.dice;
	int64_t count = 1 + below(d, PERMITS);

	switch (below(d, 4)) {
	case 0:
		return semaphore_try_hold_for(semaphore, count, &my->permits, (int64_t)below(d, 100000));
	case 1:
		return with_timeout((int64_t)below(d, 100000),
		                    semaphore_hold(semaphore, count, &my->permits));
	default:
		return semaphore_hold(semaphore, count, &my->permits);
	}
}

/* Begins a wait, does something else, and forgets it. What was granted meanwhile is in the hold. */
static void begin_wait(struct party *my)
{
	if (chance(&my->in.dice, 50))
		my->wait = mutex_hold(&my->in.scene->mutex, &my->hold);
	else
		my->wait = semaphore_hold(&my->in.scene->semaphore, 1, &my->permits);
}

static value_task event_for(struct party *my, bide_event *event)
{
	return event_try_wait_for(event, (int64_t)below(&my->in.dice, 200000));
}

async(party)
{
	async_begin;
	for (my->i = 5 + (int)below(&my->in.dice, 15); my->i > 0; my->i--) {
		switch (below(&my->in.dice, 6)) {
		case 0:
			goto mutex;
		case 1:
			goto permits;
		case 2:
			goto forgotten;
		case 3:
			goto events;
		case 4:
			goto both;
		default:
			goto brief;
		}
both:
mutex:
		my->came = 0;
		await_or(my->came, mutex_wait(my), (void)0);
		CHECK_EQUAL(my->came == 1, hold_is_held(&my->hold));
		if (!my->came)
			continue;
		my->is_inside = true;
		enter(my->in.scene);
		await(pause_a_bit(&my->in.dice));
		my->is_inside = false;
		leave(my->in.scene, &my->hold);
		continue;
permits:
		my->came = 0;
		await_or(my->came, permits_wait(my), (void)0);
		CHECK_EQUAL(my->came == 1, hold_is_held(&my->permits));
		if (!my->came)
			continue;
		my->has_permits = true;
		enter_permits(my->in.scene, &my->permits);
		await(pause_a_bit(&my->in.dice));
		my->has_permits = false;
		leave_permits(my->in.scene, &my->permits);
		continue;
forgotten:
		begin_wait(my);
		await_or(pause_a_bit(&my->in.dice), (void)0);
		value_task_forget(my->wait);
		hold_release(&my->hold);
		hold_release(&my->permits);
		continue;
events:
		my->came = 0;
		await_or(my->came, event_for(my, &my->in.scene->signal), (void)0);
		if (my->came)
			atomic_fetch_add(&my->in.scene->passes, 1);
		await_or(my->came, event_for(my, &my->in.scene->gate), (void)0);
		continue;
brief:
		await(async_start(forgetful, .dice = fork_dice(&my->in.dice)));
	}
async_finally:
	if (my->is_inside)
		leave(my->in.scene, &my->hold);
	if (my->has_permits)
		leave_permits(my->in.scene, &my->permits);
	atomic_fetch_sub(&my->in.scene->left, 1);
	async_end;
}

/* --- threads --- */

static void hold_on_thread(scene *s, dice *d)
{
	bide_hold hold = { 0 };
	bide_payload came = { .i = 0 };
	int error;

	if (chance(d, 50)) {
		if (!mutex_try_hold(&s->mutex, &hold))
			return;
	} else {
		error =
			bide_value_task_wait(mutex_try_hold_for(&s->mutex, &hold, (int64_t)below(d, 100000)),
		                         &came);
		CHECK_EQUAL(error, 0);
		if (!came.i)
			return;
	}
	enter(s);
	dawdle(d);
	leave(s, &hold);
}

static void permits_on_thread(scene *s, dice *d)
{
	bide_hold hold = { 0 };

	if (!semaphore_try_hold(&s->semaphore, 1 + below(d, PERMITS), &hold))
		return;
	enter_permits(s, &hold);
	dawdle(d);
	leave_permits(s, &hold);
}

static void meddle(void *argument, dice *d, unsigned index)
{
	scene *s = argument;

	while (atomic_load(&s->left) > 0) {
		switch (below(d, 6)) {
		case 0:
			hold_on_thread(s, d);
			break;
		case 1:
			permits_on_thread(s, d);
			break;
		case 2:
			atomic_fetch_add(&s->signals, 1);
			event_set(&s->signal);
			break;
		case 3:
			if (chance(d, 50))
				event_set(&s->gate);
			else
				event_reset(&s->gate);
			break;
		case 4:
			if (index == 0 && chance(d, 2))
				bide_context_cancel(s->scope, ECANCELED);
			break;
		default:
			break;
		}
		dawdle(d);
	}
}

STRESS(locks)
{
	static scene s;
	task *parties[PARTIES_MAX];
	unsigned count = 1 + below(d, PARTIES_MAX);
	bide_executor *strand = bide_strand_create();
	bide_context *on_strand;
	crowd c;
	int error;

	(void)workers;
	memset(&s, 0, sizeof s);
	CHECK_EQUAL(semaphore_init(&s.semaphore, PERMITS, PERMITS), 0);
	CHECK_EQUAL(bide_event_init_auto(&s.signal, false), 0);
	CHECK((s.scope = bide_context_create(NULL)) && strand);
	on_strand =
		bide_context_create(&(bide_context_options){ .executor = strand, .parent = s.scope });
	CHECK(on_strand);
	atomic_store(&s.left, count);
	crowd_start(&c, 1 + below(d, 3), meddle, &s, d);
	for (unsigned i = 0; i < count; i++) {
		bide_context *context = chance(d, 40) ? on_strand : chance(d, 50) ? s.scope : NULL;

		parties[i] = value_task_as_task(
			bide_in_context(context, async_start(party, .scene = &s, .dice = fork_dice(d))));
		dawdle(d);
	}
	for (unsigned i = 0; i < count; i++) {
		error = task_wait(parties[i], NULL);
		CHECK(error == 0 || error == ECANCELED);
		task_unref(parties[i]);
	}
	crowd_join(&c);
	CHECK_EQUAL(s.inside, 0);
	CHECK_EQUAL(atomic_load(&s.permits), 0);
	CHECK_EQUAL(semaphore_count(&s.semaphore), PERMITS);
	CHECK(atomic_load(&s.passes) <= atomic_load(&s.signals));
	bide_context_unref(on_strand);
	bide_context_unref(s.scope);
	bide_executor_unref(strand);
}
