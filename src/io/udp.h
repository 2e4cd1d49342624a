/*
 * udp.h - a UDP socket, as the room io sees it.
 */
#ifndef BIDE_IO_UDP_H
#define BIDE_IO_UDP_H

#include <bide/udp.h>

#include "io/handle.h"
#include "io/slab.h"

struct bide_udp {
	bide_slab_link link;
	bide_handle handle;
};

/* Returns 0; or EINVAL or EBADF, which it reports as misuse of `what`; or ENOMEM. */
BIDE_INTERNAL int bide_udp_check_(const bide_udp *udp, const char *what);

#endif
