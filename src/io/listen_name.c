/*
 * listen_name.c - listens on the address of a host, which may have to be looked up.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/own.h"

#include <bide/resolve.h>
#include <errno.h>

#include "io/listener.h"
#include "io/opening.h"

/* Listens on the first address that can be. Stores the listener. Returns 0 or the first error. */
static int listen_on_first(bide_listener **listener, const bide_addresses *found,
                           const bide_tcp_options *options)
{
	int first_error = 0, error;

	for (size_t i = 0; i < found->count; i++) {
		error = bide_listener_open_tcp_(listener, &found->at[i], options);
		if (!error)
			return 0;
		first_error = first_error ? first_error : error;
	}
	return first_error;
}

/*
 * Listens on all addresses: one socket of IPv6 takes both kinds, and if there is no IPv6, one of
 * IPv4.
 */
static int listen_on_all(bide_listener **listener, unsigned port, const bide_tcp_options *options)
{
	static const unsigned char zeroes[16];
	bide_address address;
	int error;

	bide_address_set_v6_(&address, zeroes, port, 0);
	error = bide_listener_open_tcp_(listener, &address, options);
	if ((error != EAFNOSUPPORT && error != EADDRNOTAVAIL) || options->only_v6)
		return error;
	bide_address_set_v4_(&address, zeroes, port);
	return bide_listener_open_tcp_(listener, &address, options);
}

static int listen_on(bide_listener **listener, const bide_opening_request *request,
                     const bide_addresses *found)
{
	if (request->host)
		return listen_on_first(listener, found, &request->options.tcp);
	return listen_on_all(listener, bide_address_port(&found->at[0]), &request->options.tcp);
}

struct bide_tcp_listen {
	BIDE_ASYNC_FRAME;
	struct {
		bide_opening *opening;
	} in;
	bide_addresses *found;
	bide_listener *listener;
	int error;
};

static const bide_own_ bide_tcp_listen_own_ = { .name = "bide_tcp_listen" };

/* An address of any host, where only the service has to be looked up. */
static bide_addresses_task look_up(const bide_opening_request *request)
{
	return bide_resolve(request->host ? request->host : "0.0.0.0", request->service);
}

bide_async(bide_tcp_listen)
{
	bide_async_begin;
	bide_await_or(my->found, look_up(my->in.opening->request), my->error = bide_await_error);
	if (my->found)
		my->error = listen_on(&my->listener, my->in.opening->request, my->found);
bide_async_finally:
	bide_addresses_free(my->found);
	bide_opening_end_(my->in.opening, my->listener, my->error);
	bide_async_end;
}

static bide_value_task begin(bide_opening *opening)
{
	return bide_async_start(bide_tcp_listen, .opening = opening);
}

static void unwanted(bide_payload result)
{
	bide_listener_close(result.p);
}

static const bide_opening_kind listen_kind = {
	.type = { .name = "bide_tcp_listen", .leave = bide_opening_leave_, .unwanted = unwanted },
	.begin = begin,
};

static bide_value_task listen_name(const char *host, const char *service,
                                   const bide_tcp_options *options)
{
	if (!service) {
		bide_misuse_("bide_tcp_listen: service is NULL; \"0\" lets the system choose a port");
		return bide_value_task_from_error(EINVAL);
	}
	return bide_opening_start_named_(&listen_kind, host, service, options);
}

bide_listener_task bide_tcp_listen(const char *host, const char *service,
                                   const bide_tcp_options *options)
{
	return BIDE_TYPED(bide_listener_task, listen_name(host, service, options));
}
