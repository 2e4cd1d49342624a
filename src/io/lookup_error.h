/*
 * lookup_error.h - what an error of getaddrinfo is called here.
 */
#ifndef BIDE_IO_LOOKUP_ERROR_H
#define BIDE_IO_LOOKUP_ERROR_H

#include "base/library.h"

/*
 * Returns the errno number for an error of getaddrinfo, or 0 for 0. system_error: the errno after
 * EAI_SYSTEM.
 */
BIDE_INTERNAL int bide_lookup_error_(int error, int system_error);

#endif
