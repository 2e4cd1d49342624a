/*
 * range.h - the Range field: which bytes of a file are asked for.
 */
#ifndef HTTP_FILES_RANGE_H
#define HTTP_FILES_RANGE_H

#include <stdint.h>

enum range {
	RANGE_WHOLE, /* no range, several ranges, another unit, or not understood: the whole file */
	RANGE_PART,  /* [*first, *first + *count), not empty and inside the file */
	RANGE_OUTSIDE,
};

/* Reads "bytes=FIRST-LAST", "bytes=FIRST-" or "bytes=-COUNT". text may be NULL. */
enum range range_read(const char *text, uint64_t size, uint64_t *first, uint64_t *count);

#endif
