/*
 * net.h - connections: TCP and UNIX sockets that listen, accept and connect.
 *
 *     await(my->listener, bide_tcp_listen(NULL, "8080", NULL));
 *     for (;;) {
 *         await(my->client, bide_accept(my->listener));
 *         ...                                  // a stream (stream.h), which you close
 *     }
 *
 * A listener and a stream that an operation returns belong to the caller. If no consumer takes the
 * result, because the value task was forgotten or its function canceled, the library closes it.
 * Strings, addresses and options are copied inside each call.
 *
 * Every operation can be canceled. Threads: any. All sockets are non-blocking and close-on-exec.
 *
 * Errors besides those that are named below: EBADF: the object was closed while the operation was
 * pending. EINVAL: an argument is wrong, which is misuse. ENOMEM, EMFILE, ENFILE, ENOBUFS: there is
 * no memory or no descriptor. ENOTSUP: what a simulation does not have (simulated_net.h). Those of
 * bide_resolve (resolve.h) where a name is given.
 */
#ifndef BIDE_NET_H
#define BIDE_NET_H

#include "address.h"
#include "stream.h"
#include "value_task.h"

/*
 * Zeroes are the defaults, which stand in brackets. Those of a listener also hold for its streams.
 */
typedef struct bide_tcp_options {
	/*
	 * true: small writes may wait until the peer has acknowledged earlier ones (Nagle's algorithm)
	 * [false: TCP_NODELAY is set].
	 */
	bool delay;
	/*
	 * The kernel probes an idle connection, so that a peer that has vanished is noticed. The first
	 * probe goes keepalive_idle_ns after the last sign of life, the others every
	 * keepalive_interval_ns [as the system does, 75 s]. After keepalive_count probes without an
	 * answer [as the system does, 9] the connection fails with ETIMEDOUT. Whole seconds count, at
	 * least one. If all three are 0, nothing is probed.
	 */
	int64_t keepalive_idle_ns, keepalive_interval_ns;
	unsigned keepalive_count;
	/*
	 * How long sent data may stay unacknowledged until the connection fails with ETIMEDOUT [as the
	 * system does: some 15 minutes]. Whole milliseconds count, at least one.
	 */
	int64_t user_timeout_ns;
	/*
	 * Sizes of the kernel's buffers [the system adapts them]. The system doubles and limits them.
	 */
	unsigned send_buffer_bytes, receive_buffer_bytes;
	/*
	 * true: a listener on an IPv6 address takes no IPv4 connections [false: the address :: takes
	 * both].
	 */
	bool only_v6;
	/*
	 * Several listeners, also of several processes, share the port, and the kernel distributes the
	 * connections (SO_REUSEPORT).
	 */
	bool reuse_port;
	/* Connections that the kernel keeps until they are accepted [4096, or net.core.somaxconn]. */
	unsigned backlog;
	/* connect: the local address [any]. Its port may be 0. */
	const bide_address *from;
	/* connect by name: after this time the next address is tried, too [250 ms]. */
	int64_t attempt_delay_ns;
} bide_tcp_options;

typedef struct bide_unix_options {
	unsigned mode; /* of the socket's file, as 0660 [as the umask says]. Not for abstract names. */
	unsigned backlog; /* as for TCP */
} bide_unix_options;

typedef struct bide_listener bide_listener;
BIDE_VALUE_TASK_OF(bide_listener_task, bide_listener *);

BIDE_BEGIN_DECLS

/* --- listening --- */

/*
 * Listens on an address of this machine. host: a name or an address; of several addresses, the
 * first on which it can listen. NULL: all addresses of IPv6 and IPv4. service: a port or the name
 * of one; "0": the system chooses a port, which bide_listener_address returns. SO_REUSEADDR is set.
 * If nothing has to be looked up, the value task is ready at once. Errors: EADDRINUSE,
 * EADDRNOTAVAIL, EACCES, as bind(2) says.
 */
BIDE_API BIDE_USE_RESULT bide_listener_task bide_tcp_listen(const char *host, const char *service,
                                                            const bide_tcp_options *options);
/*
 * Does the same on one IPv4 or IPv6 address, at once. Stores the listener. Returns 0 or the error.
 */
BIDE_API BIDE_USE_RESULT int bide_tcp_listen_address(bide_listener **listener,
                                                     const bide_address *address,
                                                     const bide_tcp_options *options);
/*
 * Listens on a path, or on the abstract name behind an '@'. If the path is a socket on which
 * nothing listens any more, it is replaced. Closing the listener does not remove the file. Stores
 * the listener. Returns 0. Errors: EADDRINUSE: a process listens there, or the path is no socket;
 * ENAMETOOLONG: more than 107 bytes; EINVAL: the path is empty; those of bind(2), as ENOENT,
 * EACCES.
 */
BIDE_API BIDE_USE_RESULT int bide_unix_listen(bide_listener **listener, const char *path,
                                              const bide_unix_options *options);
/*
 * Makes a listener of a socket that listens already: one that systemd or a parent has handed over.
 * It is set to non-blocking and close-on-exec, and belongs to the listener. Its other options stay,
 * but TCP_NODELAY is set. Stores the listener. Returns 0. After an error the descriptor is still
 * yours: EBADF: it is none; ENOTSOCK; EINVAL: it does not listen; ENOMEM. EBUSY (misuse): it
 * belongs to a listener or another object already.
 */
BIDE_API BIDE_USE_RESULT int bide_listener_take_fd(bide_listener **listener, int fd);
/*
 * Stores the descriptor, for a child that inherits it. It stays the listener's. Returns 0, or
 * ENOTSUP in a simulation; *fd is -1 then.
 */
BIDE_API BIDE_USE_RESULT int bide_listener_fd(const bide_listener *listener, int *fd);
/* Stores the address on which it listens, with the port that the system chose. Returns 0. */
BIDE_API BIDE_USE_RESULT int bide_listener_address(const bide_listener *listener,
                                                   bide_address *address);
/*
 * Makes a pending bide_accept and later ones fail with this error, 1 to 4095. The kernel goes on to
 * queue connections. Any thread, while the owner has not closed the listener.
 */
BIDE_API void bide_listener_abort(bide_listener *listener, int error);
/*
 * Closes the listener and frees it. It never waits: a pending bide_accept fails with EBADF.
 * Connections that were not accepted are reset, unless another process has the socket, too. NULL
 * does nothing. Only the owner may call it, and no call may use the listener afterwards.
 */
BIDE_API void bide_listener_close(bide_listener *listener);

/*
 * Takes the next connection. One call at a time: a second one is misuse, EBUSY. bide_stream_peer
 * stores the address of the peer.
 *
 * It does not fail for what one connection did before it was taken (ECONNABORTED, EPROTO and such):
 * it takes the next one. If the process or the system has no descriptors or no memory (EMFILE,
 * ENFILE, ENOBUFS, ENOMEM; ENOSPC: fs.epoll.max_user_watches), for the connection or for what a
 * worker needs to wait (io.h), it waits, and the connections stay in the kernel's queue. It tries
 * again when this process closes a stream or a listener, and every 100 ms. The report hook
 * (misuse.h) gets one line a minute. It fails with ENOMEM if there is no memory to wait.
 */
BIDE_API BIDE_USE_RESULT bide_stream_task bide_accept(bide_listener *listener);

/* --- connecting --- */

/*
 * Connects to a host. host and service are those of bide_resolve. The addresses are tried in their
 * order, those of IPv6 and IPv4 in turn. If an address has not answered after 250 ms, or has
 * failed, the next one is tried, too (RFC 8305). The first connection wins; the others are closed
 * before the value task is ready. If all addresses fail, the error is that of the first that
 * failed. One that cannot be reached from here (ENETUNREACH, EADDRNOTAVAIL) counts only if all
 * failed so.
 */
BIDE_API BIDE_USE_RESULT bide_stream_task bide_tcp_connect(const char *host, const char *service,
                                                           const bide_tcp_options *options);
/* Connects to an IPv4 or IPv6 address. Errors: ECONNREFUSED, ENETUNREACH, as connect(2) says. */
BIDE_API BIDE_USE_RESULT bide_stream_task bide_tcp_connect_address(const bide_address *address,
                                                                   const bide_tcp_options *options);
/*
 * Connects to a path, or to the abstract name behind an '@'. If the queue of the listener is full,
 * it waits and tries again. Errors: ENOENT, ECONNREFUSED: nothing listens there; EACCES.
 */
BIDE_API BIDE_USE_RESULT bide_stream_task bide_unix_connect(const char *path);

/* --- the addresses of a stream --- */

/*
 * Stores the address of the peer, or of this end. Returns 0. Errors: ENOTSOCK: the stream is no
 * socket; ENOTCONN: the peer has gone; EBADF: it is a stream of your own.
 */
BIDE_API BIDE_USE_RESULT int bide_stream_peer(const bide_stream *stream, bide_address *address);
BIDE_API BIDE_USE_RESULT int bide_stream_local(const bide_stream *stream, bide_address *address);

/*
 * Sets the options of a stream of TCP that was made otherwise, by bide_stream_take_fd or a listener
 * that was taken: delay, keepalive, time limit and buffers. The other options mean nothing here.
 * NULL or zeroes: TCP_NODELAY is set, and nothing else is changed. Returns 0. Errors: EBADF: it is
 * a stream of your own; EOPNOTSUPP: it is not of TCP; EINVAL (misuse).
 */
BIDE_API BIDE_USE_RESULT int bide_stream_set_tcp_options(bide_stream *stream,
                                                         const bide_tcp_options *options);

BIDE_END_DECLS
#endif
