/*
 * state.c - the one object of the network, where it may be used, and its draws. See net.h.
 */
#include <errno.h>

#include "base/port.h"
#include "base/settings.h"
#include "runtime/simulation.h"
#include "simulated_net/parts.h"

bide_net bide_net_;

bool bide_net_simulates_(void)
{
	return bide_thread_() && bide_simulating_;
}

int bide_net_usable_(void)
{
	return bide_net_simulates_() && bide_port_on_worker_() ? 0 : ENOTSUP;
}

uint64_t bide_net_draw_(uint64_t limit)
{
	uint64_t drawn;

	if (limit < 2)
		return 0;
	drawn = bide_simulation_random() % limit;
	bide_simulation_note_event_("draw", drawn, bide_port_now_());
	return drawn;
}

bool bide_net_happens_(uint32_t per_million)
{
	return per_million > 0 && bide_net_draw_(1000000) < per_million;
}
