/*
 * choice.h - which engine the reactors of this life of the runtime use, and why.
 */
#ifndef BIDE_IO_CHOICE_H
#define BIDE_IO_CHOICE_H

#include <bide/io.h>

#include "base/library.h"

struct bide_engine;

typedef struct bide_choice {
	bide_io_engine name;
	const struct bide_engine *engine; /* NULL if there is none */
	const char *reason;               /* one line, static */
} bide_choice;

/*
 * Returns the choice, which the first call decides: by the configuration, by BIDE_IO in the
 * environment, else epoll. An engine that was asked for and cannot be had leaves no engine. The
 * runtime is on. Any thread.
 */
BIDE_INTERNAL bide_choice bide_choice_(void);
/* The same under the lock of the setup. */
BIDE_INTERNAL bide_choice bide_choice_locked_(void);

#endif
