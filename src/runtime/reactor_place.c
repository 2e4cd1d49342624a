/*
 * reactor_place.c - see reactor_place.h.
 */
#include "runtime/reactor_place.h"

#include "base/settings.h"
#include "runtime/runtime.h"
#include "runtime/sleep.h"
#include "runtime/worker.h"

unsigned bide_reactor_places_(void)
{
	return bide_shared_ ? bide_workers_.count : 1;
}

struct bide_reactor *bide_reactor_at_(unsigned place)
{
	if (!bide_shared_)
		return bide_runtime_.reactor;
	return BIDE_LOAD(&bide_workers_.worker[place]->sleeper.reactor, ACQUIRE);
}

void bide_reactor_place_(unsigned place, struct bide_reactor *reactor)
{
	bide_sleeper *sleeper;

	if (!bide_shared_) {
		bide_runtime_.reactor = reactor;
		return;
	}
	sleeper = &bide_workers_.worker[place]->sleeper;
	/* SEQ_CST before rearm reads `state`. A worker stores `state`, then looks at this again. */
	BIDE_STORE(&sleeper->reactor, reactor, SEQ_CST);
	bide_sleep_rearm_(sleeper);
}
