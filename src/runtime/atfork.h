/*
 * atfork.h - fork(2): what becomes of the runtime in the child.
 *
 * The child has one thread, and a copy of a runtime whose other threads do not exist there. The
 * fork changes the state of the copy and little else, so a child that calls exec pays nothing. The
 * first use in the child leaves the copy behind and sets a new runtime up, with the parent's
 * configuration. The states in the child:
 *
 *     BIDE_RUNTIME_CHILD   The child still has the copy.
 *     BIDE_RUNTIME_INSIDE  The fork was made inside an async function. Calls of the parent's
 *                          runtime are below that function on the stack, so the child has no
 *                          runtime, and must not return to those calls.
 */
#ifndef BIDE_RUNTIME_ATFORK_H
#define BIDE_RUNTIME_ATFORK_H

#include "base/library.h"

/* Installs the handlers of fork(2) at the first call. Under setup. Returns 0 or ENOMEM. */
BIDE_INTERNAL int bide_atfork_install_(void);

/* In a child that still has the copy: leaves it, so that the state is OFF. Under setup. */
BIDE_INTERNAL void bide_atfork_leave_(void);

#endif
