/*
 * text.h - puts texts together, in a buffer of the caller's.
 */
#ifndef BIDE_BASE_TEXT_H
#define BIDE_BASE_TEXT_H

#include "base/library.h"

/* As snprintf, through the port. */
BIDE_INTERNAL void bide_put_(char *to, size_t size_bytes, const char *format, ...)
	BIDE_PRINTF(3, 4);
/*
 * Returns how many characters of __func__ to show. The C function that is the body of an async
 * function has a suffix.
 */
BIDE_INTERNAL int bide_name_length_(const char *function);

#endif
