/*
 * reactor_place.c - see reactor_place.h.
 */
#include "runtime/reactor_place.h"

#include "base/settings.h"
#include "runtime/poll.h"
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

int bide_reactor_place_(unsigned place, struct bide_reactor *reactor)
{
	bide_sleeper *sleeper;
	int error;

	if (!bide_shared_) {
		error = bide_poll_add_(reactor);
		if (!error)
			bide_runtime_.reactor = reactor;
		return error;
	}
	sleeper = &bide_workers_.worker[place]->sleeper;
	/* SEQ_CST before rearm reads `state`. A worker stores `state`, then looks at this again. */
	BIDE_STORE(&sleeper->reactor, reactor, SEQ_CST);
	bide_sleep_rearm_(sleeper);
	return 0;
}

bool bide_reactor_is_slept_in_(unsigned place)
{
	return BIDE_LOAD(&bide_workers_.worker[place]->sleeper.in_reactor, ACQUIRE) != 0;
}

void bide_reactor_displace_(void)
{
	bide_runtime_.reactor = NULL;
	for (unsigned i = 0; i < bide_workers_.count; i++)
		BIDE_STORE(&bide_workers_.worker[i]->sleeper.reactor, NULL, RELAXED);
}
