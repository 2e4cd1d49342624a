/*
 * bide_dump and the leak report: how they name everything that can be awaited, the library's own
 * functions and completion sources.
 */
/* threads */
#include "support/task_support.h"

enum { LINES_MAX = 64, LINE_BYTES = 512 };

static char lines[LINES_MAX][LINE_BYTES];
static int line_count;

static void keep_line(const char *line, void *argument)
{
	assert_ptr_equal(argument, lines);
	assert_null(strchr(line, '\n'));
	if (line_count < LINES_MAX)
		snprintf(lines[line_count], sizeof lines[0], "%s", line);
	line_count++;
}

static size_t name_all(void)
{
	line_count = 0;
	return bide_dump(keep_line, lines);
}

/* Returns the line that begins with `begin` and contains `holds`, or NULL if there is none. */
static const char *line_with(const char *begin, const char *holds)
{
	for (int i = 0; i < line_count && i < LINES_MAX; i++)
		if (strncmp(lines[i], begin, strlen(begin)) == 0 && strstr(lines[i], holds))
			return lines[i];
	return NULL;
}

static void print_lines(void)
{
	for (int i = 0; i < line_count && i < LINES_MAX; i++)
		fprintf(stderr, "| %s\n", lines[i]);
}

#define ASSERT_LINE(begin, holds)                                             \
	do {                                                                      \
		if (!line_with((begin), (holds))) {                                   \
			fprintf(stderr, "no line \"%s...%s...\" in\n", (begin), (holds)); \
			print_lines();                                                    \
		}                                                                     \
		assert_non_null(line_with((begin), (holds)));                         \
	} while (0)

static void assert_not_said(const char *text)
{
	for (int i = 0; i < line_count && i < LINES_MAX; i++)
		if (strstr(lines[i], text)) {
			print_lines();
			fail_msg("the text \"%s\" is in the dump", text);
		}
}

struct waits {
	ASYNC_FRAME;
	struct {
		value_task what;
	} in;
};

async(waits)
{
	async_begin;
	await(my->in.what);
async_finally:
	async_end;
}

static value_task wait_for(value_task what)
{
	return async_start(waits, .what = what);
}

/* Asserts how the dump names a function that awaits `what`, which ends with the context. */
static void assert_awaited_is(bide_context *context, value_task what, const char *text)
{
	value_task waiting = wait_for(what);

	assert_int_equal(name_all(), 1);
	ASSERT_LINE("waits: awaiting", text);
	bide_context_cancel(context, ECANCELED);
	bide_context_unref(context);
	assert_int_equal(wait_int(waiting, NULL), ECANCELED);
}

TEST(a_delay_is_named_with_the_time_that_is_left)
{
	bide_context *context = bide_context_create(NULL);

	assert_awaited_is(context, bide_in_context(context, bide_delay(3600 * 1000 * MS)),
	                  "for a delay (3");
	context = bide_context_create(NULL);
	assert_awaited_is(context, bide_in_context(context, bide_delay(BIDE_FOREVER)),
	                  "for a delay without end");
	context = bide_context_create(NULL);
	assert_awaited_is(context, bide_in_context(context, bide_delay(9000 * MS)), " ms left)");
}

TEST(a_channel_and_a_watch_are_named_with_where_they_were_created)
{
	channel *c = channel_create(&(channel_options){ .element_bytes = 24 });
	int line = __LINE__;
	watch *w = watch_create(1, "");
	context *ends[4];
	char text[512];

	for (int i = 0; i < 4; i++)
		ends[i] = context_create(NULL);
	snprintf(text, sizeof text, "for a read of channel %p, created at %s:%d in ", (void *)c,
	         __FILE__, line - 1);
	assert_awaited_is(ends[0], in_context(ends[0], channel_read(c)), text);
	snprintf(text, sizeof text, "for a write to channel %p, created at %s:%d in ", (void *)c,
	         __FILE__, line - 1);
	assert_awaited_is(ends[1], in_context(ends[1], channel_write_many(c, text, 1)), text);
	snprintf(text, sizeof text, "for the close of channel %p, created at %s:%d in ", (void *)c,
	         __FILE__, line - 1);
	assert_awaited_is(ends[2], in_context(ends[2], channel_wait_closed(c)), text);
	snprintf(text, sizeof text, "for a change of watch %p, created at %s:%d in ", (void *)w,
	         __FILE__, line + 1);
	assert_awaited_is(ends[3], in_context(ends[3], watch_changed(w, 1)), text);
	channel_unref(c);
	watch_unref(w);
}

TEST(a_select_is_named_with_each_of_its_cases)
{
	channel *c = channel_create(&(channel_options){ .capacity = 1 });
	cancel_source *cancels = cancel_source_create();
	task *t = task_create(0);
	context *ends[3] = { context_create(NULL), context_create(NULL), context_create(NULL) };
	event e = BIDE_EVENT(false), other = BIDE_EVENT(false);
	hold mine = { 0 }, waits = { 0 };
	int64_t number = 0;
	char text[512];
	mutex m = { 0 };
	select_case cases[] = { select_mutex(&m, &waits),
		                    select_event(&e),
		                    select_read(c, &number),
		                    select_task(t),
		                    select_cancel_token(cancel_source_token(cancels)),
		                    select_delay(3600 * 1000 * MS),
		                    select_event(&other) };

	assert_true(mutex_try_hold(&m, &mine));
	snprintf(text, sizeof text, "bide_select of 6: mutex %p", (void *)&m);
	assert_awaited_is(ends[0], in_context(ends[0], bide_select(cases, 6)), text);
	snprintf(text, sizeof text, "; event %p; a read of channel %p; a task; a token; a delay; ...",
	         (void *)&e, (void *)c);
	assert_awaited_is(ends[1], in_context(ends[1], bide_select(cases, 7)), text);
	assert_int_equal(wait_int(channel_write(c, number), NULL), 0);
	cases[1] = select_write(c, &number);
	snprintf(text, sizeof text, "bide_select of 2: mutex %p; a write to channel %p", (void *)&m,
	         (void *)c);
	assert_awaited_is(ends[2], in_context(ends[2], bide_select(cases, 2)), text);
	hold_release(&mine);
	cancel_source_unref(cancels);
	task_unref(t);
	channel_unref(c);
}

TEST(a_read_of_a_channel_of_numbers_is_named)
{
	channel *c = channel_create(NULL);
	context *ends = context_create(NULL);
	char text[64];

	snprintf(text, sizeof text, "for a read of channel %p", (void *)c);
	assert_awaited_is(ends, in_context(ends, channel_read(c)), text);
	channel_unref(c);
}

TEST(a_tick_of_a_periodic_timer_is_named)
{
	bide_periodic_timer *timer = bide_periodic_timer_create(3600 * 1000 * MS);
	value_task waiting = wait_for(bide_periodic_timer_next(timer));

	assert_int_equal(name_all(), 1);
	ASSERT_LINE("waits: awaiting", "for a tick of a periodic timer");
	bide_periodic_timer_destroy(timer);
	(void)wait_int(waiting, NULL);
}

static task *gate;

static value_task gated(void *argument)
{
	(void)argument;
	return task_await(gate);
}

TEST(combinators_are_named_with_their_pending_items)
{
	value_task items[3], raced[2], any, each, waits_all, waits_race, waits_any;

	gate = task_create(0);
	for (int i = 0; i < 2; i++)
		items[i] = task_await(gate);
	items[2] = bide_value_task_completed();
	for (int i = 0; i < 2; i++)
		raced[i] = task_await(gate);
	any = each = task_await(gate);
	(void)each;
	waits_all = wait_for(when_all(items, 3));
	waits_race = wait_for(bide_race(NULL, raced, 2));
	waits_any = wait_for(when_any(&any, 1));
	assert_int_equal(name_all(), 3);
	ASSERT_LINE("waits: awaiting", "for bide_when_all (2 of 3 pending)");
	ASSERT_LINE("waits: awaiting", "for bide_race (2 of 2 pending)");
	ASSERT_LINE("waits: awaiting", "for bide_when_any (1 items)");
	bide_task_complete_int(gate, 1);
	assert_int_equal(wait_int(waits_all, NULL), 0);
	assert_int_equal(wait_int(waits_race, NULL), 0);
	assert_int_equal(wait_int(waits_any, NULL), 0);
	assert_int_equal(wait_int(any, NULL), 0);
	task_unref(gate);
}

static value_task body(int64_t index, void *argument)
{
	(void)index;
	(void)argument;
	return task_await(gate);
}

static atomic_bool let_go;

static value_task blocks(void *argument)
{
	(void)argument;
	while (!let_go)
		sleep_ms(1);
	return value_task_from(0);
}

TEST(a_blocking_call_is_named_and_whether_it_runs)
{
	value_task first, second;

	NOT_SEEDED("it needs threads, for calls that block");
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
	first = wait_for(bide_run_blocking(blocks, NULL));
	for (int i = 0; i < 2000 && !line_with("waits", "(running)"); i++) {
		sleep_ms(1);
		assert_int_equal(name_all(), 1);
	}
	ASSERT_LINE("waits: awaiting", "for bide_run_blocking (running)");
	second = wait_for(bide_run_blocking(blocks, NULL));
	assert_int_equal(name_all(), 2);
	ASSERT_LINE("waits: awaiting", "for bide_run_blocking (queued)");
	let_go = true;
	assert_int_equal(wait_int(first, NULL), 0);
	assert_int_equal(wait_int(second, NULL), 0);
}

/* --- groups */

struct owner {
	ASYNC_FRAME;
	struct {
		int64_t report_after_ns;
	} in;
	bide_group group;
};

async(owner)
{
	async_begin;
	if (bide_group_init(&my->group, NULL))
		async_fail(ENOMEM);
	bide_group_start(&my->group, await_it(gate, NULL, 0));
	bide_group_start(&my->group, await_it(gate, NULL, 0));
	if (my->in.report_after_ns)
		await(bide_group_wait_reporting(&my->group, my->in.report_after_ns));
	else
		await(group_wait(&my->group));
async_finally:
	async_end;
}

TEST(the_wait_of_a_group_is_named_with_the_number_of_members)
{
	value_task waiting;

	gate = task_create(0);
	waiting = async_start(owner);
	assert_int_equal(name_all(), 3);
	ASSERT_LINE("owner: awaiting", "for bide_group_wait (2 pending)");
	bide_task_complete_int(gate, 1);
	assert_int_equal(wait_int(waiting, NULL), 0);
	task_unref(gate);
}

TEST(a_wait_with_a_report_is_named_by_its_place_not_by_the_library_functions)
{
	value_task waiting;

	gate = task_create(0);
	waiting = async_start(owner, .report_after_ns = 3600 * 1000 * MS);
	assert_int_equal(name_all(), 3);
	ASSERT_LINE("owner: awaiting", "for bide_group_wait_reporting at tests/test_dump.c:");
	ASSERT_LINE("owner: awaiting", " in owner (2 pending)");
	assert_not_said("bide_group_waiter");
	assert_not_said("bide_group_reporter");
	assert_not_said("stuck.c");
	bide_task_complete_int(gate, 1);
	assert_int_equal(wait_int(waiting, NULL), 0);
	task_unref(gate);
}

TEST(only_the_users_part_of_a_leaked_wait_is_named_and_counted)
{
	gate = task_create(0);
	bide_report_hook_set(keep_line, lines);
	(void)async_start(owner, .report_after_ns = 3600 * 1000 * MS).state;
	assert_int_equal(shut_down(), 3);
	assert_int_equal(line_count, 3);
	ASSERT_LINE("leak: async function owner, ",
	            "for bide_group_wait_reporting at tests/test_dump.c:");
	ASSERT_LINE("leak: async function awaiter, ", "still waiting");
	task_unref(gate);
}

TEST(a_call_into_the_library_that_nothing_waits_for_is_one_leak)
{
	static bide_group group;

	gate = task_create(0);
	bide_report_hook_set(keep_line, lines);
	assert_int_equal(bide_group_init(&group, 0), 0);
	bide_group_add(&group, task_await(gate));
	(void)bide_group_wait_reporting(&group, 3600 * 1000 * MS).state;
	(void)bide_run(gated, NULL).state;
	(void)bide_for_each(0, 5, body, NULL, NULL).state;
	settle(0);
	assert_int_equal(shut_down(), 3);
	assert_int_equal(line_count, 3);
	ASSERT_LINE("leak: bide_group_wait_reporting at tests/test_dump.c:", ": still waiting");
	ASSERT_LINE("leak: bide_run: still waiting, for task ", "");
	ASSERT_LINE("leak: bide_for_each (", ": still waiting");
	task_unref(gate);
}

/* --- the library's own functions */

TEST(a_run_is_named_by_its_waiter_or_by_itself)
{
	value_task waiting, alone;

	gate = task_create(0);
	alone = bide_run(gated, NULL);
	waiting = wait_for(bide_run(gated, NULL));
	settle(0);
	assert_int_equal(name_all(), 2);
	ASSERT_LINE("bide_run: waiting for task ", "");
	ASSERT_LINE("waits: awaiting", "for bide_run, which waits for task ");
	assert_not_said("run.c");
	bide_task_complete_int(gate, 1);
	assert_int_equal(wait_int(alone, NULL), 0);
	assert_int_equal(wait_int(waiting, NULL), 0);
	task_unref(gate);
}

static value_task goes_on(task *t, void *argument)
{
	(void)t;
	(void)argument;
	return bide_value_task_completed();
}

TEST(a_continuation_is_named_by_the_call)
{
	task *after;

	gate = task_create(0);
	after = bide_task_continue_with(gate, goes_on, NULL, 0);
	settle(0);
	assert_int_equal(name_all(), 1);
	ASSERT_LINE("bide_task_continue_with: waiting for task ", "");
	bide_task_complete_int(gate, 1);
	assert_int_equal(bide_task_wait(after, NULL), 0);
	task_unref(after);
	task_unref(gate);
}

static value_task body_function(int64_t index, void *argument)
{
	(void)argument;
	return await_it(gate, NULL, (int)index);
}

TEST(a_loop_is_named_by_the_call_and_a_body_only_if_it_is_no_async_function)
{
	value_task plain, functions;

	gate = task_create(0);
	plain = wait_for(bide_for_each(0, 5, body, NULL, &(bide_parallel_options){ .limit = 2 }));
	settle(0);
	assert_int_equal(name_all(), 3);
	ASSERT_LINE("waits: awaiting", "for bide_for_each (2 of 5 begun, 2 at once)");
	ASSERT_LINE("bide_for_each: a body waits for task ", "");
	assert_not_said("bide_parallel");
	bide_task_complete_int(gate, 1);
	assert_int_equal(wait_int(plain, NULL), 0);
	task_unref(gate);

	gate = task_create(0);
	functions =
		wait_for(bide_for_each(0, 5, body_function, NULL, &(bide_parallel_options){ .limit = 2 }));
	settle(0);
	assert_int_equal(name_all(), 3);
	ASSERT_LINE("awaiter: awaiting", "for task ");
	assert_not_said("a body");
	bide_task_complete_int(gate, 1);
	assert_int_equal(wait_int(functions, NULL), 0);
	task_unref(gate);
}

TEST(in_debug_mode_calls_of_the_library_are_named_with_their_place)
{
	value_task loop;
	task *after;
	char text[128];
	unsigned line;

	assert_int_equal(bide_configure(&(bide_config){ .debug = true }), 0);
	gate = task_create(0);
	line = __LINE__ + 1;
	loop = bide_for_each(0, 5, body, NULL, &(bide_parallel_options){ .limit = 2 });
	after = bide_task_continue_with(gate, goes_on, NULL, 0);
	settle(0);
	(void)name_all();
	snprintf(text, sizeof text, " at tests/test_dump.c:%u in %s", line, __func__);
	ASSERT_LINE("bide_for_each (2 of 5 begun, 2 at once)", text);
	snprintf(text, sizeof text, " at tests/test_dump.c:%u in %s: waiting for task ", line + 1,
	         __func__);
	ASSERT_LINE("bide_task_continue_with", text);
	bide_task_complete_int(gate, 1);
	assert_int_equal(wait_int(loop, NULL), 0);
	assert_int_equal(bide_task_wait(after, NULL), 0);
	task_unref(after);
	task_unref(gate);
}

/* --- tasks */

TEST(a_task_that_is_an_async_function_is_named_by_it_with_its_references)
{
	task *of_function, *more;
	value_task waiting;

	gate = task_create(0);
	of_function = bide_value_task_as_task(await_it(gate, NULL, 0));
	more = task_ref(of_function);
	waiting = wait_for(task_await(of_function));
	assert_int_equal(name_all(), 2);
	ASSERT_LINE("waits: awaiting", " (of awaiter, 2 references)");
	bide_task_complete_int(gate, 1);
	assert_int_equal(wait_int(waiting, NULL), 0);
	task_unref(more);
	task_unref(of_function);
	task_unref(gate);
}

TEST(without_debug_mode_a_completion_source_has_an_address_and_all_are_counted)
{
	value_task waiting;
	char text[128];

	if (getenv("BIDE_DEBUG"))
		SKIP("debug mode records the place");
	gate = task_create(0);
	waiting = await_it(gate, NULL, 0);
	assert_int_equal(name_all(), 1);
	snprintf(text, sizeof text, "for task %p", (void *)gate);
	ASSERT_LINE("awaiter: awaiting", text);
	ASSERT_LINE("1 task made without an async function", "BIDE_DEBUG=1");
	bide_task_complete_int(gate, 1);
	assert_int_equal(wait_int(waiting, NULL), 0);
	task_unref(gate);
	assert_int_equal(name_all(), 0);
	assert_int_equal(line_count, 0);
}

TEST(in_debug_mode_a_task_is_named_with_its_place_and_references)
{
	unsigned line;
	task *lonely, *over;
	value_task waiting;
	char text[192];

	assert_int_equal(bide_configure(&(bide_config){ .debug = true }), 0);
	line = __LINE__ + 1;
	gate = task_create(0);
	lonely = task_create(0);
	over = task_create(0);
	bide_task_complete_int(over, 100);
	(void)task_ref(gate);
	waiting = await_it(gate, NULL, 0);
	assert_int_equal(name_all(), 1);
	snprintf(text, sizeof text, "for task %p (created at tests/test_dump.c:%u in %s, 2 references)",
	         (void *)gate, line, __func__);
	ASSERT_LINE("awaiter: awaiting", text);
	snprintf(text, sizeof text,
	         "task %p (created at tests/test_dump.c:%u in %s, 2 references): ", (void *)gate, line,
	         __func__);
	ASSERT_LINE(text, "pending, awaited");
	snprintf(text, sizeof text,
	         "task %p (created at tests/test_dump.c:%u in %s, 1 reference): ", (void *)lonely,
	         line + 1, __func__);
	ASSERT_LINE(text, "pending, and nothing awaits it");
	assert_int_equal(line_count, 3); /* a completed task is not listed */
	bide_task_complete_int(gate, 1);
	assert_int_equal(wait_int(waiting, NULL), 0);
	task_unref(gate);
	task_unref(gate);
	task_unref(lonely);
	task_unref(over);
	assert_int_equal(name_all(), 0);
	assert_int_equal(line_count, 0);
}

TEST(tasks_of_debug_mode_may_outlive_it)
{
	task *kept;

	assert_int_equal(bide_configure(&(bide_config){ .debug = true }), 0);
	kept = task_create(0);
	assert_int_equal(shut_down(), 0);
	bide_task_complete_int(kept, 1);
	task_unref(kept);
	assert_int_equal(name_all(), 0);
	assert_int_equal(line_count, 0);
}

/* --- many objects, and dumps while other threads go on */

enum { MANY = 500 };

static void count_line(const char *line, void *argument)
{
	(void)line;
	bide_stats_get(argument); /* takes the lock of the pools */
	line_count++;
}

TEST(a_dump_of_many_functions_names_each_once_and_writes_without_a_lock)
{
	static value_task waiting[MANY];
	bide_stats s;

	gate = task_create(0);
	for (int i = 0; i < MANY; i++)
		waiting[i] = await_it(gate, NULL, 0);
	assert_int_equal(bide_dump(count_line, &s), MANY);
	assert_int_equal(line_count, MANY + 1); /* one line more for the task */
	bide_task_complete_int(gate, 1);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(wait_int(waiting[i], NULL), 0);
	task_unref(gate);
}

struct frame_of_5000 {
	ASYNC_FRAME;
	char much[5000];
};

async(frame_of_5000)
{
	async_begin;
	await(task_await(gate));
async_finally:
	async_end;
}

TEST(large_frames_are_each_named_once)
{
	value_task waiting[40];

	gate = task_create(0);
	for (int i = 0; i < 40; i++)
		waiting[i] = async_start(frame_of_5000);
	assert_int_equal(name_all(), 40);
	assert_int_equal(line_count, 41);
	bide_task_complete_int(gate, 1);
	for (int i = 0; i < 40; i++)
		assert_int_equal(wait_int(waiting[i], NULL), 0);
	task_unref(gate);
}

static atomic_bool is_over;

static void *keeps_busy(void *argument)
{
	(void)argument;
	while (!is_over) {
		task *t = task_create(0);
		value_task v = await_it(t, NULL, 0);
		value_task items[2] = { await_it(t, NULL, 0), task_await(t) };
		value_task all = when_all(items, 2);

		bide_task_complete_int(t, 1);
		assert_int_equal(bide_value_task_wait(v, NULL), 0);
		assert_int_equal(bide_value_task_wait(all, NULL), 0);
		task_unref(t);
	}
	return NULL;
}

static void ignore_line(const char *line, void *argument)
{
	(void)line;
	(void)argument;
}

static void dump_while_others_run(bool debug)
{
	pthread_t threads[2];

	assert_int_equal(bide_configure(&(bide_config){ .workers = 3, .debug = debug }), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keeps_busy, NULL), 0);
	for (int i = 0; test_round(i, 2000); i++)
		(void)bide_dump(ignore_line, NULL);
	is_over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	is_over = false;
}

TEST_SLOW(other_threads_go_on_during_a_dump, 30)
{
	NOT_SEEDED("it has many workers");
	dump_while_others_run(false);
}

TEST_SLOW(other_threads_create_and_drop_tasks_during_a_dump_in_debug_mode, 30)
{
	NOT_SEEDED("it has many workers");
	dump_while_others_run(true);
}

struct emits_twice {
	ASYNC_GENERATOR;
};

async_generator(emits_twice)
{
	async_begin;
	async_emit(1);
	await(async_yield());
	async_emit(2);
async_finally:
	async_end;
}

TEST(a_generator_that_is_asked_for_nothing_waits_for_a_call)
{
	bide_generator *g = generator_start(emits_twice);
	name_all();
	ASSERT_LINE("emits_twice: not started yet, ", "for a call of bide_generator_next");
	assert_int_equal(bide_value_task_wait(generator_next(g), NULL), 0);
	name_all();
	ASSERT_LINE("emits_twice: awaiting", "for a call of bide_generator_next");
	assert_int_equal(bide_value_task_wait(generator_next(g), NULL), 0);
	assert_int_equal(bide_value_task_wait(generator_next(g), NULL), BIDE_EEND);
	name_all();
	ASSERT_LINE("emits_twice: ", "for a call of bide_generator_end");
	assert_int_equal(bide_value_task_wait(generator_end(g), NULL), 0);
	assert_int_equal(name_all(), 0);
}
