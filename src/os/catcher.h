/*
 * catcher.h - catches signals by handlers that are installed only while a catcher wants them.
 *
 * A catcher is a descriptor, the set of signals that it wants, and the set of those that have come.
 * Equal signals merge. Each catcher that wants a signal gets it. The first catcher of a signal
 * installs the handler, with SA_RESTART; the end of the last one puts the program's handler back.
 * If the program has installed another handler meanwhile, that one stays. If the program then puts
 * the library's handler back, the library's handler does what the program's first one would do.
 *
 * Signals of threads that block them do not come. The child of a fork has the program's handlers,
 * and the catchers of the parent catch nothing there.
 */
#ifndef BIDE_OS_CATCHER_H
#define BIDE_OS_CATCHER_H

#include <bide/abi.h>

typedef struct bide_os_catcher {
	struct bide_os_catcher *next; /* atomic; handlers read it */
	uint64_t wanted;              /* bit n - 1 is for signal n */
	uint64_t arrived;             /* the same; atomic */
	int fd;                       /* an eventfd (event.h): signalled when a signal has come */
} bide_os_catcher;

/*
 * Begins to catch. `wanted` and `fd` are set. Returns 0; ENOMEM; or the error of sigaction (EINVAL:
 * the signal is the C library's own), and then nothing has changed.
 */
BIDE_INTERNAL int bide_os_catch_(bide_os_catcher *catcher);
/*
 * Ends it. No handler touches the catcher or its descriptor afterwards. Waits for handlers that run
 * on other threads now, each for some microseconds. In the child of a fork it does nothing for a
 * catcher of the parent.
 */
BIDE_INTERNAL void bide_os_catch_end_(bide_os_catcher *catcher);

/* Takes the lowest signal that has come. Returns 0 if there is none. Any thread. */
BIDE_INTERNAL int bide_os_caught_take_(bide_os_catcher *catcher);
/* Puts a signal back that was taken for nothing, as if it had just come. Any thread. */
BIDE_INTERNAL void bide_os_caught_again_(bide_os_catcher *catcher, int number);

#endif
