/*
 * listener.h - a listener, as the room io sees it.
 */
#ifndef BIDE_IO_LISTENER_H
#define BIDE_IO_LISTENER_H

#include "io/handle.h"
#include "io/slab.h"
#include "io/socket.h"

struct bide_listener {
	bide_slab_link link; /* while it is free */
	/* Of the streams that it accepts, for bide_handle_init_. */
	uint32_t stream_flags;
	/* Out of descriptors or memory: in the list of exhausted.c, under its lock. */
	bool is_exhausted;
	bide_listener *next_exhausted;
	_Alignas(16) bide_handle handle;
};

static inline bide_listener *bide_listener_of_(bide_handle *handle)
{
	return BIDE_CONTAINER_(handle, bide_listener, handle);
}

/*
 * Returns 0 for an open listener of this process and life. Otherwise it reports misuse of `what`
 * and returns EINVAL (NULL) or EBADF.
 */
BIDE_INTERNAL int bide_listener_check_(const bide_listener *listener, const char *what);
/*
 * Makes a listener of a descriptor that listens. The flags are those of bide_handle_init_, besides
 * READY. Returns 0 or ENOMEM; then the descriptor stays the caller's.
 */
BIDE_INTERNAL int bide_listener_make_(bide_listener **made, int fd, uint32_t flags,
                                      uint32_t stream_flags);
/* Makes a TCP socket listen. Stores the listener. The options are a copy that was checked. */
BIDE_INTERNAL int bide_listener_open_tcp_(bide_listener **listener, const bide_address *address,
                                          const bide_tcp_options *options);

#endif
