/*
 * The objects of the parent in the child of a fork: each public call says so, by its own name, and
 * nothing hangs. A hold for which a wait of the parent is pending is free.
 */
/* threads */
#include "support/child_support.h"

struct counting {
	ASYNC_GENERATOR;
};

/* Emits one element, and then waits. */
async_generator(counting)
{
	async_begin;
	async_emit((int64_t)1);
	await(delay(3600 * BIDE_SECONDS(1)));
async_finally:
	async_end;
}

static value_task sleeps(void)
{
	return delay(3600 * BIDE_SECONDS(1));
}

#define OF_PARENT(call, name)                                             \
	do {                                                                  \
		call;                                                             \
		ASSERT_MISUSE(name ": ");                                         \
		assert_non_null(strstr(misuse_text, "was made before the fork")); \
		assert_non_null(strstr(misuse_text, "(at " __FILE__ ":"));        \
	} while (0)

static void use_group(group *g)
{
	OF_PARENT(assert_int_equal(group_add(g, delay(0)), EINVAL), "bide_group_add");
	OF_PARENT(assert_int_equal(group_start(g, delay(0)), EINVAL), "bide_group_start");
	OF_PARENT(group_cancel(g), "bide_group_cancel");
	OF_PARENT(assert_null(group_context(g)), "bide_group_context");
	OF_PARENT(assert_int_equal(group_pending(g), 0), "bide_group_pending");
	OF_PARENT(assert_false(group_close(g)), "bide_group_close");
	OF_PARENT(assert_int_equal(wait_int(group_wait_reporting(g, MS), NULL), EINVAL),
	          "bide_group_wait_reporting");
	OF_PARENT(assert_int_equal(wait_int(group_wait(g), NULL), EINVAL), "bide_group_wait");
	assert_int_equal(group_init(g, NULL), 0); /* anew */
	assert_int_equal(group_add(g, delay(0)), 0);
	assert_int_equal(wait_int(group_wait(g), NULL), 0);
}

static void end_groups(group *groups, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		group_cancel(&groups[i]);
		if (!groups[i].waited_)
			assert_int_equal(wait_int(group_wait(&groups[i]), NULL), ECANCELED);
	}
}

TEST(a_group_of_the_parent_is_refused_and_may_begin_anew)
{
	static group groups[3];
	value_task waited;

	catch_misuse();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(group_init(&groups[i], &(group_options){ .open = i == 1 }), 0);
		assert_int_equal(group_start(&groups[i], sleeps()), 0);
	}
	waited = group_wait(&groups[2]);
	for (int i = 0; i < 3; i++)
		IN_CHILD(use_group(&groups[i]));
	end_groups(groups, 3);
	assert_int_equal(wait_int(waited, NULL), ECANCELED);
}

TEST(in_debug_mode_the_message_has_the_place_of_the_parents_group)
{
	static group g;
	char place[100];

	setenv("BIDE_DEBUG", "1", 1);
	catch_misuse();
	snprintf(place, sizeof place, "(initialised at %s:%d", __FILE__, __LINE__ + 1);
	assert_int_equal(group_init(&g, NULL), 0);
	assert_int_equal(group_start(&g, sleeps()), 0);
	IN_CHILD(OF_PARENT((void)wait_int(group_wait(&g), NULL), "bide_group_wait");
	         assert_non_null(strstr(misuse_text, place)));
	end_groups(&g, 1);
}

static void use_generator(generator *g, bool ends)
{
	if (ends) {
		OF_PARENT(assert_int_equal(wait_int(generator_end(g), NULL), EINVAL), "bide_generator_end");
		assert_non_null(strstr(misuse_text, "the generator counting"));
	}
	OF_PARENT(assert_int_equal(wait_int(generator_next(g), NULL), EINVAL), "bide_generator_next");
	OF_PARENT(assert_null(generator_take(g, 1)), "bide_generator_take");
	OF_PARENT(assert_null(generator_buffer(g, 2)), "bide_generator_buffer");
	OF_PARENT(assert_int_equal(wait_int(generator_end(g), NULL), EINVAL), "bide_generator_end");
}

TEST(a_generator_of_the_parent_is_refused)
{
	generator *g[3]; /* not begun, at an emit, in a wait */
	value_task next;

	catch_misuse();
	for (int i = 0; i < 3; i++)
		g[i] = generator_start(counting);
	assert_int_equal(wait_int(generator_next(g[1]), NULL), 0);
	assert_int_equal(wait_int(generator_next(g[2]), NULL), 0);
	next = generator_next(g[2]);
	for (int i = 0; i < 6; i++)
		IN_CHILD(use_generator(g[i / 2], i % 2));
	for (int i = 0; i < 3; i++)
		assert_int_equal(wait_int(generator_end(g[i]), NULL), 0);
	assert_int_equal(wait_int(next, NULL), ECANCELED);
}

TEST(a_hold_for_which_the_parent_waits_is_free_in_the_child)
{
	static mutex m;
	static semaphore s;
	static hold has, waits[2];
	value_task v[2];

	catch_misuse();
	assert_int_equal(semaphore_init(&s, 0, 5), 0);
	assert_true(mutex_try_hold(&m, &has));
	v[0] = mutex_hold(&m, &waits[0]);
	v[1] = semaphore_hold(&s, 2, &waits[1]);
	IN_CHILD({
		mutex own = { 0 };

		hold_release(&waits[0]);
		hold_use_up(&waits[1]);
		assert_true(mutex_try_hold(&own, &waits[1]));
		hold_release(&waits[1]);
		v[0] = mutex_hold(&m, &waits[0]); /* the child's copy of what its parent holds */
		assert_false(value_task_is_ready(v[0]));
		assert_false(mutex_try_hold(&own, &waits[0]));
		ASSERT_MISUSE("bide_mutex_try_hold: a wait for hold is pending already");
		hold_release(&has);
		assert_int_equal(wait_int(v[0], NULL), 0);
		assert_true(hold_is_held(&waits[0]));
		assert_int_equal(misuse_count, 0);
	});
	hold_release(&has);
	assert_int_equal(semaphore_add(&s, 2), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(wait_int(v[i], NULL), 0);
		hold_release(&waits[i]);
	}
	assert_int_equal(semaphore_count(&s), 2);
}

static void use_contexts(context *c, bide_cancel_source *source, executor *strand)
{
	context_options options = { .parent = c };

	OF_PARENT(assert_false(context_cancel(c, ECANCELED)), "bide_context_cancel");
	OF_PARENT((void)context_error(c), "bide_context_error");
	OF_PARENT(assert_null(context_create(&options)), "bide_context_create");
	OF_PARENT(assert_false(bide_cancel_source_cancel(source)), "bide_cancel_source_cancel");
	options = (context_options){ .executor = strand };
	OF_PARENT(assert_null(context_create(&options)), "bide_context_create");
	OF_PARENT(context_unref(c), "bide_context_unref");
}

TEST(a_context_a_cancel_source_and_an_executor_of_the_parent_are_refused)
{
	context *c = context_create(NULL);
	bide_cancel_source *source = bide_cancel_source_create();
	executor *strand = bide_strand_create();

	catch_misuse();
	IN_CHILD(use_contexts(c, source, strand));
	IN_CHILD(OF_PARENT(executor_unref(strand), "bide_executor_unref"));
	IN_CHILD(OF_PARENT(bide_cancel_source_unref(source), "bide_cancel_source_unref"));
	context_unref(c);
	bide_cancel_source_unref(source);
	executor_unref(strand);
}

TEST(a_periodic_timer_of_the_parent_is_refused)
{
	periodic_timer *timer = periodic_timer_create(MS);

	catch_misuse();
	IN_CHILD(OF_PARENT(assert_int_equal(wait_int(periodic_timer_next(timer), NULL), EINVAL),
	                   "bide_periodic_timer_next"));
	IN_CHILD(OF_PARENT(periodic_timer_destroy(timer), "bide_periodic_timer_destroy"));
	periodic_timer_destroy(timer);
}

TEST(a_user_source_that_the_parent_awaits_is_refused)
{
	static bide_user_source source;
	value_task v;

	catch_misuse();
	bide_user_source_init(&source, NULL);
	v = bide_when_all((value_task[]){ bide_user_source_value_task(&source) }, 1);
	IN_CHILD({
		assert_false(bide_user_source_try_complete(&source, (bide_payload){ .i = 1 }));
		ASSERT_MISUSE("bide_user_source_try_complete: this source was awaited before the fork");
	});
	assert_true(bide_user_source_try_complete(&source, (bide_payload){ .i = 1 }));
	assert_int_equal(wait_int(v, NULL), 0);
}

/* The child has not used bide before, so it has no worker yet. */
TEST(a_value_task_that_the_child_forgets_first_is_refused)
{
	value_task v = sleeps();

	catch_misuse();
	IN_CHILD(value_task_forget(v); ASSERT_MISUSE("this value task was made before the fork"));
	IN_CHILD({
		task *t = bide_value_task_as_task(v);

		ASSERT_MISUSE("was made before the fork");
		assert_int_equal(task_error(t), BIDE_ESTALE);
		task_unref(t);
	});
	value_task_forget(v);
}
