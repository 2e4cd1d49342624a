/*
 * bide's answer to the rows of the scheduler. Each process has one configuration, with as many
 * workers as BENCH_WORKERS says. With one, everything runs on this thread inside
 * bide_value_task_wait. With more, this thread is not a worker: the measured functions yield once
 * and from then on run on a worker.
 *
 * The cases use the public interface, as a user would.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "bide_workers.h"

#include <bide/short.h> /* last, because it defines short names */

/* ---- run_await, inject: functions for the workers */

BENCH_NOINLINE int64_t trivial(int64_t key)
{
	BENCH_OPAQUE(key);
	return key + 1;
}

value_task run_trivial(void *key)
{
	return value_task_from(trivial((int64_t)(intptr_t)key));
}

struct run_root {
	ASYNC_FRAME;
	struct {
		int64_t count;
	} in;
	int64_t i, answer, sum;
};

async(run_root)
{
	async_begin;
	await(async_yield());
	for (my->i = 0; my->i < my->in.count; my->i++) {
		await(my->answer, bide_run(run_trivial, (void *)(intptr_t)my->i));
		my->sum += my->answer;
	}
	async_return(my->sum);
async_finally:
	async_end;
}

static void run_await(uint64_t count)
{
	run_to_end(async_start(run_root, .count = (int64_t)count), sum_of_answers(count));
}

static struct {
	_Atomic int left;
	sem_t all_done;
} injected;

static value_task run_injected(void *key)
{
	(void)trivial((int64_t)(intptr_t)key);
	/* Acquire and release: the last job has seen the effects of the others. */
	if (atomic_fetch_sub_explicit(&injected.left, 1, memory_order_acq_rel) == 1)
		sem_post(&injected.all_done);
	return value_task_from(0);
}

static void inject(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		atomic_store(&injected.left, BENCH_INJECTED);
		for (int job = 0; job < BENCH_INJECTED; job++)
			value_task_forget(bide_run(run_injected, (void *)(intptr_t)job));
		while (sem_wait(&injected.all_done) != 0)
			;
	}
}

/* ---- suspend_resume: the row of one thread, with workers that look for functions to steal */

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
	await(async_yield());
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

/*
 * ---- round_trip_source: two functions complete each other's source. They run anywhere: either may
 * be on either worker at any turn, so the sources are not local ones.
 */

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
	await(async_yield());
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
	await(async_yield());
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

	bide_user_source_init(&ping, NULL);
	bide_user_source_init(&pong, NULL);
	other = async_start(ponging, .count = (int64_t)count);
	run_to_end(async_start(pinging, .count = (int64_t)count), (int64_t)count - 1);
	run_to_end(other, 0);
}

/* ---- round_trip_cross: two functions in the loops of two threads complete each other's source */

static struct side {
	_Alignas(64) bide_user_source turn;
	_Alignas(64) bide_executor *loop;
	struct side *other;
	_Atomic bool done;
} sides[2];

static _Atomic int sides_ready;

struct taking_turns {
	ASYNC_FRAME;
	struct {
		struct side *side;
		int64_t count;
		bool first;
	} in;
	int64_t i;
};

async(taking_turns)
{
	async_begin;
	for (my->i = 0; my->i < my->in.count; my->i++) {
		if (my->in.first)
			bide_user_source_complete(&my->in.side->other->turn, (bide_payload){ .i = my->i });
		await(bide_user_source_value_task(&my->in.side->turn));
		bide_user_source_reset(&my->in.side->turn);
		if (!my->in.first)
			bide_user_source_complete(&my->in.side->other->turn, (bide_payload){ .i = my->i });
	}
	atomic_store(&my->in.side->done, true);
async_finally:
	async_end;
}

static value_task take_turns(struct side *side, int64_t count, bool first)
{
	return async_start(taking_turns, .side = side, .count = count, .first = first);
}

/*
 * Both threads run their loops without sleeping, like threads that also have other work. They are
 * pinned, as those of the bare participants are.
 */
static void run_side(struct side *side, uint64_t count, bool first)
{
	unsigned turn = 0;

	bench_pin(first ? 0 : 1);
	side->loop = bide_loop_create();
	must(side->loop != NULL, "no loop");
	bide_user_source_init(&side->turn, NULL);
	atomic_store(&side->done, false);
	atomic_fetch_add(&sides_ready, 1);
	while (atomic_load(&sides_ready) < 2)
		bench_spin(&turn);
	value_task_forget(bide_with_executor(side->loop, take_turns(side, (int64_t)count, first)));
	while (!atomic_load(&side->done)) {
		(void)bide_loop_run(side->loop, 0, NULL);
		bench_spin(&turn);
	}
	bide_executor_unref(side->loop);
}

static void *other_side(void *count)
{
	run_side(&sides[1], *(uint64_t *)count, false);
	return NULL;
}

static void round_trip_cross(uint64_t count)
{
	pthread_t other;
	cpu_set_t before;

	must(sched_getaffinity(0, sizeof before, &before) == 0, "no affinity");
	sides[0].other = &sides[1];
	sides[1].other = &sides[0];
	atomic_store(&sides_ready, 0);
	must(pthread_create(&other, NULL, other_side, &count) == 0, "no thread");
	run_side(&sides[0], count, true);
	pthread_join(other, NULL);
	(void)sched_setaffinity(0, sizeof before, &before);
}

/* ---- wake_latency: from before the completion to the first line after the await */

static bide_user_source bell;
static _Atomic uint64_t woke_ns;

struct listening {
	ASYNC_FRAME;
};

async(listening)
{
	async_begin;
	await(bide_user_source_value_task(&bell));
	atomic_store(&woke_ns, bench_now_ns());
async_finally:
	async_end;
}

static double wake_latency(uint64_t count)
{
	uint64_t sum_ns = 0;
	unsigned turn = 0;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t rang_ns, heard_ns;
		value_task listener;

		bide_user_source_init(&bell, NULL);
		listener = async_start(listening);
		atomic_store(&woke_ns, 0);
		bench_pause(BENCH_PAUSE_NS);
		rang_ns = bench_now_ns();
		bide_user_source_complete(&bell, (bide_payload){ .i = 0 });
		while ((heard_ns = atomic_load(&woke_ns)) == 0)
			bench_spin(&turn);
		sum_ns += heard_ns - rang_ns;
		run_to_end(listener, 0);
	}
	return (double)sum_ns;
}

static void read_counts(uint64_t counts[COUNT_COUNT])
{
	bide_stats stats;

	bide_stats_get(&stats);
	counts[COUNT_WAKES] = stats.wake_count;
	counts[COUNT_VAIN_WAKES] = stats.vain_wake_count;
	counts[COUNT_FENCES] = stats.fence_count;
	counts[COUNT_THEFTS] = stats.theft_count;
	counts[COUNT_LONE_THEFTS] = stats.lone_theft_count;
	counts[COUNT_SYSTEM_CALLS] = stats.scheduler_call_count;
}

#define MANY .who = "bide", .batch_min_ns = BENCH_WORKERS_BATCH_NS, .by_workers = true
#define CROSS .who = "bide", .batch_min_ns = BENCH_WORKERS_BATCH_NS

int main(int argc, char **argv)
{
	static const struct bench_case cases[] = {
		{ .bench = "spawn_await", .run = spawn_await, MANY },
		{ .bench = "fork_join_fib", .run = fork_join_fib, .operations = BENCH_FIB_CALLS, MANY },
		{ .bench = "skynet", .run = skynet_run, .operations = BENCH_SKYNET_TASKS, MANY },
		{ .bench = "run_await", .run = run_await, MANY },
		{ .bench = "suspend_resume", .run = suspend_resume, MANY },
		{ .bench = "round_trip_source", .run = round_trip_source, MANY },
		{ .bench = "mutex", .run = mutex_alone, MANY },
		{ .bench = "mutex_contended", .run = mutex_contended, .operations = 4, MANY },
		{ .bench = "semaphore", .run = semaphore_alone, MANY },
		{ .bench = "semaphore_contended", .run = semaphore_contended, .operations = 4, MANY },
		{ .bench = "generator", .run = generator_plain, MANY },
		{ .bench = "generator_map", .run = generator_mapped, MANY },
		{ .bench = "generator_wait", .run = generator_waits, MANY },
		{ .bench = "channel_1_1", .run = channel_one_to_one, MANY },
		{ .bench = "channel_1_1_batch", .run = channel_in_batches, MANY },
		{ .bench = "channel_4_4", .run = channel_four_to_four, .operations = 4, MANY },
		{ .bench = "channel_cap1", .run = channel_of_one, MANY },
		{ .bench = "channel_rendezvous", .run = channel_handing_over, MANY },
		{ .bench = "channel_cross", .run = channel_across, CROSS },
		{ .bench = "select_2_ready", .run = select_ready, MANY },
		{ .bench = "select_2_waiting", .run = select_waiting, .operations = 2, MANY },
		{ .bench = "inject", .run = inject, .operations = BENCH_INJECTED, MANY },
		{ .bench = "round_trip_cross", .run = round_trip_cross, CROSS },
		{ .bench = "wake_latency", .timed = wake_latency, MANY },
		{ .bench = "pipeline_overlap",
		  .timed = pipeline_overlap,
		  .operations = BENCH_STAGE_RUNS * BENCH_STAGE_ITEMS,
		  .alone = true,
		  MANY },
		{ .bench = "hidden_run",
		  .timed = hidden_run,
		  .operations = BENCH_HIDDEN_RUNS * (BENCH_HIDDEN_CHAIN + 1),
		  .alone = true,
		  MANY },
		{ .bench = "hidden_leaf",
		  .timed = hidden_leaf,
		  .operations = BENCH_LEAF_RUNS,
		  .alone = true,
		  MANY },
		{ .bench = "idle_cpu", .timed = idle_cpu, .alone = true, MANY },
		{ .bench = "scale", .run = scale, CROSS },
	};
	int workers = bench_workers();

	if (workers > 0) {
		int error = bide_configure(&(bide_config){ .workers = (unsigned)workers });

		if (error != 0)
			bench_refuse("bide_configure refused %d workers: %s", workers, strerror(error));
	}
	*bench_counts_reader() = read_counts;
	must(sem_init(&injected.all_done, 0, 0) == 0, "no semaphore");
	return bench_participant(argc, argv, cases, workers > 0 ? sizeof cases / sizeof *cases : 0,
	                         "bide", NULL);
}
