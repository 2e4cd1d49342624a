/*
 * resolve.h - the addresses of a name.
 *
 *     bide_addresses *found;
 *
 *     bide_await(found, bide_resolve("example.org", "https"));
 *     for (size_t i = 0; i < found->count; i++)
 *         use(&found->at[i]);
 *     bide_addresses_free(found);
 *
 * Names are looked up by getaddrinfo, so the system decides how: /etc/hosts, /etc/nsswitch.conf,
 * name servers. That blocks, so it runs on threads that are for this alone, at most
 * bide_config.resolver_threads_max. A question that is asked again while its look-up is pending
 * joins that look-up.
 */
#ifndef BIDE_RESOLVE_H
#define BIDE_RESOLVE_H

#include "address.h"
#include "value_task.h"

/* At least one address, sorted: those that are more likely to be reached come first (RFC 6724). */
typedef struct bide_addresses {
	size_t count;
	const bide_address *at;
	size_t size_bytes_;
} bide_addresses;

BIDE_VALUE_TASK_OF(bide_addresses_task, bide_addresses *);

BIDE_BEGIN_DECLS

/*
 * Looks up the addresses of a host for a service. The result belongs to the caller, who frees it.
 * If no consumer takes the result, the library frees it. Both texts are copied inside the call.
 *
 * host: a name, or an IPv4 or IPv6 address without brackets. service: a name of TCP's
 * (/etc/services), or a port from 0 to 65535; NULL is port 0. If the host is an address and the
 * service a number, nothing is looked up, and the value task is ready at once.
 *
 * Abandonable: if the context is canceled, the value task fails at once, and the look-up goes on
 * until the system ends it. It may then serve the same question of another caller; otherwise its
 * result is dropped. A shutdown waits 1 s for look-ups that run, and then leaves their threads to
 * the system.
 *
 * Errors: ENOENT: there is no such host or service. ENODATA: the host has no address. EAGAIN: the
 * name server does not answer now; try later. EIO: the name server has failed. ENAMETOOLONG: a
 * text is longer than names can be. EINVAL: a port above 65535, or (misuse) host is NULL. ENODEV:
 * there is no interface of the name behind a '%'. ENOMEM. EAGAIN also if no thread can be started.
 *
 * In a simulation the names are those of its hosts (simulated_net.h), and nothing is looked up.
 * ENOTSUP: on a thread that is not its worker.
 *
 * If all threads wait for answers for longer than 5 s while others queue, the report hook
 * (misuse.h) gets a line. Threads: any. Cost: an allocation for the question and one for the
 * answer, and a hand-over between threads each way.
 */
BIDE_API BIDE_USE_RESULT bide_addresses_task bide_resolve(const char *host, const char *service);

/* Frees a result of bide_resolve. NULL does nothing. Any thread. */
BIDE_API void bide_addresses_free(bide_addresses *addresses);

BIDE_END_DECLS
#endif
