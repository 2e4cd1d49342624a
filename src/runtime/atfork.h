/*
 * atfork.h - fork(2): what becomes of the runtime in the child.
 *
 * The child has one thread, and a copy of a runtime whose other threads do not exist there. The
 * fork changes its state and little else, so that a child that calls exec pays nothing. The first
 * use in the child leaves the copy behind and begins anew, with the parent's configuration. States:
 *
 *     BIDE_RUNTIME_CHILD  the copy was not left yet
 *     BIDE_RUNTIME_INSIDE the fork was made inside an async function: below it on the stack is the
 *                         parent's runtime, so the child has none, and may not go back there
 */
#ifndef BIDE_RUNTIME_ATFORK_H
#define BIDE_RUNTIME_ATFORK_H

#include "base/library.h"

/* From the first call on forks are noticed. Under setup. 0; ENOMEM. */
BIDE_INTERNAL int bide_atfork_install_(void);

/* If this is a child that has its parent's copy still, it leaves it: state OFF. Under setup. */
BIDE_INTERNAL void bide_atfork_leave_(void);

#endif
