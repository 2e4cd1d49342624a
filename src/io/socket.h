/*
 * socket.h - sockets before they are streams or listeners: opened, with their options.
 */
#ifndef BIDE_IO_SOCKET_H
#define BIDE_IO_SOCKET_H

#include <bide/net.h>

#include "base/library.h"
#include "io/address.h"

struct bide_handle;

/* A copy of a caller's options, with the address that they point at. */
typedef struct bide_socket_options {
	bide_tcp_options tcp;
	bide_address from; /* `from` of the options, if it is not NULL */
} bide_socket_options;

enum { BIDE_BACKLOG_DEFAULT_ = 4096 };

/*
 * Copies a caller's options. NULL stands for the defaults. Returns 0. If a time or a number is
 * below zero or too large, it reports misuse of `what` and returns EINVAL.
 */
BIDE_INTERNAL int bide_socket_options_copy_(bide_socket_options *to, const bide_tcp_options *from,
                                            const char *what);
/*
 * Opens a TCP socket for a family, with the options that a connection and a listener have in
 * common. Stores the descriptor. Returns 0 or the error.
 */
BIDE_INTERNAL int bide_socket_open_tcp_(int *fd, int family, const bide_tcp_options *options);
BIDE_INTERNAL int bide_socket_open_unix_(int *fd);
/* Closes a socket that no handle has. flags: those that its handle would have had. */
BIDE_INTERNAL void bide_socket_close_(int fd, uint32_t flags);

/* Stores the address of this end of a handle, or of its peer. Returns 0 or the error. */
BIDE_INTERNAL int bide_socket_address_(const struct bide_handle *handle, bool of_peer,
                                       bide_address *address);

#endif
