/*
 * fetch.h - begins to fetch memory that another core wrote last, before it is needed. Otherwise
 * its first use would take as long as some hundred instructions.
 */
#ifndef BIDE_BASE_FETCH_H
#define BIDE_BASE_FETCH_H

#include <stdint.h>

/* Fetches two cache lines, which is what most frames have. The address need not be valid. */
static inline void bide_fetch_to_write_(const void *at)
{
	__builtin_prefetch(at, 1);
	__builtin_prefetch((const void *)((uintptr_t)at + 64), 1);
}

#endif
