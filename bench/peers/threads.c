/*
 * The floor of the scheduler's rows. `call` is fib and skynet as plain recursion, with a real call
 * per node. `bare` is threads without a runtime: a cache line between two cores, a locked queue, a
 * futex, two sleeping threads, two that compute. `bare_lines` is two threads with a cache line for
 * each direction.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../participant.h"
#include "threads_overlap.h"

enum { THREADS = 2, LINE_BYTES = 64 };

static void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "threads: %s\n", what);
		abort();
	}
}

/* ---- fork_join_fib, skynet: nothing is forked */

/*
 * gcc would turn the second call into a loop and inline copies of the body for the first. The empty
 * statements and these attributes keep each node a real call with both compilers.
 */
#ifdef __clang__
#define ONE_CALL_A_NODE __attribute__((noinline))
#else
#define ONE_CALL_A_NODE __attribute__((noinline, noclone))
#endif

static ONE_CALL_A_NODE int64_t fib(int64_t n)
{
	int64_t first, second;

	if (n < 2)
		return n;
	first = fib(n - 1);
	BENCH_OPAQUE(first);
	second = fib(n - 2);
	BENCH_OPAQUE(second);
	return first + second;
}

static void fork_join_fib(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		int64_t n = BENCH_FIB;

		BENCH_OPAQUE(n);
		must(fib(n) == BENCH_FIB_RESULT, "fib is wrong");
	}
}

static ONE_CALL_A_NODE int64_t skynet(int64_t number, int64_t leaves)
{
	int64_t sum = 0;

	if (leaves == 1)
		return number;
	for (int i = 0; i < 10; i++) {
		sum += skynet(number + i * (leaves / 10), leaves / 10);
		BENCH_OPAQUE(sum);
	}
	return sum;
}

static void skynet_of(uint64_t count, int64_t leaves)
{
	for (uint64_t i = 0; i < count; i++) {
		BENCH_OPAQUE(leaves);
		must(skynet(0, leaves) == leaves * (leaves - 1) / 2, "skynet is wrong");
	}
}

static void skynet_run(uint64_t count)
{
	skynet_of(count, BENCH_SKYNET_LEAVES);
}

static void scale(uint64_t count)
{
	skynet_of(count, (int64_t)*bench_scale_leaves());
}

/* ---- round_trip_cross: two pinned threads that spin on one cache line, or each on its own */

static struct line {
	_Alignas(LINE_BYTES) _Atomic uint64_t turn;
	char rest[LINE_BYTES - sizeof(uint64_t)];
} lines[THREADS];

/* Acquire and release pair with those of the other side. */
static void wait_for_turn(struct line *line, uint64_t turn)
{
	unsigned spins = 0;

	while (atomic_load_explicit(&line->turn, memory_order_acquire) != turn)
		bench_spin(&spins);
}

static void set_turn(struct line *line, uint64_t turn)
{
	atomic_store_explicit(&line->turn, turn, memory_order_release);
}

/* One line for both directions: takes the odd turns or the even ones. */
static void share_line(uint64_t mine, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		wait_for_turn(&lines[0], 2 * i + mine);
		set_turn(&lines[0], 2 * i + mine + 1);
	}
}

/* A line for each direction, which one thread writes and the other one reads. */
static void use_own_line(uint64_t mine, uint64_t count)
{
	for (uint64_t i = 1; i <= count; i++) {
		if (mine == 0)
			set_turn(&lines[1], i);
		wait_for_turn(&lines[mine], i);
		if (mine == 1)
			set_turn(&lines[0], i);
	}
}

struct sides {
	void (*run)(uint64_t mine, uint64_t count);
	uint64_t count;
};

static void *other_side(void *argument)
{
	const struct sides *sides = argument;

	bench_pin(1);
	sides->run(1, sides->count);
	return NULL;
}

static void run_sides(void (*run)(uint64_t mine, uint64_t count), uint64_t count)
{
	struct sides sides = { .run = run, .count = count };
	pthread_t other;
	cpu_set_t before;

	must(sched_getaffinity(0, sizeof before, &before) == 0, "no affinity");
	atomic_store(&lines[0].turn, 0);
	atomic_store(&lines[1].turn, 0);
	must(pthread_create(&other, NULL, other_side, &sides) == 0, "no thread");
	bench_pin(0);
	run(0, count);
	pthread_join(other, NULL);
	(void)sched_setaffinity(0, sizeof before, &before);
}

static void round_trip_cross(uint64_t count)
{
	run_sides(share_line, count);
}

static void round_trip_lines(uint64_t count)
{
	run_sides(use_own_line, count);
}

/* ---- inject: a mutex, a condition, and two threads that take jobs */

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t more, empty;
	uint64_t queued, done;
	int waiting;
	bool stop;
	pthread_t threads[THREADS];
} pool = { .mutex = PTHREAD_MUTEX_INITIALIZER,
	       .more = PTHREAD_COND_INITIALIZER,
	       .empty = PTHREAD_COND_INITIALIZER };

static BENCH_NOINLINE int64_t trivial(int64_t key)
{
	BENCH_OPAQUE(key);
	return key + 1;
}

/* Jobs are only counted and not stored, so the queue costs only its lock. */
static void *take_jobs(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&pool.mutex);
	while (!pool.stop) {
		if (pool.queued == 0) {
			pool.waiting++;
			pthread_cond_wait(&pool.more, &pool.mutex);
			pool.waiting--;
			continue;
		}
		pool.queued--;
		pthread_mutex_unlock(&pool.mutex);
		(void)trivial(1);
		pthread_mutex_lock(&pool.mutex);
		if (++pool.done == BENCH_INJECTED)
			pthread_cond_signal(&pool.empty);
	}
	pthread_mutex_unlock(&pool.mutex);
	return NULL;
}

static void pool_start(void)
{
	pool.stop = false;
	for (int i = 0; i < THREADS; i++)
		must(pthread_create(&pool.threads[i], NULL, take_jobs, NULL) == 0, "no thread");
}

static void pool_stop(void)
{
	pthread_mutex_lock(&pool.mutex);
	pool.stop = true;
	pthread_cond_broadcast(&pool.more);
	pthread_mutex_unlock(&pool.mutex);
	for (int i = 0; i < THREADS; i++)
		pthread_join(pool.threads[i], NULL);
}

static void inject_once(void)
{
	pthread_mutex_lock(&pool.mutex);
	pool.done = 0;
	pthread_mutex_unlock(&pool.mutex);
	for (int i = 0; i < BENCH_INJECTED; i++) {
		bool wake;

		pthread_mutex_lock(&pool.mutex);
		pool.queued++;
		wake = pool.waiting > 0;
		pthread_mutex_unlock(&pool.mutex);
		if (wake)
			pthread_cond_signal(&pool.more);
	}
	pthread_mutex_lock(&pool.mutex);
	while (pool.done < BENCH_INJECTED)
		pthread_cond_wait(&pool.empty, &pool.mutex);
	pthread_mutex_unlock(&pool.mutex);
}

static void inject(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		inject_once();
}

/* ---- wake_latency: from before the futex wake to the first instruction of the sleeper */

static _Atomic uint32_t bell;
static _Atomic uint64_t woke_ns;

static void *sleeping(void *count)
{
	for (uint32_t i = 0; i < (uint32_t) * (uint64_t *)count; i++) {
		while (atomic_load(&bell) == i)
			syscall(SYS_futex, &bell, FUTEX_WAIT_PRIVATE, i, NULL, NULL, 0);
		atomic_store(&woke_ns, bench_now_ns());
	}
	return NULL;
}

static double wake_latency(uint64_t count)
{
	pthread_t sleeper;
	uint64_t sum_ns = 0;
	unsigned turn = 0;

	atomic_store(&bell, 0);
	must(pthread_create(&sleeper, NULL, sleeping, &count) == 0, "no thread");
	for (uint64_t i = 0; i < count; i++) {
		uint64_t rang_ns, heard_ns;

		bench_pause(BENCH_PAUSE_NS);
		atomic_store(&woke_ns, 0);
		rang_ns = bench_now_ns();
		atomic_fetch_add(&bell, 1);
		syscall(SYS_futex, &bell, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		while ((heard_ns = atomic_load(&woke_ns)) == 0)
			bench_spin(&turn);
		sum_ns += heard_ns - rang_ns;
	}
	pthread_join(sleeper, NULL);
	return (double)sum_ns;
}

/* ---- idle_cpu: a second of load, then nothing to do; the rest is this thread's own sleep */

static double idle_cpu(uint64_t count)
{
	uint64_t until = bench_now_ns() + BENCH_LOAD_NS;

	while (bench_now_ns() < until)
		inject(count);
	return bench_idle_cpu_us();
}

#define MANY .batch_min_ns = BENCH_WORKERS_BATCH_NS, .by_workers = true

int main(int argc, char **argv)
{
	static const struct bench_case one[] = {
		{ .bench = "fork_join_fib",
		  .who = "call",
		  .run = fork_join_fib,
		  .operations = BENCH_FIB_CALLS,
		  MANY },
		{ .bench = "skynet",
		  .who = "call",
		  .run = skynet_run,
		  .operations = BENCH_SKYNET_TASKS,
		  MANY },
		{ .bench = "scale", .who = "call", .run = scale, .batch_min_ns = BENCH_WORKERS_BATCH_NS },
	};
	static const struct bench_case two[] = {
		{ .bench = "round_trip_cross",
		  .who = "bare",
		  .run = round_trip_cross,
		  .batch_min_ns = BENCH_WORKERS_BATCH_NS },
		{ .bench = "round_trip_cross",
		  .who = "bare_lines",
		  .run = round_trip_lines,
		  .batch_min_ns = BENCH_WORKERS_BATCH_NS },
		{ .bench = "inject",
		  .who = "bare",
		  .run = inject,
		  .operations = BENCH_INJECTED,
		  .prepare = pool_start,
		  .clean = pool_stop,
		  MANY },
		{ .bench = "wake_latency", .who = "bare", .timed = wake_latency, MANY },
		{ .bench = "pipeline_overlap",
		  .who = "bare",
		  .timed = pipeline_overlap,
		  .alone = true,
		  MANY },
		{ .bench = "hidden_run", .who = "bare", .timed = hidden_run, .alone = true, MANY },
		{ .bench = "hidden_run", .who = "call", .timed = hidden_run_by_call, .alone = true, MANY },
		{ .bench = "hidden_leaf", .who = "bare", .timed = hidden_leaf, .alone = true, MANY },
		{ .bench = "idle_cpu",
		  .who = "bare",
		  .timed = idle_cpu,
		  .prepare = pool_start,
		  .clean = pool_stop,
		  .alone = true,
		  MANY },
	};

	if (bench_workers() == 1)
		return bench_participant(argc, argv, one, sizeof one / sizeof *one, "call", NULL);
	return bench_participant(argc, argv, two, bench_workers() == 2 ? sizeof two / sizeof *two : 0,
	                         "bare", NULL);
}
