/*
 * stress.h - what the programs of `./dev stress` share: rounds with seeds, random numbers, checks
 * that name the seed, threads of the program's own, and an end of each round at which nothing may
 * be left in use.
 *
 * A program defines stress_round, which is called with the runtime set up, again and again until
 * the time is over. All that a round decides it draws from its seed; what threads make of it is
 * theirs, so a seed repeats the mix and not the interleaving.
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

/* Random numbers: copied and passed on freely. */
typedef struct dice {
	uint64_t state;
} dice;

uint64_t draw(dice *d);
/* 0..count-1; count > 0 */
unsigned below(dice *d, unsigned count);
bool chance(dice *d, unsigned percent);
dice fork_dice(dice *d);

/* As assert, with the seed. Any thread. */
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

/* Counted for the report: what was started, completed, canceled... */
void stress_count(unsigned count);

/* Threads of the program's own. `run` gets the argument and dice of its own. */
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
/* Waits for them. With one worker this thread is the worker and runs meanwhile. */
void crowd_join(crowd *c);

/* Something short on this thread: nothing, a look at others, some microseconds. */
void dawdle(dice *d);

/* To await: ready at once, a yield, a delay of some microseconds. */
value_task pause_a_bit(dice *d);

/* Waits for the value task, which must succeed, and gives its result. */
int64_t must(value_task v);

extern const char stress_name[];
/* Programs that set the runtime up themselves. */
extern const bool stress_sets_up;

void stress_round(dice *d, unsigned workers);

/* In programs that set the runtime up themselves: nothing in use, no leak; then it is off. */
void stress_end(void);

/* Worker counts, drawn. */
unsigned stress_workers(dice *d);

#define STRESS(name)                   \
	const char stress_name[] = #name;  \
	const bool stress_sets_up = false; \
	void stress_round(dice *d, unsigned workers)

#endif
