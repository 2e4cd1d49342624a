/*
 * A semaphore: permits in the order in which functions came, a large request that is not overtaken,
 * permits that are added and used up, the end. Names that begin with SM have the number of the row
 * of docs/behaviours.tsv that they cover.
 */
/* threads */
#include "support/sync_support.h"

static semaphore s = BIDE_SEMAPHORE(2, 2);

static value_task take(int64_t count, int id)
{
	return async_start(holder, .semaphore = &s, .count = count, .id = id);
}

/* All permits but those of `held` are there, and nothing waits. */
static void assert_whole(int64_t max)
{
	hold all = { 0 };

	settle_workers();
	assert_int_equal(semaphore_count(&s), max);
	assert_true(semaphore_try_hold(&s, max, &all));
	hold_release(&all);
	assert_int_equal(semaphore_count(&s), max);
}

TEST(permits_are_taken_at_once_while_there_are_enough)
{
	hold one = { 0 }, two = { 0 }, third = { 0 };

	begin_test();
	assert_int_equal(semaphore_count(&s), 2);
	assert_int_equal(result_of(semaphore_hold(&s, 1, &one)), 1);
	assert_true(semaphore_try_hold(&s, 1, &two));
	assert_int_equal(semaphore_count(&s), 0);
	assert_false(semaphore_try_hold(&s, 1, &third));
	hold_release(&one);
	assert_int_equal(semaphore_count(&s), 1);
	assert_false(semaphore_try_hold(&s, 2, &third));
	hold_release(&two);
	assert_true(semaphore_try_hold(&s, 2, &third));
	hold_release(&third);
	hold_release(&third);
	assert_whole(2);
}

TEST(zero_bits_are_a_semaphore_without_permits_and_without_a_maximum)
{
	static semaphore zero;
	hold mine = { 0 };

	begin_test();
	assert_int_equal(semaphore_count(&zero), 0);
	assert_false(semaphore_try_hold(&zero, 1, &mine));
	assert_int_equal(semaphore_add(&zero, INT64_C(1) << 40), 0);
	assert_true(semaphore_try_hold(&zero, 1000, &mine));
	assert_int_equal(semaphore_count(&zero), (INT64_C(1) << 40) - 1000);
	hold_release(&mine);
	assert_int_equal(semaphore_count(&zero), INT64_C(1) << 40);
}

TEST(functions_get_permits_in_the_order_in_which_they_came)
{
	enum { COUNT = 100 };
	hold mine = { 0 };
	value_task waits[COUNT];

	begin_test();
	assert_true(semaphore_try_hold(&s, 2, &mine));
	for (int i = 0; i < COUNT; i++) {
		waits[i] = take(2, i);
		settle_workers();
	}
	hold_release(&mine);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(result_of(waits[i]), 1);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(log_of[i], i);
	assert_whole(2);
}

TEST(a_large_request_at_the_head_is_not_overtaken)
{
	hold one = { 0 }, two = { 0 }, large = { 0 }, small = { 0 }, late = { 0 };
	value_task first, second;

	begin_test();
	assert_true(semaphore_try_hold(&s, 1, &one));
	assert_true(semaphore_try_hold(&s, 1, &two));
	first = semaphore_hold(&s, 2, &large);
	second = semaphore_hold(&s, 1, &small);
	hold_release(&one);
	assert_false(hold_is_held(&large));
	assert_false(hold_is_held(&small));
	assert_false(semaphore_try_hold(&s, 1, &late));
	assert_int_equal(semaphore_count(&s), 1);
	hold_release(&two);
	assert_true(hold_is_held(&large));
	assert_false(hold_is_held(&small));
	assert_int_equal(result_of(first), 1);
	hold_release(&large);
	assert_int_equal(result_of(second), 1);
	hold_release(&small);
	assert_whole(2);
}

TEST(those_behind_a_head_that_leaves_are_looked_at_again)
{
	bide_context *context = cancelable();
	hold one = { 0 }, two = { 0 }, large = { 0 }, small = { 0 };
	value_task first, second;

	begin_test();
	assert_true(semaphore_try_hold(&s, 1, &one));
	assert_true(semaphore_try_hold(&s, 1, &two));
	first = semaphore_hold(&s, 2, &large);
	second = semaphore_hold(&s, 1, &small);
	hold_release(&one);
	value_task_forget(first);
	assert_true(hold_is_held(&small));
	assert_int_equal(result_of(second), 1);
	first = in_context(context, async_start(holder, .semaphore = &s, .count = 2));
	settle_workers();
	second = take(1, 7);
	settle_workers();
	hold_release(&small);
	settle_workers();
	assert_int_equal(log_count, 0);
	assert_true(bide_context_cancel(context, ECANCELED));
	assert_int_equal(result_of(second), 1);
	assert_int_equal(error_of(first), ECANCELED);
	hold_release(&two);
	assert_whole(2);
	bide_context_unref(context);
}

TEST(SM_12_in_a_canceled_context_even_available_permits_are_not_taken)
{
	bide_context *context = cancelable();

	begin_test();
	assert_true(bide_context_cancel(context, ECANCELED));
	assert_int_equal(error_of(
						 in_context(context, async_start(holder, .semaphore = &s, .count = 1))),
	                 ECANCELED);
	assert_int_equal(log_count, 0);
	assert_whole(2);
	bide_context_unref(context);
}

TEST(a_wait_whose_time_is_up_makes_room_for_those_behind)
{
	hold one = { 0 }, two = { 0 }, large = { 0 }, small = { 0 };
	value_task first, second;

	begin_test();
	assert_int_equal(result_of(semaphore_try_hold_for(&s, 1, &one, 0)), 1);
	assert_int_equal(result_of(semaphore_try_hold_for(&s, 1, &two, BIDE_MS(1))), 1);
	assert_int_equal(result_of(semaphore_try_hold_for(&s, 1, &small, 0)), 0);
	first = semaphore_try_hold_for(&s, 2, &large, BIDE_MS(1));
	second = semaphore_try_hold_for(&s, 1, &small, BIDE_SECONDS(1000));
	hold_release(&one);
	assert_int_equal(result_of(first), 0);
	assert_false(hold_is_held(&large));
	assert_int_equal(result_of(second), 1);
	hold_release(&small);
	hold_release(&two);
	assert_whole(2);
}

/* --- adding, using up --- */

TEST(permits_that_are_added_go_to_those_that_wait)
{
	static semaphore work = BIDE_SEMAPHORE(0, 4);
	hold first = { 0 }, second = { 0 };
	value_task one, two;

	begin_test();
	one = semaphore_hold(&work, 1, &first);
	two = semaphore_hold(&work, 2, &second);
	assert_int_equal(semaphore_add(&work, 2), 0);
	assert_int_equal(result_of(one), 1);
	assert_false(value_task_is_ready(two));
	assert_int_equal(semaphore_count(&work), 1);
	assert_int_equal(semaphore_add(&work, 2), 0);
	assert_int_equal(result_of(two), 1);
	assert_int_equal(semaphore_count(&work), 1);
	hold_use_up(&first);
	hold_use_up(&second);
	assert_false(hold_is_held(&second));
	hold_release(&second);
	hold_use_up(&second);
	assert_int_equal(semaphore_count(&work), 1);
	/* Three were used up, so there is room for three. */
	assert_int_equal(semaphore_add(&work, 4), EOVERFLOW);
	assert_int_equal(semaphore_add(&work, 3), 0);
	assert_int_equal(semaphore_count(&work), 4);
}

TEST(no_more_than_the_maximum_is_added_counting_what_is_held)
{
	hold mine = { 0 };

	begin_test();
	assert_int_equal(semaphore_add(&s, 1), EOVERFLOW);
	assert_true(semaphore_try_hold(&s, 2, &mine));
	assert_int_equal(semaphore_add(&s, 1), EOVERFLOW);
	assert_int_equal(semaphore_count(&s), 0);
	hold_release(&mine);
	assert_whole(2);
}

TEST(SM_05_a_time_limit_below_zero_is_misuse)
{
	hold mine = { 0 };

	begin_test();
	expect_misuse();
	MISUSE(assert_int_equal(error_of(semaphore_try_hold_for(&s, 1, &mine, -10)), EINVAL),
	       "bide_semaphore_try_hold_for", "timeout_ns is -10");
	assert_false(hold_is_held(&mine));
	assert_whole(2);
}

static _Thread_local bool is_releasing;

struct continuation {
	ASYNC_FRAME;
	hold hold;
};

async(continuation)
{
	async_begin;
	await(semaphore_hold(&s, 2, &my->hold));
	assert_false(is_releasing);
	log_add(1);
async_finally:
	hold_release(&my->hold);
	async_end;
}

TEST(SM_06_what_waits_never_goes_on_inside_the_release)
{
	hold mine = { 0 };
	value_task waits[2];

	begin_test();
	assert_true(semaphore_try_hold(&s, 2, &mine));
	for (int i = 0; i < 2; i++)
		waits[i] = async_start(continuation);
	settle_workers();
	is_releasing = true;
	hold_release(&mine);
	is_releasing = false;
	for (int i = 0; i < 2; i++)
		assert_int_equal(error_of(waits[i]), 0);
	assert_int_equal(log_count, 2);
}

TEST(SM_07_after_n_were_added_to_c_the_count_is_their_sum)
{
	static semaphore counted = BIDE_SEMAPHORE(3, 10);

	begin_test();
	assert_int_equal(semaphore_add(&counted, 4), 0);
	assert_int_equal(semaphore_count(&counted), 7);
}

TEST(SM_08_a_count_out_of_range_is_an_error_and_changes_nothing)
{
	begin_test();
	expect_misuse();
	MISUSE(assert_int_equal(semaphore_add(&s, 0), EINVAL), "bide_semaphore_add", "count is 0");
	MISUSE(assert_int_equal(semaphore_add(&s, -1), EINVAL), "bide_semaphore_add", "count is -1");
	assert_int_equal(semaphore_add(&s, 1), EOVERFLOW);
	assert_int_equal(misuse_count, 1);
	assert_whole(2);
}

/* --- sums --- */

struct mixer {
	ASYNC_FRAME;
	struct {
		int id;
	} in;
	hold hold;
	value_task wait;
	int64_t count;
	uint32_t random;
	int i;
};

static _Atomic int64_t out, most_out;

static uint32_t next_random(uint32_t *random)
{
	*random = *random * 1664525u + 1013904223u;
	return *random >> 8;
}

static void note_taken(int64_t count)
{
	int64_t now = atomic_fetch_add(&out, count) + count, most = most_out;

	while (now > most && !atomic_compare_exchange_weak(&most_out, &most, now))
		;
}

/* Takes some permits in each turn; some waits are forgotten, and keep what came before. */
async(mixer)
{
	async_begin;
	my->random = (uint32_t)my->in.id * 77u + 1;
	for (my->i = 0; my->i < 200; my->i++) {
		my->count = 1 + next_random(&my->random) % 5;
		my->wait = semaphore_hold(&s, my->count, &my->hold); /* bide-check: ignore */
		if (next_random(&my->random) % 3 == 0) {
			if (next_random(&my->random) % 2)
				await(async_yield());
			value_task_forget(my->wait);
		} else {
			await(my->wait);
			assert_true(hold_is_held(&my->hold));
		}
		if (hold_is_held(&my->hold)) {
			note_taken(my->count);
			if (next_random(&my->random) % 4 == 0)
				await(async_yield());
			atomic_fetch_sub(&out, my->count);
		}
		hold_release(&my->hold);
	}
async_finally:
	hold_release(&my->hold);
	async_end;
}

TEST(permits_are_neither_lost_nor_made_whatever_ends_the_waits)
{
	enum { FUNCTIONS = 12 };
	value_task all[FUNCTIONS];

	begin_test();
	assert_int_equal(semaphore_init(&s, 8, 8), 0);
	for (int i = 0; i < FUNCTIONS; i++)
		all[i] = async_start(mixer, .id = i);
	for (int i = 0; i < FUNCTIONS; i++)
		assert_int_equal(error_of(all[i]), 0);
	assert_int_equal(out, 0);
	assert_in_range(most_out, 1, 8);
	assert_whole(8);
}

/* --- memory, end, misuse --- */

TEST(without_memory_for_the_wait_no_permit_is_taken)
{
	hold mine = { 0 }, other = { 0 };
	int error = ENOMEM;

	limit_objects();
	begin_test();
	assert_true(semaphore_try_hold(&s, 1, &mine));
	for (long n = 0; error; n++) {
		value_task wait;

		assert_true(n < 10);
		allowed_allocations = n;
		wait = semaphore_hold(&s, 2, &other);
		allowed_allocations = -1;
		error = value_task_is_ready(wait) ? value_task_error(wait) : 0;
		if (!error) {
			hold_release(&mine);
			assert_int_equal(result_of(wait), 1);
		} else {
			assert_int_equal(error, ENOMEM);
			assert_int_equal(semaphore_count(&s), 1);
		}
	}
	hold_release(&other);
	assert_whole(2);
}

TEST(SM_09_the_end_fails_all_that_wait_and_the_count_stays_readable)
{
	enum { COUNT = 20 };
	hold mine = { 0 };
	value_task waits[COUNT];

	begin_test();
	assert_true(semaphore_try_hold(&s, 1, &mine));
	for (int i = 0; i < COUNT; i++)
		waits[i] = take(2, i);
	settle_workers();
	semaphore_end(&s);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(error_of(waits[i]), BIDE_EBROKEN);
	assert_int_equal(semaphore_count(&s), 1);
	hold_release(&mine);
	assert_int_equal(semaphore_count(&s), 2);
}

TEST(an_initialiser_out_of_range_is_misuse_of_each_call)
{
	static const struct {
		int64_t count, max;
		const char *text;
	} wrong[] = {
		{ -1, 4, "the count -1; 0 to 4 are allowed" },
		{ 5, 4, "the count 5; 0 to 4 are allowed" },
		{ 1, -4, "the maximum -4; 1 to 2305843009213693951 are allowed" },
		{ 1, INT64_MAX, "the maximum 9223372036854775807; 1 to 2305843009213693951 are allowed" },
	};
	hold h = { 0 };

	begin_test();
	expect_misuse();
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		semaphore bad = BIDE_SEMAPHORE(wrong[i].count, wrong[i].max);
		bide_select_case bad_case = select_semaphore(&bad, 1, &h);
		unsigned count = misuse_count;

		assert_int_equal(error_of(semaphore_hold(&bad, 1, &h)), EINVAL);
		assert_non_null(strstr(misuse_text, wrong[i].text));
		assert_false(semaphore_try_hold(&bad, 1, &h));
		assert_int_equal(semaphore_add(&bad, 1), EINVAL);
		assert_int_equal(semaphore_count(&bad), 0);
		assert_int_equal(error_of(bide_select(&bad_case, 1)), EINVAL);
		assert_non_null(strstr(misuse_text, wrong[i].text));
		assert_int_equal(misuse_count, count + 5);
	}
}

TEST(misuse_of_a_semaphore_is_named)
{
	hold mine = { 0 }, other = { 0 };
	semaphore local;

	begin_test();
	expect_misuse();
	MISUSE(assert_int_equal(semaphore_init(NULL, 1, 1), EINVAL), "bide_semaphore_init", "NULL");
	MISUSE(assert_int_equal(semaphore_init(&local, 0, 0), EINVAL), "bide_semaphore_init",
	       "max is 0; 1 to");
	MISUSE(assert_int_equal(semaphore_init(&local, 3, 2), EINVAL), "bide_semaphore_init",
	       "count is 3; 0 to 2 are allowed");
	MISUSE(assert_int_equal(semaphore_init(&local, -1, 2), EINVAL), "bide_semaphore_init",
	       "count is -1");
	MISUSE(assert_int_equal(semaphore_init(&local, 1, INT64_MAX), EINVAL), "bide_semaphore_init",
	       "max is ");
	MISUSE(assert_int_equal(error_of(semaphore_hold(&s, 0, &mine)), EINVAL), "bide_semaphore_hold",
	       "count is 0; 1 to 2 are allowed");
	MISUSE(assert_int_equal(error_of(semaphore_hold(&s, 3, &mine)), EINVAL), "bide_semaphore_hold",
	       "count is 3");
	MISUSE(assert_int_equal(error_of(semaphore_hold(NULL, 1, &mine)), EINVAL),
	       "bide_semaphore_hold", "semaphore is NULL");
	MISUSE(assert_int_equal(error_of(semaphore_hold(&s, 1, NULL)), EINVAL), "bide_semaphore_hold",
	       "hold is NULL");
	MISUSE(assert_false(semaphore_try_hold(&s, -5, &mine)), "bide_semaphore_try_hold", "count is");
	MISUSE(assert_int_equal(error_of(semaphore_try_hold_for(&s, 1, &mine, -1)), EINVAL),
	       "bide_semaphore_try_hold_for", "timeout_ns is -1");
	MISUSE(assert_int_equal(semaphore_add(&s, 0), EINVAL), "bide_semaphore_add", "count is 0");
	MISUSE(assert_int_equal(semaphore_add(NULL, 1), EINVAL), "bide_semaphore_add", "NULL");
	MISUSE(assert_int_equal(semaphore_count(NULL), 0), "bide_semaphore_count", "NULL");
	MISUSE(semaphore_end(NULL), "bide_semaphore_end", "NULL");
	assert_true(semaphore_try_hold(&s, 1, &mine));
	MISUSE(assert_int_equal(error_of(semaphore_hold(&s, 1, &mine)), EDEADLK), "bide_semaphore_hold",
	       "hold holds this semaphore already, since " __FILE__);
	hold_release(&mine);
	semaphore_end(&s);
	MISUSE(assert_int_equal(error_of(semaphore_hold(&s, 1, &other)), BIDE_EBROKEN),
	       "bide_semaphore_hold", "was ended");
	MISUSE(assert_false(semaphore_try_hold(&s, 1, &other)), "bide_semaphore_try_hold", "was ended");
	MISUSE(assert_int_equal(semaphore_add(&s, 1), BIDE_EBROKEN), "bide_semaphore_add", "was ended");
	MISUSE(semaphore_end(&s), "bide_semaphore_end", "was ended");
}
