/*
 * assert.c - says which invariant is broken, and where.
 */
#include "base/assert.h"

#include "base/misuse.h"
#include "base/port.h"

void bide_assert_failed_(const char *condition, const char *file, int line, const char *function)
{
	char text[512];

	bide_put_(text, sizeof text, "bide: %s:%d: %s: this must hold, and does not: %s\n", file, line,
	          function, condition);
	bide_port_print_(text);
	bide_port_abort_();
}
