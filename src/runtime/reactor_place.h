/*
 * reactor_place.h - the places of reactors: one for each worker. For the room io.
 */
#ifndef BIDE_RUNTIME_REACTOR_PLACE_H
#define BIDE_RUNTIME_REACTOR_PLACE_H

#include "runtime/reactor.h"

/* Returns the number of places. */
BIDE_INTERNAL unsigned bide_reactor_places_(void);
/* Returns the reactor of a worker, or NULL if it has none yet. Any thread. */
BIDE_INTERNAL struct bide_reactor *bide_reactor_at_(unsigned place);
/*
 * Gives a worker its reactor. If the worker sleeps, it is woken, so that it sleeps in the reactor.
 * Returns 0; or ENOMEM or ENOSPC if the descriptor of a loop of the program's, which would have to
 * speak for it, cannot. Under the lock of the setup; with one worker on its thread.
 */
BIDE_INTERNAL int bide_reactor_place_(unsigned place, struct bide_reactor *reactor);
/* Returns true if the worker sleeps in its reactor, or is about to. Any thread. */
BIDE_INTERNAL bool bide_reactor_is_slept_in_(unsigned place);
/* Takes all reactors away. No other thread of the library runs. */
BIDE_INTERNAL void bide_reactor_displace_(void);

#endif
