/*
 * stress.c - the rounds. Draws a seed for each and prints it. If a check fails, a signal comes or a
 * round takes too long, it ends the program with the line that repeats the round.
 */
#include "stress.h"

#include <signal.h>
#include <stdarg.h>
#include <time.h>

#include "base/count.h"
#include "memory/pool.h"
#include "source/trace.h"

enum { ROUND_LIMIT_S = 120, SETTLE_LIMIT_S = 60 };

static uint64_t round_seed;
static unsigned round_workers;
static atomic_ullong operations;

/* --- random numbers: splitmix64 */

uint64_t draw(dice *d)
{
	uint64_t z = (d->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

unsigned below(dice *d, unsigned count)
{
	return (unsigned)(draw(d) % count);
}

bool chance(dice *d, unsigned percent)
{
	return below(d, 100) < percent;
}

dice fork_dice(dice *d)
{
	return (dice){ draw(d) };
}

unsigned stress_workers(dice *d)
{
	static const unsigned counts[] = { 1, 2, 3, 8 };

	return counts[below(d, 4)];
}

/* --- how it fails */

static void say_seed(const char *what)
{
	char text[256];
	int length = snprintf(text, sizeof text,
	                      "stress: seed %llu workers %u: FAILED %s: ./dev stress --seed %llu %s\n",
	                      (unsigned long long)round_seed, round_workers, what,
	                      (unsigned long long)round_seed, stress_name);

	if (write(STDOUT_FILENO, text, (size_t)length) < 0)
		return;
}

void stress_failed(const char *file, int line, const char *format, ...)
{
	char what[160], place[224];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	snprintf(place, sizeof place, "%s:%d %s", file, line, what);
	say_seed(place);
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void on_signal(int number)
{
	say_seed(number == SIGALRM   ? "timed out"
	         : number == SIGSEGV ? "segmentation fault"
	                             : "aborted");
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* --- counting and pausing */

void stress_count(unsigned count)
{
	atomic_fetch_add_explicit(&operations, count, memory_order_relaxed);
}

void dawdle(dice *d)
{
	switch (below(d, 4)) {
	case 0:
		sched_yield();
		break;
	case 1:
		for (volatile unsigned i = below(d, 2000); i; i--)
			;
		break;
	case 2:
		usleep(below(d, 50));
		break;
	}
}

value_task pause_a_bit(dice *d)
{
	switch (below(d, 5)) {
	case 0:
	case 1:
		return bide_async_yield();
	case 2:
		return delay((int64_t)below(d, 200000));
	default:
		return value_task_completed();
	}
}

int64_t must(value_task v)
{
	bide_payload result = { .i = 0 };
	int error = bide_value_task_wait(v, &result);

	CHECK_EQUAL(error, 0);
	return result.i;
}

/* --- threads */

static void *crowd_main(void *argument)
{
	crowd_member *m = argument;

	m->crowd->run(m->crowd->argument, &m->dice, m->index);
	if (bide_current_thread_)
		CHECK(bide_pool_is_valid_(bide_current_thread_));
	atomic_fetch_add(&m->crowd->ended, 1);
	return NULL;
}

void crowd_start(crowd *c, unsigned count, void (*run)(void *, dice *, unsigned), void *argument,
                 dice *d)
{
	c->count = count;
	c->run = run;
	c->argument = argument;
	atomic_store(&c->ended, 0);
	for (unsigned i = 0; i < count; i++) {
		crowd_member *m = &c->members[i];
		*m = (crowd_member){ .crowd = c, .dice = fork_dice(d), .index = i };
		CHECK_EQUAL(pthread_create(&m->thread, NULL, crowd_main, m), 0);
	}
}

void crowd_join(crowd *c)
{
	if (bide_worker_count() == 1)
		while (atomic_load(&c->ended) < c->count) {
			bide_run_ready(0, NULL);
			sched_yield();
		}
	for (unsigned i = 0; i < c->count; i++)
		CHECK_EQUAL(pthread_join(c->members[i].thread, NULL), 0);
}

/* --- rounds */

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Functions may still be freeing their frames after their result was read. */
void stress_end(void)
{
	double end = now_s() + (double)SETTLE_LIMIT_S;
	uint64_t leak_count;
	bide_stats s;

	for (;;) {
		if (bide_worker_count() == 1)
			bide_run_ready(0, NULL);
		bide_stats_get(&s);
		if (s.frame_count + s.operation_count + s.task_count + s.timer_count == 0)
			break;
		if (now_s() > end)
			stress_failed(
				__FILE__, __LINE__,
				"in use at the end: %llu frames, %llu operations, %llu tasks, %llu timers",
				(unsigned long long)s.frame_count, (unsigned long long)s.operation_count,
				(unsigned long long)s.task_count, (unsigned long long)s.timer_count);
		sched_yield();
	}
	CHECK(bide_task_list_is_valid_());
	CHECK(bide_pools_are_valid_());
	CHECK(bide_counts_are_valid_());
	CHECK_EQUAL(bide_shutdown(&leak_count), 0);
	CHECK(bide_trace_is_valid_());
	CHECK_EQUAL(leak_count, 0);
	bide_stats_get(&s);
	CHECK_EQUAL(s.live_bytes, 0);
}

static void run_round(uint64_t seed)
{
	dice d = { seed };
	unsigned workers = stress_workers(&d);
	bide_config config = { .workers = workers, .blocking_threads_max = 1 + below(&d, 4) };

	round_seed = seed;
	round_workers = workers;
	printf("stress: seed %llu workers %u: %s\n", (unsigned long long)seed, workers, stress_name);
	alarm(ROUND_LIMIT_S);
	if (stress_sets_up) {
		stress_round(&d, workers);
		return;
	}
	CHECK_EQUAL(bide_configure(&config), 0);
	stress_round(&d, workers);
	stress_end();
}

static void usage(void)
{
	fprintf(stderr,
	        "usage: %s [--seconds N] [--seed S]\n"
	        "  --seconds  new rounds begin for so long; default 10\n"
	        "  --seed     every round has this seed; else each has its own\n",
	        stress_name);
	exit(2);
}

int main(int argc, char **argv)
{
	double seconds = 10, started = now_s();
	uint64_t seed = 0;
	unsigned long long rounds = 0;
	bool one_seed = false;

	for (int i = 1; i < argc; i += 2) {
		if (i + 1 == argc)
			usage();
		if (strcmp(argv[i], "--seconds") == 0) {
			seconds = strtod(argv[i + 1], NULL);
		} else if (strcmp(argv[i], "--seed") == 0) {
			seed = strtoull(argv[i + 1], NULL, 10);
			one_seed = true;
		} else {
			usage();
		}
	}
	if (getenv("BIDE_TEST_NO_THREADS"))
		return 77; /* valgrind runs one thread at a time */
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	signal(SIGALRM, on_signal);
	signal(SIGABRT, on_signal);
	signal(SIGSEGV, on_signal);
	dice master = { (uint64_t)getpid() << 32 ^ (uint64_t)(now_s() * 1e6) };
	do {
		/* Such seeds are short to type. */
		run_round(one_seed ? seed : draw(&master) % 1000000000u);
		rounds++;
	} while (now_s() - started < seconds);
	printf("stress: %s: %llu rounds, %llu operations, %.1f s\n", stress_name, rounds,
	       (unsigned long long)atomic_load(&operations), now_s() - started);
	return 0;
}
