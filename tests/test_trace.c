/*
 * Error traces: what is noted when a function fails, how the trace travels, and what remains of it
 * after newer entries.
 */
/* threads */
#include "support/task_support.h"

enum { RING = 1024 }; /* entries that the process keeps */

static char text[16384];

/* An entry of a trace; the newest entry comes first. */
typedef struct step {
	bool awaited;
	int line;
	const char *function;
} step;

static bide_trace assert_trace(bide_trace trace, int error, const step *steps, size_t count)
{
	bide_trace_entry entry;

	bide_trace_format(trace, text, sizeof text);
	for (size_t i = 0; i < count; i++) {
		if (!bide_trace_read(trace, &entry))
			fprintf(stderr, "%zu entries, not %zu: %s\n", i, count, text);
		assert_true(bide_trace_read(trace, &entry));
		assert_string_equal(entry.function, steps[i].function);
		assert_string_equal(entry.file, __FILE__);
		assert_int_equal(entry.line, steps[i].line);
		assert_int_equal(entry.awaited, steps[i].awaited);
		assert_int_equal(entry.error, error);
		trace = entry.before;
	}
	return trace;
}

#define STEPS(...) \
	(const step[]){ __VA_ARGS__ }, sizeof((const step[]){ __VA_ARGS__ }) / sizeof(step)
#define ASSERT_TRACE(trace, error, ...) \
	assert_int_equal(assert_trace((trace), (error), STEPS(__VA_ARGS__)), 0)

/* Asserts that the trace has one entry: the error was made there and not passed on. */
static void assert_made_in(bide_trace trace, const char *function)
{
	bide_trace_entry entry;

	assert_true(bide_trace_read(trace, &entry));
	assert_string_equal(entry.function, function);
	assert_false(entry.awaited);
	assert_int_equal(entry.before, 0);
}

/* Asserts that the trace has one await above the entry of the function that made the error. */
static void assert_passed_by(bide_trace trace, const char *awaiting, const char *function)
{
	bide_trace_entry entry;

	assert_true(bide_trace_read(trace, &entry));
	assert_string_equal(entry.function, awaiting);
	assert_true(entry.awaited);
	assert_made_in(entry.before, function);
}

/* --- three functions deep: the functions note the numbers of their lines */

static int made_line, return_line, middle_line, outer_line;
/* Notes the line that is `further` lines below. Atomic, as several workers may note at once. */
#define NOTE(line, further) __atomic_store_n(&(line), __LINE__ + (further), __ATOMIC_RELAXED)

typedef enum manner { READY, SUSPENDED, OF_A_PLAIN_FUNCTION } manner;

struct load {
	ASYNC_FRAME;
	struct {
		manner way;
		int error;
	} in;
};

static value_task refuse(int error)
{
	NOTE(made_line, 1);
	return value_task_from_error(error);
}

async(load)
{
	async_begin;
	if (my->in.way == SUSPENDED)
		await(bide_async_yield());
	NOTE(return_line, 2);
	if (my->in.way == OF_A_PLAIN_FUNCTION)
		async_return(refuse(my->in.error));
	NOTE(made_line, 1);
	async_fail(my->in.error);
async_finally:
	async_end;
}

static value_task load(manner way, int error)
{
	return async_start(load, .way = way, .error = error);
}

struct middle {
	ASYNC_FRAME;
	struct {
		manner way;
		int error;
	} in;
	int64_t result;
};

async(middle)
{
	async_begin;
	NOTE(middle_line, 1);
	await(my->result, load(my->in.way, my->in.error));
async_finally:
	async_end;
}

struct outer {
	ASYNC_FRAME;
	struct {
		manner way;
		int error;
	} in;
};

static bide_trace cleanup_trace;

async(outer)
{
	async_begin;
	NOTE(outer_line, 1);
	await(async_start(middle, .way = my->in.way, .error = my->in.error));
async_finally:
	cleanup_trace = async_trace;
	async_end;
}

static bide_trace wait_trace(value_task v, int error)
{
	bide_payload result = { .i = 77 };

	assert_int_equal(bide_value_task_wait(v, &result), error);
	assert_int_equal(result.i, 0); /* the trace is not part of the result */
	return bide_trace_of_wait();
}

TEST(MB_31_a_failure_is_followed_through_every_await)
{
	for (manner way = READY; way <= SUSPENDED; way++) {
		bide_trace trace = wait_trace(async_start(outer, .way = way, .error = EIO), EIO);

		ASSERT_TRACE(trace, EIO, { true, outer_line, "outer" }, { true, middle_line, "middle" },
		             { false, made_line, "load" });
		assert_int_equal(cleanup_trace, trace);
	}
}

TEST(a_returned_value_task_is_a_step_too)
{
	bide_trace trace = wait_trace(load(OF_A_PLAIN_FUNCTION, EPIPE), EPIPE), rest;

	rest = assert_trace(trace, EPIPE, STEPS({ true, return_line, "load" }));
	ASSERT_TRACE(rest, EPIPE, { false, made_line, "refuse" });
}

struct refuses_itself {
	ASYNC_FRAME;
};

async(refuses_itself)
{
	async_begin;
	async_return(value_task_from_error(EIO));
async_finally:
	async_end;
}

TEST(an_error_made_in_a_body_has_the_name_of_the_function)
{
	assert_passed_by(wait_trace(async_start(refuses_itself), EIO), "refuses_itself",
	                 "refuses_itself");
}

static value_task fails_in_a_call(void *argument)
{
	(void)argument;
	return value_task_from_error(ENOSPC);
}

TEST(an_error_of_a_blocking_call_has_the_place_in_its_function)
{
	NOT_SEEDED("it needs threads, for calls that block");
	assert_made_in(wait_trace(run_blocking(fails_in_a_call, NULL), ENOSPC), "fails_in_a_call");
	assert_made_in(wait_trace(bide_run_on_new_thread(fails_in_a_call, NULL), ENOSPC),
	               "fails_in_a_call");
}

struct late_return {
	ASYNC_FRAME;
};

static int late_line;

async(late_return)
{
	async_begin;
	NOTE(late_line, 1);
	async_return(load(SUSPENDED, EIO));
async_finally:
	async_end;
}

TEST(a_return_that_had_to_wait_has_its_line)
{
	bide_trace trace = wait_trace(async_start(late_return), EIO), rest;

#ifdef BIDE_COMPUTED_GOTO /* then frames keep no lines: the trace has the line of the function */
	late_line -= 4;
#endif
	rest = assert_trace(trace, EIO, STEPS({ true, late_line, "late_return" }));
	ASSERT_TRACE(rest, EIO, { false, made_line, "load" });
}

struct large {
	ASYNC_FRAME;
	struct {
		bool wait;
	} in;
	char result[64];
};

async(large)
{
	async_begin;
	if (my->in.wait)
		await(bide_async_yield());
	await(load(READY, EIO));
	async_return_large(&my->result);
async_finally:
	async_end;
}

struct large_reader {
	ASYNC_FRAME;
	struct {
		bool wait;
	} in;
	char result[64];
};

async(large_reader)
{
	async_begin;
	NOTE(outer_line, 1);
	bide_await_large(my->result, async_start(large, .wait = my->in.wait));
async_finally:
	async_end;
}

TEST(an_await_of_a_large_result_passes_it_on)
{
	for (int wait = 0; wait < 2; wait++) {
		bide_trace trace = wait_trace(async_start(large_reader, .wait = wait), EIO);
		bide_trace rest = assert_trace(trace, EIO, STEPS({ true, outer_line, "large_reader" }));
		bide_trace_entry entry;

		assert_true(bide_trace_read(rest, &entry));
		assert_string_equal(entry.function, "large");
		ASSERT_TRACE(entry.before, EIO, { false, made_line, "load" });
	}
}

struct handles {
	ASYNC_FRAME;
	struct {
		bool pass_on;
	} in;
	bide_trace seen;
};

static bide_trace handled_trace;

async(handles)
{
	async_begin;
	await_or(load(SUSPENDED, EIO), {
		handled_trace = bide_value_task_trace(await_failure);
		if (my->in.pass_on)
			async_return(await_failure);
		async_fail(EPIPE);
	});
async_finally:
	async_end;
}

TEST(a_handled_failure_has_its_trace_and_can_be_passed_on)
{
	bide_trace trace = wait_trace(async_start(handles, .pass_on = true), EIO);

	ASSERT_TRACE(handled_trace, EIO, { false, made_line, "load" });
	assert_passed_by(trace, "handles", "load");
	/* A new error begins a new trace. */
	assert_made_in(wait_trace(async_start(handles), EPIPE), "handles");
}

struct cleans_up {
	ASYNC_FRAME;
	struct {
		int first;
	} in;
};

async(cleans_up)
{
	async_begin;
	if (my->in.first)
		async_fail(my->in.first);
	async_return(5);
async_finally:
	await(load(SUSPENDED, EIO));
	async_end;
}

TEST(a_cleanup_that_fails_replaces_only_a_success)
{
	assert_passed_by(wait_trace(async_start(cleans_up), EIO), "cleans_up", "load");
	assert_made_in(wait_trace(async_start(cleans_up, .first = EPIPE), EPIPE), "cleans_up");
}

TEST(cancellations_and_BIDE_EEND_leave_no_trace)
{
	static const int usual[] = { ECANCELED, BIDE_EEND };
	bide_task *t;

	for (int i = 0; i < 2; i++)
		for (manner way = READY; way <= OF_A_PLAIN_FUNCTION; way++)
			assert_int_equal(wait_trace(async_start(outer, .way = way, .error = usual[i]),
			                            usual[i]),
			                 0);
	t = task_create(0);
	bide_task_fail(t, ECANCELED);
	assert_int_equal(bide_task_trace(t), 0);
	task_unref(t);
}

TEST(a_missing_frame_is_named_by_the_error_it_becomes)
{
	bide_trace_entry entry;
	value_task v = load(READY, BIDE_ENOFRAME);

	assert_int_equal(bide_value_task_error(v), ENOMEM);
	assert_true(bide_trace_read(bide_value_task_trace(v), &entry));
	assert_int_equal(entry.error, ENOMEM);
}

/* --- values and sources */

TEST(traces_are_not_part_of_a_value)
{
	value_task a = refuse(EIO), b = refuse(EIO), c = refuse(EPIPE);

	assert_int_not_equal(bide_value_task_trace(a), bide_value_task_trace(b));
	assert_true(bide_value_task_equal(a, b));
	assert_false(bide_value_task_equal(a, c));
	assert_false(bide_value_task_equal(value_task_from(1), value_task_from(2)));
	assert_int_equal(value_task_result(a).i, 0);
	assert_int_equal(bide_value_task_trace(value_task_from(3)), 0);
	assert_int_equal(bide_value_task_trace(value_task_completed()), 0);
}

TEST(a_pending_value_task_has_its_trace_once_it_has_failed)
{
	value_task v;

	if (getenv("BIDE_POOL"))
		SKIP("without pools a stale copy points into memory of the allocator");
	v = load(SUSPENDED, EIO);
	if (!many_workers()) /* with many, it may have failed already */
		assert_int_equal(bide_value_task_trace(v), 0);
	while (!value_task_is_ready(v))
		settle(0);
	ASSERT_TRACE(bide_value_task_trace(v), EIO, { false, made_line, "load" });
	assert_int_equal(bide_value_task_wait(v, NULL), EIO);
	catch_misuse();
	assert_int_equal(bide_value_task_trace(v), 0);
	ASSERT_MISUSE("bide_value_task_trace");
}

TEST(a_source_that_fails_notes_the_place_of_the_call)
{
	bide_user_source source;

	for (int way = 0; way < 4; way++) {
		value_task v;
		int line;

		if (way & 2)
			bide_user_source_init(&source, NULL);
		else
			bide_user_source_init_local(&source, NULL);
		v = bide_user_source_value_task(&source);
		if (way & 1)
			line = __LINE__, bide_user_source_fail(&source, EIO);
		else
			line = __LINE__, assert_true(bide_user_source_try_fail(&source, EIO));
		assert_false(bide_user_source_try_fail(&source, EPIPE));
		ASSERT_TRACE(wait_trace(v, EIO), EIO, { false, line, __func__ });
	}
}

struct awaits_task {
	ASYNC_FRAME;
	struct {
		task *task;
	} in;
};

async(awaits_task)
{
	async_begin;
	await(my->in.task);
async_finally:
	async_end;
}

TEST(each_awaiter_of_a_task_continues_the_trace_by_itself)
{
	task *t = task_create(0);
	value_task waits[3];
	bide_trace traces[3];
	bide_trace_entry entry;
	int line;

	for (int i = 0; i < 3; i++)
		waits[i] = async_start(awaits_task, .task = t);
	line = __LINE__, bide_task_fail(t, EIO);
	for (int i = 0; i < 3; i++) {
		traces[i] = wait_trace(waits[i], EIO);
		assert_true(bide_trace_read(traces[i], &entry));
		assert_string_equal(entry.function, "awaits_task");
		assert_int_equal(entry.before, bide_task_trace(t));
	}
	assert_true(traces[0] != traces[1] && traces[1] != traces[2]);
	ASSERT_TRACE(bide_task_trace(t), EIO, { false, line, __func__ });
	assert_int_equal(bide_task_wait(t, NULL), EIO);
	assert_int_equal(bide_trace_of_wait(), bide_task_trace(t));
	task_unref(t);
	assert_int_equal(unobserved_count, 0);
}

TEST(other_tasks_that_fail_note_the_place)
{
	task *made = task_from_error(EIO), *tried = task_create(0), *from = task_create(0), *of;
	int made_at = __LINE__ - 1, tried_at;

	ASSERT_TRACE(bide_task_trace(made), EIO, { false, made_at, __func__ });
	tried_at = __LINE__, assert_true(bide_task_try_fail(tried, EPIPE));
	assert_false(bide_task_try_fail(tried, EIO));
	ASSERT_TRACE(bide_task_trace(tried), EPIPE, { false, tried_at, __func__ });
	bide_task_complete_from(from, made);
	assert_int_equal(bide_task_trace(from), bide_task_trace(made));
	of = value_task_as_task(load(SUSPENDED, EIO));
	assert_int_equal(bide_task_wait(of, NULL), EIO);
	ASSERT_TRACE(bide_task_trace(of), EIO, { false, made_line, "load" });
	task_unref(made);
	task_unref(tried);
	task_unref(from);
	task_unref(of);
	catch_misuse();
	assert_int_equal(bide_task_trace(NULL), 0);
	ASSERT_MISUSE("bide_task_trace");
}

TEST(a_task_of_a_source_has_its_trace)
{
	bide_user_source source;
	task *t;
	int line;

	bide_user_source_init(&source, NULL);
	t = value_task_as_task(bide_user_source_value_task(&source));
	line = __LINE__, bide_user_source_fail(&source, EIO);
	assert_int_equal(bide_task_wait(t, NULL), EIO);
	ASSERT_TRACE(bide_task_trace(t), EIO, { false, line, __func__ });
	task_unref(t);
}

TEST(a_wait_that_times_out_has_no_trace)
{
	task *never = task_create(0);

	assert_int_equal(bide_value_task_wait(load(READY, EIO), NULL), EIO);
	assert_int_not_equal(bide_trace_of_wait(), 0);
	assert_int_equal(bide_value_task_wait(value_task_from(3), NULL), 0);
	assert_int_not_equal(bide_trace_of_wait(), 0); /* of the last failed wait */
	assert_int_equal(bide_task_wait_for(never, NULL, 0), ETIMEDOUT);
	assert_int_equal(bide_trace_of_wait(), 0);
	task_complete_int(never, 0);
	task_unref(never);
}

/* --- through combinators, groups, loops, forks */

TEST(when_all_fails_with_the_trace_of_its_error)
{
	for (manner way = READY; way <= SUSPENDED; way++) {
		value_task items[3] = { load(way, ECANCELED), load(way, EIO), load(way, EPIPE) };
		bide_trace trace = wait_trace(when_all(items, 3), EIO);

		assert_made_in(trace, "load");
		assert_int_equal(bide_value_task_trace(items[0]), 0);
		assert_int_equal(bide_value_task_trace(items[1]), trace);
		assert_int_not_equal(bide_value_task_trace(items[2]), trace);
	}
}

TEST(when_all_tasks_fails_with_the_trace_of_its_error)
{
	for (manner way = READY; way <= SUSPENDED; way++) {
		task *tasks[2] = { value_task_as_task(load(way, ECANCELED)),
			               value_task_as_task(load(way, EIO)) };
		bide_trace trace = wait_trace(when_all_tasks(tasks, 2), EIO);

		assert_made_in(trace, "load");
		assert_int_equal(bide_task_trace(tasks[1]), trace);
		task_unref(tasks[0]);
		task_unref(tasks[1]);
	}
}

TEST(a_group_fails_with_the_trace_of_its_first_failure)
{
	for (manner way = READY; way <= SUSPENDED; way++)
		for (int count = 1; count < 4; count++) {
			bide_group group;

			assert_int_equal(bide_group_init(&group, &(bide_group_options){ .keep_going = true }),
			                 0);
			for (int i = 0; i < count; i++)
				bide_group_add(&group, load(way, i ? EIO : ECANCELED));
			if (count == 1)
				assert_int_equal(wait_trace(bide_group_wait(&group), ECANCELED), 0);
			else
				assert_made_in(wait_trace(bide_group_wait(&group), EIO), "load");
		}
}

static value_task body(int64_t index, void *argument)
{
	(void)argument;
	return index % 2 ? load(index % 3 ? READY : SUSPENDED, EIO) : value_task_from(0);
}

static value_task no_more(void *argument)
{
	(void)argument;
	return load(SUSPENDED, EPIPE);
}

static value_task item_body(bide_payload item, void *argument)
{
	(void)item;
	(void)argument;
	return value_task_completed();
}

TEST(a_loop_fails_with_the_trace_of_its_first_failure)
{
	assert_made_in(wait_trace(bide_for_each(0, 100, body, NULL, NULL), EIO), "load");
	assert_made_in(wait_trace(bide_for_each_of(no_more, item_body, NULL, NULL), EPIPE), "load");
}

static value_task continued(bide_task *ended, void *argument)
{
	(void)ended;
	(void)argument;
	return load(SUSPENDED, EIO);
}

static value_task ran(void *argument)
{
	(void)argument;
	return load(SUSPENDED, EIO);
}

TEST(the_library_adds_no_entries_of_its_own)
{
	task *first = task_create(0), *outer = task_create(0), *t;

	t = bide_task_continue_with(first, continued, NULL, 0);
	task_complete_int(first, 0);
	assert_int_equal(bide_task_wait(t, NULL), EIO);
	assert_made_in(bide_trace_of_wait(), "load");
	task_unref(t);
	t = bide_task_unwrap(outer);
	bide_task_complete_pointer(outer, value_task_as_task(load(SUSPENDED, EIO)));
	assert_int_equal(bide_task_wait(t, NULL), EIO);
	assert_made_in(bide_trace_of_wait(), "load");
	task_unref(t);
	task_unref(outer);
	task_unref(first);
	assert_made_in(wait_trace(bide_run(ran, NULL), EIO), "load");
}

struct child {
	ASYNC_FORK;
	struct {
		manner way;
	} in;
};
async_forked(child)
{
	return load(my->in.way, EIO);
}

struct forks {
	ASYNC_FRAME_FORKING;
	struct {
		manner way;
		bool join;
	} in;
	struct child child;
};

async(forks, child)
{
	async_begin;
	async_fork(child, my->child, .way = my->in.way);
	if (my->in.join)
		await(async_join(child, my->child));
async_finally:
	async_end;
}

TEST(a_fork_that_fails_has_its_trace)
{
	for (manner way = READY; way <= SUSPENDED; way++)
		for (int i = 0; i < 20; i++) {
			assert_passed_by(wait_trace(async_start(forks, .way = way, .join = true), EIO), "forks",
			                 "load");
			/* Without a join there is no await in the trace. */
			assert_made_in(wait_trace(async_start(forks, .way = way), EIO), "load");
		}
}

/* --- without a waiter */

TEST(the_unobserved_hook_is_given_the_trace)
{
	task *t;

	catch_unobserved();
	for (manner way = READY; way <= SUSPENDED; way++) {
		value_task_forget(load(way, EIO));
		settle(0);
		assert_int_equal(unobserved_error, EIO);
		assert_made_in(unobserved_trace, "load");
		unobserved_trace = 0;
		t = value_task_as_task(load(way, EIO));
		settle(0);
		task_unref(t);
		assert_made_in(unobserved_trace, "load");
		unobserved_trace = 0;
	}
	assert_int_equal(unobserved_count, 4);
}

static void leak_one(void)
{
	value_task lost = load(SUSPENDED, EIO);

	(void)lost.state;
	settle(0);
	settle_shutdown(false);
	abort();
}

TEST(a_leak_that_has_failed_is_reported_with_its_trace)
{
	EXPECT_ABORT(leak_one(), "it failed with error 5 (");
	EXPECT_ABORT(leak_one(), "test_trace.c:");
	EXPECT_ABORT(leak_one(), ") in load\n");
}

/* --- the text */

TEST(the_text_has_a_line_for_each_place)
{
	char expected[1024], *line = expected, part[64];
	bide_trace trace = wait_trace(async_start(outer, .way = SUSPENDED, .error = EIO), EIO);
	size_t length;

	line += sprintf(line, "%s:%d: error 5 (%s) in load\n", __FILE__, made_line, strerror(EIO));
	line += sprintf(line, "%s:%d: awaited in middle\n", __FILE__, middle_line);
	line += sprintf(line, "%s:%d: awaited in outer\n", __FILE__, outer_line);
	length = bide_trace_format(trace, text, sizeof text);
	assert_string_equal(text, expected);
	assert_int_equal(length, line - expected);
	assert_int_equal(bide_trace_format(trace, NULL, 0), length);
	for (size_t size = 1; size <= sizeof part; size++) {
		part[size - 1] = 'x';
		assert_int_equal(bide_trace_format(trace, part, size), length);
		assert_int_equal(strlen(part), size - 1);
		assert_memory_equal(part, expected, size - 1);
	}
	assert_int_equal(bide_trace_format(0, text, sizeof text), 0);
	assert_string_equal(text, "");
}

TEST(an_error_of_unknown_origin_begins_at_its_first_await)
{
	bide_trace trace;
	task *t = task_create(0);

	bide_task_fail_at_(t, ENOMEM, NULL); /* like an error of the library's own */
	assert_int_equal(bide_task_trace(t), 0);
	trace = wait_trace(async_start(awaits_task, .task = t), ENOMEM);
	task_unref(t);
	bide_trace_format(trace, text, sizeof text);
	assert_non_null(strstr(text, ": error 12 ("));
	assert_non_null(strstr(text, ") came out of an await in awaits_task\n"));
}

TEST(null_arguments_in_trace_h)
{
	catch_misuse();
	assert_false(bide_trace_read(wait_trace(load(READY, EIO), EIO), NULL));
	ASSERT_MISUSE("bide_trace_read");
	assert_int_equal(bide_trace_format(0, NULL, 5), 0);
	ASSERT_MISUSE("bide_trace_format");
}

/* --- the ring */

struct deep {
	ASYNC_FRAME;
	struct {
		int depth;
	} in;
};

async_declare(deep);

async(deep)
{
	async_begin;
	if (my->in.depth == 0)
		async_fail(EIO);
	await(async_start(deep, .depth = my->in.depth - 1));
async_finally:
	async_end;
}

static size_t entries(bide_trace trace, bide_trace *rest)
{
	bide_trace_entry entry;
	size_t count = 0;

	for (; bide_trace_read(trace, &entry); trace = entry.before)
		count++;
	*rest = trace;
	return count;
}

static size_t lines(void)
{
	size_t count = 0;

	for (const char *c = text; *c; c++)
		count += *c == '\n';
	return count;
}

TEST(the_text_of_a_long_trace_has_both_ends)
{
	bide_trace trace = wait_trace(async_start(deep, .depth = 63), EIO), rest;

	assert_int_equal(entries(trace, &rest), 64);
	bide_trace_format(trace, text, sizeof text);
	assert_int_equal(lines(), 64);
	assert_null(strstr(text, "more"));
	trace = wait_trace(async_start(deep, .depth = 99), EIO);
	assert_int_equal(entries(trace, &rest), 100);
	assert_int_equal(rest, 0);
	bide_trace_format(trace, text, sizeof text);
	assert_int_equal(lines(), 65);
	assert_non_null(strstr(text, "in deep\n(36 more)\n"));
	assert_non_null(strstr(text, ": error 5 ("));
}

TEST(overwritten_entries_are_gone_and_never_mistaken_for_others)
{
	bide_trace trace = wait_trace(async_start(deep, .depth = 3000), EIO), rest, old = trace;
	bide_trace_entry entry = { .line = 77 };
	size_t count = entries(trace, &rest);

	assert_in_range(count, RING - 64, RING);
	assert_int_not_equal(rest, 0);
	bide_trace_format(trace, text, sizeof text);
	assert_ptr_equal(strstr(text, "(older entries are gone)\n"), text);
	trace = wait_trace(load(READY, EIO), EIO);
	assert_made_in(trace, "load");
	for (int i = 0; i < RING; i++)
		(void)wait_trace(load(READY, EPIPE), EPIPE);
	assert_int_equal(entries(old, &rest), 0);
	assert_false(bide_trace_read(trace, &entry));
	assert_int_equal(entry.line, 77);
	bide_trace_format(trace, text, sizeof text);
	assert_string_equal(text, "(older entries are gone)\n");
}

TEST(other_numbers_are_not_traces)
{
	static const int64_t numbers[] = { 1, 3, -1, INT64_MAX, INT64_MIN, (int64_t)1 << 48 };
	bide_trace_entry entry;

	(void)wait_trace(load(READY, EIO), EIO);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		assert_false(bide_trace_read((bide_trace)numbers[i], &entry));
	assert_false(bide_trace_read((uintptr_t)&entry, &entry));
}

/* --- threads: an entry that is read is whole, whatever other threads write meanwhile */

enum { WRITERS = 4, FAILURES = 200000, FOUND_LEAST = 20000 };
static bide_trace shared_trace[WRITERS];
static atomic_int writing, found;

/* The error number identifies the writer, whose entries all have the same line and function. */
static void *fail_often(void *argument)
{
	static const bide_place places[WRITERS] = {
		{ "0", 1000, "zero" }, { "1", 1001, "one" }, { "2", 1002, "two" }, { "3", 1003, "three" }
	};
	int me = (int)(intptr_t)argument;

	if (me % 2) /* this thread is known to the library; the others take entry numbers one by one */
		task_unref(bide_task_from_int(100));
	for (int i = 0; i < FAILURES || atomic_load(&found) < FOUND_LEAST; i++) {
		value_task v = bide_value_task_failed_at_(1 + me, &places[me]);
		__atomic_store_n(&shared_trace[me], bide_value_task_trace(v), __ATOMIC_RELAXED);
	}
	atomic_fetch_sub(&writing, 1);
	return NULL;
}

static void *read_often(void *argument)
{
	unsigned seed = (unsigned)(uintptr_t)argument;

	while (atomic_load(&writing)) {
		unsigned of = (seed = seed * 1103515245 + 12345) >> 16 & 3;
		bide_trace trace = __atomic_load_n(&shared_trace[of], __ATOMIC_RELAXED);
		bide_trace_entry entry;

		/* Also reads entries that are just being overwritten. */
		if (trace && seed & 1)
			trace -= RING - (seed >> 8 & 31);
		if (!bide_trace_read(trace, &entry))
			continue;
		atomic_fetch_add(&found, 1);
		assert_in_range(entry.line, 1000, 1000 + WRITERS - 1);
		assert_int_equal(entry.error, entry.line - 1000 + 1);
		assert_int_equal(entry.file[0] - '0', entry.line - 1000);
		assert_int_equal(entry.before, 0);
	}
	return NULL;
}

TEST_SLOW(entries_are_whole_while_others_are_written, 60)
{
	pthread_t writers[WRITERS], readers[2];

	task_unref(bide_task_from_int(100)); /* with one worker, makes this thread the worker */
	atomic_store(&writing, WRITERS);
	for (intptr_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, fail_often, (void *)i), 0);
	for (intptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_often, (void *)(i + 1)), 0);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i], NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
}

struct any_worker {
	ASYNC_FRAME;
	struct {
		int depth;
	} in;
};

async_declare(any_worker);

async(any_worker)
{
	async_begin;
	await(bide_async_yield());
	if (my->in.depth == 0)
		async_fail(EIO);
	await(async_start(any_worker, .depth = my->in.depth - 1));
async_finally:
	async_end;
}

TEST_SLOW(many_workers_fail_at_once, 60)
{
	enum { ROUNDS = 40, ITEMS = 50, DEPTH = 3 };
	value_task items[ITEMS];
	bide_trace rest;

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < ITEMS; i++)
			items[i] = async_start(any_worker, .depth = DEPTH);
		assert_int_equal(wait_int(when_all(items, ITEMS), NULL), EIO);
		for (int i = 0; i < ITEMS; i++) {
			assert_int_equal(entries(bide_value_task_trace(items[i]), &rest), DEPTH + 1);
			assert_int_equal(rest, 0);
		}
		assert_int_equal(bide_trace_of_wait(), bide_value_task_trace(items[0]));
	}
}
