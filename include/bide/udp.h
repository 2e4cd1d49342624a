/*
 * udp.h - datagrams: UDP sockets that receive and send many of them by one system call.
 *
 *     bide_udp_open(&my->udp, &local, NULL);
 *     for (size_t i = 0; i < COUNT; i++)
 *             my->got[i] = (bide_datagram){ .data = my->room[i], .room_bytes = ROOM };
 *     for (;;) {
 *             bide_await(my->count, bide_udp_receive(my->udp, my->got, COUNT));
 *             ...                                 // answers: the address is there already
 *             bide_await(bide_udp_send(my->udp, my->got, (size_t)my->count));
 *     }
 *
 * A socket has two sides, as a stream has: one function receives, and one sends, at the same time.
 * A second receive, or a second send, is misuse: EBUSY.
 *
 * Memory: the datagrams, and what they point at, are borrowed until the operation is over. The
 * address and the options of bide_udp_open are copied.
 *
 * Errors of the network. If the socket has a peer, and a host has answered an earlier datagram by
 * ICMP, then the next receive or send fails with that error, once: ECONNREFUSED (nothing listens at
 * that port), EHOSTUNREACH, ENETUNREACH. The socket is as good as before. Without a peer no such
 * error comes.
 *
 * Errors besides those that are named below: EBADF: the socket was closed while the operation was
 * pending; it is misuse to use it afterwards. EINVAL: an argument is wrong, which is misuse.
 * ENOMEM. ENOTSUP: an operation had to wait in a simulation.
 *
 * Threads: any, as for a stream. Cost: an operation that can be done at once is one system call and
 * allocates nothing. One that has to wait takes 128 bytes of a pool.
 */
#ifndef BIDE_UDP_H
#define BIDE_UDP_H

#include "address.h"
#include "value_task.h"

typedef struct bide_udp bide_udp;

/* Zeroes are the defaults, which stand in brackets. */
typedef struct bide_udp_options {
	/* The only peer: others are not received [any]. Copied. */
	const bide_address *peer;
	/* Sizes of the kernel's buffers [the system's]. The system doubles and limits them. */
	unsigned send_buffer_bytes, receive_buffer_bytes;
	/* A multicast port may be bound several times (SO_REUSEADDR). */
	bool reuse_address;
	/* Several sockets, also of several processes, share the port; the kernel deals by the peer. */
	bool reuse_port;
	bool broadcast; /* datagrams may go to broadcast addresses */
	bool only_v6;   /* a socket on :: takes no IPv4 [it takes both] */
} bide_udp_options;

typedef struct bide_datagram {
	void *data;
	size_t room_bytes; /* to receive: how much fits */
	size_t size_bytes; /* to send: how much. Receive stores how much has come, at most the room. */
	/* Receive stores the sender. To send: where to; "none" (zeroes) stands for the peer. */
	bide_address address;
	/*
	 * What recvmsg(2) and sendmsg(2) call control data: the interface (IP_PKTINFO), marks of
	 * congestion (IP_TOS), large sends (UDP_SEGMENT). bide_udp_fd has the descriptor for the
	 * options that ask for them. May be NULL; else it is aligned as a struct cmsghdr.
	 */
	void *control;
	size_t control_room_bytes, control_bytes; /* as room_bytes and size_bytes */
	bool is_truncated;         /* stored: the datagram was longer; the rest is lost */
	bool is_control_truncated; /* stored: the same of the control data */
} bide_datagram;

BIDE_BEGIN_DECLS

/*
 * Opens a socket, and binds it to the local address; port 0 takes any free one. If local is NULL,
 * the socket has the family of the peer in the options, and an address when it first sends.
 * Returns 0 or the error: EADDRINUSE, EADDRNOTAVAIL, EACCES, EAFNOSUPPORT, EMFILE and others of
 * socket(2), bind(2) and connect(2). On failure *udp is NULL.
 */
BIDE_API BIDE_USE_RESULT int bide_udp_open(bide_udp **udp, const bide_address *local,
                                           const bide_udp_options *options);
/*
 * Makes a socket of a descriptor, which is set to non-blocking and close-on-exec. Returns 0. After
 * an error the descriptor is still yours. EBADF, ENOTSOCK. EINVAL: it has no datagrams. ENOMEM.
 * EBUSY (misuse): it belongs to a socket or another object already.
 */
BIDE_API BIDE_USE_RESULT int bide_udp_take_fd(bide_udp **udp, int fd);
/* Stores the descriptor, which stays the socket's. Returns 0. */
BIDE_API BIDE_USE_RESULT int bide_udp_fd(const bide_udp *udp, int *fd);
/* Stores the local address. Returns 0. */
BIDE_API BIDE_USE_RESULT int bide_udp_address(const bide_udp *udp, bide_address *address);

/*
 * Receives 1 to count datagrams: those that are there, and no more than 32. It waits until there is
 * one. The result is how many; the members of these are stored. A datagram may have 0 bytes. Errors
 * of the network: see above.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_udp_receive(bide_udp *udp, bide_datagram *datagrams,
                                                          size_t count);
/*
 * Sends the datagrams, in order. The result is how many have gone to the kernel. It is less than
 * count only if the next one cannot be sent: a send that begins with that one fails with the
 * reason. An error of the network (see above) that comes behind the first datagram is lost in the
 * kernel, so a send of many may tell one of them, or none. It waits while the kernel has no room.
 *
 * EMSGSIZE: a datagram is too long. EDESTADDRREQ: it has no address, nor has the socket a peer. If
 * it is canceled, some may have gone.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_udp_send(bide_udp *udp,
                                                       const bide_datagram *datagrams,
                                                       size_t count);

/*
 * Join and leave a multicast group, on the interface of that number (if_nametoindex(3)); 0: the
 * system chooses. Return 0 or the error: ENODEV, EADDRINUSE (joined already), EADDRNOTAVAIL (not
 * joined). EINVAL: it is no address of a group.
 */
BIDE_API BIDE_USE_RESULT int bide_udp_join(bide_udp *udp, const bide_address *group,
                                           unsigned interface_index);
BIDE_API int bide_udp_leave(bide_udp *udp, const bide_address *group, unsigned interface_index);
/*
 * Sets how many routers a datagram may pass, 1 to 255, for single receivers and for groups. Returns
 * 0 or the error.
 */
BIDE_API BIDE_USE_RESULT int bide_udp_set_ttl(bide_udp *udp, unsigned ttl);

/*
 * Ends what is pending, and fails all that comes later, with this error, 1 to 4095. The first abort
 * counts. It frees nothing. Any thread, while the owner has not closed the socket.
 */
BIDE_API void bide_udp_abort(bide_udp *udp, int error);
/*
 * Closes the socket and frees it. It never waits: what is pending fails with EBADF. NULL does
 * nothing. For its owner: no call may use the socket afterwards.
 */
BIDE_API void bide_udp_close(bide_udp *udp);

BIDE_END_DECLS
#endif
