/*
 * The value task itself: 16 bytes, queries, typed forms, the types that bide_value_task_from takes,
 * and the results of as_task. Covers the rows VT of the reference. docs/semantics.md lists the rows
 * that do not apply to C.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/later.h"
#include "support/library.h"

#include <bide/bide.h>
#include <bide/short.h>

/* Awaits one value task and returns its result. */
struct consume {
	ASYNC_FRAME;
	struct {
		value_task what;
		int *error;
	} in;
	int64_t got;
};

async(consume)
{
	async_begin;
	my->got = -1;
	await_or(my->got, my->in.what, *my->in.error = await_error);
	async_return(my->got);
async_finally:
	async_end;
}

static int64_t awaited(value_task what, int *error)
{
	bide_payload result;

	*error = 0;
	assert_int_equal(bide_value_task_wait(async_start(consume, .what = what, .error = error),
	                                      &result),
	                 0);
	return result.i;
}

/* --- the struct --- */

TEST(VT_01_a_zero_initialised_value_task_is_completed)
{
	static value_task zero;

	assert_true(value_task_is_ready(zero));
	assert_true(bide_value_task_is_successful(zero));
	assert_false(bide_value_task_is_failed(zero));
	assert_false(bide_value_task_is_canceled(zero));
	assert_int_equal(bide_value_task_status(zero), BIDE_SUCCEEDED);
	assert_int_equal(bide_value_task_error(zero), 0);
}

BIDE_VALUE_TASK_OF(text_task, const char *);
BIDE_VALUE_TASK_OF(real_task, double);
BIDE_VALUE_TASK_OF(count_task, unsigned char);

struct await_zero {
	ASYNC_FRAME;
	struct {
		text_task text;
		real_task real;
	} in;
	const char *text;
	double real;
};

async(await_zero)
{
	async_begin;
	my->text = "not yet";
	my->real = 1;
	await(my->text, my->in.text);
	await(my->real, my->in.real);
	async_return(my->text == NULL && my->real == 0);
async_finally:
	async_end;
}

TEST(VT_02_a_zero_initialised_value_task_gives_the_zero_of_its_type)
{
	bide_payload result;

	result.i = 5;
	assert_int_equal(bide_value_task_wait(bide_value_task_completed(), &result), 0);
	assert_int_equal(result.i, 0);
	assert_int_equal(bide_value_task_wait(async_start(await_zero), &result), 0);
	assert_int_equal(result.i, 1);
}

TEST(value_tasks_and_typed_forms_have_16_bytes)
{
	assert_int_equal(sizeof(value_task), 16);
	assert_int_equal(sizeof(text_task), 16);
	assert_int_equal(sizeof(real_task), 16);
	assert_int_equal(offsetof(value_task, payload), 0);
	assert_int_equal(offsetof(value_task, state), 8);
}

__attribute__((noinline, used)) static value_task in_two_registers(int64_t value, int error)
{
	value_task v = bide_value_task_from_int(value);

	if (error)
		v = value_task_from_error(error);
	__asm__ volatile("" : "+m"(v));
	return v;
}

__attribute__((noinline, used)) static text_task typed_in_two_registers(const char *text)
{
	text_task v = BIDE_TYPED(text_task, value_task_from(text));

	__asm__ volatile("" : "+m"(v));
	return v;
}

__attribute__((noinline, used)) static uint64_t taken_in_two_registers(value_task v, uint64_t third)
{
	return (uint64_t)v.payload.i * 1000000 + (uint64_t)v.state * 1000 + third;
}

/*
 * The functions are called as if the value task were two integers. If it were passed through
 * memory, they would read nonsense.
 */
TEST(value_tasks_are_passed_and_returned_in_two_registers)
{
#if defined(__x86_64__) && !defined(__ILP32__) || defined(__aarch64__) || \
	(defined(__riscv) && __riscv_xlen == 64)
	typedef struct two {
		uint64_t first, second;
	} two;
	volatile union {
		value_task (*real)(int64_t, int);
		two (*as_pair)(int64_t, int);
		__extension__ unsigned __int128 (*as_wide)(int64_t, int);
	} maker = { in_two_registers };
	volatile union {
		text_task (*real)(const char *);
		two (*as_pair)(const char *);
	} typed = { typed_in_two_registers };
	volatile union {
		uint64_t (*real)(value_task, uint64_t);
		uint64_t (*flat)(uint64_t, uint64_t, uint64_t);
	} taker = { taken_in_two_registers };
	const char *text = "text";
	two pair = maker.as_pair(0x123456789abcdef0, 0);

	assert_true(pair.first == 0x123456789abcdef0 && pair.second == 0);
	pair = maker.as_pair(7, EPIPE);
	assert_true(pair.second == EPIPE); /* the first word is its trace */
	assert_true(maker.as_wide(42, 0) == 42);
	assert_true((uint64_t)(maker.as_wide(42, EIO) >> 64) == EIO);
	pair = typed.as_pair(text);
	assert_true(pair.first == (uintptr_t)text && pair.second == 0);
	assert_int_equal(taker.flat(3, 5, 9), 3005009);
#else
	SKIP("this ABI is not listed as one with two registers");
#endif
}

TEST(completed_value_tasks_allocate_nothing)
{
	uint64_t before = stats().allocation_count;
	value_task v[5];

	v[0] = value_task_from(42);
	v[1] = value_task_from(4.5);
	v[2] = value_task_from("text");
	v[3] = value_task_from_error(EIO);
	v[4] = value_task_completed();
	for (size_t i = 0; i < 5; i++)
		assert_true(value_task_is_ready(v[i]));
	assert_int_equal(stats().allocation_count, before);
}

/* --- value_task_from --- */

static void assert_int_value(value_task v, int64_t expected)
{
	assert_int_equal(v.state, 0);
	assert_int_equal(v.payload.i, expected);
}

enum colour { RED, GREEN = 7 };
enum signed_colour { DARK = -3 };

TEST(from_takes_every_integer_type)
{
	_Bool yes = true;
	const _Bool no = false;
	char c = 'x';
	signed char sc = -100;
	unsigned char uc = 200;
	short s = SHRT_MIN;
	unsigned short us = USHRT_MAX;
	unsigned u = UINT_MAX;
	long l = LONG_MIN;
	unsigned long ul = ULONG_MAX;
	long long ll = LLONG_MAX;
	unsigned long long ull = 1ull << 63;
	size_t size = 12;
	enum colour colour = GREEN;
	enum signed_colour dark = DARK;
	const int constant = 8;
	volatile int changing = 9;
	struct {
		unsigned bits : 5;
		int negative : 5;
	} field = { 21, -4 };

	assert_int_value(value_task_from(yes), 1);
	assert_int_value(value_task_from(no), 0);
	assert_int_value(value_task_from(c), 'x');
	assert_int_value(value_task_from(sc), -100);
	assert_int_value(value_task_from(uc), 200);
	assert_int_value(value_task_from(s), SHRT_MIN);
	assert_int_value(value_task_from(us), USHRT_MAX);
	assert_int_value(value_task_from(INT_MIN), INT_MIN);
	assert_int_value(value_task_from(u), UINT_MAX);
	assert_int_value(value_task_from(l), LONG_MIN);
	assert_int_value(value_task_from(ul), -1);
	assert_int_value(value_task_from(ll), LLONG_MAX);
	assert_int_value(value_task_from(ull), INT64_MIN);
	assert_int_value(value_task_from(size), 12);
	assert_int_value(value_task_from(colour), 7);
	assert_int_value(value_task_from(dark), -3);
	assert_int_value(value_task_from(RED), 0);
	assert_int_value(value_task_from(constant), 8);
	assert_int_value(value_task_from(changing), 9);
	assert_int_value(value_task_from(+field.bits), 21);
	assert_int_value(value_task_from(+field.negative), -4);
	assert_int_value(value_task_from(c == 'x'), 1);
	assert_int_value(value_task_from(1 + 2), 3);
}

TEST(from_takes_floats_and_doubles)
{
	float f = 1.5f;
	const double d = -2.25;
	volatile double vd = 1e300;

	assert_true(value_task_from(f).payload.d == 1.5);
	assert_true(value_task_from(d).payload.d == -2.25);
	assert_true(value_task_from(vd).payload.d == 1e300);
	assert_true(value_task_from(3.0f * 2).payload.d == 6.0);
	assert_int_equal(value_task_from(d).state, 0);
}

TEST(from_takes_every_pointer_and_array)
{
	char buffer[20] = "buffer";
	int numbers[3] = { 1, 2, 3 };
	const char *const text = "text";
	void *null = NULL;
	const volatile int changing = 0;
	task *t = bide_task_completed();
	struct opaque *unknown = (struct opaque *)(void *)buffer;

	assert_string_equal(value_task_from("literal").payload.p, "literal");
	assert_ptr_equal(value_task_from(buffer).payload.p, buffer);
	assert_ptr_equal(value_task_from(numbers).payload.p, numbers);
	assert_ptr_equal(value_task_from(text).payload.p, text);
	assert_ptr_equal(value_task_from(text + 1).payload.p, text + 1);
	assert_ptr_equal(value_task_from(&numbers[1]).payload.p, &numbers[1]);
	assert_ptr_equal(value_task_from(null).payload.p, NULL);
	assert_ptr_equal(value_task_from(&changing).payload.p, (void *)(uintptr_t)&changing);
	assert_ptr_equal(value_task_from(t).payload.p, t);
	assert_ptr_equal(value_task_from(unknown).payload.p, buffer);
	assert_int_equal(value_task_from(buffer).state, 0);
}

TEST(from_returns_value_tasks_unchanged)
{
	text_task typed = BIDE_TYPED(text_task, value_task_from("typed"));
	value_task failed = value_task_from_error(EIO), pending = later(1, 7);
	bide_payload result;

	assert_string_equal(value_task_from(typed).payload.p, "typed");
	assert_int_equal(value_task_from(failed).state, EIO);
	assert_true(bide_value_task_equal(value_task_from(pending), pending));
	assert_int_equal(bide_value_task_wait(value_task_from(pending), &result), 0);
	assert_int_equal(result.i, 7);
}

TEST(from_evaluates_its_argument_once)
{
	int n = 0;
	const char *text = "abc";

	assert_int_value(value_task_from(++n), 1);
	assert_int_equal(n, 1);
	assert_string_equal(value_task_from(++text).payload.p, "bc");
	assert_string_equal(text, "bc");
}

TEST(from_error_takes_1_to_4095)
{
	expect_misuse();
	for (int error = 1; error <= 4095; error++) {
		value_task v = value_task_from_error(error);
		assert_int_equal(bide_value_task_error(v), error);
		assert_int_equal(bide_value_task_is_canceled(v), error == ECANCELED);
		assert_int_equal(bide_value_task_is_failed(v), error != ECANCELED);
		assert_false(bide_value_task_is_successful(v));
		assert_true(value_task_is_ready(v));
	}
	assert_int_equal(misuse_count, 0);
	for (int i = 0; i < 4; i++) {
		const int bad[] = { 0, -1, 4096, INT_MIN };
		assert_int_equal(value_task_from_error(bad[i]).state, EINVAL);
		assert_int_equal(misuse_count, i + 1);
		assert_non_null(strstr(misuse_text, "bide_value_task_from_error"));
		assert_non_null(strstr(misuse_text, "4095"));
	}
}

TEST(every_error_number_has_a_text)
{
	for (int error = -1; error <= 5000; error++) {
		assert_non_null(bide_strerror(error));
		assert_true(strlen(bide_strerror(error)) > 3);
	}
	assert_string_equal(bide_strerror(ENOENT), strerror(ENOENT));
	assert_string_equal(bide_strerror(ECANCELED), "canceled");
	assert_string_equal(bide_strerror(ETIMEDOUT), "timed out");
	assert_string_equal(bide_strerror(BIDE_EEND), "no more items");
	assert_null(strstr(bide_strerror(BIDE_ENOFRAME), "BIDE_"));
	assert_null(strstr(bide_strerror(BIDE_EBROKEN), "BIDE_"));
	assert_null(strstr(bide_strerror(BIDE_ESTALE), "BIDE_"));
	assert_non_null(strstr(bide_strerror(BIDE_EIDLE), "idle limit"));
	assert_non_null(strstr(bide_strerror(BIDE_EUSER), "own"));
	assert_non_null(strstr(bide_strerror(4096), "4095"));
}

/* --- pending value tasks --- */

TEST(VT_05_flags_flip_when_the_producer_completes)
{
	bide_user_source gate;
	int error;
	value_task v;

	bide_user_source_init(&gate, NULL);
	v = async_start(consume, .what = bide_user_source_value_task(&gate), .error = &error);
	assert_false(value_task_is_ready(v));
	assert_false(bide_value_task_is_successful(v));
	assert_false(bide_value_task_is_failed(v));
	assert_false(bide_value_task_is_canceled(v));
	assert_int_equal(bide_value_task_status(v), BIDE_PENDING);
	expect_misuse();
	assert_int_equal(bide_value_task_error(v), EINPROGRESS);
	assert_non_null(strstr(misuse_text, "bide_value_task_error: the value task is pending"));
	assert_int_equal(value_task_result(v).i, 0);
	assert_non_null(strstr(misuse_text, "bide_value_task_result: the value task is pending"));
	assert_int_equal(misuse_count, 2);
	bide_user_source_complete(&gate, (bide_payload){ .i = 0 });
	settle(0);
	assert_true(value_task_is_ready(v));
	assert_true(bide_value_task_is_successful(v));
	assert_false(bide_value_task_is_failed(v));
	assert_int_equal(bide_value_task_error(v), 0);
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
}

TEST(VT_06_the_result_is_what_the_producer_set)
{
	bide_user_source source;
	value_task v;
	int error;

	bide_user_source_init(&source, NULL);
	v = bide_user_source_value_task(&source);
	assert_false(value_task_is_ready(v));
	bide_user_source_complete(&source, (bide_payload){ .i = 42 });
	assert_true(bide_value_task_is_successful(v));
	assert_int_equal(awaited(v, &error), 42);
	assert_int_equal(error, 0);
	assert_int_equal(awaited(later(3, INT64_MIN), &error), INT64_MIN);
}

struct fails_after {
	ASYNC_FRAME;
	struct {
		value_task what;
		int error;
	} in;
};

async(fails_after)
{
	async_begin;
	await(my->in.what);
	async_fail(my->in.error);
async_finally:
	async_end;
}

TEST(VT_07_an_await_of_a_failure_gives_the_same_error)
{
	bide_user_source gate;
	value_task v;
	int error;

	bide_user_source_init(&gate, NULL);
	v = async_start(fails_after, .what = bide_user_source_value_task(&gate),
	                .error = BIDE_EUSER + 17);
	assert_false(bide_value_task_is_failed(v));
	bide_user_source_complete(&gate, (bide_payload){ .i = 0 });
	settle(0);
	assert_true(bide_value_task_is_failed(v));
	assert_false(bide_value_task_is_successful(v));
	assert_false(bide_value_task_is_canceled(v));
	assert_int_equal(bide_value_task_error(v), BIDE_EUSER + 17);
	awaited(v, &error);
	assert_int_equal(error, BIDE_EUSER + 17);
}

TEST(VT_08_every_way_to_the_result_gives_the_same_error)
{
	bide_payload result;
	task *t;
	int error;

	for (int yields = 0; yields < 2; yields++) {
		result.i = 5;
		assert_int_equal(bide_value_task_wait(failing(yields, EIO), &result), EIO);
		awaited(failing(yields, EIO), &error);
		assert_int_equal(error, EIO);
		t = value_task_as_task(failing(yields, EIO));
		assert_int_equal(bide_task_wait(t, NULL), EIO);
		assert_int_equal(bide_task_error(t), EIO);
		task_unref(t);
	}
}

/* --- as_task --- */

TEST(VT_14_as_task_of_completed_value_tasks_returns_one_shared_task)
{
	static value_task zero;
	uint64_t before = stats().allocation_count;
	task *first = value_task_as_task(zero), *second = value_task_as_task(zero);

	assert_ptr_equal(first, second);
	assert_ptr_equal(first, bide_task_completed());
	assert_int_equal(bide_task_status(first), BIDE_SUCCEEDED);
	assert_int_equal(stats().allocation_count, before);
	task_unref(first);
	task_unref(second);
}

TEST(VT_15_as_task_of_a_value_gives_a_task_each_time)
{
	value_task v = value_task_from(1000);
	task *first = value_task_as_task(v), *second = value_task_as_task(v);

	assert_ptr_not_equal(first, second);
	assert_int_equal(bide_task_result(first).i, 1000);
	assert_int_equal(bide_task_result(second).i, 1000);
	task_unref(first);
	task_unref(second);
}

/* Unlike in the reference, a source has one consumer, and as_task is one. */
TEST(VT_17_as_task_of_a_completed_source_consumes_it)
{
	value_task v = later(1, 99);
	task *first, *second;

	settle(0);
	first = value_task_as_task(v);
	assert_int_equal(bide_task_result(first).i, 99);
	expect_misuse();
	second = value_task_as_task(v);
	assert_int_equal(misuse_count, 1);
	assert_int_equal(bide_task_error(second), BIDE_ESTALE);
	task_unref(first);
	task_unref(second);
}

TEST(VT_18_as_task_over_a_source_runs_to_completion)
{
	for (int yields = 0; yields < 3; yields++) {
		task *t = value_task_as_task(later(yields, 0));

		assert_int_equal(bide_task_wait(t, NULL), 0);
		assert_int_equal(bide_task_status(t), BIDE_SUCCEEDED);
		task_unref(t);
	}
}

TEST(VT_19_as_task_over_a_source_gives_its_value)
{
	bide_payload result;

	for (int yields = 0; yields < 3; yields++) {
		task *t = value_task_as_task(later(yields, 5000));

		assert_int_equal(bide_task_wait(t, &result), 0);
		assert_int_equal(result.i, 5000);
		assert_int_equal(bide_task_status(t), BIDE_SUCCEEDED);
		task_unref(t);
	}
}

TEST(VT_21_as_task_over_a_canceled_source_is_canceled)
{
	for (int yields = 0; yields < 3; yields++) {
		value_task v = failing(yields, ECANCELED);
		task *t;

		settle(0);
		assert_true(bide_value_task_is_canceled(v));
		assert_false(bide_value_task_is_failed(v));
		t = value_task_as_task(v);
		assert_int_equal(bide_task_wait(t, NULL), ECANCELED);
		assert_int_equal(bide_task_status(t), BIDE_CANCELED);
		task_unref(t);
	}
}

TEST(VT_22_as_task_over_a_user_source_that_is_canceled_is_canceled)
{
	for (int early = 0; early < 2; early++) {
		bide_user_source source;
		value_task v;
		task *t;

		bide_user_source_init(&source, NULL);
		v = bide_user_source_value_task(&source);
		if (early)
			bide_user_source_fail(&source, ECANCELED);
		assert_int_equal(bide_value_task_is_canceled(v), early);
		t = value_task_as_task(v);
		if (!early)
			bide_user_source_fail(&source, ECANCELED);
		assert_int_equal(bide_task_wait(t, NULL), ECANCELED);
		assert_int_equal(bide_task_status(t), BIDE_CANCELED);
		task_unref(t);
	}
}

TEST(as_task_of_a_pending_function_returns_the_frame_itself)
{
	value_task v = later(1, 77);
	uint64_t before = stats().allocation_count;
	task *t = value_task_as_task(v);

	assert_ptr_equal(t, (task *)v.state);
	assert_int_equal(stats().allocation_count, before);
	assert_int_equal(bide_task_wait(t, NULL), 0);
	task_unref(t);
}

/* --- Preserve of the reference --- */

TEST(VT_23_a_copy_preserves_a_completed_value_task)
{
	value_task v = value_task_from(12), copy = v;
	uint64_t threads = bide_worker_count(), before = stats().allocation_count;
	int error;

	assert_true(bide_value_task_equal(v, copy));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(awaited(copy, &error), 12);
		assert_int_equal(awaited(v, &error), 12);
	}
	/*
	 * The only allocations are the first chunk of the pool for the frames of the awaits, and the
	 * record of this thread if it is not a worker.
	 */
	assert_true(stats().allocation_count - before <= (threads > 1 ? 4 : 3) || getenv("BIDE_POOL"));
}

TEST(VT_24_a_value_task_over_a_completed_task_is_its_outcome)
{
	task *t = bide_task_from_int(1234);
	value_task v = task_await(t), again = task_await(t);

	assert_true(bide_value_task_equal(v, again));
	assert_int_equal(v.payload.i, 1234);
	task_unref(t);
}

TEST(VT_25_a_task_preserves_a_pending_value_task)
{
	value_task v = later(2, 0), first, second;
	task *t = value_task_as_task(v);

	first = task_await(t);
	assert_false(bide_value_task_equal(first, v));
	second = task_await(t); /* a task can be awaited many times */
	assert_int_equal(bide_value_task_wait(first, NULL), 0);
	assert_int_equal(bide_value_task_wait(second, NULL), 0);
	assert_true(bide_value_task_equal(task_await(t), task_await(t)));
	task_unref(t);
}

TEST(VT_26_a_preserved_pending_value_task_gives_its_value_each_time)
{
	task *t = value_task_as_task(later(2, 31));
	bide_payload result;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(bide_value_task_wait(task_await(t), &result), 0);
		assert_int_equal(result.i, 31);
	}
	task_unref(t);
}

TEST(VT_31_an_await_continues_after_a_value_a_task_and_a_source)
{
	bide_user_source source;
	task *pending = task_create(0), *over = bide_task_from_int(55);
	value_task v[3];
	int error[3];

	bide_user_source_init(&source, NULL);
	assert_int_equal(awaited(value_task_from(54), &error[0]), 54);
	assert_int_equal(awaited(task_await(over), &error[0]), 55);
	v[0] = async_start(consume, .what = task_await(pending), .error = &error[0]);
	v[1] = async_start(consume, .what = bide_user_source_value_task(&source), .error = &error[1]);
	v[2] = async_start(consume, .what = later(2, 58), .error = &error[2]);
	for (int i = 0; i < 2; i++)
		assert_false(value_task_is_ready(v[i]));
	bide_task_complete_int(pending, 56);
	bide_user_source_complete(&source, (bide_payload){ .i = 57 });
	for (int i = 0; i < 3; i++) {
		bide_payload result;
		assert_int_equal(bide_value_task_wait(v[i], &result), 0);
		assert_int_equal(result.i, 56 + i);
	}
	task_unref(pending);
	task_unref(over);
}

/* --- equality --- */

TEST(VT_37_equal_value_tasks_have_the_same_source_and_generation)
{
	bide_user_source one, other;
	value_task first, second, third;

	bide_user_source_init(&one, NULL);
	bide_user_source_init(&other, NULL);
	first = bide_user_source_value_task(&one);
	assert_true(bide_value_task_equal(first, first));
	second = bide_user_source_value_task(&other);
	assert_false(bide_value_task_equal(first, second));
	bide_user_source_complete(&one, (bide_payload){ .i = 1 });
	assert_int_equal(bide_value_task_wait(first, NULL), 0);
	bide_user_source_reset(&one);
	third = bide_user_source_value_task(&one);
	assert_int_equal(third.state, first.state);
	assert_false(bide_value_task_equal(first, third));
	assert_true(bide_value_task_equal(value_task_from_error(EIO), value_task_from_error(EIO)));
	assert_false(bide_value_task_equal(value_task_from_error(EIO), value_task_from_error(EPIPE)));
}

TEST(VT_38_a_value_never_equals_a_pending_value_task)
{
	value_task pending = later(1, 42), done, value = value_task_from(42);

	assert_true(bide_value_task_equal(value, value_task_from(42)));
	assert_false(bide_value_task_equal(value, value_task_from(43)));
	assert_false(bide_value_task_equal(value, value_task_from_error(42)));
	assert_false(bide_value_task_equal(value, pending));
	settle(0);
	done = pending;
	assert_true(bide_value_task_is_successful(done));
	assert_false(bide_value_task_equal(value, done)); /* its source still holds the result */
	assert_int_equal(bide_value_task_wait(done, NULL), 0);
}

TEST(VT_39_completing_a_source_twice_is_misuse)
{
	bide_user_source source;
	task *t;

	bide_user_source_init(&source, NULL);
	t = value_task_as_task(bide_user_source_value_task(&source));
	expect_misuse();
	bide_user_source_complete(&source, (bide_payload){ .i = 1 });
	assert_int_equal(misuse_count, 0);
	bide_user_source_complete(&source, (bide_payload){ .i = 2 });
	assert_int_equal(misuse_count, 1);
	assert_non_null(strstr(misuse_text, "bide_user_source_complete"));
	assert_int_equal(bide_task_result(t).i, 1);
	task_unref(t);
}

/* A mixture of two value tasks is caught or gives a wrong value; it never crashes. */
TEST(VT_41_a_torn_copy_is_caught)
{
	value_task a = later(1, 1), b = later(1, 2), torn;
	bide_payload result;

	expect_misuse();
	torn.payload = a.payload;
	torn.state = b.state;
	assert_int_equal(bide_value_task_wait(torn, &result), BIDE_ESTALE);
	assert_int_equal(misuse_count, 1);
	assert_int_equal(bide_value_task_status(torn), BIDE_FAILED);
	assert_int_equal(misuse_count, 2);
	torn.payload = value_task_from(7).payload; /* a value with a source */
	assert_int_equal(bide_value_task_wait(torn, &result), BIDE_ESTALE);
	assert_int_equal(misuse_count, 3);
	torn.payload = a.payload; /* a source with a value: a wrong number */
	torn.state = 0;
	assert_int_equal(bide_value_task_wait(torn, &result), 0);
	assert_int_equal(bide_value_task_wait(a, &result), 0);
	assert_int_equal(result.i, 1);
	assert_int_equal(bide_value_task_wait(b, &result), 0);
	assert_int_equal(result.i, 2);
}

/* --- typed forms --- */

static text_task typed_text(const char *text, bool now)
{
	if (now)
		return BIDE_TYPED(text_task, value_task_from(text));
	return BIDE_TYPED(text_task, later(1, (int64_t)(uintptr_t)text));
}

static real_task typed_real(void)
{
	return BIDE_TYPED(real_task, value_task_from(2.5));
}

static count_task typed_count(void)
{
	return BIDE_TYPED(count_task, value_task_from(250));
}

struct typed {
	ASYNC_FRAME;
	const char *now, *then;
	double real;
	unsigned char count;
	float narrow;
	bool flag;
	int8_t small;
	const void *any;
};

async(typed)
{
	async_begin;
	await(my->now, typed_text("now", true));
	await(my->then, typed_text("then", false));
	await(my->real, typed_real());
	await(my->count, typed_count());
	await_or(my->real, typed_real(), async_fail(EIO));
	await(my->narrow, value_task_from(0.5));
	await(my->flag, value_task_from(256));
	await(my->small, later(1, -128));
	await(my->any, value_task_from("any"));
	await(typed_text("ignored", false));
	if (my->real != 2.5 || my->count != 250 || my->narrow != 0.5f || !my->flag || my->small != -128)
		async_fail(EDOM);
	async_return(strcmp(my->now, "now") == 0 && strcmp(my->then, "then") == 0 && my->any != NULL);
async_finally:
	async_end;
}

TEST(typed_forms_deliver_their_type)
{
	bide_payload result;

	assert_int_equal(bide_value_task_wait(async_start(typed), &result), 0);
	assert_int_equal(result.i, 1);
}

TEST(typed_forms_are_accepted_in_place_of_value_tasks)
{
	bide_payload result;
	task *t = value_task_as_task(typed_text("task", false));

	assert_int_equal(bide_task_wait(t, &result), 0);
	assert_string_equal(result.p, "task");
	task_unref(t);
	assert_int_equal(bide_value_task_wait(typed_text("wait", false), &result), 0);
	assert_string_equal(result.p, "wait");
	value_task_forget(typed_text("forget", false));
	settle(0);
	assert_true(value_task_is_ready(typed_text("query", true).untyped));
}
