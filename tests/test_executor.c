/*
 * Executors: strands (never two at a time, in order, whatever they await), loops on threads of the
 * user's, moving between them, what happens at their ends.
 *
 * Nothing here assumes which worker runs what. What a strand protects is plain memory, so that a
 * thread sanitizer sees it if it does not.
 */
/* threads */
#include <poll.h>
#include <semaphore.h>

#include "task_support.h"

static bide_context *context_of(bide_context_options options)
{
	bide_context *context = bide_context_create(&options);

	assert_non_null(context);
	return context;
}

static bide_executor *strand(void)
{
	bide_executor *made = bide_strand_create();

	assert_non_null(made);
	return made;
}

static bide_executor *loop(void)
{
	bide_executor *made = bide_loop_create();

	assert_non_null(made);
	return made;
}

/* --- strands: never two at a time */

/* What the functions of one strand share, without a lock. */
typedef struct room {
	bide_executor *strand;
	int inside, entered;
} room;

static void in_room(room *r)
{
	assert_ptr_equal(bide_executor_current(), r->strand);
	assert_int_equal(r->inside++, 0);
	r->entered++;
	for (volatile int i = 0; i < 20; i++)
		;
	assert_int_equal(r->inside--, 1);
}

struct visitor {
	ASYNC_FRAME;
	struct {
		room *room;
		int times;
		int kind;
	} in;
	int i;
};

async(visitor)
{
	async_begin;
	for (my->i = 0; my->i < my->in.times; my->i++) {
		in_room(my->in.room);
		if (my->in.kind % 3 == 0)
			await(bide_yield());
		else if (my->in.kind % 3 == 1)
			await(delay_ns(1000 * (my->i % 5)));
		else
			await(async_start(yielder, .log = NULL));
	}
async_finally:
	in_room(my->in.room);
	async_end;
}

enum { THREADS = 4, VISITORS = 40, VISITS = 25 };

typedef struct crowd {
	room *room;
	task *over;
	atomic_int left;
} crowd;

static void *crowd_thread(void *argument)
{
	crowd *c = argument;
	value_task visits[VISITORS];
	bide_context *scope = context_of((bide_context_options){ .executor = c->room->strand });

	for (int i = 0; i < VISITORS; i++)
		visits[i] =
			bide_in(scope, async_start(visitor, .room = c->room, .times = VISITS, .kind = i));
	bide_context_unref(scope);
	for (int i = 0; i < VISITORS; i++)
		assert_int_equal(bide_wait(visits[i], NULL), 0);
	if (atomic_fetch_sub(&c->left, 1) == 1)
		task_complete_int(c->over, 0);
	return NULL;
}

TEST_SLOW(functions_of_a_strand_never_run_at_the_same_time, 60)
{
	room r = { strand(), 0, 0 };
	crowd c = { .room = &r, .over = task_create(0), .left = THREADS };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, crowd_thread, &c), 0);
	assert_int_equal(task_wait(c.over, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(r.entered, THREADS * VISITORS * (VISITS + 1));
	task_unref(c.over);
	bide_executor_unref(r.strand);
}

/* A fork in a strand is a call: it runs at once, as one of the strand's. */
struct forked_visitor {
	ASYNC_FRAME;
	struct {
		room *room;
		int kind;
	} in;
};

async(forked_visitor)
{
	async_begin;
	in_room(my->in.room);
	if (my->in.kind % 2)
		await(bide_yield());
	in_room(my->in.room);
async_finally:
	async_end;
}

struct visitor_fork {
	BIDE_FORK;
	struct {
		room *room;
		int kind;
	} in;
};

bide_forked(visitor_fork)
{
	return async_start(forked_visitor, .room = my->in.room, .kind = my->in.kind);
}

struct forking_visitor {
	BIDE_ASYNC_FRAME_FORKING;
	struct {
		room *room;
		int kind;
	} in;
	int i, before;
	struct visitor_fork one, other;
};

async(forking_visitor, one)
{
	async_begin;
	for (my->i = 0; my->i < VISITS; my->i++) {
		my->before = my->in.room->entered;
		bide_fork(visitor_fork, my->one, .room = my->in.room, .kind = my->in.kind);
		assert_int_equal(my->in.room->entered - my->before, my->in.kind % 2 ? 1 : 2);
		bide_fork(visitor_fork, my->other, .room = my->in.room, .kind = my->in.kind / 2);
		in_room(my->in.room);
		await(bide_join(visitor_fork, my->other));
		await(bide_join(visitor_fork, my->one));
		in_room(my->in.room);
	}
async_finally:
	async_end;
}

static void *forking_crowd_thread(void *argument)
{
	crowd *c = argument;
	value_task visits[VISITORS];
	bide_context *scope = context_of((bide_context_options){ .executor = c->room->strand });

	for (int i = 0; i < VISITORS; i++)
		visits[i] = bide_in(scope, async_start(forking_visitor, .room = c->room, .kind = i));
	bide_context_unref(scope);
	for (int i = 0; i < VISITORS; i++)
		assert_int_equal(bide_wait(visits[i], NULL), 0);
	if (atomic_fetch_sub(&c->left, 1) == 1)
		task_complete_int(c->over, 0);
	return NULL;
}

TEST_SLOW(forks_in_a_strand_run_at_once_and_never_at_the_same_time, 60)
{
	room r = { strand(), 0, 0 };
	crowd c = { .room = &r, .over = task_create(0), .left = THREADS };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, forking_crowd_thread, &c), 0);
	assert_int_equal(task_wait(c.over, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(r.entered, THREADS * VISITORS * VISITS * 6);
	task_unref(c.over);
	bide_executor_unref(r.strand);
}

struct noter {
	ASYNC_FRAME;
	struct {
		turn_log *log;
		int id;
	} in;
};

async(noter)
{
	async_begin;
	turn(my->in.log, my->in.id);
async_finally:
	async_end;
}

TEST(a_strand_runs_in_the_order_of_the_starts)
{
	bide_executor *s = strand();
	turn_log log = { 0 };
	value_task all[50];

	for (int i = 0; i < 50; i++)
		all[i] = with_executor(s, async_start(noter, .log = &log, .id = i));
	for (int i = 0; i < 50; i++) {
		assert_int_equal(bide_wait(all[i], NULL), 0);
		assert_int_equal(log.ids[i], i);
	}
	assert_int_equal(log.count, 50);
	bide_executor_unref(s);
}

/* First, in the order in which it was started; then again, after each yield. */
struct rounds {
	ASYNC_FRAME;
	struct {
		turn_log *log;
		int id, times;
	} in;
	int i;
};

async(rounds)
{
	async_begin;
	for (my->i = 0; my->i < my->in.times; my->i++) {
		turn(my->in.log, my->in.id);
		await(bide_yield());
	}
async_finally:
	async_end;
}

/* In the strand itself, so that all are there before one runs. */
struct starter {
	ASYNC_FRAME;
	struct {
		turn_log *log;
		int count, times;
	} in;
	value_task started[8];
	int i;
};

async(starter)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++)
		my->started[my->i] =
			async_start(rounds, .log = my->in.log, .id = my->i, .times = my->in.times);
	for (my->i = 0; my->i < my->in.count; my->i++)
		await(my->started[my->i]);
async_finally:
	async_end;
}

TEST(DL_10_a_yield_goes_to_the_end_of_its_executors_queue)
{
	bide_executor *s = strand();
	turn_log log = { 0 };

	assert_int_equal(bide_wait(with_executor(s, async_start(starter, .log = &log, .count = 3,
	                                                        .times = 3)),
	                           NULL),
	                 0);
	ASSERT_TURNS(&log, 0, 1, 2, 0, 1, 2, 0, 1, 2);
	bide_executor_unref(s);
}

TEST(a_start_for_a_strand_is_never_run_inside_the_start)
{
	bide_executor *s = strand();
	turn_log log = { 0 };
	value_task v = with_executor(s, async_start(noter, .log = &log, .id = 1));

	assert_true(v.state > BIDE_ERROR_MAX); /* no result was handed out; it may be there by now */
	assert_int_equal(bide_wait(v, NULL), 0);
	ASSERT_TURNS(&log, 1);
	/* afterwards, and beside it, starts are hot as ever */
	assert_true(value_task_is_ready(async_start(noter, .log = &log, .id = 2)));
	bide_executor_unref(s);
}

/* Two that need each other. */
struct partner {
	ASYNC_FRAME;
	struct {
		task *mine, *others;
		room *room;
		int64_t id;
	} in;
	int64_t heard;
};

async(partner)
{
	async_begin;
	in_room(my->in.room);
	task_complete_int(my->in.mine, my->in.id);
	await(my->heard, task_await(my->in.others));
	in_room(my->in.room);
	async_return(my->heard);
async_finally:
	async_end;
}

TEST(two_functions_of_a_strand_may_wait_for_each_other)
{
	room r = { strand(), 0, 0 };
	task *a = task_create(0), *b = task_create(0);
	value_task first, second;
	int64_t heard;

	first =
		with_executor(r.strand, async_start(partner, .mine = a, .others = b, .room = &r, .id = 1));
	second =
		with_executor(r.strand, async_start(partner, .mine = b, .others = a, .room = &r, .id = 2));
	assert_int_equal(wait_int(first, &heard), 0);
	assert_int_equal(heard, 2);
	assert_int_equal(wait_int(second, &heard), 0);
	assert_int_equal(heard, 1);
	task_unref(a);
	task_unref(b);
	bide_executor_unref(r.strand);
}

/* --- what is inherited */

struct where {
	ASYNC_FRAME;
	struct {
		bide_executor *expected;
		int depth;
	} in;
	value_task three[3];
};

async(where)
{
	async_begin;
	assert_ptr_equal(bide_executor_current(), my->in.expected);
	await(delay_ns(1000));
	assert_ptr_equal(bide_executor_current(), my->in.expected);
	if (my->in.depth > 0) {
		for (int i = 0; i < 3; i++)
			my->three[i] =
				async_start(where, .expected = my->in.expected, .depth = my->in.depth - 1);
		await(when_all(my->three, 3));
	}
	assert_ptr_equal(bide_executor_current(), my->in.expected);
async_finally:
	assert_ptr_equal(bide_executor_current(), my->in.expected);
	async_end;
}

TEST(what_a_function_starts_runs_where_it_runs)
{
	bide_executor *s = strand();

	assert_int_equal(bide_wait(with_executor(s, async_start(where, .expected = s, .depth = 3)),
	                           NULL),
	                 0);
	bide_executor_unref(s);
}

TEST(a_context_below_inherits_and_may_choose_another_or_none)
{
	bide_executor *s = strand(), *t = strand();
	bide_context *top = context_of((bide_context_options){ .executor = s });
	bide_context *below = context_of((bide_context_options){ .parent = top });
	bide_context *other = context_of((bide_context_options){ .parent = top, .executor = t });
	bide_context *none =
		context_of((bide_context_options){ .parent = other, .executor = bide_executor_workers() });
	bide_context *detached = context_of((bide_context_options){ .detached = true });

	assert_ptr_equal(bide_in(top, bide_executor_current()), s);
	assert_ptr_equal(bide_in(below, bide_executor_current()), s);
	assert_ptr_equal(bide_in(other, bide_executor_current()), t);
	assert_null(bide_in(none, bide_executor_current()));
	assert_null(bide_in(top, bide_in(detached, bide_executor_current())));
	assert_null(bide_in(top, bide_in_detached(bide_executor_current())));
	assert_null(bide_executor_current());
	assert_int_equal(bide_wait(bide_in(below, async_start(where, .expected = s)), NULL), 0);
	assert_int_equal(bide_wait(bide_in(other, async_start(where, .expected = t)), NULL), 0);
	assert_int_equal(bide_wait(bide_in(none, async_start(where, .expected = NULL)), NULL), 0);
	bide_context_unref(detached);
	bide_context_unref(none);
	bide_context_unref(other);
	bide_context_unref(below);
	bide_context_unref(top);
	bide_executor_unref(s);
	bide_executor_unref(t);
}

/* Starts of every kind from inside a strand: here, in another one, on the workers. */
struct chooser {
	ASYNC_FRAME;
	struct {
		bide_executor *here, *there;
	} in;
	value_task v;
};

async(chooser)
{
	turn_log log = { 0 };

	async_begin;
	my->v = with_executor(my->in.there, async_start(where, .expected = my->in.there));
	await(my->v);
	assert_true(value_task_is_ready(async_start(noter, .log = &log, .id = 1)));
	my->v = with_executor(my->in.here, async_start(noter, .log = &log, .id = 2));
	assert_true(value_task_is_ready(my->v)); /* it is here already */
	assert_int_equal(log.count, 2);
	await(bide_in_detached(async_start(where, .expected = NULL)));
	await(with_executor(my->in.there,
	                    with_executor(my->in.here, async_start(where, .expected = my->in.here))));
	await(with_executor(bide_executor_workers(), async_start(where, .expected = NULL)));
	assert_ptr_equal(bide_executor_current(), my->in.here);
async_finally:
	async_end;
}

TEST(a_function_in_a_strand_starts_others_anywhere)
{
	bide_executor *s = strand(), *t = strand();

	assert_int_equal(bide_wait(with_executor(s, async_start(chooser, .here = s, .there = t)), NULL),
	                 0);
	bide_executor_unref(s);
	bide_executor_unref(t);
}

/* --- moving */

struct traveller {
	ASYNC_FRAME;
	struct {
		room *a, *b;
	} in;
	bide_context *scope;
	int i;
};

async(traveller)
{
	async_begin;
	assert_null(bide_executor_current());
	async_switch_to(my->in.a->strand);
	in_room(my->in.a);
	async_switch_to(my->in.b->strand);
	in_room(my->in.b);
	await(delay_ns(1000));
	in_room(my->in.b);
	async_switch_back;
	in_room(my->in.a);
	async_switch_to(bide_executor_workers());
	assert_null(bide_executor_current());
	await(bide_yield());
	async_switch_back;
	in_room(my->in.a);
	async_switch_back;
	assert_null(bide_executor_current());
	my->scope = context_of((bide_context_options){ .executor = my->in.b->strand });
	async_switch(my->scope);
	in_room(my->in.b);
	async_switch(my->scope); /* a turn for the others */
	in_room(my->in.b);
async_finally:
	in_room(my->in.b); /* where it was */
	bide_context_unref(my->scope);
	async_end;
}

TEST(a_function_moves_to_strands_and_back)
{
	room a = { strand(), 0, 0 }, b = { strand(), 0, 0 };
	value_task all[20];

	for (int i = 0; i < 20; i++)
		all[i] = async_start(traveller, .a = &a, .b = &b);
	for (int i = 0; i < 20; i++)
		assert_int_equal(bide_wait(all[i], NULL), 0);
	assert_int_equal(a.entered, 60);
	assert_int_equal(b.entered, 100);
	bide_executor_unref(a.strand);
	bide_executor_unref(b.strand);
}

/* A chain of continuations: each awaits the one before, on the other side. */
struct link_in_chain {
	ASYNC_FRAME;
	struct {
		task *before;
		room *room;
	} in;
	int64_t value;
};

async(link_in_chain)
{
	async_begin;
	await(my->value, task_await(my->in.before));
	in_room(my->in.room);
	async_return(my->value + 1);
async_finally:
	async_end;
}

TEST(SC_09_a_chain_that_alternates_between_two_strands_ends)
{
	room sides[2] = { { strand(), 0, 0 }, { strand(), 0, 0 } };
	task *first = task_create(0), *chain[21] = { first };
	bide_payload result;

	for (int i = 0; i < 20; i++)
		chain[i + 1] = as_task(
			with_executor(sides[i % 2].strand,
		                  async_start(link_in_chain, .before = chain[i], .room = &sides[i % 2])));
	task_complete_int(first, 0);
	assert_int_equal(task_wait(chain[20], &result), 0);
	assert_int_equal(result.i, 20);
	assert_int_equal(sides[0].entered, 10);
	assert_int_equal(sides[1].entered, 10);
	for (int i = 0; i <= 20; i++)
		task_unref(chain[i]);
	bide_executor_unref(sides[0].strand);
	bide_executor_unref(sides[1].strand);
}

/* --- cancellation */

struct sleeper {
	ASYNC_FRAME;
	struct {
		room *room;
		atomic_int *cleaned;
	} in;
};

async(sleeper)
{
	async_begin;
	in_room(my->in.room);
	await(delay_ms(100000));
async_finally:
	in_room(my->in.room);
	await(bide_yield());
	in_room(my->in.room);
	atomic_fetch_add(my->in.cleaned, 1);
	async_end;
}

TEST(a_canceled_function_cleans_up_on_its_strand)
{
	room r = { strand(), 0, 0 };
	bide_context *scope = context_of((bide_context_options){ .executor = r.strand });
	atomic_int cleaned = 0;
	value_task all[20];

	for (int i = 0; i < 20; i++)
		all[i] = bide_in(scope, async_start(sleeper, .room = &r, .cleaned = &cleaned));
	assert_int_equal(bide_wait_for(all[0], NULL, 2 * MS), ETIMEDOUT);
	assert_true(bide_context_cancel(scope, ECANCELED));
	for (int i = 0; i < 20; i++)
		assert_int_equal(bide_wait(all[i], NULL), ECANCELED);
	assert_int_equal(cleaned, 20);
	assert_int_equal(r.entered, 60);
	bide_context_unref(scope);
	bide_executor_unref(r.strand);
}

TEST(a_deadline_ends_a_function_on_its_strand)
{
	room r = { strand(), 0, 0 };
	atomic_int cleaned = 0;
	value_task v =
		with_executor(r.strand,
	                  with_timeout_ms(5, async_start(sleeper, .room = &r, .cleaned = &cleaned)));

	assert_int_equal(bide_wait(v, NULL), ETIMEDOUT);
	assert_int_equal(cleaned, 1);
	bide_executor_unref(r.strand);
}

TEST(moving_cannot_be_canceled_and_keeps_the_scope)
{
	room a = { strand(), 0, 0 }, b = { strand(), 0, 0 };
	bide_context *scope = canceled_context();

	assert_int_equal(bide_wait(bide_in(scope, with_executor(a.strand, async_start(noter, .id = 0))),
	                           NULL),
	                 0);
	/* the delay in the middle of the way is canceled: its error, and the cleanup over there */
	{
		value_task v = bide_in(scope, async_start(traveller, .a = &a, .b = &b));
		assert_int_equal(bide_wait(v, NULL), ECANCELED);
	}
	assert_int_equal(a.entered, 1);
	assert_int_equal(b.entered, 2);
	bide_context_unref(scope);
	bide_executor_unref(a.strand);
	bide_executor_unref(b.strand);
}

/* --- ends, misuse, costs */

TEST(a_strand_that_was_dropped_lives_as_long_as_its_functions)
{
	bide_executor *s = strand();
	value_task v = with_executor(s, async_start(where, .expected = s, .depth = 2));

	assert_ptr_equal(bide_executor_ref(s), s);
	bide_executor_unref(s);
	bide_executor_unref(s);
	assert_int_equal(bide_wait(v, NULL), 0);
	run_all(); /* the worker that ran it leaves the strand after that */
	assert_int_equal(stats().operation_count, 0);
	bide_executor_unref(NULL);
	bide_executor_unref(bide_executor_workers());
	bide_executor_unref(bide_executor_ref(bide_executor_workers()));
}

struct flag {
	ASYNC_FRAME;
	struct {
		task *when;
		bool *set;
	} in;
};

async(flag)
{
	async_begin;
	await(task_await(my->in.when));
	*my->in.set = true;
async_finally:
	async_end;
}

TEST(a_function_whose_task_fails_ends_on_its_strand)
{
	task *t = task_create(0);
	room r = { strand(), 0, 0 };
	value_task v = with_executor(r.strand, async_start(link_in_chain, .before = t, .room = &r));

	assert_int_equal(bide_wait_for(v, NULL, MS), ETIMEDOUT);
	task_fail(t, EIO);
	assert_int_equal(bide_wait(v, NULL), EIO);
	task_unref(t);
	bide_executor_unref(r.strand);
}

TEST(functions_left_in_executors_are_leaks)
{
	bide_executor *s = strand(), *l = loop();
	value_task v = with_executor(s, async_start(where, .expected = s));

	assert_int_equal(bide_wait(v, NULL), 0);
	v = with_executor(s, async_start(later, .ns = BIDE_FOREVER));
	(void)v; /* nobody waits for it any more */
	v = with_executor(l, async_start(later, .ns = BIDE_FOREVER));
	bide_executor_unref(s);
	bide_executor_unref(l);
	leaks_expected = 2;
}

struct misuser {
	ASYNC_FRAME;
	struct {
		bide_executor *s;
		int what;
	} in;
	bide_context *scope;
};

async(misuser)
{
	async_begin;
	my->scope = context_of((bide_context_options){ .executor = my->in.s });
	switch (my->in.what) {
	case 0:
		bide_async_enter(my->scope);
		assert_null(bide_executor_current());
		break;
	case 1:
		async_fail((int)bide_switch_(&my->bide_frame_, NULL).state);
	case 2:
		async_fail((int)bide_switch_to_(&my->bide_frame_, NULL).state);
	case 3:
		async_fail((int)bide_switch_back_(&my->bide_frame_).state);
	case 4:
		assert_null(bide_loop_create());
		break;
	default:
		break;
	}
	if (my->in.what == 5) {
		async_switch(my->scope);
		bide_async_leave;
		assert_ptr_equal(bide_executor_current(), my->in.s);
	}
async_finally:
	bide_context_unref(my->scope);
	async_end;
}

TEST(misuse_of_executors_is_told)
{
	bide_executor *s = strand();

	catch_misuse();
	assert_int_equal(bide_wait(async_start(misuser, .s = s, .what = 0), NULL), 0);
	ASSERT_MISUSE("bide_async_enter in misuser: the context has another executor");
	assert_int_equal(bide_wait(async_start(misuser, .s = s, .what = 1), NULL), EINVAL);
	ASSERT_MISUSE("bide_async_switch in misuser: context is NULL");
	assert_int_equal(bide_wait(async_start(misuser, .s = s, .what = 2), NULL), EINVAL);
	ASSERT_MISUSE("bide_async_switch_to in misuser: executor is NULL");
	assert_int_equal(bide_wait(async_start(misuser, .s = s, .what = 3), NULL), EINVAL);
	ASSERT_MISUSE("bide_async_switch_back in misuser without bide_async_switch");
	assert_int_equal(bide_wait(async_start(misuser, .s = s, .what = 4), NULL), 0);
	ASSERT_MISUSE("bide_loop_create: called inside the async function misuser");
	assert_int_equal(bide_wait(async_start(misuser, .s = s, .what = 5), NULL), 0);
	ASSERT_MISUSE("bide_async_leave in misuser: the function would have to go to another executor");
	assert_int_equal(bide_wait(with_executor(NULL, async_start(noter, .id = 0)), NULL), ENOMEM);
	ASSERT_MISUSE("bide_with_executor: executor is NULL");
	assert_null(bide_executor_ref(NULL));
	ASSERT_MISUSE("bide_executor_ref: executor is NULL");
	assert_int_equal(bide_loop_fd(NULL), -1);
	ASSERT_MISUSE("bide_loop_fd: loop is NULL");
	assert_int_equal(bide_loop_fd(s), -1);
	ASSERT_MISUSE("bide_loop_fd: this executor is no loop");
	assert_int_equal(bide_loop_run(s, 0), -1);
	ASSERT_MISUSE("bide_loop_run: this executor is no loop");
	assert_int_equal(bide_loop_adopt(s), EINVAL);
	ASSERT_MISUSE("bide_loop_adopt: this executor is no loop");
	bide_executor_unref(s);
}

static void visit_all(room *r, int count)
{
	value_task all[32];

	for (int i = 0; i < count; i++)
		all[i] = with_executor(r->strand, async_start(visitor, .room = r, .times = 3, .kind = i));
	for (int i = 0; i < count; i++)
		assert_int_equal(bide_wait(all[i], NULL), 0);
}

TEST(a_strand_in_use_allocates_nothing)
{
	room r = { 0 };
	uint64_t before;
	int quiet = 0;
	const char *pooling = getenv("BIDE_POOL");

	if (pooling && strcmp(pooling, "malloc") == 0)
		SKIP("there are no pools: each object is an allocation");
	r.strand = strand();
	/* Objects travel between the pools of threads: it is enough that they come to rest. */
	for (int i = 0; i < 200 && quiet < 10; i++) {
		before = stats().allocation_count;
		visit_all(&r, 32);
		quiet = stats().allocation_count == before ? quiet + 1 : 0;
	}
	assert_int_equal(quiet, 10);
	bide_executor_unref(r.strand);
}

TEST_SLOW(a_hundred_thousand_functions_wait_in_a_strand, 60)
{
	enum { COUNT = 100000 };
	room r = { strand(), 0, 0 };
	bide_context *scope = context_of((bide_context_options){ .executor = r.strand });
	value_task *all = calloc(COUNT, sizeof *all);

	assert_non_null(all);
	for (int i = 0; i < COUNT; i++)
		all[i] = bide_in(scope, async_start(visitor, .room = &r, .times = 1, .kind = 0));
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(bide_wait(all[i], NULL), 0);
	assert_int_equal(r.entered, 2 * COUNT);
	free(all);
	bide_context_unref(scope);
	bide_executor_unref(r.strand);
}

/* Each awaits the next, all in one strand: as deep as they are many. */
struct nested {
	ASYNC_FRAME;
	struct {
		int depth;
	} in;
};

async(nested)
{
	async_begin;
	await(bide_yield());
	if (my->in.depth > 0)
		await(async_start(nested, .depth = my->in.depth - 1));
async_finally:
	async_end;
}

TEST(a_chain_longer_than_the_handovers_in_a_row_ends_without_an_executor)
{
	assert_int_equal(bide_wait(async_start(nested, .depth = 1000), NULL), 0);
}

TEST(a_deep_chain_of_awaits_in_a_strand_needs_no_stack)
{
	bide_executor *s = strand();

	assert_int_equal(bide_wait(with_executor(s, async_start(nested, .depth = 100000)), NULL), 0);
	bide_executor_unref(s);
}

static bool no_memory;
static void *allocate(size_t size_bytes, size_t alignment, void *argument)
{
	(void)argument;
	return no_memory ? NULL : aligned_alloc(alignment, (size_bytes + alignment - 1) & -alignment);
}
static void give_back(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes, (void)argument;
	free(memory);
}

TEST(without_memory_there_is_no_executor_and_no_call)
{
	static bide_executor *made[100000];
	bide_context *scopes[1000];
	unsigned count = 0, scope_count = 0;
	value_task v;

	assert_int_equal(bide_set_allocator(
						 &(bide_allocator){ .allocate = allocate, .release = give_back }),
	                 0);
	made[count++] = strand();
	no_memory = true;
	while (count < 100000 && (made[count] = bide_strand_create()) != NULL)
		count++;
	assert_null(made[count]);
	while (scope_count < 1000 && (scopes[scope_count] = bide_context_create(NULL)) != NULL)
		scope_count++;
	v = with_executor(made[0], async_start(noter, .id = 0));
	assert_true(value_task_is_ready(v));
	assert_int_equal(value_task_error(v), ENOMEM);
	no_memory = false;
	while (scope_count > 0)
		bide_context_unref(scopes[--scope_count]);
	while (count > 0)
		bide_executor_unref(made[--count]);
}

/* --- simulation */

static uint64_t simulate(uint64_t seed, turn_log *log)
{
	room r;
	value_task all[12];
	uint64_t hash;

	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true, .seed = seed }), 0);
	r = (room){ strand(), 0, 0 };
	for (int i = 0; i < 6; i++) {
		all[2 * i] =
			with_executor(r.strand, async_start(rounds, .log = log, .id = 2 * i, .times = 3));
		all[2 * i + 1] = async_start(rounds, .log = log, .id = 2 * i + 1, .times = 3);
	}
	for (int i = 0; i < 12; i++)
		assert_int_equal(bide_wait(all[i], NULL), 0);
	hash = bide_simulation_hash();
	bide_executor_unref(r.strand);
	assert_int_equal(bide_shutdown(false), 0);
	return hash;
}

TEST(a_simulation_with_strands_repeats_and_varies)
{
	turn_log one, two;
	int different = 0, last;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		memset(&one, 0, sizeof one);
		memset(&two, 0, sizeof two);
		assert_true(simulate(seed, &one) == simulate(seed, &two));
		assert_int_equal(one.count, 36);
		assert_memory_equal(&one, &two, sizeof one);
		last = -2; /* in the strand itself the order is that of the starts */
		for (int i = 0; i < one.count; i++) {
			if (one.ids[i] % 2)
				continue;
			assert_int_equal(one.ids[i], (last + 2) % 12);
			last = one.ids[i];
		}
		simulate(seed + 100, &two);
		different += memcmp(one.ids, two.ids, sizeof one.ids) != 0;
	}
	assert_true(different > 0);
}

/* --- loops */

static bool readable(bide_executor *l, int timeout_ms)
{
	struct pollfd p = { bide_loop_fd(l), POLLIN, 0 };

	return poll(&p, 1, timeout_ms) == 1;
}

/* The loop of this thread, as a program's own loop would: nothing but the descriptor and the call.
 */
static void turn_until(bide_executor *l, const bool *done)
{
	while (!*done) {
		assert_true(readable(l, 15000));
		assert_true(bide_loop_run(l, 0) >= 0);
	}
}

/* Runs on the loop's thread all the time, whatever it awaits. */
struct resident {
	ASYNC_FRAME;
	struct {
		bide_executor *loop;
		pthread_t thread;
		bool *done;
	} in;
	value_task elsewhere;
	int64_t value;
};

static void assert_at_home(const struct resident *my)
{
	assert_true(pthread_equal(my->in.thread, pthread_self()));
	assert_ptr_equal(bide_executor_current(), my->in.loop);
}

static int64_t block(void *argument)
{
	(void)argument;
	return 5;
}

async(resident)
{
	async_begin;
	assert_at_home(my);
	await(bide_yield());
	assert_at_home(my);
	await(delay_ms(2));
	assert_at_home(my);
	await(my->value, run_blocking(block, NULL));
	assert_int_equal(my->value, 5);
	assert_at_home(my);
	await(with_executor(bide_executor_workers(), async_start(where, .expected = NULL)));
	assert_at_home(my);
	await(async_start(where, .expected = my->in.loop));
	assert_at_home(my);
	async_switch_to(bide_executor_workers());
	assert_null(bide_executor_current());
	await(delay_ns(1000));
	async_switch_back;
	assert_at_home(my);
	await(delay_ms(1));
	async_return(9);
async_finally:
	assert_at_home(my);
	await(bide_yield());
	assert_at_home(my);
	if (my->in.done)
		*my->in.done = true;
	async_end;
}

TEST(functions_of_a_loop_run_on_its_thread_only)
{
	NOT_SEEDED("it needs the real clock");
	bide_executor *l = loop();
	bool done = false;
	int64_t value;
	value_task v =
		with_executor(l, async_start(resident, .loop = l, .thread = pthread_self(), .done = &done));

	turn_until(l, &done);
	assert_int_equal(wait_int(v, &value), 0);
	assert_int_equal(value, 9);
	bide_executor_unref(l);
}

/* Until what a test has started has come to rest; then only its own doing makes it ready. */
static void finish_all(bide_executor *l)
{
	while (readable(l, 5))
		bide_loop_run(l, 0);
	assert_int_equal(bide_loop_run(l, 0), BIDE_FOREVER);
}

TEST(AW_01_an_await_is_one_turn_of_its_own_executor_and_none_of_others)
{
	bide_executor *l = loop();
	task *t = task_create(0);
	turn_log log = { 0 };
	value_task here, there;

	here = with_executor(l, await_it(t, &log, 1));
	there = with_executor(l, with_executor(bide_executor_workers(), await_it(t, NULL, 2)));
	finish_all(l);
	task_complete_int(t, 7);
	assert_int_equal(bide_wait(there, NULL), 0); /* whatever the loop does */
	while (log.count == 0) {
		assert_true(readable(l, 15000));
		bide_loop_run(l, 1);
	}
	ASSERT_TURNS(&log, 1);
	finish_all(l);
	assert_int_equal(bide_wait(here, NULL), 0);
	task_unref(t);
	bide_executor_unref(l);
}

struct source_reader {
	ASYNC_FRAME;
	struct {
		bide_user_source *source;
		bide_executor *expected;
	} in;
	int64_t value;
};

async(source_reader)
{
	async_begin;
	await(my->value, bide_user_source_value_task(my->in.source));
	assert_ptr_equal(bide_executor_current(), my->in.expected);
	async_return(my->value);
async_finally:
	async_end;
}

TEST(VS_18_what_awaits_a_source_goes_on_on_its_executor)
{
	bide_executor *s = strand();
	bide_user_source source;
	value_task v;
	int64_t value;

	bide_user_source_init(&source, NULL);
	v = with_executor(s, async_start(source_reader, .source = &source, .expected = s));
	assert_int_equal(bide_wait_for(v, NULL, MS), ETIMEDOUT);
	bide_user_source_complete(&source, (bide_payload){ .i = 6 });
	assert_int_equal(wait_int(v, &value), 0);
	assert_int_equal(value, 6);
	bide_executor_unref(s);
}

TEST(VT_34_an_await_of_a_value_task_goes_on_where_its_context_says_and_nowhere_else)
{
	bide_executor *l = loop();
	bide_user_source sources[2];
	value_task here, there;
	int64_t value;

	for (int i = 0; i < 2; i++)
		bide_user_source_init(&sources[i], NULL);
	here = with_executor(l, async_start(source_reader, .source = &sources[0], .expected = l));
	there = with_executor(l, with_executor(bide_executor_workers(),
	                                       async_start(source_reader, .source = &sources[1])));
	finish_all(l);
	for (int i = 0; i < 2; i++)
		bide_user_source_complete(&sources[i], (bide_payload){ .i = i });
	assert_int_equal(wait_int(there, &value), 0); /* whatever the loop does */
	assert_int_equal(value, 1);
	if (many_workers()) { /* the one worker's own waits run its loops */
		assert_true(readable(l, 15000));
		assert_false(value_task_is_ready(here));
	}
	finish_all(l);
	assert_int_equal(wait_int(here, &value), 0);
	assert_int_equal(value, 0);
	bide_executor_unref(l);
}

TEST(on_its_own_thread_a_loops_function_starts_at_once)
{
	bide_executor *l = loop();
	turn_log log = { 0 };

	assert_true(value_task_is_ready(with_executor(l, async_start(noter, .log = &log, .id = 1))));
	ASSERT_TURNS(&log, 1);
	bide_executor_unref(l);
}

TEST(the_descriptor_is_readable_when_something_is_ready_and_only_then)
{
	bide_executor *l = loop();
	task *t = task_create(0);
	bool set = false;
	value_task v = with_executor(l, async_start(flag, .when = t, .set = &set));
	int fd = bide_loop_fd(l);

	finish_all(l);
	assert_false(readable(l, 5));
	task_complete_int(t, 1); /* by this very thread, outside of any loop */
	assert_false(set);
	assert_true(readable(l, 10000));
	assert_true(readable(l, 0)); /* until it has run */
	turn_until(l, &set);
	assert_int_equal(bide_wait(v, NULL), 0);
	assert_int_equal(bide_loop_fd(l), fd);
	task_unref(t);
	bide_executor_unref(l);
}

static void *complete_later(void *argument)
{
	sleep_ms(10);
	task_complete_int(argument, 1);
	return NULL;
}

TEST(another_thread_makes_the_descriptor_readable)
{
	bide_executor *l = loop();
	task *t = task_create(0);
	pthread_t thread;
	bool set = false;
	value_task v = with_executor(l, async_start(flag, .when = t, .set = &set));

	assert_int_equal(pthread_create(&thread, NULL, complete_later, t), 0);
	turn_until(l, &set);
	pthread_join(thread, NULL);
	assert_int_equal(bide_wait(v, NULL), 0);
	task_unref(t);
	bide_executor_unref(l);
}

TEST(a_timer_makes_the_descriptor_readable)
{
	NOT_SEEDED("it needs the real clock");
	bide_executor *l = loop();
	bool done = false;
	int64_t start_ns = bide_now_ns();
	value_task v;

	v = with_executor(l, async_start(resident, .loop = l, .thread = pthread_self(), .done = &done));
	turn_until(l, &done);
	assert_true(bide_now_ns() - start_ns >= 3 * MS);
	assert_int_equal(bide_wait(v, NULL), 0);
	bide_executor_unref(l);
}

TEST(a_loop_runs_no_more_than_it_is_told)
{
	bide_executor *l = loop();
	bide_context *scope = context_of((bide_context_options){ .executor = l });
	turn_log log = { 0 };
	value_task all[5];
	int before;

	for (int i = 0; i < 5; i++)
		all[i] = bide_in(scope, async_start(rounds, .log = &log, .id = i, .times = 2));
	assert_int_equal(log.count, 5); /* on its own thread: up to their first await */
	while (log.count < 10) {
		before = log.count;
		assert_true(readable(l, 10000));
		assert_true(bide_loop_run(l, 1) >= 0);
		assert_true(log.count <= before + 1);
	}
	while (bide_loop_run(l, 0) == 0)
		;
	for (int i = 0; i < 5; i++)
		assert_int_equal(bide_wait(all[i], NULL), 0);
	ASSERT_TURNS(&log, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4);
	bide_context_unref(scope);
	bide_executor_unref(l);
}

/* A thread with a loop of its own, until it is told to stop. */
typedef struct host {
	pthread_t thread;
	sem_t ready;
	bide_executor *loop, *given; /* given: adopt this instead of making one */
	bool stop;                   /* set on the thread */
	int runs;
} host;

static void *host_thread(void *argument)
{
	host *h = argument;

	if (h->given) {
		assert_int_equal(bide_loop_adopt(h->given), 0);
		h->loop = h->given;
	} else {
		h->loop = loop();
	}
	sem_post(&h->ready);
	while (!h->stop) {
		assert_true(readable(h->loop, 15000));
		assert_true(bide_loop_run(h->loop, 3) >= 0);
		h->runs++;
	}
	return NULL;
}

static void host_start(host *h)
{
	bide_now_ns(); /* this thread is the first that uses bide */
	sem_init(&h->ready, 0, 0);
	assert_int_equal(pthread_create(&h->thread, NULL, host_thread, h), 0);
	sem_wait(&h->ready);
}

struct stopper {
	ASYNC_FRAME;
	struct {
		host *host;
	} in;
};

async(stopper)
{
	async_begin;
	assert_true(pthread_equal(my->in.host->thread, pthread_self()));
	my->in.host->stop = true;
async_finally:
	async_end;
}

static void host_stop(host *h)
{
	assert_int_equal(bide_wait(with_executor(h->loop, async_start(stopper, .host = h)), NULL), 0);
	pthread_join(h->thread, NULL);
	sem_destroy(&h->ready);
}

TEST(a_loop_on_a_second_thread_serves_the_first)
{
	host h = { 0 };
	int64_t value;
	value_task v;

	host_start(&h);
	for (int i = 0; i < 20; i++) {
		v = with_executor(h.loop, async_start(resident, .loop = h.loop, .thread = h.thread));
		assert_int_equal(wait_int(v, &value), 0);
		assert_int_equal(value, 9);
	}
	host_stop(&h);
	bide_executor_unref(h.loop);
}

/* Makes the way to another thread and back, with what it awaits on both sides. */
struct commuter {
	ASYNC_FRAME;
	struct {
		host *host;
		int times;
	} in;
	value_task there[3];
	int64_t value;
	int i;
};

async(commuter)
{
	async_begin;
	for (my->i = 0; my->i < my->in.times; my->i++) {
		await(delay_ns(100));
		async_switch_to(my->in.host->loop);
		assert_true(pthread_equal(pthread_self(), my->in.host->thread));
		await(my->value, later_value(1000, my->i));
		assert_int_equal(my->value, my->i);
		assert_true(pthread_equal(pthread_self(), my->in.host->thread));
		async_switch_back;
		assert_null(bide_executor_current());
		/* combinators tell of functions that end over there */
		for (int k = 0; k < 3; k++)
			my->there[k] =
				with_executor(my->in.host->loop,
			                  async_start(where, .expected = my->in.host->loop, .depth = 0));
		await(when_all(my->there, 3));
	}
async_finally:
	async_end;
}

TEST_SLOW(functions_commute_between_threads, 60)
{
	enum { COUNT = 16 };
	host h = { 0 };
	value_task all[COUNT];
	task *shared;

	host_start(&h);
	for (int i = 0; i < COUNT; i++)
		all[i] = async_start(commuter, .host = &h, .times = 30);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(bide_wait(all[i], NULL), 0);
	shared = as_task(with_executor(h.loop, async_start(where, .expected = h.loop)));
	assert_int_equal(task_wait(shared, NULL), 0);
	task_unref(shared);
	host_stop(&h);
	bide_executor_unref(h.loop);
}

/* Parallel loops in an executor: all that they call runs there. */
typedef struct loop_bodies {
	host *host;
	int called, items; /* the thread's */
} loop_bodies;

static void called_there(loop_bodies *b)
{
	assert_true(pthread_equal(pthread_self(), b->host->thread));
	assert_ptr_equal(bide_executor_current(), b->host->loop);
	b->called++;
}

static int part_body(int64_t begin, int64_t end, void *argument)
{
	(void)begin, (void)end;
	called_there(argument);
	return 0;
}

static value_task index_body(int64_t index, void *argument)
{
	called_there(argument);
	return later_value(1000, index);
}

static value_task next_item(void *argument)
{
	loop_bodies *b = argument;

	called_there(b);
	return b->items-- > 0 ? later_value(1000, b->items) : value_task_from_error(BIDE_END);
}

static value_task item_body(bide_payload item, void *argument)
{
	return index_body(item.i, argument);
}

TEST(PF_07_parallel_loops_enumerate_and_call_on_the_executor_of_their_context)
{
	const bide_parallel_options parts = { .limit = 4, .grain = 1 };
	host h = { 0 };
	loop_bodies b = { .host = &h, .items = 10 };

	host_start(&h);
	assert_int_equal(
		bide_wait(with_executor(h.loop, bide_parallel_for(0, 10, part_body, &b, &parts)), NULL), 0);
	assert_int_equal(
		bide_wait(with_executor(h.loop, bide_for_each_async(0, 10, index_body, &b, &parts)), NULL),
		0);
	assert_int_equal(bide_wait(with_executor(h.loop, bide_for_each_of_async(next_item, item_body,
	                                                                        &b, &parts)),
	                           NULL),
	                 0);
	host_stop(&h);
	assert_int_equal(b.called, 10 + 10 + 11 + 10);
	bide_executor_unref(h.loop);
}

TEST(a_canceled_function_cleans_up_on_its_loop)
{
	host h = { 0 };
	room r;
	bide_context *scope;
	atomic_int cleaned = 0;
	value_task all[10];

	host_start(&h);
	r = (room){ h.loop, 0, 0 };
	scope = context_of((bide_context_options){ .executor = h.loop });
	for (int i = 0; i < 10; i++)
		all[i] = bide_in(scope, async_start(sleeper, .room = &r, .cleaned = &cleaned));
	assert_int_equal(bide_wait_for(all[9], NULL, 5 * MS), ETIMEDOUT);
	bide_context_cancel(scope, ECANCELED);
	for (int i = 0; i < 10; i++)
		assert_int_equal(bide_wait(all[i], NULL), ECANCELED);
	assert_int_equal(cleaned, 10);
	bide_context_unref(scope);
	host_stop(&h);
	bide_executor_unref(h.loop);
}

TEST(a_loop_whose_thread_has_ended_keeps_what_is_ready_for_who_adopts_it)
{
	host first = { 0 }, second = { 0 };
	turn_log log = { 0 };
	value_task v;

	host_start(&first);
	host_stop(&first);
	v = with_executor(first.loop, async_start(noter, .log = &log, .id = 1));
	assert_int_equal(bide_wait_for(v, NULL, 5 * MS), ETIMEDOUT);
	second.given = first.loop;
	host_start(&second);
	assert_int_equal(bide_wait(v, NULL), 0);
	ASSERT_TURNS(&log, 1);
	host_stop(&second);
	bide_executor_unref(first.loop);
}

TEST(a_loop_that_was_dropped_lives_as_long_as_its_functions)
{
	host h = { 0 };
	value_task v;

	host_start(&h);
	v = with_executor(h.loop, async_start(where, .expected = h.loop, .depth = 1));
	assert_int_equal(bide_wait(v, NULL), 0);
	v = with_executor(h.loop, async_start(stopper, .host = &h));
	bide_executor_ref(h.loop); /* the thread's own, which runs it */
	bide_executor_unref(h.loop);
	assert_int_equal(bide_wait(v, NULL), 0);
	pthread_join(h.thread, NULL);
	bide_executor_unref(h.loop);
}

static void *run_anothers(void *argument)
{
	assert_int_equal(bide_loop_run(argument, 0), -1);
	return NULL;
}

TEST(a_loop_is_run_by_its_own_thread_only)
{
	bide_executor *l = loop();
	pthread_t thread;

	catch_misuse();
	assert_int_equal(pthread_create(&thread, NULL, run_anothers, l), 0);
	pthread_join(thread, NULL);
	ASSERT_MISUSE("bide_loop_run: called on another thread than the one that made the loop");
	bide_executor_unref(l);
}

struct runner {
	ASYNC_FRAME;
	struct {
		bide_executor *loop;
		bool *done;
	} in;
};

async(runner)
{
	async_begin;
	await(bide_yield());
	assert_int_equal(bide_loop_run(my->in.loop, 0), -1);
	*my->in.done = true;
async_finally:
	async_end;
}

TEST(a_loop_is_not_run_inside_its_functions)
{
	bide_executor *l = loop();
	bool done = false;
	value_task v;

	catch_misuse();
	v = with_executor(l, async_start(runner, .loop = l, .done = &done));
	turn_until(l, &done);
	ASSERT_MISUSE("the async function runner");
	assert_int_equal(bide_wait(v, NULL), 0);
	bide_executor_unref(l);
}

TEST(a_wait_between_two_polls_loses_nothing)
{
	bide_executor *l = loop();
	task *t = task_create(0);
	bool set = false;
	value_task v = with_executor(l, async_start(flag, .when = t, .set = &set));
	pthread_t thread;

	while (readable(l, 2))
		bide_loop_run(l, 0);
	assert_int_equal(bide_wait(delay_ms(1), NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, complete_later, t), 0);
	turn_until(l, &set);
	pthread_join(thread, NULL);
	assert_int_equal(bide_wait(v, NULL), 0);
	task_unref(t);
	bide_executor_unref(l);
}

/* Posts from many threads to a loop, as fast as they can. */
typedef struct flood {
	bide_executor *loop;
	int arrived; /* the loop's */
	bool done;
	int expected;
} flood;

struct drop {
	ASYNC_FRAME;
	struct {
		flood *flood;
	} in;
};

async(drop)
{
	async_begin;
	if (++my->in.flood->arrived == my->in.flood->expected)
		my->in.flood->done = true;
async_finally:
	async_end;
}

enum { DROPS = 2000 };

static void *pour(void *argument)
{
	flood *f = argument;
	bide_context *scope = context_of((bide_context_options){ .executor = f->loop });

	for (int i = 0; i < DROPS; i++)
		forget(bide_in(scope, async_start(drop, .flood = f)));
	bide_context_unref(scope);
	return NULL;
}

TEST_SLOW(a_loop_takes_what_many_threads_send, 60)
{
	flood f = { loop(), 0, false, THREADS * DROPS };
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pour, &f), 0);
	turn_until(f.loop, &f.done);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	while (bide_loop_run(f.loop, 0) == 0)
		;
	assert_int_equal(f.arrived, THREADS * DROPS);
	bide_executor_unref(f.loop);
}

TEST(several_loops_of_one_thread_are_told_apart)
{
	NOT_SEEDED("it needs the real clock");
	bide_executor *one = loop(), *two = loop();
	bool first = false, second = false;
	value_task a, b;

	a = with_executor(one,
	                  async_start(resident, .loop = one, .thread = pthread_self(), .done = &first));
	b = with_executor(two, async_start(resident, .loop = two, .thread = pthread_self(),
	                                   .done = &second));
	while (!first || !second) {
		struct pollfd p[2] = { { bide_loop_fd(one), POLLIN, 0 }, { bide_loop_fd(two), POLLIN, 0 } };
		assert_true(poll(p, 2, 15000) > 0);
		if (p[0].revents)
			bide_loop_run(one, 0);
		if (p[1].revents)
			bide_loop_run(two, 0);
	}
	assert_int_equal(bide_wait(a, NULL), 0);
	assert_int_equal(bide_wait(b, NULL), 0);
	bide_executor_unref(one);
	bide_executor_unref(two);
}
