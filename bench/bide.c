/*
 * bide's answer to each case. With one worker everything runs on this thread, inside
 * bide_value_task_wait.
 *
 * The cases use the public interface, as a user would. Only `timers` uses internal functions: like
 * libuv's case, it measures the wheel itself, with a timer that already exists.
 */
#include "base/port.h"
#include "participant.h"
#include "source/timer.h"

#include <bide/short.h> /* last, because it defines short names */

enum { DEPTH = 1000, LIVE_COUNT = 100 * 1000 };

static void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "bide: %s\n", what);
		abort();
	}
}

/* Runs the root until it is done; the result must be `expected`. */
static void run_to_end(value_task root, int64_t expected)
{
	bide_payload result;

	must(bide_value_task_wait(root, &result) == 0, "the root failed");
	must(result.i == expected, "the root's result is wrong");
}

/* Returns the sum of 0 + 1 + ... + (count - 1) children, each of which returns its key + 1. */
static int64_t sum_of_answers(uint64_t count)
{
	return (int64_t)(count * (count + 1) / 2);
}

/* ---- ready_await */

static BENCH_NOINLINE value_task get_ready(int64_t key)
{
	BENCH_OPAQUE(key);
	return value_task_from(key + 1);
}

struct ready_root {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	int64_t i, answer, sum;
};

async(ready_root)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(my->answer, get_ready(my->i));
		my->sum += my->answer;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

static void ready_await(uint64_t count)
{
	run_to_end(async_start(ready_root, .count = (int64_t)count), sum_of_answers(count));
}

/* ---- frame_sync, task_sync */

struct through_frame {
	ASYNC_FRAME;
	struct {
		int64_t key;
	} in;
	int64_t answer;
};

async(through_frame)
{
	async_begin;
	await(my->answer, get_ready(my->in.key));
	async_return(my->answer);
async_finally:
	async_end;
}

static BENCH_NOINLINE value_task get_through_frame(int64_t key)
{
	return async_start(through_frame, .key = key);
}

static BENCH_NOINLINE task *get_task(int64_t key)
{
	/* + 100 because small numbers are shared constants. */
	return value_task_as_task(get_through_frame(key + 100));
}

struct frame_root {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	int64_t i, answer, sum;
};

async(frame_root)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(my->answer, get_through_frame(my->i));
		my->sum += my->answer;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

static void frame_sync(uint64_t count)
{
	run_to_end(async_start(frame_root, .count = (int64_t)count), sum_of_answers(count));
}

struct task_root {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	task *child;
	int64_t i, answer, sum;
};

async(task_root)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		my->child = get_task(my->i);
		await(my->answer, my->child);
		task_unref(my->child);
		my->sum += my->answer - 100;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

static void task_sync(uint64_t count)
{
	run_to_end(async_start(task_root, .count = (int64_t)count), sum_of_answers(count));
}

/* ---- suspend_resume */

struct after_yield {
	ASYNC_FRAME;
	struct {
		int64_t key;
	} in;
};

async(after_yield)
{
	async_begin;
	await(async_yield());
	async_return(my->in.key + 1);
async_finally:
	async_end;
}

static BENCH_NOINLINE value_task get_after_yield(int64_t key)
{
	return async_start(after_yield, .key = key);
}

struct suspend_root {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	int64_t i, answer, sum;
};

async(suspend_root)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(my->answer, get_after_yield(my->i));
		my->sum += my->answer;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

static void suspend_resume(uint64_t count)
{
	run_to_end(async_start(suspend_root, .count = (int64_t)count), sum_of_answers(count));
}

/* ---- round_trip: two functions yield to each other in turn */

struct taking_turns {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	int64_t i;
};

async(taking_turns)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++)
		await(async_yield());
	async_return(my->i);
async_finally:
	async_end;
}

static void round_trip(uint64_t count)
{
	value_task other = async_start(taking_turns, .count = (int64_t)count);

	run_to_end(async_start(taking_turns, .count = (int64_t)count), (int64_t)count);
	run_to_end(other, (int64_t)count);
}

/* ---- round_trip_source: two sources, used again and again; each function completes the other's */

static bide_user_source ping, pong;

static void hand_over(bide_user_source *source, int64_t value)
{
	bide_user_source_complete(source, (bide_payload){ .i = value });
}

struct ponging {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	int64_t i, value;
};

async(ponging)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(my->value, bide_user_source_value_task(&ping));
		bide_user_source_reset(&ping);
		hand_over(&pong, my->value);
	}
async_finally:
	async_end;
}

struct pinging {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	int64_t i, value;
};

async(pinging)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		hand_over(&ping, my->i);
		await(my->value, bide_user_source_value_task(&pong));
		bide_user_source_reset(&pong);
	}
	async_return(my->value);
async_finally:
	async_end;
}

static void round_trip_source(uint64_t count)
{
	value_task other;

	bide_user_source_init_local(&ping, NULL);
	bide_user_source_init_local(&pong, NULL);
	other = async_start(ponging, .count = (int64_t)count);
	run_to_end(async_start(pinging, .count = (int64_t)count), (int64_t)count - 1);
	run_to_end(other, 0);
}

/* ---- await_depth */

struct deep {
	ASYNC_FRAME;
	struct {
		int64_t levels;
	} in;
	int64_t below;
};

static value_task get_deep(int64_t levels);

async(deep)
{
	async_begin;
	if (my->in.levels == 1) {
		await(async_yield());
		async_return(1);
	}
	await(my->below, get_deep(my->in.levels - 1));
	async_return(my->below + 1);
async_finally:
	async_end;
}

static BENCH_NOINLINE value_task get_deep(int64_t levels)
{
	return async_start(deep, .levels = levels);
}

static void await_depth(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		run_to_end(get_deep(DEPTH), DEPTH);
}

/* ---- timers */

static bide_timer timer, *live;

/* Deadlines count from a time that was read once, like those of libuv from its loop's time. */
static void arm(bide_timer *at, int64_t now_ns, uint32_t *random)
{
	at->source.payload.i = now_ns + (int64_t)bench_next_delay_ms(random) * 1000000;
	bide_port_arm_(at);
}

static void timers(uint64_t count)
{
	int64_t now_ns = bide_now_ns();
	uint32_t random = 7;

	for (uint64_t i = 0; i < count; i++) {
		arm(&timer, now_ns, &random);
		bide_port_disarm_(&timer);
	}
}

static void live_prepare(void)
{
	int64_t now_ns = bide_now_ns();
	uint32_t random = 1;

	live = calloc(LIVE_COUNT, sizeof *live);
	must(live != NULL, "no memory");
	for (int i = 0; i < LIVE_COUNT; i++)
		arm(&live[i], now_ns, &random);
}

static void live_clean(void)
{
	for (int i = 0; i < LIVE_COUNT; i++)
		bide_port_disarm_(&live[i]);
	free(live);
}

/* ---- sleepers */

static bide_user_source all_awake;
static uint64_t awake, sleeper_count;

struct sleeper {
	ASYNC_FRAME;
	struct {
		int64_t ms;
	} in;
};

async(sleeper)
{
	async_begin;
	await(delay_ms(my->in.ms));
	if (++awake == sleeper_count)
		hand_over(&all_awake, 0);
async_finally:
	async_end;
}

static struct bench_sleepers sleepers(uint64_t count, uint64_t sleep_ms)
{
	struct bench_sleepers result = { 0 };
	uint64_t started, cpu;

	bide_user_source_init(&all_awake, NULL);
	sleeper_count = count;
	started = bench_now_ns();
	for (uint64_t i = 0; i < count; i++)
		value_task_forget(async_start(sleeper, .ms = (int64_t)sleep_ms));
	result.create_ns = (double)(bench_now_ns() - started);
	result.early = result.create_ns > (double)sleep_ms * 1e6;
	cpu = bench_cpu_ns();
	run_to_end(bide_user_source_value_task(&all_awake), 0);
	result.fire_ns = (double)(bench_cpu_ns() - cpu);
	must(awake == count, "not all woke");
	return result;
}

int main(int argc, char **argv)
{
	static const struct bench_case cases[] = {
		{ .bench = "ready_await", .who = "bide", .run = ready_await },
		{ .bench = "frame_sync", .who = "bide", .run = frame_sync },
		{ .bench = "task_sync", .who = "bide", .run = task_sync },
		{ .bench = "suspend_resume", .who = "bide", .run = suspend_resume },
		{ .bench = "round_trip", .who = "bide", .run = round_trip },
		{ .bench = "round_trip_source", .who = "bide", .run = round_trip_source },
		{ .bench = "timers", .who = "bide", .run = timers },
		{ .bench = "timers_100k",
		  .who = "bide",
		  .run = timers,
		  .prepare = live_prepare,
		  .clean = live_clean },
		{ .bench = "await_depth", .who = "bide", .run = await_depth, .operations = DEPTH },
	};

	/* All rows of this program are for one worker, which is this thread. */
	must(bide_configure(&(bide_config){ .workers = 1 }) == 0, "no runtime");
	return bench_participant(argc, argv, cases, sizeof cases / sizeof *cases, "bide", sleepers);
}
