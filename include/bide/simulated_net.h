/*
 * simulated_net.h - the network of a simulation, for tests of programs that use connections.
 *
 *     bide_configure(&(bide_config){ .virtual_clock = true, .seed = seed });
 *     bide_simulated_host_add("server");
 *     bide_simulated_link_set(NULL, NULL, &(bide_simulated_link){ .delay_max_ns = BIDE_MS(20) });
 *     bide_value_task_forget(bide_on_host("server", run_server()));
 *     error = bide_value_task_wait(run_client("server", "80"), NULL);
 *
 * In a simulation (runtime.h) every TCP connection is one of this network, and no system call is
 * made for it: bide_tcp_listen, bide_tcp_connect, bide_resolve, bide_accept, bide_serve and all of
 * streams and their buffers are used as ever. Time is virtual, and nothing is sent out of the
 * process. All faults and delays are drawn from the seed, so that a run can be repeated, and
 * bide_simulation_hash includes them. A run with TLS cannot be repeated: OpenSSL draws its keys
 * elsewhere.
 *
 * Hosts. A function runs on the host of the nearest bide_on_host around its start, as it inherits a
 * context; and on "localhost" if there is none. Each host has a name and an IPv4 address: 10.0.0.1,
 * which is localhost's, 10.0.0.2 and so on, in the order in which they are added. On each host
 * 127.0.0.1 and the name "localhost" stand for that host itself. A name that is none of a host is
 * not found (ENOENT), and so is the name of a service: write ports as numbers.
 *
 * Connections keep to TCP. Bytes come in order, or the connection ends. A connect takes a round
 * trip. A port where nothing listens refuses (ECONNREFUSED). A connect that nothing answers is
 * tried for 127 s (ETIMEDOUT). A close with unread bytes resets, and so do bytes that are sent to a
 * closed end. Each direction has room for the send buffer of one end and the receive buffer of the
 * other, 64 KiB each unless bide_tcp_options says otherwise, and a reader's progress makes room at
 * the sender after one delay. What is sent in packets of 1460 bytes takes the path for as long as
 * the bandwidth says. Of the other options, user_timeout_ns, backlog and from have their meaning;
 * keepalive, delay and only_v6 have none; reuse_port is refused (ENOTSUP).
 *
 * What is not simulated fails with ENOTSUP: UNIX sockets, and operations of real descriptors that
 * have to wait (pipes, terminals, bide_fd_wait, signals). There is no IPv6: EAFNOSUPPORT. A stream
 * or listener of this network has no descriptor (bide_stream_fd, bide_listener_fd: ENOTSUP).
 *
 * The functions below are for the thread of the simulation. Outside of one they are misuse and
 * return ENOTSUP. A host that was not added is misuse, too: ENOENT. ENOMEM: nothing was changed.
 */
#ifndef BIDE_SIMULATED_NET_H
#define BIDE_SIMULATED_NET_H

#include "address.h"
#include "context.h"
#include "stream.h"

/* How two hosts are connected, in both directions. Zeroes: at once, no limit, no faults. */
typedef struct bide_simulated_link {
	/* Everything takes so long to the other host, drawn each time. max 0: always min. */
	int64_t delay_min_ns, delay_max_ns;
	/* Of each direction; all connections share it. 0: no limit. */
	uint64_t bytes_per_second;
	/*
	 * Chances, in a million: that a reading or writing call moves only a part, that a writing call
	 * ends in a reset of the connection, that a connect is refused. After a short write the next
	 * one has to wait for a microsecond.
	 */
	uint32_t short_reads_per_million, short_writes_per_million;
	uint32_t resets_per_million, refusals_per_million;
	/* The most that one reading or writing call moves. 0: no limit. 1: every byte on its own. */
	size_t call_bytes_max;
} bide_simulated_link;

BIDE_BEGIN_DECLS

/*
 * Adds a host. The name is copied. Returns 0. Errors: EEXIST; EINVAL (misuse): the name is NULL,
 * empty, or longer than 255 bytes.
 */
BIDE_API int bide_simulated_host_add(const char *name);
/* Stores the address of a host, with port 0. Returns 0. */
BIDE_API BIDE_USE_RESULT int bide_simulated_host_address(const char *name, bide_address *address);
/*
 * The host loses its power: what was sent to it is lost, and nothing answers. Its own connections
 * and listeners fail with EHOSTDOWN, and all contexts of bide_on_host are canceled. Peers notice
 * when a time limit of theirs ends. Packets that are under way from it still arrive. Returns 0,
 * also if it is down already.
 */
BIDE_API int bide_simulated_host_crash(const char *name);
/*
 * The host runs again, without any function, listener or connection. Peers that go on to send to
 * connections of before are reset. Returns 0.
 */
BIDE_API int bide_simulated_host_restart(const char *name);
/* Resets all connections of a host: its ends at once, the others after a delay. Returns 0. */
BIDE_API int bide_simulated_host_reset(const char *name);

/*
 * Sets what is between two hosts, which may be the same one. It holds for what is sent from now on.
 * Two names of NULL stand for all pairs that have no link of their own, and for each host with
 * itself. link is copied; NULL: a pair has no link of its own any more, and the default is zeroes.
 * Returns 0. EINVAL (misuse): a delay is negative, a chance above a million, or one name is NULL.
 */
BIDE_API int bide_simulated_link_set(const char *host, const char *other,
                                     const bide_simulated_link *link);
/*
 * Cuts two hosts off from each other, or one from all others there are (other is NULL). Nothing
 * tells the connections: what is sent waits, and after bide_tcp_options.user_timeout_ns (924 s) the
 * connection fails with ETIMEDOUT. Returns 0.
 */
BIDE_API int bide_simulated_link_cut(const char *host, const char *other);
/* Connects them again. What was sent meanwhile arrives a delay later, in order. Returns 0. */
BIDE_API int bide_simulated_link_heal(const char *host, const char *other);

/*
 * Resets the connection of a stream: it fails with ECONNRESET at once, and the other end after a
 * delay. Does nothing if it has ended. Returns 0; ENOTSUP: the stream is none of this network.
 */
BIDE_API BIDE_USE_RESULT int bide_stream_simulate_reset(bide_stream *stream);

/* Used by the macro below. Returns NULL after a failure; *error is the reason. */
BIDE_API bide_context *bide_simulated_host_context_(const char *name, uintptr_t *error);

BIDE_END_DECLS

#ifndef __cplusplus
/*
 * bide_on_host(name, call) makes a context for one call, which runs on the host, as does all that
 * it starts. The context is below the current one. If the host is down, the call is not made, and
 * the value task fails with EHOSTDOWN; if there is no memory, with ENOMEM.
 */
#define bide_on_host(name, call) \
	BIDE_WITH_((BIDE_NOTE_(bide_on_host), bide_simulated_host_context_), (name), call, BIDE_NESTED_)
#endif
#endif
