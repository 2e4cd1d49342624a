/*
 * Executors of any kind: what functions inherit, what is left at the end, misuse, running out of
 * memory.
 */
/* threads */
#include "support/executor_support.h"
#include "support/limited_memory.h"

TEST(a_started_function_runs_in_the_executor_of_its_starter)
{
	bide_executor *s = strand();

	assert_int_equal(
		bide_value_task_wait(with_executor(s, async_start(where, .expected = s, .depth = 3)), NULL),
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

	assert_ptr_equal(bide_in_context(top, bide_executor_current()), s);
	assert_ptr_equal(bide_in_context(below, bide_executor_current()), s);
	assert_ptr_equal(bide_in_context(other, bide_executor_current()), t);
	assert_null(bide_in_context(none, bide_executor_current()));
	assert_null(bide_in_context(top, bide_in_context(detached, bide_executor_current())));
	assert_null(bide_in_context(top, bide_in_detached(bide_executor_current())));
	assert_null(bide_executor_current());
	assert_int_equal(bide_value_task_wait(bide_in_context(below, async_start(where, .expected = s)),
	                                      NULL),
	                 0);
	assert_int_equal(bide_value_task_wait(bide_in_context(other, async_start(where, .expected = t)),
	                                      NULL),
	                 0);
	assert_int_equal(
		bide_value_task_wait(bide_in_context(none, async_start(where, .expected = NULL)), NULL), 0);
	bide_context_unref(detached);
	bide_context_unref(none);
	bide_context_unref(other);
	bide_context_unref(below);
	bide_context_unref(top);
	bide_executor_unref(s);
	bide_executor_unref(t);
}

/*
 * Starts functions from inside a strand in every way: in this one, in another one, on the workers.
 */
struct chooser {
	ASYNC_FRAME;
	struct {
		bide_executor *here, *there;
	} in;
	value_task v;
	turn_log log;
};

async(chooser)
{
	async_begin;
	my->v = with_executor(my->in.there, async_start(where, .expected = my->in.there));
	await(my->v);
	assert_true(value_task_is_ready(async_start(noter, .log = &my->log, .id = 1)));
	my->v = with_executor(my->in.here, async_start(noter, .log = &my->log, .id = 2));
	assert_true(value_task_is_ready(my->v)); /* in this strand it starts at once */
	assert_int_equal(my->log.count, 2);
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

	assert_int_equal(
		bide_value_task_wait(with_executor(s, async_start(chooser, .here = s, .there = t)), NULL),
		0);
	bide_executor_unref(s);
	bide_executor_unref(t);
}

TEST(functions_left_in_executors_are_leaks)
{
	bide_executor *s = strand(), *l = loop();
	value_task v = with_executor(s, async_start(where, .expected = s));

	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	v = with_executor(s, async_start(later, .ns = BIDE_FOREVER));
	(void)v; /* abandons it */
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
	case 3:
		async_fail((int)bide_switch_back_(&my->BIDE_FRAME_MEMBER_).state);
	case 4:
		assert_null(bide_loop_create());
		break;
	case 6:
		async_fail(bide_loop_adopt(my->in.s));
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

struct to_the_workers {
	ASYNC_FRAME;
	struct {
		bide_executor *s, *captured;
		int how;
	} in;
};

async(to_the_workers)
{
	async_begin;
	assert_ptr_equal(bide_executor_current(), my->in.s);
	if (my->in.how == 0) {
		async_switch_to(my->in.captured);
		assert_null(bide_executor_current());
		async_switch_back;
		assert_ptr_equal(bide_executor_current(), my->in.s);
	} else {
		async_switch(NULL);
		assert_null(bide_executor_current());
		await(delay_ms(1));
		assert_null(bide_executor_current());
	}
async_finally:
	async_end;
}

TEST(null_stands_for_the_workers)
{
	bide_executor *s = strand(), *captured = bide_executor_ref(bide_executor_current());

	assert_null(captured);
	assert_null(with_executor(s, with_executor(captured, value_task_from(bide_executor_current())))
	                .payload.p);
	for (int how = 0; how < 2; how++)
		assert_int_equal(bide_value_task_wait(with_executor(s, async_start(to_the_workers, .s = s,
		                                                                   .how = how)),
		                                      NULL),
		                 0);
	bide_executor_unref(captured);
	bide_executor_unref(s);
}

TEST(misuse_of_executors_is_reported)
{
	bide_executor *s = strand();
	int fd = 0;

	catch_misuse();
	assert_int_equal(bide_value_task_wait(async_start(misuser, .s = s, .what = 0), NULL), 0);
	ASSERT_MISUSE("bide_async_enter: the context has another executor");
	assert_int_equal(bide_value_task_wait(async_start(misuser, .s = s, .what = 3), NULL), EINVAL);
	ASSERT_MISUSE("bide_async_switch_back: the function is in no context");
	assert_int_equal(bide_value_task_wait(async_start(misuser, .s = s, .what = 4), NULL), 0);
	ASSERT_MISUSE("bide_loop_create: called inside the async function misuser");
	assert_int_equal(bide_value_task_wait(async_start(misuser, .s = s, .what = 5), NULL), 0);
	ASSERT_MISUSE("bide_async_leave: the function would have to go to another executor");
	assert_int_equal(bide_loop_fd(NULL, &fd), EINVAL);
	assert_int_equal(fd, -1);
	ASSERT_MISUSE("bide_loop_fd: loop is NULL");
	assert_int_equal(bide_loop_fd(s, &fd), EINVAL);
	ASSERT_MISUSE("bide_loop_fd: loop is no loop");
	assert_int_equal(bide_loop_run(s, 0, NULL), EINVAL);
	ASSERT_MISUSE("bide_loop_run: loop is no loop");
	assert_int_equal(bide_loop_adopt(s), EINVAL);
	ASSERT_MISUSE("bide_loop_adopt: loop is no loop");
	bide_executor_unref(s);
}

TEST(without_memory_no_executor_is_made_and_no_call_runs)
{
	static bide_executor *made[100000];
	bide_context *scopes[1000];
	unsigned count = 0, scope_count = 0;
	value_task v;

	limit_memory();
	made[count++] = strand();
	allowed_allocations = 0;
	while (count < 100000 && (made[count] = bide_strand_create()) != NULL)
		count++;
	assert_null(made[count]);
	while (scope_count < 1000 && (scopes[scope_count] = bide_context_create(NULL)) != NULL)
		scope_count++;
	v = with_executor(made[0], async_start(noter, .id = 0));
	assert_true(value_task_is_ready(v));
	assert_int_equal(value_task_error(v), ENOMEM);
	allowed_allocations = -1;
	while (scope_count > 0)
		bide_context_unref(scopes[--scope_count]);
	while (count > 0)
		bide_executor_unref(made[--count]);
}

static void *make_loop(void *made)
{
	*(bide_executor **)made = bide_loop_create();
	return NULL;
}

static bide_executor *loop_of_a_thread_that_ended(void)
{
	bide_executor *made = NULL;
	pthread_t thread;

	bide_worker_count(); /* makes this thread the first that uses bide */
	assert_int_equal(pthread_create(&thread, NULL, make_loop, &made), 0);
	pthread_join(thread, NULL);
	assert_non_null(made);
	return made;
}

TEST(an_async_function_cannot_adopt_a_loop)
{
	bide_executor *made = loop_of_a_thread_that_ended();

	catch_misuse();
	assert_int_equal(bide_value_task_wait(async_start(misuser, .s = made, .what = 6), NULL),
	                 EDEADLK);
	ASSERT_MISUSE("bide_loop_adopt: called inside the async function misuser");
	bide_executor_unref(made);
}

/* The descriptor of the loop would not report the worker's timers. */
TEST(the_thread_of_the_one_worker_cannot_adopt_a_loop)
{
	bide_executor *made;

	assert_int_equal(bide_configure(&(bide_config){ .workers = 1 }), 0);
	made = loop_of_a_thread_that_ended();
	catch_misuse();
	assert_int_equal(bide_loop_adopt(made), EDEADLK);
	ASSERT_MISUSE("bide_loop_adopt: called on the thread of the one worker");
	bide_executor_unref(made);
}
