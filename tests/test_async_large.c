/*
 * Results larger than 8 bytes.
 */
/* threads */
#include <errno.h>
#include <string.h>

#include "support/later.h"
#include "support/library.h"

#include <bide/short.h>

typedef struct block {
	int numbers[50];
	double real;
} block;

struct large {
	ASYNC_FRAME;
	struct {
		int yields, cleanup_yields, cleanup_error, seed;
	} in;
	block result;
};

async(large)
{
	async_begin;
	while (my->in.yields-- > 0)
		await(async_yield());
	for (int i = 0; i < 50; i++)
		my->result.numbers[i] = my->in.seed + i;
	my->result.real = my->in.seed / 2.0;
	async_return_large(&my->result);
async_finally:
	while (my->in.cleanup_yields-- > 0)
		await(async_yield());
	if (my->in.cleanup_error)
		await(failing(1, my->in.cleanup_error));
	async_end;
}

static bool block_is(const block *b, int seed)
{
	for (int i = 0; i < 50; i++)
		if (b->numbers[i] != seed + i)
			return false;
	return b->real == seed / 2.0;
}

struct takes_large {
	ASYNC_FRAME;
	struct {
		value_task what;
		task *t;
		int seed;
		bool late;
	} in;
	block got;
};

async(takes_large)
{
	async_begin;
	memset(&my->got, 0x11, sizeof my->got);
	if (my->in.late)
		await(later(5, 0));
	if (my->in.t)
		await_large(my->got, my->in.t);
	else
		await_large(my->got, my->in.what);
	async_return(block_is(&my->got, my->in.seed));
async_finally:
	async_end;
}

TEST(large_results_at_once_after_a_suspension_and_late)
{
	for (int yields = 0; yields < 3; yields++) {
		for (int cleanup_yields = 0; cleanup_yields < 2; cleanup_yields++) {
			for (int late = 0; late < 2; late++) {
				value_task v = async_start(large, .yields = yields,
				                           .cleanup_yields = cleanup_yields, .seed = 7);

				assert_int_equal(result_of(
									 async_start(takes_large, .what = v, .seed = 7, .late = late)),
				                 1);
			}
		}
	}
	assert_none(frame_count);
}

TEST(large_results_through_a_task)
{
	for (int yields = 0; yields < 3; yields++) {
		task *t = value_task_as_task(async_start(large, .yields = yields, .seed = 9));
		value_task v[4];

		for (int i = 0; i < 4; i++)
			v[i] = async_start(takes_large, .t = t, .seed = 9, .late = i & 1);
		for (int i = 0; i < 4; i++)
			assert_int_equal(result_of(v[i]), 1);
		assert_true(block_is(bide_task_result(t).p, 9));
		task_unref(t);
		assert_none(frame_count);
		assert_none(operation_count);
	}
}

TEST(a_large_result_of_a_task_outlives_the_last_reference_until_it_is_taken)
{
	task *t = value_task_as_task(async_start(large, .yields = 2, .seed = 11));
	value_task v[3];

	for (int i = 0; i < 3; i++)
		v[i] = async_start(takes_large, .t = t, .seed = 11);
	task_unref(t);
	for (int i = 0; i < 3; i++)
		assert_int_equal(result_of(v[i]), 1);
	assert_none(frame_count);
	assert_none(operation_count);
}

TEST(a_failure_of_the_cleanup_replaces_a_large_result)
{
	for (int yields = 0; yields < 2; yields++) {
		value_task v = async_start(large, .yields = yields, .cleanup_error = EIO, .seed = 1);

		assert_int_equal(error_of(async_start(takes_large, .what = v, .seed = 1)), EIO);
	}
	assert_none(frame_count);
}

TEST(a_large_result_in_a_context_releases_the_context)
{
	for (int yields = 0; yields < 2; yields++) {
		bide_context *context = bide_context_create(NULL);
		value_task v = bide_in_context(context, async_start(large, .yields = yields, .seed = 3));

		assert_int_equal(result_of(async_start(takes_large, .what = v, .seed = 3)), 1);
		bide_context_unref(context);
		assert_none(operation_count);
	}
}

struct outside_large {
	ASYNC_FRAME;
};

static block outside;

async(outside_large)
{
	async_begin;
	async_return_large(&outside);
async_finally:
	async_end;
}

TEST(large_results_in_the_wrong_place_are_misuse)
{
	expect_misuse();
	assert_int_equal(error_of(async_start(outside_large)), EINVAL);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "outside_large"));
	for (int yields = 0; yields < 2; yields++) {
		misuse_count = 0;
		assert_int_equal(error_of(
							 async_start(passes_on, .what = async_start(large, .yields = yields))),
		                 EINVAL);
		assert_int_equal(misuse_count, 1);
		assert_non_null(strstr(misuse_text, "await_large"));
		assert_int_equal(error_of(async_start(large, .yields = yields)), EINVAL);
		assert_int_equal(misuse_count, 2);
	}
	/* Passes a null pointer where the large result belongs. */
	misuse_count = 0;
	assert_int_equal(result_of(async_start(takes_large, .what = value_task_completed(), .seed = 1)),
	                 0);
	assert_int_equal(misuse_count, 1);
	assert_none(frame_count);
}

TEST(a_number_in_place_of_a_large_result_is_misuse)
{
	value_task wrong[] = { value_task_from(5), later(1, INT64_MAX), delay(1000) };

	expect_misuse();
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		misuse_text[0] = '\0';
		assert_int_equal(result_of(async_start(takes_large, .what = wrong[i], .seed = 1)), 0);
		assert_int_equal(misuse_count, i + 1);
		assert_non_null(strstr(misuse_text, "bide_await_large: the result is not larger"));
	}
	assert_none(frame_count);
}

TEST(a_large_result_in_a_combinator_is_named_in_the_message)
{
	value_task item = async_start(large, .yields = 1);

	expect_misuse();
	assert_int_equal(error_of(bide_when_all(&item, 1)), EINVAL);
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "the result of large is larger than 8 bytes"));
	assert_non_null(strstr(misuse_text, "(called by bide_when_all)"));
}
