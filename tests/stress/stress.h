/*
 * stress.h - shared by the programs of `./dev stress`: rounds with seeds, random numbers, checks
 * that name the seed, threads of the program, and an end of each round at which nothing may be left
 * in use.
 *
 * A program defines stress_round, which is called with the runtime set up, again and again until
 * the time is over. A round draws all its decisions from its seed. The interleaving of threads is
 * not part of them, so a seed repeats the mix of operations and not their order.
 */
#ifndef BIDE_STRESS_H
#define BIDE_STRESS_H

#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bide/bide.h>
#include <bide/short.h>

/* Random numbers. A dice can be copied and passed on freely. */
typedef struct dice {
	uint64_t state;
} dice;

uint64_t draw(dice *d);
/* Returns a number in 0..count-1; count > 0. */
unsigned below(dice *d, unsigned count);
bool chance(dice *d, unsigned percent);
dice fork_dice(dice *d);

/* Like assert, but names the seed. May be used on any thread. */
#define CHECK(condition)                                         \
	do {                                                         \
		if (!(condition))                                        \
			stress_failed(__FILE__, __LINE__, "%s", #condition); \
	} while (0)
#define CHECK_EQUAL(a, b)                                                                \
	do {                                                                                 \
		long long a_ = (long long)(a), b_ = (long long)(b);                              \
		if (a_ != b_)                                                                    \
			stress_failed(__FILE__, __LINE__, "%s is %lld, %s is %lld", #a, a_, #b, b_); \
	} while (0)
_Noreturn void stress_failed(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Counts operations for the report: started, completed, canceled and so on. */
void stress_count(unsigned count);

/* Threads of the program. `run` gets the argument and dice of its own. */
enum { CROWD_MAX = 8 };

struct crowd;
typedef struct crowd_member {
	struct crowd *crowd;
	dice dice;
	unsigned index;
	pthread_t thread;
} crowd_member;

typedef struct crowd {
	unsigned count;
	atomic_uint ended;
	void (*run)(void *argument, dice *d, unsigned index);
	void *argument;
	crowd_member members[CROWD_MAX];
} crowd;

void crowd_start(crowd *c, unsigned count, void (*run)(void *, dice *, unsigned), void *argument,
                 dice *d);
/* Waits for the threads. With one worker, this thread is the worker and runs its loop meanwhile. */
void crowd_join(crowd *c);

/* Spends a short time on this thread: none, a few yields, or some microseconds. */
void dawdle(dice *d);

/* Returns a value task to await: ready at once, a yield, or a delay of some microseconds. */
value_task pause_a_bit(dice *d);

/*
 * Walkers of the library (src), which print what is broken. They are not public; the static library
 * has them.
 */
bool bide_subscriptions_are_valid_(bide_source *task, size_t *count);
bool bide_task_list_is_valid_(void);
bool bide_group_is_valid_(const bide_group *group);

/* Waits for the value task, which must succeed, and returns its result. */
int64_t must(value_task v);

extern const char stress_name[];
/* True in programs that set the runtime up themselves. */
extern const bool stress_sets_up;

void stress_round(dice *d, unsigned workers);

/*
 * For programs that set the runtime up themselves: shuts down and checks that nothing is in use or
 * leaked.
 */
void stress_end(void);

/* Returns a random number of workers. */
unsigned stress_workers(dice *d);

#define STRESS(name)                   \
	const char stress_name[] = #name;  \
	const bool stress_sets_up = false; \
	void stress_round(dice *d, unsigned workers)

#endif
