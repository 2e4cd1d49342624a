/*
 * simulated.h - listeners and streams of the simulated network (simulated_net/net.h): what stands
 * in the place of the sources that make system calls. On the worker of the simulation; elsewhere
 * ENOTSUP.
 */
#ifndef BIDE_IO_SIMULATED_H
#define BIDE_IO_SIMULATED_H

#include "io/handle.h"
#include "io/socket.h"

/* Of the handles of sockets in the network: see bide_handle_init_. */
enum { BIDE_SIMULATED_FLAGS_ = BIDE_HANDLE_SIMULATED_ | BIDE_HANDLE_KEEPS_FD_ };

/* Stores the number of a socket that listens. bide_net_close_ gives it back. */
BIDE_INTERNAL int bide_simulated_listen_(int *number, const bide_address *address,
                                         const bide_tcp_options *options);
/* Stores the number of a socket that is being connected. */
BIDE_INTERNAL int bide_simulated_connect_(int *number, const bide_address *address,
                                          const bide_socket_options *options);
/* Stores the address of a name. Returns 0; ENOENT; ENOTSUP; ENOMEM. */
BIDE_INTERNAL int bide_simulated_resolve_(const char *host, bide_address *address);
/* The next two are for handles that are SIMULATED. */
BIDE_INTERNAL int bide_simulated_address_(const bide_handle *handle, bool of_peer,
                                          bide_address *address);
BIDE_INTERNAL void bide_simulated_set_options_(const bide_handle *handle,
                                               const bide_tcp_options *options);

#endif
