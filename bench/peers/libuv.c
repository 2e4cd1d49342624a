/*
 * libuv: timers on a binary heap, with callbacks. It has no tasks, so a sleeper here is a
 * uv_timer_t of its own allocation and a callback, which is less than the others have.
 */
#include <uv.h>

#include "../participant.h"

enum { LIVE_COUNT = 100 * 1000 };

static uv_timer_t *live;
static uv_timer_t timer;
static uint64_t fired;

static void on_timer(uv_timer_t *handle)
{
	(void)handle;
	fired++;
}

static void must(int result)
{
	if (result != 0) {
		fprintf(stderr, "libuv: %s\n", uv_strerror(result));
		exit(1);
	}
}

static void timer_prepare(void)
{
	must(uv_timer_init(uv_default_loop(), &timer));
}

static void live_prepare(void)
{
	uint32_t random = 1;

	timer_prepare();
	live = malloc(LIVE_COUNT * sizeof *live);
	if (live == NULL)
		abort();
	for (int i = 0; i < LIVE_COUNT; i++) {
		must(uv_timer_init(uv_default_loop(), &live[i]));
		must(uv_timer_start(&live[i], on_timer, bench_next_delay_ms(&random), 0));
	}
}

static void timer_clean(void)
{
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(uv_default_loop(), UV_RUN_NOWAIT);
}

static void live_clean(void)
{
	for (int i = 0; i < LIVE_COUNT; i++)
		uv_close((uv_handle_t *)&live[i], NULL);
	timer_clean();
	free(live);
}

static void insert_cancel(uint64_t count)
{
	uint32_t random = 7;

	for (uint64_t i = 0; i < count; i++) {
		must(uv_timer_start(&timer, on_timer, bench_next_delay_ms(&random), 0));
		must(uv_timer_stop(&timer));
	}
}

static struct bench_sleepers sleepers(uint64_t count, uint64_t sleep_ms)
{
	struct bench_sleepers result = { 0 };
	uint64_t started = bench_now_ns(), cpu;

	for (uint64_t i = 0; i < count; i++) {
		uv_timer_t *sleeper = malloc(sizeof *sleeper);

		if (sleeper == NULL)
			abort();
		must(uv_timer_init(uv_default_loop(), sleeper));
		must(uv_timer_start(sleeper, on_timer, sleep_ms, 0));
	}
	result.create_ns = (double)(bench_now_ns() - started);
	result.early = result.create_ns > (double)sleep_ms * 1e6;
	cpu = bench_cpu_ns();
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	result.fire_ns = (double)(bench_cpu_ns() - cpu);
	if (fired != count)
		abort();
	return result;
}

int main(int argc, char **argv)
{
	static const struct bench_case cases[] = {
		{ .bench = "timers",
		  .who = "libuv",
		  .run = insert_cancel,
		  .prepare = timer_prepare,
		  .clean = timer_clean },
		{ .bench = "timers_100k",
		  .who = "libuv",
		  .run = insert_cancel,
		  .prepare = live_prepare,
		  .clean = live_clean },
	};

	return bench_participant(argc, argv, cases, sizeof cases / sizeof *cases, "libuv", sleepers);
}
