/*
 * sleeper.h - what a worker sleeps on: a futex or, if it has one, its reactor.
 */
#ifndef BIDE_RUNTIME_SLEEPER_H
#define BIDE_RUNTIME_SLEEPER_H

#include "base/library.h"

enum { BIDE_RUNS_, BIDE_SLEEPS_, BIDE_WAKES_ };

typedef struct bide_sleeper {
	uint32_t state;      /* BIDE_RUNS_, BIDE_SLEEPS_, BIDE_WAKES_; a futex */
	uint32_t monitors;   /* 1 while it is the monitor; the worker writes it */
	uint32_t in_reactor; /* 1 while it sleeps in its reactor; the worker writes it */
	bool was_woken;      /* another thread ended the last sleep; the worker's own */
	/* When it ends its sleep for a round; BIDE_FOREVER: it makes none. Atomic; it writes it. */
	int64_t round_ns;
	struct bide_reactor *reactor; /* NULL until it gets one (reactor_place.h); then it stays */
} bide_sleeper;

#endif
