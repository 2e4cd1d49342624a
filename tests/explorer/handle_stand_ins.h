/*
 * handle_stand_ins.h - what a handle (src/io) asks of rooms that no scenario of handles has: the
 * simulated network, the turn of a worker, and the end of the process. For one source of a test.
 */
#ifndef EXPLORE_HANDLE_STAND_INS_H
#define EXPLORE_HANDLE_STAND_INS_H

#include "explore.h"

#include "io/reactor.h"
#include "io/upcalls.h"
#include "runtime/at_end.h"
#include "simulated_net/net.h"

unsigned bide_reactor_home_(void)
{
	return 0;
}

void bide_net_watch_(int number, uint64_t key, bide_net_event *event)
{
	(void)number, (void)key, (void)event;
	explore_fail("nothing is simulated");
}

int bide_net_shutdown_(int number)
{
	(void)number;
	explore_fail("nothing is simulated");
}

void bide_net_close_(int number)
{
	(void)number;
	explore_fail("nothing is simulated");
}

bool bide_turn_goes_on_(void)
{
	return true;
}

bool bide_turn_later_(struct bide_handle *of, uint32_t generation, unsigned side)
{
	(void)of, (void)generation, (void)side;
	explore_fail("nothing lets others run first");
}

void bide_at_end_add_(bide_at_end *entry)
{
	(void)entry;
}

#endif
