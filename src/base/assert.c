/*
 * assert.c - names the invariant that is broken, and the place that found it.
 */
#include "base/assert.h"

#include "base/port.h"
#include "base/text.h"

bool bide_invariant_broken_(const char *condition, const char *file, int line, const char *function)
{
	char text[512];

	bide_put_(text, sizeof text, "bide: %s:%d: %s: this must hold, and does not: %s\n", file, line,
	          function, condition);
	bide_port_print_(text);
	return false;
}

void bide_assert_failed_(const char *condition, const char *file, int line, const char *function)
{
	(void)bide_invariant_broken_(condition, file, line, function);
	bide_port_abort_();
}
