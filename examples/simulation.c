/*
 * simulation.c - a test with the virtual clock: hours pass at once, and the same seed gives the
 * same run, step by step.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <bide/short.h>

enum { HOUR_MS = 60 * 60 * 1000 };

/* The function under test tries once an hour until it succeeds. */
struct keep_trying {
	ASYNC_FRAME;
	int64_t tries;
};

static bool works_now(void)
{
	return simulation_random() % 8 == 0;
}

async(keep_trying)
{
	async_begin;
	for (my->tries = 1; !works_now(); my->tries++)
		await(delay_ms(HOUR_MS));
	async_return(my->tries);
async_finally:
	async_end;
}

/* Runs the test with a seed. Returns the hash of the run, or 0. */
static uint64_t run_seeded(uint64_t seed)
{
	payload tries;
	int64_t start_ns;
	uint64_t hash;
	uint64_t leak_count;
	int error = configure(&(config){ .virtual_clock = true, .seed = seed });

	if (error) {
		fprintf(stderr, "simulation: %s\n", bide_strerror(error));
		return 0;
	}
	start_ns = now_ns();
	error = value_task_wait(async_start(keep_trying), &tries);
	if (error)
		fprintf(stderr, "simulation: %s\n", bide_strerror(error));
	else
		printf("seed %d: %2d tries, %2d hours of virtual time\n", (int)seed, (int)tries.i,
		       (int)((now_ns() - start_ns) / BIDE_MS(1) / HOUR_MS));
	hash = simulation_hash();
	return bide_shutdown(&leak_count) == 0 && leak_count == 0 && !error ? hash : 0;
}

int main(void)
{
	clock_t start = clock();
	uint64_t first = run_seeded(7), again = run_seeded(7), other = run_seeded(8);

	printf("same seed: %s run; another seed: %s run; real time: %d ms\n",
	       first == again ? "the same" : "another", first == other ? "the same" : "another",
	       (int)((clock() - start) * 1000 / CLOCKS_PER_SEC));
	return first && again && other && first == again && first != other ? 0 : 1;
}
