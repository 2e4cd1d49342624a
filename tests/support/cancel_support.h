/*
 * cancel_support.h - shared by the tests of cancellation: callbacks that tell what ran, and a gate
 * for threads that race.
 */
#ifndef CANCEL_SUPPORT_H
#define CANCEL_SUPPORT_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "library.h"

/* The letters of the callbacks that ran, in order. */
static char ran[64];

BIDE_UNUSED static void note_letter(void *letter)
{
	size_t length = strlen(ran);

	assert_true(length + 1 < sizeof ran);
	ran[length] = *(const char *)letter;
	ran[length + 1] = '\0';
}

BIDE_UNUSED static void count_up(void *counter)
{
	atomic_fetch_add((atomic_int *)counter, 1);
}

BIDE_UNUSED static char letters[] = "abcdefgh";

/* How often two threads race. */
enum { RACES = 20000 };

/* Releases several threads at the same moment. */
typedef struct gate {
	atomic_int arrived;
	int count;
} gate;

/*
 * Waits for a short time that differs from round to round, so that each of two threads is sometimes
 * the first.
 */
BIDE_UNUSED static void dawdle(unsigned round)
{
	for (volatile unsigned i = (round * 2654435761u >> 20) & 1023; i > 0; i--)
		;
	if ((round & 3) == 0)
		sched_yield();
}

BIDE_UNUSED static void gate_pass(gate *g, int round)
{
	atomic_fetch_add(&g->arrived, 1);
	while (atomic_load(&g->arrived) < g->count * round)
		sched_yield();
}

BIDE_UNUSED static void *cancel_on_thread(void *source)
{
	return bide_cancel_source_cancel(source) ? source : NULL;
}

#endif
