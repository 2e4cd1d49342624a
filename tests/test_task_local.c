/*
 * Task-local values: contexts with a key and a value give the value to the functions in them. A
 * value never changes; setting another one means entering a context below.
 */
#include "support/task_support.h"

static const char keys[64]; /* the addresses are the keys */
#define A (&keys[0])
#define B (&keys[1])

static bide_context *with(const void *key, const char *value)
{
	bide_context *context = bide_context_create(
		&(bide_context_options){ .key = key, .value = (void *)(uintptr_t)value });

	assert_non_null(context);
	return context;
}

static const char *get(const void *key)
{
	return bide_context_get(key);
}

TEST(EC_01_a_value_is_null_before_and_as_set_afterwards)
{
	static char value[] = "one";
	bide_context *context;

	assert_null(get(A));
	context = with(A, value);
	assert_null(get(A)); /* created, but not entered */
	assert_ptr_equal(bide_in_context(context, get(A)), value);
	assert_null(bide_in_context(context, get(B)));
	assert_null(get(A));
	bide_context_unref(context);
}

TEST(EC_02_a_captured_context_has_the_old_value_and_leaving_it_restores_the_new_one)
{
	bide_context *old = with(A, "old"), *captured, *new;
	uintptr_t saved = bide_context_push_(old);

	captured = bide_context_ref(bide_context_current());
	new = with(A, "new");
	assert_string_equal(bide_in_context(new, bide_in_context(captured, get(A))), "old");
	assert_string_equal(bide_in_context(new, ((void)bide_in_context(captured, get(A)), get(A))),
	                    "new");
	bide_context_pop_(saved);
	bide_context_unref(captured);
	bide_context_unref(new);
	bide_context_unref(old);
}

TEST(EC_03_in_an_empty_context_there_is_no_value)
{
	bide_context *context = with(A, "one");
	bide_context *empty = bide_context_create(&(bide_context_options){ .detached = true });

	assert_non_null(empty);
	assert_null(bide_in_context(context, bide_in_context(empty, get(A))));
	assert_null(bide_in_context(context, bide_in_detached(get(A))));
	assert_string_equal(bide_in_context(context, ((void)bide_in_detached(get(A)), get(A))), "one");
	bide_context_unref(empty);
	bide_context_unref(context);
}

struct setter {
	ASYNC_FRAME;
	struct {
		int depth;
		const char *before;
	} in;
	bide_context *scope;
	int i;
};

async(setter)
{
	static const char *const names[] = { "zero", "one", "two", "three" };

	async_begin;
	assert_ptr_equal(get(A), my->in.before);
	my->scope = with(A, names[my->in.depth]);
	async_enter(my->scope);
	for (my->i = 0; my->i < 3; my->i++) {
		assert_string_equal(get(A), names[my->in.depth]);
		await(bide_async_yield());
		assert_string_equal(get(A), names[my->in.depth]);
		await(delay(1000));
	}
	if (my->in.depth > 0) {
		await(async_start(setter, .depth = my->in.depth - 1, .before = names[my->in.depth]));
		assert_string_equal(get(A), names[my->in.depth]);
	}
	async_leave;
	assert_ptr_equal(get(A), my->in.before);
async_finally:
	bide_context_unref(my->scope);
	async_end;
}

TEST(EC_06_a_value_set_in_a_function_lasts_across_awaits_and_its_caller_does_not_see_it)
{
	bide_context *context = with(A, "mine");
	const char *mine = bide_in_context(context, get(A));
	value_task v = bide_in_context(context, async_start(setter, .depth = 0, .before = mine));

	assert_true(v.state > BIDE_ERROR_MAX); /* it left by an await, inside its scope */
	assert_null(get(A));
	assert_string_equal(bide_in_context(context, get(A)), "mine");
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	assert_null(get(A));
	bide_context_unref(context);
}

TEST(EC_08_nested_functions_that_set_values_restore_them_level_by_level)
{
	value_task all[10];

	for (int i = 0; i < 10; i++)
		all[i] = async_start(setter, .depth = 3, .before = NULL);
	for (int i = 0; i < 10; i++)
		assert_int_equal(bide_value_task_wait(all[i], NULL), 0);
	assert_null(get(A));
}

/* Does not call async_leave: the scope ends with the function. */
struct leaver {
	ASYNC_FRAME;
};

async(leaver)
{
	bide_context *scope;

	async_begin;
	scope = with(A, "left");
	async_enter(scope);
	bide_context_unref(scope);
	await(bide_async_yield());
	assert_string_equal(get(A), "left");
async_finally:
	assert_string_equal(get(A), "left"); /* the cleanup sees values */
	async_end;
}

TEST(a_value_whose_context_was_not_left_ends_with_the_function)
{
	assert_int_equal(bide_value_task_wait(async_start(leaver), NULL), 0);
	assert_null(get(A));
}

struct many_reader {
	ASYNC_FRAME;
	struct {
		int count;
		const char *const *expected;
	} in;
};

async(many_reader)
{
	async_begin;
	await(bide_async_yield());
	for (int k = 0; k < 64; k++)
		assert_ptr_equal(get(&keys[k]), k < my->in.count ? my->in.expected[k] : NULL);
async_finally:
	async_end;
}

/* Checks the first count values, and that the others are NULL, in a function in the context. */
static void check_many(bide_context *context, const char *const *expected, int count)
{
	assert_int_equal(bide_value_task_wait(bide_in_context(context,
	                                                      async_start(many_reader, .count = count,
	                                                                  .expected = expected)),
	                                      NULL),
	                 0);
}

TEST(EC_11_many_values_are_added_updated_and_set_to_null_independently)
{
	static char values[192];
	const char *expected[64] = { NULL };
	bide_context *context = NULL, *below;

	for (int step = 0; step < 192; step++) {
		int k = step % 64;

		/* The values are added, then updated; then every other one is set to NULL. */
		expected[k] = step < 128 || k % 2 ? &values[step] : NULL;
		below = bide_in_context(context, with(&keys[k], expected[k]));
		if (context)
			bide_context_unref(context);
		context = below;
		check_many(context, expected, step < 64 ? step + 1 : 64);
	}
	bide_context_unref(context);
}

TEST(values_follow_a_function_to_its_executor)
{
	bide_executor *strand = bide_strand_create();
	bide_context *context = with(A, "mine"), *there;

	assert_non_null(strand);
	there = bide_in_context(context,
	                        bide_context_create(&(bide_context_options){ .executor = strand }));
	assert_non_null(there);
	assert_int_equal(
		bide_value_task_wait(bide_in_context(there,
	                                         async_start(setter, .depth = 2,
	                                                     .before = bide_in_context(there, get(A)))),
	                         NULL),
		0);
	bide_context_unref(there);
	bide_context_unref(context);
	bide_executor_unref(strand);
}
