/*
 * sleeper.h - what a worker sleeps on.
 */
#ifndef BIDE_RUNTIME_SLEEPER_H
#define BIDE_RUNTIME_SLEEPER_H

#include "base/library.h"

enum { BIDE_RUNS_, BIDE_SLEEPS_, BIDE_WAKES_ };

typedef struct bide_sleeper {
	uint32_t state; /* BIDE_RUNS_, BIDE_SLEEPS_, BIDE_WAKES_; a futex */
} bide_sleeper;

#endif
