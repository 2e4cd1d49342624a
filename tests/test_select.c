/*
 * bide_select: one case happens, and no other one.
 */
/* threads */
#include "support/task_support.h"

#include <sched.h>

#include "support/channel_support.h"

#include "support/limited_memory.h"

static channel *d;

static void make_two(size_t capacity)
{
	make(capacity, BIDE_CHANNEL_WAIT);
	d = channel_create(&(channel_options){ .capacity = capacity });
	assert_non_null(d);
}

static void unref_two(void)
{
	channel_unref(c);
	channel_unref(d);
}

/* Reads from both into *x and *y. */
static value_task read_two(int64_t *x, int64_t *y)
{
	return bide_select((bide_select_case[]){ bide_select_read(c, x), bide_select_read(d, y) }, 2);
}

TEST(a_case_that_can_happen_happens_at_once)
{
	int64_t x = 0, y = 0;

	make_two(2);
	assert_true(channel_try_write(d, (int64_t)7));
	assert_int_equal(result_of(read_two(&x, &y)), 1);
	assert_int_equal(y, 7);
	assert_int_equal(x, 0);
	assert_int_equal(channel_count(d), 0);
	unref_two();
}

/* Selects this case and a wait for nothing. It happens in the call, without an object. */
static void assert_free_of_objects(bide_select_case ready)
{
	event never = BIDE_EVENT(false);
	bide_select_case cases[] = { bide_select_event(&never), ready };
	value_task v = bide_select(cases, 2);

	assert_int_equal(v.state, 0);
	assert_int_equal(result_of(v), 1);
}

TEST(a_case_that_can_happen_at_once_needs_no_object)
{
	int64_t x = 0;
	mutex m = { 0 };
	semaphore s = BIDE_SEMAPHORE(2, 2);
	event set = BIDE_EVENT(true), automatic = BIDE_AUTO_EVENT(true);
	hold held = { 0 }, permits = { 0 };
	cancel_source *source = cancel_source_create();
	task *t = task_create(NULL);

	make_two(1);
	assert_free_of_objects(bide_select_write(d, &(int64_t){ 7 }));
	assert_free_of_objects(bide_select_read(d, &x));
	assert_int_equal(x, 7);
	assert_free_of_objects(bide_select_mutex(&m, &held));
	assert_free_of_objects(bide_select_semaphore(&s, 2, &permits));
	assert_int_equal(semaphore_count(&s), 0);
	assert_free_of_objects(bide_select_event(&set));
	assert_free_of_objects(bide_select_event(&automatic));
	assert_false(event_is_set(&automatic));
	cancel_source_cancel(source);
	assert_free_of_objects(bide_select_cancel_token(cancel_source_token(source)));
	task_complete_int(t, 1);
	assert_free_of_objects(bide_select_task(t));
	assert_free_of_objects(bide_select_value_task(value_task_from_int(1)));
	assert_free_of_objects(bide_select_delay(0));
	hold_release(&held);
	hold_release(&permits);
	task_unref(t);
	cancel_source_unref(source);
	unref_two();
}

/* A write is handed over to a read that waits, and a read takes it from a write that waits. */
TEST(a_select_that_happens_at_once_meets_what_waits)
{
	int64_t x = 0, seven = 7;

	make_two(0);
	value_task v = channel_read(d);
	assert_free_of_objects(bide_select_write(d, &seven));
	assert_int_equal(result_of(v), 7);
	v = channel_write(d, (int64_t)8);
	assert_free_of_objects(bide_select_read(d, &x));
	assert_int_equal(x, 8);
	assert_int_equal(error_of(v), 0);
	assert_true(channel_close(d, EIO));
	assert_int_equal(error_of(read_two(&x, &x)), EIO);
	unref_two();
}

TEST(of_two_cases_that_can_happen_one_happens)
{
	int64_t x = 0, y = 0, counts[2] = { 0 };

	make_two(2);
	for (int i = 0; i < 200; i++) {
		assert_true(channel_try_write(c, (int64_t)1));
		assert_true(channel_try_write(d, (int64_t)2));
		counts[result_of(read_two(&x, &y))]++;
		assert_int_equal(channel_count(c) + channel_count(d), 1);
		(void)channel_try_read(c, &x);
		(void)channel_try_read(d, &x);
	}
	assert_true(counts[0] > 20 && counts[1] > 20); /* the search begins at random */
	unref_two();
}

TEST(a_select_waits_and_leaves_the_other_channels)
{
	int64_t x = 0, y = 0;

	make_two(1);
	value_task v = read_two(&x, &y);
	assert_false(value_task_is_ready(v));
	assert_true(channel_try_write(c, (int64_t)5));
	assert_int_equal(channel_count(c), 0);
	assert_true(channel_try_write(d, (int64_t)6)); /* stays in the channel */
	assert_int_equal(channel_count(d), 1);
	assert_int_equal(result_of(v), 0);
	assert_int_equal(x, 5);
	assert_int_equal(y, 0);
	unref_two();
}

TEST(the_element_is_copied_when_the_await_resumes)
{
	int64_t x = 0, y = 0;

	make_two(1);
	value_task v = read_two(&x, &y);
	assert_true(channel_try_write(c, (int64_t)5));
	assert_int_equal(x, 0);
	assert_int_equal(result_of(v), 0);
	assert_int_equal(x, 5);
	unref_two();
}

TEST(a_select_writes)
{
	int64_t x = 1, y = 2, got = 0;

	make_two(0);
	value_task v =
		bide_select((bide_select_case[]){ bide_select_write(c, &x), bide_select_write(d, &y) }, 2);
	x = y = 0; /* they were copied */
	assert_false(value_task_is_ready(v));
	assert_true(channel_try_read(d, &got));
	assert_int_equal(got, 2);
	assert_false(channel_try_read(c, &got));
	assert_int_equal(result_of(v), 1);
	unref_two();
}

TEST(a_select_writes_to_an_unbounded_channel)
{
	for (int full = BIDE_CHANNEL_WAIT; full <= BIDE_CHANNEL_DROP_WRITE; full++) {
		channel *open_end = channel_create(&(channel_options){ .capacity = BIDE_CHANNEL_UNBOUNDED,
		                                                       .full = (bide_channel_full)full });
		for (int64_t x = 0; x < 2000; x++) {
			bide_select_case one = bide_select_write(open_end, &x);
			assert_int_equal(result_of(bide_select(&one, 1)), 0);
		}
		assert_int_equal(channel_count(open_end), 2000);
		channel_unref(open_end);
	}
}

TEST(two_selects_meet)
{
	int64_t x = 1, got = 0, other = 0;

	make_two(0);
	value_task v =
		bide_select((bide_select_case[]){ bide_select_write(c, &x), bide_select_read(d, &other) },
	                2);
	value_task w =
		bide_select((bide_select_case[]){ bide_select_read(d, &other), bide_select_read(c, &got) },
	                2);
	assert_int_equal(result_of(v), 0);
	assert_int_equal(result_of(w), 1);
	assert_int_equal(got, 1);
	unref_two();
}

TEST(a_select_does_not_meet_itself)
{
	int64_t x = 1, got = 0;

	make_two(0);
	value_task v =
		bide_select((bide_select_case[]){ bide_select_write(c, &x), bide_select_read(c, &got) }, 2);
	assert_false(value_task_is_ready(v));
	assert_true(channel_try_write(c, (int64_t)9));
	assert_int_equal(result_of(v), 1);
	assert_int_equal(got, 9);
	assert_false(channel_try_read(c, &got));
	unref_two();
}

/* An element of 8, 256 or 1 bytes, with bytes behind it that nothing may change. */
struct guarded {
	unsigned char element[256], guard[256];
};

static const unsigned element_sizes[] = { 8, 256, 1 };

static void check_guarded(const struct guarded *got, unsigned size_bytes, int value)
{
	for (unsigned i = 0; i < sizeof *got; i++)
		assert_int_equal(((const unsigned char *)got)[i], i < size_bytes ? value : 0xEE);
}

/* `winner` gives an element, before the select or while it waits. */
static void read_sizes(unsigned winner, bool ready)
{
	channel *channels[3];
	struct guarded got[3];
	unsigned char element[256];
	bide_select_case cases[3];

	memset(got, 0xEE, sizeof got);
	memset(element, 0x11, sizeof element);
	for (unsigned i = 0; i < 3; i++) {
		channels[i] =
			channel_create(&(channel_options){ .capacity = 1, .element_bytes = element_sizes[i] });
		cases[i] = bide_select_read_(channels[i], got[i].element, element_sizes[i]);
	}
	if (ready)
		assert_true(bide_channel_try_write_(channels[winner], element, element_sizes[winner]));
	value_task v = bide_select(cases, 3);
	if (!ready)
		assert_true(bide_channel_try_write_(channels[winner], element, element_sizes[winner]));
	assert_int_equal(result_of(v), winner);
	for (unsigned i = 0; i < 3; i++) {
		check_guarded(&got[i], i == winner ? element_sizes[i] : 0, 0x11);
		channel_unref(channels[i]);
	}
}

TEST(elements_of_several_sizes)
{
	for (unsigned winner = 0; winner < 3; winner++) {
		read_sizes(winner, true);
		read_sizes(winner, false);
	}
}

TEST(a_closed_channel_is_no_case_while_others_remain)
{
	int64_t x = 0, y = 0;

	make_two(1);
	assert_true(channel_close(c, 0));
	value_task v = read_two(&x, &y);
	assert_false(value_task_is_ready(v));
	assert_true(channel_try_write(d, (int64_t)3));
	assert_int_equal(result_of(v), 1);
	v = read_two(&x, &y);
	assert_true(channel_close(d, 0)); /* while it waits */
	assert_int_equal(error_of(v), BIDE_EEND);
	assert_int_equal(error_of(read_two(&x, &y)), BIDE_EEND);
	unref_two();
}

TEST(what_is_in_a_closed_channel_is_read_first)
{
	int64_t x = 0, y = 0;

	make_two(1);
	assert_true(channel_try_write(c, (int64_t)4));
	assert_true(channel_close(c, 0));
	assert_int_equal(result_of(read_two(&x, &y)), 0);
	assert_int_equal(x, 4);
	unref_two();
}

TEST(a_channel_closed_with_an_error_fails_the_select)
{
	int64_t x = 0, y = 0;

	make_two(1);
	value_task v = read_two(&x, &y);
	assert_true(channel_close(c, EIO));
	assert_int_equal(error_of(v), EIO);
	assert_int_equal(error_of(read_two(&x, &y)), EIO);
	assert_true(channel_try_write(d, (int64_t)1)); /* no one waits there */
	assert_int_equal(channel_count(d), 1);
	unref_two();
}

TEST(a_close_with_ECANCELED_fails_a_select_too)
{
	int64_t x = 0, y = 0;

	make_two(1);
	value_task v = read_two(&x, &y);
	value_task w = bide_select((select_case[]){ select_read(c, &x), select_read(d, &y) }, 2);
	assert_true(channel_close(c, ECANCELED));
	assert_int_equal(error_of(v), EPIPE);
	assert_int_equal(error_of(w), EPIPE);
	assert_int_equal(error_of(read_two(&x, &y)), EPIPE);
	bide_select_case one = bide_select_write(c, &x);
	assert_int_equal(error_of(bide_select(&one, 1)), EPIPE);
	unref_two();
}

TEST(a_write_to_a_closed_channel_is_no_case)
{
	int64_t x = 1, y = 0;

	make_two(1);
	assert_true(channel_close(c, 0));
	value_task v =
		bide_select((bide_select_case[]){ bide_select_write(c, &x), bide_select_read(d, &y) }, 2);
	assert_false(value_task_is_ready(v));
	assert_true(channel_try_write(d, (int64_t)2));
	assert_int_equal(result_of(v), 1);
	unref_two();
}

TEST(a_delay_is_a_case)
{
	int64_t x = 0;

	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	make_two(1);
	int64_t before_ns = bide_now_ns();
	assert_int_equal(result_of(bide_select((bide_select_case[]){ bide_select_read(c, &x),
	                                                             bide_select_delay(BIDE_MS(50)) },
	                                       2)),
	                 1);
	assert_int_equal(bide_now_ns() - before_ns, BIDE_MS(50));
	value_task v =
		bide_select((bide_select_case[]){ bide_select_read(c, &x), bide_select_delay(BIDE_MS(50)) },
	                2);
	assert_true(channel_try_write(c, (int64_t)8));
	assert_int_equal(result_of(v), 0);
	assert_none(timer_count); /* it ended with the select */
	unref_two();
}

TEST(a_delay_of_0_happens_if_nothing_else_can)
{
	int64_t x = 0;

	make_two(1);
	bide_select_case cases[] = { bide_select_delay(0), bide_select_read(c, &x) };
	assert_int_equal(result_of(bide_select(cases, 2)), 0);
	assert_true(channel_try_write(c, (int64_t)8));
	assert_int_equal(result_of(bide_select(cases, 2)), 1);
	unref_two();
}

TEST(when_all_channels_have_ended_a_delay_is_not_waited_for)
{
	int64_t x = 0;

	for (int ms = 0; ms < 2; ms++) {
		make_two(1);
		bide_select_case cases[] = { bide_select_delay(BIDE_SECONDS(100) * ms),
			                         bide_select_read(c, &x), bide_select_read(d, &x) };
		value_task v = ms ? bide_select(cases, 3) : value_task_completed();
		assert_true(channel_close(c, 0));
		assert_true(channel_close(d, 0));
		assert_int_equal(error_of(v), ms ? BIDE_EEND : 0);
		assert_int_equal(error_of(bide_select(cases, 3)), BIDE_EEND);
		assert_none(timer_count);
		unref_two();
	}
	bide_select_case alone = bide_select_delay(1);
	assert_int_equal(result_of(bide_select(&alone, 1)), 0);
}

TEST(a_value_task_is_a_case_and_stays_yours)
{
	int64_t x = 0;
	user_source source;

	make_two(1);
	user_source_init(&source, NULL);
	value_task w = user_source_value_task(&source);
	bide_select_case cases[] = { bide_select_read(c, &x), bide_select_value_task(w) };
	value_task v = bide_select(cases, 2);
	assert_true(channel_try_write(c, (int64_t)8));
	assert_int_equal(result_of(v), 0);
	v = bide_select(cases, 2);
	user_source_complete_int(&source, 42);
	assert_int_equal(result_of(v), 1);
	assert_int_equal(result_of(bide_select(cases, 2)), 1); /* it is over */
	assert_int_equal(result_of(w), 42);
	unref_two();
}

TEST(a_canceled_select_reads_nothing)
{
	context *scope = context_create(NULL);
	int64_t x = 0, y = 0;

	make_two(1);
	value_task v = in_context(scope, read_two(&x, &y));
	context_cancel(scope, ECANCELED);
	assert_true(channel_try_write(c, (int64_t)1));
	assert_true(channel_try_write(d, (int64_t)2));
	assert_int_equal(error_of(v), ECANCELED);
	assert_int_equal(channel_count(c) + channel_count(d), 2);
	assert_int_equal(error_of(in_context(scope, read_two(&x, &y))), ECANCELED);
	assert_int_equal(channel_count(c) + channel_count(d), 2);
	context_unref(scope);
	unref_two();
}

TEST(a_forgotten_select_leaves_at_once_or_drops_its_element)
{
	int64_t x = 0, y = 0;

	make_two(1);
	bide_value_task_forget(read_two(&x, &y));
	assert_true(channel_try_write(c, (int64_t)1));
	assert_int_equal(channel_count(c), 1);
	bide_value_task_forget(read_two(&x, &y)); /* it has read */
	assert_int_equal(channel_count(c), 0);
	assert_dropped(1);
	unref_two();
}

TEST(a_write_that_waits_for_a_channel_that_closes_ends_as_one_that_comes_later)
{
	int64_t x = 1;

	make_two(0);
	bide_select_case one = bide_select_write(c, &x);
	value_task v = bide_select(&one, 1);
	assert_true(channel_close(c, 0));
	assert_int_equal(error_of(v), BIDE_EEND);
	assert_int_equal(error_of(bide_select(&one, 1)), BIDE_EEND);
	unref_two();
}

/* --- a select that became a task, and is dropped on another thread --- */

enum { DROPPED_EACH = 200 };

static _Atomic(bide_task *) to_drop;
static atomic_bool all_made;

static void *drop_tasks(void *argument)
{
	bide_task *t;

	while (!all_made || to_drop) {
		t = atomic_exchange(&to_drop, NULL);
		if (t)
			bide_task_unref(t);
		else
			sched_yield();
	}
	return argument;
}

struct make_tasks {
	ASYNC_FRAME;
	user_source source;
	value_task pending;
	int64_t x;
	int i;
};

async(make_tasks)
{
	async_begin;
	bide_user_source_init_local(&my->source, NULL);
	my->pending = user_source_value_task(&my->source);
	for (my->i = 0; my->i < DROPPED_EACH; my->i++) {
		while (to_drop)
			await(async_yield());
		/* A timer of its own keeps the wheel in use meanwhile. */
		await(delay(1000));
		to_drop = value_task_as_task(
			bide_select((bide_select_case[]){ bide_select_read(c, &my->x),
		                                      bide_select_delay(BIDE_MS(1) / 10) },
		                2));
	}
	while (to_drop)
		await(async_yield());
	bide_user_source_complete_int(&my->source, 1);
	await(my->x, my->pending);
	async_return(my->x);
async_finally:
	async_end;
}

TEST(a_select_that_is_a_task_is_dropped_on_another_thread)
{
	pthread_t thread;

	make_two(1);
	assert_int_equal(pthread_create(&thread, NULL, drop_tasks, NULL), 0);
	value_task v = bide_async_start(make_tasks);
	assert_int_equal(result_of(v), 1);
	all_made = true;
	pthread_join(thread, NULL);
	settle_workers();
	unref_two();
}

TEST(the_last_unref_fails_a_select)
{
	int64_t x = 0, y = 0;

	make_two(1);
	value_task v = read_two(&x, &y);
	unref_two();
	assert_int_equal(error_of(v), BIDE_EBROKEN);
}

TEST(misuse_of_a_select)
{
	int64_t x = 0;
	char small;

	make_two(1);
	catch_misuse();
	assert_int_equal(error_of(bide_select(NULL, 1)), EINVAL);
	ASSERT_MISUSE("bide_select: cases is NULL");
	assert_int_equal(error_of(bide_select((bide_select_case[]){ bide_select_read(c, &x) }, 0)),
	                 EINVAL);
	ASSERT_MISUSE("bide_select: count is 0; 1 to 1024 are allowed");
	assert_int_equal(error_of(bide_select((bide_select_case[]){ bide_select_read(c, &small) }, 1)),
	                 EINVAL);
	ASSERT_MISUSE("bide_select: the element of case 0 has 1 bytes; those of the channel have 8");
	assert_int_equal(
		error_of(bide_select((bide_select_case[]){ bide_select_read((channel *)NULL, &x) }, 1)),
		EINVAL);
	ASSERT_MISUSE("bide_select: case 0: channel is NULL");
	assert_int_equal(error_of(bide_select((bide_select_case[]){ { 0 } }, 1)), EINVAL);
	ASSERT_MISUSE("bide_select: case 0 is not initialised");
	assert_int_equal(error_of(bide_select(
						 (bide_select_case[]){ bide_select_delay(1), bide_select_delay(2) }, 2)),
	                 EINVAL);
	ASSERT_MISUSE("bide_select: case 1 is a second delay; one is allowed");
	assert_int_equal(
		error_of(bide_select((bide_select_case[]){ bide_select_value_task(async_yield()) }, 1)),
		EINVAL);
	ASSERT_MISUSE("bide_select: case 0 is a bide_async_yield");
	unref_two();
}

TEST(without_memory_no_case_has_happened)
{
	int64_t x = 0, y = 0;

	limit_objects();
	make_two(1);
	assert_true(channel_try_write(c, (int64_t)1));
	allowed_allocations = 0;
	value_task v = read_two(&x, &y);
	allowed_allocations = -1;
	assert_int_equal(error_of(v), ENOMEM);
	assert_int_equal(channel_count(c), 1);
	allowed_allocations = 1; /* the select, but not its timer */
	v = bide_select((bide_select_case[]){ bide_select_read(d, &x), bide_select_delay(BIDE_MS(1)) },
	                2);
	allowed_allocations = -1;
	assert_int_equal(error_of(v), ENOMEM);
	unref_two();
}

TEST(a_write_that_finds_no_memory_for_a_segment_fails_and_writes_nothing)
{
	int64_t x, got = 0;
	int error = 0;

	limit_objects();
	make(BIDE_CHANNEL_UNBOUNDED, BIDE_CHANNEL_WAIT);
	for (x = 0; x < 10000 && !error; x++) {
		bide_select_case one = bide_select_write(c, &x);
		allowed_allocations = 1; /* the select, but no segment */
		value_task v = bide_select(&one, 1);
		allowed_allocations = -1;
		error = error_of(v);
	}
	assert_int_equal(error, ENOMEM);
	assert_int_equal(channel_count(c), x - 1);
	bide_select_case one = bide_select_write(c, &x);
	assert_int_equal(result_of(bide_select(&one, 1)), 0); /* there is memory again */
	for (int64_t i = 0; i < x - 1; i++) {
		assert_true(channel_try_read(c, &got));
		assert_int_equal(got, i);
	}
	assert_true(channel_try_read(c, &got));
	assert_int_equal(got, x);
	channel_unref(c);
}

/* --- many at once: what is written is read once --- */

enum { WRITERS = 4, READERS = 4, EACH = 300 };

static atomic_llong written_sum, read_sum, read_count;

/* Writes each number to one of the two channels. */
struct write_to_any {
	ASYNC_FRAME;
	struct {
		int first;
	} in;
	int64_t number;
	int i, which;
};

async(write_to_any)
{
	async_begin;
	for (my->i = 0; my->i < EACH; my->i++) {
		my->number = my->in.first + my->i;
		await(my->which, bide_select((bide_select_case[]){ bide_select_write(c, &my->number),
		                                                   bide_select_write(d, &my->number) },
		                             2));
		atomic_fetch_add(&written_sum, my->number);
		if (my->i % 8 == 0)
			await(async_yield());
	}
	async_return(0);
async_finally:
	async_end;
}

struct read_from_any {
	ASYNC_FRAME;
	int64_t x, y;
	int which;
};

async(read_from_any)
{
	async_begin;
	for (;;) {
		await_or(my->which, read_two(&my->x, &my->y), break);
		atomic_fetch_add(&read_sum, my->which ? my->y : my->x);
		atomic_fetch_add(&read_count, 1);
	}
	async_return(0);
async_finally:
	async_end;
}

static void run_many(size_t capacity)
{
	value_task writers[WRITERS], readers[READERS];

	written_sum = read_sum = read_count = 0;
	make_two(capacity);
	for (int i = 0; i < READERS; i++)
		readers[i] = bide_async_start(read_from_any);
	for (int i = 0; i < WRITERS; i++)
		writers[i] = bide_async_start(write_to_any, .first = i * EACH);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(error_of(writers[i]), 0);
	channel_close(c, 0);
	channel_close(d, 0);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(error_of(readers[i]), 0);
	assert_int_equal(read_count, WRITERS * EACH);
	assert_int_equal(read_sum, written_sum);
	unref_two();
}

TEST(select_against_select_loses_nothing)
{
	for (size_t capacity = 0; capacity <= 4; capacity += 2)
		run_many(capacity);
}
