/*
 * cancel_fire.h - cancels a core, and all that is below it.
 */
#ifndef BIDE_CANCEL_CANCEL_FIRE_H
#define BIDE_CANCEL_CANCEL_FIRE_H

#include "cancel/cancel_core.h"

/*
 * Cancels the core and all cores below it. Returns true for the first cancellation. The caller
 * holds a reference, which no callback drops.
 */
BIDE_INTERNAL bool bide_cancel_core_fire_(bide_cancel_core *core, int error);
/* The second half of it, for the caller that marked the core. */
BIDE_INTERNAL void bide_cancel_core_fire_marked_(bide_cancel_core *core);
/*
 * Returns true if the callback runs now on a thread other than `me` (bide_port_thread_). The caller
 * holds the lock of the callbacks.
 */
BIDE_INTERNAL bool bide_cancel_fires_elsewhere_(const bide_cancel_node *node, const void *me);
/* Opens the locks in the child of a fork, where no callback runs. */
BIDE_INTERNAL void bide_cancel_fork_(void);

#endif
