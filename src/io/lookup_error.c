/*
 * lookup_error.c - see lookup_error.h.
 */
#define _GNU_SOURCE /* EAI_NODATA, EAI_ADDRFAMILY */
#include "io/lookup_error.h"

#include <errno.h>
#include <netdb.h>

int bide_lookup_error_(int error, int system_error)
{
	switch (error) {
	case 0:
		return 0;
	case EAI_NONAME:
	case EAI_SERVICE:
		return ENOENT;
	case EAI_AGAIN:
		return EAGAIN;
#ifdef EAI_NODATA
	case EAI_NODATA:
#endif
#ifdef EAI_ADDRFAMILY
	case EAI_ADDRFAMILY:
#endif
#if defined EAI_NODATA || defined EAI_ADDRFAMILY
		return ENODATA;
#endif
	case EAI_MEMORY:
		return ENOMEM;
	case EAI_OVERFLOW:
		return ENAMETOOLONG;
	case EAI_SYSTEM:
		return system_error > 0 && system_error <= BIDE_ERROR_MAX ? system_error : EIO;
	case EAI_FAIL:
		return EIO;
	default:
		return EINVAL;
	}
}
