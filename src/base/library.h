/*
 * library.h - the public headers as the library itself includes them, and words that all of it
 * uses.
 */
#ifndef BIDE_BASE_LIBRARY_H
#define BIDE_BASE_LIBRARY_H

/* The library's own functions leave no entries in traces: they hand on what they get. */
#define BIDE_NO_TRACE 1
#ifndef BIDE_BUILDING
#define BIDE_BUILDING 1
#endif
#include <bide/bide.h>

#define BIDE_CONTAINER_(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))
enum {
	BIDE_ECANCELED_ = 125,
	BIDE_ENOMEM_ = 12,
	BIDE_EINVAL_ = 22,
	BIDE_ETIMEDOUT_ = 110,
	BIDE_EINPROGRESS_ = 115,
	BIDE_EBUSY_ = 16,
	BIDE_EDEADLK_ = 35,
	BIDE_EAGAIN_ = 11
};

/* For functions that read what other threads change, or give back, meanwhile. */
#define BIDE_UNCHECKED_ __attribute__((no_sanitize_thread, no_sanitize_address))

#endif
