/*
 * resolve.c - bide_resolve: waits for look-ups (lookup.h), and the addresses that are their result.
 *
 * Two parties may use a wait until its end: the one that decides its outcome, and the cancellation.
 * With one worker a wait is completed on the worker's thread, by a post.
 */
#include <errno.h>
#include <netdb.h>
#include <string.h>

#include "base/misuse.h"
#include "base/party.h"
#include "base/port.h"
#include "base/settings.h"
#include "base/text.h"
#include "cancel/cancel_core.h"
#include "context/context.h"
#include "io/address.h"
#include "io/freed.h"
#include "io/lookup.h"
#include "io/simulated.h"
#include "memory/allocator.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"
#include "source/operation.h"
#include "source/source.h"

enum { HOST_MAX = 1024, SERVICE_MAX = 255 };

/* ---- addresses */

static bide_addresses *addresses_new(size_t count, bide_address **at)
{
	size_t size_bytes = sizeof(bide_addresses) + count * sizeof(bide_address);
	bide_addresses *made = bide_allocate_(size_bytes, _Alignof(bide_addresses));

	if (!made)
		return NULL;
	*at = (bide_address *)(void *)(made + 1);
	made->count = count;
	made->at = *at;
	made->size_bytes_ = size_bytes;
	return made;
}

void bide_addresses_free(bide_addresses *addresses)
{
	size_t size_bytes = addresses ? addresses->size_bytes_ : 0;

	if (!addresses)
		return;
	if (size_bytes == 0) {
		bide_misuse_("bide_addresses_free: addresses is freed already");
		return;
	}
	addresses->size_bytes_ = 0;
	bide_freed_keep_(addresses, size_bytes);
}

/* Stores what the list has that is an address, each once. Returns 0, ENODATA or ENOMEM. */
static int addresses_from(const struct addrinfo *list, bide_addresses **found)
{
	bide_addresses *made;
	bide_address *at;
	size_t count = 0, same;

	for (const struct addrinfo *i = list; i; i = i->ai_next)
		count++;
	made = addresses_new(count, &at);
	if (!made)
		return ENOMEM;
	count = 0;
	for (const struct addrinfo *i = list; i; i = i->ai_next) {
		if ((i->ai_family != AF_INET && i->ai_family != AF_INET6) ||
		    bide_address_from_sockaddr(&at[count], i->ai_addr, i->ai_addrlen) != 0)
			continue;
		for (same = 0; !bide_address_equal(&at[same], &at[count]); same++)
			;
		count += same == count;
	}
	made->count = count;
	if (count == 0) {
		bide_addresses_free(made);
		return ENODATA;
	}
	*found = made;
	return 0;
}

/* ---- waits */

typedef struct resolve_wait {
	bide_operation operation;
	bide_post post;
	bide_cancel_node node;
	bide_lookup_wait wait;
	bide_addresses *found;
	int error;
	uint32_t parties;
	char host[32]; /* its beginning, for dumps */
} resolve_wait;
BIDE_STATIC_ASSERT(sizeof(resolve_wait) <= BIDE_COPY_BYTES_, "a dump reads all of it");

static void describe(const void *copy, char *to, size_t size_bytes)
{
	bide_put_(to, size_bytes, "bide_resolve (%s)", ((const resolve_wait *)copy)->host);
}

static void wait_leave(resolve_wait *w, uint32_t parties)
{
	bide_payload found;

	if (!bide_party_leave_(&w->operation.source, &w->parties, parties))
		return;
	bide_cancel_node_unref_(&w->node);
	found.p = w->found;
	bide_operation_complete_(&w->operation, found, w->error);
}

static void wait_complete(resolve_wait *w)
{
	wait_leave(w, bide_cancel_unlink_(&w->node) ? 2 : 1);
}

static void wait_arrived(bide_post *post)
{
	wait_complete(BIDE_CONTAINER_(post, resolve_wait, post));
}

/* The caller has decided the outcome. */
static void wait_decided(resolve_wait *w)
{
	if (bide_port_on_worker_() && bide_thread_()) /* which needs a record */
		wait_complete(w);
	else
		bide_port_post_(&w->post);
}

static void wait_answered(bide_lookup_wait *wait, const struct addrinfo *list, int error)
{
	resolve_wait *w = BIDE_CONTAINER_(wait, resolve_wait, wait);

	w->error = error ? error : addresses_from(list, &w->found);
	wait_decided(w);
}

static void wait_canceled(bide_cancel_node *node, int error)
{
	resolve_wait *w = BIDE_CONTAINER_(node, resolve_wait, node);
	bool mine = bide_lookup_leave_(&w->wait);

	if (mine)
		w->error = error;
	wait_leave(w, mine ? 2 : 1);
}

static void wait_forgotten(bide_operation *operation)
{
	resolve_wait *w = (resolve_wait *)(void *)operation;

	if (!bide_lookup_leave_(&w->wait))
		return;
	w->error = ECANCELED;
	wait_decided(w);
}

static void unwanted(bide_payload result)
{
	bide_addresses_free(result.p);
}

static const bide_operation_type resolve_type = {
	.name = "bide_resolve", .describe = describe, .leave = wait_forgotten, .unwanted = unwanted
};

/* ---- the call */

static bide_value_task look_up(const char *host, const char *service)
{
	struct bide_lookup *lookup;
	resolve_wait *w;
	bide_value_task v;
	int error;

	lookup = bide_lookup_new_(host, service);
	w = lookup ? (resolve_wait *)(void *)bide_operation_new_(sizeof *w, &resolve_type) : NULL;
	if (!w) {
		bide_lookup_discard_(lookup);
		return bide_value_task_from_error(ENOMEM);
	}
	w->post.run = wait_arrived;
	w->wait.end = wait_answered;
	w->parties = 2;
	bide_put_(w->host, sizeof w->host, "%s", host);
	v = bide_source_value_(&w->operation.source);
	error = bide_cancel_link_(bide_context_core_(), &w->node, wait_canceled);
	if (error) {
		bide_lookup_discard_(lookup);
		bide_operation_discard_(&w->operation.source);
		return bide_value_task_from_error(error);
	}
	bide_lookup_join_(lookup, &w->wait);
	return v;
}

/* Reads a port. Returns 0; EINVAL if it is too large; ENOENT if the text is no number. */
static int port_of(const char *service, unsigned *port)
{
	*port = 0;
	if (!service)
		return 0;
	if (!*service || service[strspn(service, "0123456789")])
		return ENOENT;
	for (; *service && *port <= UINT16_MAX; service++)
		*port = *port * 10 + (unsigned)(*service - '0');
	return *port <= UINT16_MAX ? 0 : EINVAL;
}

static bide_value_task found_at_once(bide_address address, unsigned port)
{
	bide_address *at;
	bide_addresses *made = addresses_new(1, &at);
	bide_payload result;

	if (!made)
		return bide_value_task_from_error(ENOMEM);
	(void)bide_address_set_port(&address, port);
	at[0] = address;
	result.p = made;
	return bide_operation_succeeded_(&resolve_type, result);
}

static bide_value_task resolve(const char *host, const char *service)
{
	bide_address address;
	unsigned port;
	int error, port_error;

	if (!host) {
		bide_misuse_("bide_resolve: host is NULL; it is a name or an address");
		return bide_value_task_from_error(EINVAL);
	}
	if (!bide_thread_())
		return bide_value_task_from_error(bide_runtime_missing_());
	error = bide_context_current_error();
	if (error)
		return bide_value_task_from_error(error);
	if (strnlen(host, HOST_MAX + 1) > HOST_MAX ||
	    (service && strnlen(service, SERVICE_MAX + 1) > SERVICE_MAX))
		return bide_value_task_from_error(ENAMETOOLONG);
	port_error = port_of(service, &port);
	if (port_error == EINVAL)
		return bide_value_task_from_error(EINVAL);
	if (!*host || (service && !*service)) /* the system takes these for "any" */
		return bide_value_task_from_error(ENOENT);
	error = bide_address_parse_host_(&address, host);
	if (error == ENODEV)
		return bide_value_task_from_error(ENODEV);
	if (!error && !port_error)
		return found_at_once(address, port);
	if (!bide_simulating_)
		return look_up(host, service);
	if (error) /* a thread would make it differ from run to run */
		error = bide_simulated_resolve_(host, &address);
	error = error ? error : port_error;
	return error ? bide_value_task_from_error(error) : found_at_once(address, port);
}

bide_addresses_task bide_resolve(const char *host, const char *service)
{
	return BIDE_TYPED(bide_addresses_task, resolve(host, service));
}
