/*
 * net.h - the simulated network: what stands for the sockets of the kernel in a simulation.
 *
 * The room knows no streams. The room io calls it where it would make a system call, with the
 * number of a socket in the place of a descriptor, and is told of events as an epoll would tell,
 * edge-triggered (bide_net_watch_). The words of the room:
 *
 *     host      a name, an address, and whether it runs (host.c)
 *     path      one direction between two hosts: delays, bandwidth, whether it is cut (path.c)
 *     socket    a listener, or one end of a connection
 *     other     of an end: the socket at the other end of the connection
 *     segment   bytes on their way to an end, or there and not read
 *     arrival   the virtual time at which something reaches an end
 *     room      how many bytes an end may send before the other has read some
 *     owed      bytes that the other end has read, and which no acknowledgement tells of yet
 *     news      events of a socket that io was not told yet
 *
 * The states of a socket, and what moves it. All of it happens on the one worker.
 *
 *     LISTENING                    until it is closed, or its host crashes
 *     CONNECTING --its SYN arrives at a listener--> CONNECTING, and a HALF is made for it
 *     CONNECTING --the answer arrives-->            CONNECTED, or OVER with ECONNREFUSED
 *     CONNECTING --127 s-->                         OVER with ETIMEDOUT
 *     HALF       --the last part of the handshake arrives--> CONNECTED, in the listener's queue
 *     CONNECTED  --a FIN arrives-->                 CONNECTED, and `has_end`
 *     CONNECTED  --a RST arrives-->                 OVER with ECONNRESET; with EPIPE if `has_end`
 *     CONNECTED  --nothing it sends arrives for the time limit--> OVER with ETIMEDOUT
 *     any        --its host crashes-->              OVER with EHOSTDOWN, for every call
 *     any        --close-->                         gone, with its memory
 *
 * What arrives at an end, by the time of its arrival; a path that is cut holds all of it up, and it
 * comes when the path is healed, in order:
 *
 *     bytes     `first` to `last`; those before `pending` have arrived
 *     FIN       fin_ns, never before the last bytes
 *     RST       reset_ns
 *     ACK       ack_ns: there is room for ack_bytes more
 *     SYN, ACK of the handshake   handshake_ns
 *
 * An end whose `other` is NULL sends to nothing. The peer's host answers with a RST, or not at all
 * while it is down. What such an end sent is `lost`.
 *
 * Each socket has one timer, which is armed for the earliest of its times (bide_net_rearm_). So
 * nothing is ever told inside a call. Every draw comes from the seed of the simulation, and is made
 * only where there is a choice.
 */
#ifndef BIDE_SIMULATED_NET_NET_H
#define BIDE_SIMULATED_NET_NET_H

#include <sys/types.h>

#include "base/library.h"

struct iovec;

/* What a socket takes of the options of TCP; 0 stands for the default. */
typedef struct bide_net_options {
	int64_t user_timeout_ns;
	size_t send_buffer_bytes, receive_buffer_bytes;
	unsigned backlog;
} bide_net_options;

/* An IPv4 address, as a number, and a port. */
typedef struct bide_net_place {
	uint32_t ip;
	uint16_t port;
} bide_net_place;

/* Events, by the numbers of epoll. On the one worker. */
typedef void bide_net_event(uint64_t key, uint32_t events);

/*
 * Returns true if this is a simulation. Sets the runtime up, if it was not in use.
 */
BIDE_INTERNAL bool bide_net_simulates_(void);
/*
 * Returns 0 where the network may be used; ENOTSUP outside of a simulation, and on a thread that is
 * not its worker.
 */
BIDE_INTERNAL int bide_net_usable_(void);

/* --- sockets. Each takes the number of an open socket. --- */

/*
 * Listens on the current host. The ip is 0: all; port 0: the next one that is free. Returns 0;
 * EADDRINUSE, EADDRNOTAVAIL, EHOSTDOWN, ENOTSUP, ENOMEM.
 */
BIDE_INTERNAL int bide_net_listen_(int *number, bide_net_place at, const bide_net_options *options);
/*
 * Begins to connect from the current host. from: zeroes stand for any. Returns 0; the same errors,
 * and ENETUNREACH: no host has the address.
 */
BIDE_INTERNAL int bide_net_connect_(int *number, bide_net_place to, bide_net_place from,
                                    const bide_net_options *options);
/* Returns 0: it is connected; EAGAIN; or the error of the connection. */
BIDE_INTERNAL int bide_net_connected_(int number);
/* Takes a connection. Returns 0; EAGAIN; EHOSTDOWN. */
BIDE_INTERNAL int bide_net_accept_(int number, int *accepted);
/* As recvmsg and sendmsg: the number of bytes, or -1 and errno. */
BIDE_INTERNAL ssize_t bide_net_receive_(int number, const struct iovec *parts, size_t count);
BIDE_INTERNAL ssize_t bide_net_send_(int number, const struct iovec *parts, size_t count);
/* Ends the sending side. Returns 0, or EPIPE if the connection is over. */
BIDE_INTERNAL int bide_net_shutdown_(int number);
/* Never waits. What was sent still arrives. */
BIDE_INTERNAL void bide_net_close_(int number);
/* Has io told of events from now on, and of what is there already. */
BIDE_INTERNAL void bide_net_watch_(int number, uint64_t key, bide_net_event *event);
/* Stores the address of this end, or of the peer. Returns 0, or ENOTCONN. */
BIDE_INTERNAL int bide_net_address_(int number, bool of_peer, bide_net_place *place);
/* Changes the options that are not 0. */
BIDE_INTERNAL void bide_net_set_options_(int number, const bide_net_options *options);
/* Resets the connection: both ends fail with ECONNRESET. Does nothing if it is over. */
BIDE_INTERNAL void bide_net_reset_(int number);

/* --- names --- */

/* Stores the address of a host, or of this host ("localhost"). Returns 0, ENOENT or ENOTSUP. */
BIDE_INTERNAL int bide_net_resolve_(const char *name, uint32_t *ip);
/* For the public function: returns 0, or reports misuse of `what` and returns the error. */
BIDE_INTERNAL int bide_net_host_ip_(const char *name, uint32_t *ip, const char *what);

#endif
