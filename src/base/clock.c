/*
 * clock.c - see clock.h.
 */
#include "base/clock.h"

#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"

int64_t bide_deadline_after_(int64_t time_ns)
{
	BIDE_ASSERT_(time_ns >= 0);
	return bide_time_add_(bide_port_now_(), time_ns);
}

bool bide_time_refused_(int64_t time, const char *function, const char *argument,
                        const bide_place *place)
{
	bide_misuse_at_(place, "%s: %s is %lld; 0 or more and BIDE_FOREVER are allowed", function,
	                argument, (long long)time);
	return false;
}
