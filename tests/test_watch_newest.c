/* Watches: the newest value, and waits for another version. */
/* threads */
#include "support/task_support.h"

static watch *w;

static void make(void)
{
	w = watch_create(sizeof(int64_t), &(int64_t){ 7 });
	assert_non_null(w);
}

static int64_t result_of(value_task v)
{
	bide_payload result = { .i = -1 };

	assert_int_equal(value_task_wait(v, &result), 0);
	return result.i;
}

static int error_of(value_task v)
{
	return value_task_wait(v, NULL);
}

TEST(a_watch_has_the_newest_value_and_its_version)
{
	int64_t value = 0;

	make();
	assert_int_equal(watch_get(w, &value), 1);
	assert_int_equal(value, 7);
	assert_int_equal(watch_set(w, (int64_t)8), 0);
	assert_int_equal(watch_set(w, (int64_t)9), 0);
	assert_int_equal(watch_get(w, &value), 3);
	assert_int_equal(value, 9);
	watch_unref(w);
}

TEST(all_that_wait_are_woken_by_a_new_value)
{
	make();
	assert_int_equal(result_of(watch_changed(w, 0)), 1);
	value_task a = watch_changed(w, 1), b = watch_changed(w, 1);
	assert_false(value_task_is_ready(a));
	assert_int_equal(watch_set(w, (int64_t)8), 0);
	assert_int_equal(result_of(a), 2);
	assert_int_equal(result_of(b), 2);
	assert_int_equal(result_of(watch_changed(w, 1)), 2);
	watch_unref(w);
}

TEST(a_close_ends_the_waits_and_the_value_stays)
{
	static const int errors[][2] = { { 0, BIDE_EEND }, { EIO, EIO }, { ECANCELED, EPIPE } };
	int64_t value;

	for (int i = 0; i < 3; i++) {
		make();
		value_task v = watch_changed(w, 1);
		assert_true(watch_close(w, errors[i][0]));
		assert_false(watch_close(w, EIO));
		assert_int_equal(error_of(v), errors[i][1]);
		assert_int_equal(error_of(watch_changed(w, 1)), errors[i][1]);
		assert_int_equal(result_of(watch_changed(w, 0)), 1);
		assert_int_equal(watch_set(w, (int64_t)8), EPIPE);
		assert_int_equal(watch_get(w, &value), 1);
		assert_int_equal(value, 7);
		watch_unref(w);
	}
}

TEST(waits_for_a_value_end_by_cancellation_forget_and_the_last_unref)
{
	context *scope = context_create(NULL);

	make();
	value_task v = in_context(scope, watch_changed(w, 1));
	value_task_forget(watch_changed(w, 1));
	context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(v), ECANCELED);
	assert_int_equal(error_of(in_context(scope, watch_changed(w, 0))), ECANCELED);
	context_unref(scope);
	v = watch_changed(w, 1);
	assert_ptr_equal(watch_ref(w), w);
	watch_unref(w);
	assert_false(value_task_is_ready(v));
	watch_unref(w);
	assert_int_equal(error_of(v), BIDE_EBROKEN);
	watch_unref(NULL);
}

struct follower {
	ASYNC_FRAME;
	int64_t version, value, last;
};

/* Sees versions and values grow together, until the end. */
async(follower)
{
	async_begin;
	for (;;) {
		await_or(my->version, watch_changed(w, (uint64_t)my->version), break);
		my->version = (int64_t)watch_get(w, &my->value);
		assert_true(my->value > my->last);
		assert_int_equal(my->value, my->version + 6);
		my->last = my->value;
	}
	async_return(my->last);
async_finally:
	async_end;
}

struct leader {
	ASYNC_FRAME;
	int64_t i;
};

async(leader)
{
	async_begin;
	for (my->i = 8; my->i <= 500; my->i++) {
		assert_int_equal(watch_set(w, my->i), 0);
		if (my->i % 3 == 0)
			await(async_yield());
	}
	watch_close(w, 0);
async_finally:
	async_end;
}

TEST(followers_on_all_workers_end_with_the_last_value)
{
	value_task followers[4];

	make();
	for (int i = 0; i < 4; i++)
		followers[i] = async_start(follower);
	assert_int_equal(error_of(async_start(leader)), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(result_of(followers[i]), 500);
	watch_unref(w);
}

TEST(a_watch_that_is_used_wrongly_is_misuse)
{
	catch_misuse();
	assert_null(watch_create(0, &(int){ 1 }));
	ASSERT_MISUSE("bide_watch_create: value_bytes is 0; 1 to 256 are allowed");
	assert_null(watch_create(8, NULL));
	ASSERT_MISUSE("bide_watch_create: value is NULL");
	make();
	assert_int_equal(watch_set(w, 1), EINVAL);
	ASSERT_MISUSE("bide_watch_set: the value has 4 bytes; those of the watch have 8");
	assert_non_null(strstr(misuse_text, "test_watch_newest.c:"));
	assert_false(watch_close(w, -1));
	ASSERT_MISUSE("bide_watch_close: error is -1; 0 to 4095 are allowed");
	assert_int_equal(watch_get(NULL, NULL), 0);
	ASSERT_MISUSE("bide_watch_get: watch is NULL");
	assert_int_equal(error_of(watch_changed(NULL, 0)), EINVAL);
	ASSERT_MISUSE("bide_watch_changed: watch is NULL");
	watch_unref(w);
}
