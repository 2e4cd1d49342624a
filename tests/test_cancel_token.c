/*
 * Tokens outlive their source. A token that was canceled stays canceled; one that was not never is.
 */
/* threads */
#include "support/task_support.h"

static void note_call(void *argument)
{
	atomic_fetch_add((atomic_int *)argument, 1);
}

static bide_cancel_token token_of_one_that_went(bool canceled)
{
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_token token = bide_cancel_source_token(source);

	if (canceled)
		bide_cancel_source_cancel(source);
	bide_cancel_source_unref(source);
	return token;
}

TEST(a_token_stays_canceled_when_its_source_is_freed)
{
	bide_cancel_token token = token_of_one_that_went(true);
	bide_cancel_registration registration;
	bide_cancel_source *linked;
	bide_context *context;
	atomic_int calls;

	atomic_init(&calls, 0);
	assert_true(bide_cancel_token_is_canceled(token));
	assert_true(bide_cancel_token_can_be_canceled(token));
	assert_false(bide_cancel_token_register(token, &registration, note_call, &calls));
	assert_int_equal(atomic_load(&calls), 1);
	assert_false(bide_cancel_registration_unregister(&registration));
	linked = bide_cancel_source_create_linked(&token, 1);
	assert_true(bide_cancel_source_is_canceled(linked));
	bide_cancel_source_unref(linked);
	context = bide_context_create(&(bide_context_options){ .token = token });
	assert_int_equal(bide_context_error(context), ECANCELED);
	bide_context_unref(context);
	assert_int_equal(bide_value_task_wait(bide_with_token(token, delay_ms(5)), NULL), ECANCELED);
}

TEST(a_token_of_a_source_that_was_freed_uncanceled_is_never_canceled)
{
	bide_cancel_token token = token_of_one_that_went(false);
	bide_cancel_registration registration;
	atomic_int calls;

	atomic_init(&calls, 0);
	for (int i = 0; i < 300; i++) {
		assert_false(bide_cancel_token_is_canceled(token));
		assert_false(bide_cancel_token_can_be_canceled(token));
		token_of_one_that_went(i % 3 == 0);
	}
	assert_false(bide_cancel_token_register(token, &registration, note_call, &calls));
	assert_int_equal(atomic_load(&calls), 0);
	assert_int_equal(bide_value_task_wait(bide_with_token(token, delay_ms(1)), NULL), 0);
}

static void check_ended_token(bide_cancel_token token)
{
	bide_cancel_registration registration;
	atomic_int calls;

	memset(&registration, 0, sizeof registration);
	atomic_init(&calls, 0);
	assert_false(bide_cancel_token_is_canceled(token));
	assert_false(bide_cancel_token_can_be_canceled(token));
	assert_false(bide_cancel_token_register(token, &registration, note_call, &calls));
	assert_int_equal(atomic_load(&calls), 0);
}

TEST(a_shutdown_ends_all_tokens)
{
	bide_cancel_token canceled = token_of_one_that_went(true);
	bide_cancel_token not_canceled = token_of_one_that_went(false);
	bide_cancel_source *source;

	assert_int_equal(bide_shutdown(NULL), 0);
	check_ended_token(canceled);
	check_ended_token(not_canceled);
	source = bide_cancel_source_create(); /* this one may get the same cell */
	bide_cancel_source_cancel(source);
	check_ended_token(canceled);
	check_ended_token(not_canceled);
	bide_cancel_source_unref(source);
}

TEST(the_shutdown_removes_a_registration_with_a_leaked_source)
{
	bide_cancel_source *leaked = bide_cancel_source_create();
	bide_cancel_registration registration;
	atomic_int calls;

	memset(&registration, 0, sizeof registration);
	atomic_init(&calls, 0);
	assert_true(bide_cancel_token_register(bide_cancel_source_token(leaked), &registration,
	                                       note_call, &calls));
	assert_int_equal(bide_shutdown(NULL), 0);
	assert_false(bide_cancel_registration_unregister(&registration));
	assert_int_equal(atomic_load(&calls), 0);
}

TEST(a_thousand_tokens_each_report_their_own_source)
{
	enum { COUNT = 1000 };
	static bide_cancel_token tokens[COUNT];

	for (int i = 0; i < COUNT; i++)
		tokens[i] = token_of_one_that_went(i % 7 == 0 || i % 64 == 63);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(bide_cancel_token_is_canceled(tokens[i]), i % 7 == 0 || i % 64 == 63);
}

TEST(sources_that_are_not_canceled_take_no_memory_for_their_tokens)
{
	uint64_t before;

	if (getenv("BIDE_POOL"))
		SKIP("each source is an allocation without the pools");
	for (int i = 0; i < 200; i++)
		token_of_one_that_went(false);
	before = stats().allocation_count;
	for (int i = 0; i < 20000; i++)
		token_of_one_that_went(false);
	assert_int_equal(stats().allocation_count, before);
}

static void *come_and_go(void *argument)
{
	for (int i = 0; i < 20000; i++)
		token_of_one_that_went(i % 5 == 0);
	return argument;
}

TEST(a_token_is_asked_while_sources_come_and_go_on_other_threads)
{
	bide_cancel_token yes = token_of_one_that_went(true), no = token_of_one_that_went(false);
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
	for (int i = 0; i < 20000; i++) {
		assert_true(bide_cancel_token_is_canceled(yes));
		assert_false(bide_cancel_token_is_canceled(no));
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* --- callbacks on a worker --- */

typedef struct canceled_there {
	atomic_int calls;
	pthread_t thread;
	pthread_mutex_t *lock;
} canceled_there;

static void note_thread(void *argument)
{
	canceled_there *c = argument;

	pthread_mutex_lock(c->lock);
	pthread_mutex_unlock(c->lock);
	c->thread = pthread_self();
	atomic_fetch_add(&c->calls, 1);
}

TEST(cancel_async_cancels_at_once_and_runs_the_callbacks_on_a_worker)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	bide_cancel_source *source = bide_cancel_source_create();
	bide_cancel_registration registration;
	canceled_there c = { .lock = &lock };
	value_task done;

	bide_cancel_token_register(bide_cancel_source_token(source), &registration, note_thread, &c);
	pthread_mutex_lock(&lock);
	done = bide_cancel_source_cancel_async(source);
	assert_true(bide_cancel_source_is_canceled(source));
	assert_int_equal(atomic_load(&c.calls), 0);
	pthread_mutex_unlock(&lock);
	assert_int_equal(bide_value_task_wait(done, NULL), 0);
	assert_int_equal(atomic_load(&c.calls), 1);
	if (many_workers())
		assert_false(pthread_equal(c.thread, pthread_self()));
	assert_true(value_task_is_ready(bide_cancel_source_cancel_async(source)));
	assert_false(bide_cancel_source_cancel(source));
	bide_cancel_source_unref(source);
	catch_misuse();
	assert_int_equal(value_task_error(bide_cancel_source_cancel_async(NULL)), EINVAL);
	ASSERT_MISUSE("bide_cancel_source_cancel_async: source is NULL");
}
