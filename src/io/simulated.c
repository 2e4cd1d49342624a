/*
 * simulated.c - see simulated.h.
 */
#include "io/simulated.h"

#include <errno.h>
#include <string.h>

#include "base/misuse.h"
#include "io/stream.h"
#include "simulated_net/net.h"

/* --- addresses and options --- */

/* Stores what an address stands for in the network. Zeroes of "none". */
static int place_of(const bide_address *address, bide_net_place *place)
{
	struct sockaddr_in v4;

	*place = (bide_net_place){ 0 };
	if (bide_address_family(address) == AF_UNSPEC)
		return 0;
	if (bide_address_family(address) != AF_INET)
		return EAFNOSUPPORT;
	memcpy(&v4, address->sockaddr_, sizeof v4);
	*place = (bide_net_place){ ntohl(v4.sin_addr.s_addr), ntohs(v4.sin_port) };
	return 0;
}

static void address_of(bide_net_place place, bide_address *address)
{
	const unsigned char bytes[4] = { (unsigned char)(place.ip >> 24),
		                             (unsigned char)(place.ip >> 16),
		                             (unsigned char)(place.ip >> 8), (unsigned char)place.ip };

	bide_address_set_v4_(address, bytes, place.port);
}

static bide_net_options options_of(const bide_tcp_options *options)
{
	return (bide_net_options){ .user_timeout_ns = options->user_timeout_ns,
		                       .send_buffer_bytes = options->send_buffer_bytes,
		                       .receive_buffer_bytes = options->receive_buffer_bytes,
		                       .backlog = options->backlog };
}

int bide_simulated_address_(const bide_handle *handle, bool of_peer, bide_address *address)
{
	bide_net_place place;
	int error = bide_net_address_(handle->fd, of_peer, &place);

	if (!error)
		address_of(place, address);
	return error;
}

void bide_simulated_set_options_(const bide_handle *handle, const bide_tcp_options *options)
{
	const bide_net_options changed = options_of(options);

	bide_net_set_options_(handle->fd, &changed);
}

int bide_simulated_resolve_(const char *host, bide_address *address)
{
	bide_net_place place = { 0 };
	int error = bide_net_resolve_(host, &place.ip);

	if (!error)
		address_of(place, address);
	return error;
}

/* --- listening --- */

int bide_simulated_listen_(int *number, const bide_address *address,
                           const bide_tcp_options *options)
{
	const bide_net_options net_options = options_of(options);
	bide_net_place place;
	int error = place_of(address, &place);

	if (!error && options->reuse_port)
		error = ENOTSUP;
	return error ? error : bide_net_listen_(number, place, &net_options);
}

/* --- connecting --- */

int bide_simulated_connect_(int *number, const bide_address *address,
                            const bide_socket_options *options)
{
	const bide_net_options net_options = options_of(&options->tcp);
	bide_net_place to, from;
	int error = place_of(address, &to);

	if (!error)
		error = place_of(&options->from, &from);
	if (!error && bide_address_family(address) == AF_UNSPEC)
		error = EAFNOSUPPORT;
	return error ? error : bide_net_connect_(number, to, from, &net_options);
}

/* --- the public functions --- */

int bide_simulated_host_address(const char *name, bide_address *address)
{
	bide_net_place place = { 0 };
	int error;

	if (!address) {
		bide_misuse_("bide_simulated_host_address: address is NULL");
		return EINVAL;
	}
	error = bide_net_host_ip_(name, &place.ip, "bide_simulated_host_address");
	if (!error)
		address_of(place, address);
	return error;
}

int bide_stream_simulate_reset(bide_stream *stream)
{
	int error = bide_stream_check_(stream, "bide_stream_simulate_reset");

	const bide_handle *handle;

	if (error)
		return error;
	handle = &bide_stream_bottom_(stream)->handle;
	if (!(handle->flags & BIDE_HANDLE_SIMULATED_) || bide_net_usable_())
		return ENOTSUP;
	bide_net_reset_(handle->fd);
	return 0;
}
