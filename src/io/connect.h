/*
 * connect.h - connecting to one address.
 */
#ifndef BIDE_IO_CONNECT_H
#define BIDE_IO_CONNECT_H

#include "io/socket.h"

/*
 * Connects a new socket, in the current context. The options are a copy that was checked. The
 * result is a stream, which is closed if no consumer takes it.
 */
BIDE_INTERNAL bide_value_task bide_connect_tcp_(const bide_address *address,
                                                const bide_socket_options *options);

#endif
