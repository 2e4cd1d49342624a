/*
 * oneTBB's answer to the scheduler's rows: parallel_invoke and task_group in an arena with one slot
 * per worker. The waiting thread is one of the workers, as oneTBB intends. External jobs use
 * `enqueue`, and then all workers are threads of oneTBB.
 */
#include <atomic>
#include <cstdint>
#include <memory>
#include <semaphore>

#include <tbb/global_control.h>
#include <tbb/parallel_invoke.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include "../compute.h"

namespace
{

std::unique_ptr<tbb::task_arena> arena;   /* with the caller in it */
std::unique_ptr<tbb::task_arena> outside; /* without */
int64_t sink;

void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "tbb: %s\n", what);
		abort();
	}
}

int64_t fib(int64_t n)
{
	int64_t first, second;

	if (n < 2)
		return n;
	tbb::parallel_invoke([&] { first = fib(n - 1); }, [&] { second = fib(n - 2); });
	return first + second;
}

int64_t skynet(int64_t number, int64_t leaves)
{
	int64_t sums[10], sum = 0;
	tbb::task_group group;

	if (leaves == 1)
		return number;
	for (int i = 0; i < 10; i++)
		group.run([&sums, i, number, leaves] {
			sums[i] = skynet(number + i * (leaves / 10), leaves / 10);
		});
	group.wait();
	for (int64_t one : sums)
		sum += one;
	return sum;
}

void fork_join_fib(uint64_t count)
{
	arena->execute([count] {
		for (uint64_t i = 0; i < count; i++)
			must(fib(BENCH_FIB) == BENCH_FIB_RESULT, "fib is wrong");
	});
}

void skynet_of(uint64_t count, int64_t leaves)
{
	arena->execute([=] {
		for (uint64_t i = 0; i < count; i++)
			must(skynet(0, leaves) == leaves * (leaves - 1) / 2, "skynet is wrong");
	});
}

void skynet_run(uint64_t count)
{
	skynet_of(count, BENCH_SKYNET_LEAVES);
}

void scale(uint64_t count)
{
	skynet_of(count, static_cast<int64_t>(*bench_scale_leaves()));
}

BENCH_NOINLINE int64_t trivial(int64_t key)
{
	BENCH_OPAQUE(key);
	return key + 1;
}

void spawn_await(uint64_t count)
{
	arena->execute([count] {
		tbb::task_group group;
		int64_t sum = 0, answer = 0;

		for (uint64_t i = 0; i < count; i++) {
			group.run([&answer, i] { answer = trivial(static_cast<int64_t>(i)); });
			group.wait();
			sum += answer;
		}
		sink = sum;
	});
}

void inject(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		std::atomic<int> left(BENCH_INJECTED);
		std::binary_semaphore all_done(0);

		for (int job = 0; job < BENCH_INJECTED; job++)
			outside->enqueue([&left, &all_done, job] {
				(void)trivial(job);
				if (left.fetch_sub(1) == 1)
					all_done.release();
			});
		all_done.acquire();
	}
}

double hidden_run(uint64_t)
{
	double took_us[BENCH_HIDDEN_RUNS];
	uint64_t steps = bench_compute_steps(BENCH_HIDDEN_NS);

	arena->execute([&] {
		tbb::task_group group;

		for (double &one : took_us) {
			std::atomic<uint64_t> began_ns(0);

			spawn_await(BENCH_HIDDEN_CHAIN);
			uint64_t published_ns = bench_now_ns();
			group.run([&began_ns] { began_ns = bench_now_ns(); });
			bench_compute(steps);
			group.wait();
			one = static_cast<double>(began_ns - published_ns) / 1e3;
		}
	});
	return bench_median(took_us, BENCH_HIDDEN_RUNS);
}

double hidden_leaf(uint64_t)
{
	double ratios[BENCH_LEAF_RUNS];
	uint64_t steps = bench_compute_steps(BENCH_LEAF_NS);
	uint64_t short_steps = steps / (BENCH_LEAF_NS / BENCH_LEAF_SHORT_NS);

	arena->execute([&] {
		tbb::task_group group;

		for (double &one : ratios) {
			(void)fib(BENCH_FIB_LOAD);
			uint64_t started_ns = bench_now_ns();
			group.run([short_steps] { bench_compute(short_steps); });
			group.run([steps] { bench_compute(steps); });
			bench_compute(steps);
			group.wait();
			one = static_cast<double>(bench_now_ns() - started_ns) /
			      (BENCH_LEAF_SHORT_NS + BENCH_LEAF_NS);
		}
	});
	return bench_median(ratios, BENCH_LEAF_RUNS);
}

double idle_cpu(uint64_t)
{
	uint64_t until = bench_now_ns() + BENCH_LOAD_NS;

	arena->execute([until] {
		while (bench_now_ns() < until)
			(void)fib(BENCH_FIB_LOAD);
	});
	return bench_idle_cpu_us();
}

constexpr uint64_t batch_ns = BENCH_WORKERS_BATCH_NS;

const bench_case cases[] = {
	{ "spawn_await", "tbb", spawn_await, 1, nullptr, nullptr, batch_ns, true, nullptr, false },
	{ "fork_join_fib", "tbb", fork_join_fib, BENCH_FIB_CALLS, nullptr, nullptr, batch_ns, true,
	  nullptr, false },
	{ "skynet", "tbb", skynet_run, BENCH_SKYNET_TASKS, nullptr, nullptr, batch_ns, true, nullptr,
	  false },
	{ "inject", "tbb", inject, BENCH_INJECTED, nullptr, nullptr, batch_ns, true, nullptr, false },
	{ "hidden_run", "tbb", nullptr, 1, nullptr, nullptr, batch_ns, true, hidden_run, true },
	{ "hidden_leaf", "tbb", nullptr, 1, nullptr, nullptr, batch_ns, true, hidden_leaf, true },
	{ "idle_cpu", "tbb", nullptr, 1, nullptr, nullptr, batch_ns, true, idle_cpu, true },
	{ "scale", "tbb", scale, 1, nullptr, nullptr, batch_ns, false, nullptr, false },
};

} // namespace

int main(int argc, char **argv)
{
	int workers = bench_workers();

	if (workers < 1)
		return bench_participant(argc, argv, cases, 0, "tbb", nullptr);
	/* One more than in an arena, because the caller does not work in `outside`. */
	tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
	                          static_cast<size_t>(workers) + 1);
	arena = std::make_unique<tbb::task_arena>(workers, 1);
	outside = std::make_unique<tbb::task_arena>(workers, 0);
	return bench_participant(argc, argv, cases, sizeof cases / sizeof *cases, "tbb", nullptr);
}
