/*
 * Strands: they never run two functions at a time, and run them in order, whatever these await. No
 * test assumes which worker runs a function.
 */
/* threads */
#include "support/executor_support.h"

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
			await(bide_async_yield());
		else if (my->in.kind % 3 == 1)
			await(delay(1000 * (my->i % 5)));
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
		visits[i] = bide_in_context(scope, async_start(visitor, .room = c->room, .times = VISITS,
		                                               .kind = i));
	bide_context_unref(scope);
	for (int i = 0; i < VISITORS; i++)
		assert_int_equal(bide_value_task_wait(visits[i], NULL), 0);
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

/* In a strand, a fork is a call: it runs at once, as part of the strand. */
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
		await(bide_async_yield());
	in_room(my->in.room);
async_finally:
	async_end;
}

struct visitor_fork {
	BIDE_ASYNC_FORK;
	struct {
		room *room;
		int kind;
	} in;
};

bide_async_forked(visitor_fork)
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
		bide_async_fork(visitor_fork, my->one, .room = my->in.room, .kind = my->in.kind);
		assert_int_equal(my->in.room->entered - my->before, my->in.kind % 2 ? 1 : 2);
		bide_async_fork(visitor_fork, my->other, .room = my->in.room, .kind = my->in.kind / 2);
		in_room(my->in.room);
		await(bide_async_join(visitor_fork, my->other));
		await(bide_async_join(visitor_fork, my->one));
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
		visits[i] =
			bide_in_context(scope, async_start(forking_visitor, .room = c->room, .kind = i));
	bide_context_unref(scope);
	for (int i = 0; i < VISITORS; i++)
		assert_int_equal(bide_value_task_wait(visits[i], NULL), 0);
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

TEST(a_strand_runs_in_the_order_of_the_starts)
{
	bide_executor *s = strand();
	turn_log log = { 0 };
	value_task all[50];

	for (int i = 0; i < 50; i++)
		all[i] = with_executor(s, async_start(noter, .log = &log, .id = i));
	for (int i = 0; i < 50; i++) {
		assert_int_equal(bide_value_task_wait(all[i], NULL), 0);
		assert_int_equal(log.ids[i], i);
	}
	assert_int_equal(log.count, 50);
	bide_executor_unref(s);
}

/* Runs in the strand itself, so that it has started all functions before one of them runs. */
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

	assert_int_equal(bide_value_task_wait(with_executor(s, async_start(starter, .log = &log,
	                                                                   .count = 3, .times = 3)),
	                                      NULL),
	                 0);
	ASSERT_TURNS(&log, 0, 1, 2, 0, 1, 2, 0, 1, 2);
	bide_executor_unref(s);
}

TEST(a_function_for_a_strand_never_runs_inside_its_start)
{
	bide_executor *s = strand();
	turn_log log = { 0 };
	value_task v = with_executor(s, async_start(noter, .log = &log, .id = 1));

	assert_true(v.state > BIDE_ERROR_MAX); /* the start returned no result; it may exist by now */
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	ASSERT_TURNS(&log, 1);
	/* After the start and outside the strand, starts are hot as usual. */
	assert_true(value_task_is_ready(async_start(noter, .log = &log, .id = 2)));
	bide_executor_unref(s);
}

/* Two partners wait for each other. */
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

TEST(a_canceled_function_cleans_up_on_its_strand)
{
	room r = { strand(), 0, 0 };
	bide_context *scope = context_of((bide_context_options){ .executor = r.strand });
	atomic_int cleaned = 0;
	value_task all[20];

	for (int i = 0; i < 20; i++)
		all[i] = bide_in_context(scope, async_start(sleeper, .room = &r, .cleaned = &cleaned));
	assert_int_equal(bide_value_task_wait_for(all[0], NULL, 2 * MS), ETIMEDOUT);
	assert_true(bide_context_cancel(scope, ECANCELED));
	for (int i = 0; i < 20; i++)
		assert_int_equal(bide_value_task_wait(all[i], NULL), ECANCELED);
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

	assert_int_equal(bide_value_task_wait(v, NULL), ETIMEDOUT);
	assert_int_equal(cleaned, 1);
	bide_executor_unref(r.strand);
}

TEST(a_strand_without_references_lives_as_long_as_its_functions)
{
	bide_executor *s = strand();
	value_task v = with_executor(s, async_start(where, .expected = s, .depth = 2));

	assert_ptr_equal(bide_executor_ref(s), s);
	bide_executor_unref(s);
	bide_executor_unref(s);
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	run_all(); /* the worker leaves the strand only after it ran the function */
	assert_none(operation_count);
	bide_executor_unref(NULL);
	bide_executor_unref(bide_executor_workers());
	bide_executor_unref(bide_executor_ref(bide_executor_workers()));
}

TEST(a_function_whose_task_fails_ends_on_its_strand)
{
	task *t = task_create(0);
	room r = { strand(), 0, 0 };
	value_task v = with_executor(r.strand, async_start(link_in_chain, .before = t, .room = &r));

	assert_int_equal(bide_value_task_wait_for(v, NULL, MS), ETIMEDOUT);
	task_fail(t, EIO);
	assert_int_equal(bide_value_task_wait(v, NULL), EIO);
	task_unref(t);
	bide_executor_unref(r.strand);
}

static void visit_all(room *r, int count)
{
	value_task all[32];

	for (int i = 0; i < count; i++)
		all[i] = with_executor(r->strand, async_start(visitor, .room = r, .times = 3, .kind = i));
	for (int i = 0; i < count; i++)
		assert_int_equal(bide_value_task_wait(all[i], NULL), 0);
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
	/* Objects move between the pools of threads, so it suffices that allocations cease. */
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
		all[i] = bide_in_context(scope, async_start(visitor, .room = &r, .times = 1, .kind = 0));
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(bide_value_task_wait(all[i], NULL), 0);
	assert_int_equal(r.entered, 2 * COUNT);
	free(all);
	bide_context_unref(scope);
	bide_executor_unref(r.strand);
}

/* Each function awaits the next one, all in one strand, so the depth is their number. */
struct nested {
	ASYNC_FRAME;
	struct {
		int depth;
	} in;
};

async(nested)
{
	async_begin;
	await(bide_async_yield());
	if (my->in.depth > 0)
		await(async_start(nested, .depth = my->in.depth - 1));
async_finally:
	async_end;
}

TEST(a_chain_longer_than_the_limit_of_handovers_ends_without_an_executor)
{
	assert_int_equal(bide_value_task_wait(async_start(nested, .depth = 1000), NULL), 0);
}

TEST(a_deep_chain_of_awaits_in_a_strand_needs_little_stack)
{
	bide_executor *s = strand();

	assert_int_equal(bide_value_task_wait(with_executor(s, async_start(nested, .depth = 100000)),
	                                      NULL),
	                 0);
	bide_executor_unref(s);
}

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
		assert_int_equal(bide_value_task_wait(all[i], NULL), 0);
	hash = bide_simulation_hash();
	bide_executor_unref(r.strand);
	assert_int_equal(shut_down(), 0);
	return hash;
}

TEST(a_simulation_with_strands_repeats_with_its_seed_and_varies_with_others)
{
	turn_log one, two;
	int different = 0, last;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		memset(&one, 0, sizeof one);
		memset(&two, 0, sizeof two);
		assert_true(simulate(seed, &one) == simulate(seed, &two));
		assert_int_equal(one.count, 36);
		assert_memory_equal(&one, &two, sizeof one);
		last = -2; /* within the strand, the order is that of the starts */
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
