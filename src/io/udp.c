/*
 * udp.c - UDP sockets: how they are opened, their options, their end.
 */
#define _GNU_SOURCE
#include "io/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/misuse.h"
#include "io/owned.h"
#include "io/socket.h"

static bide_slab slab = BIDE_SLAB_OF_(bide_udp);

int bide_udp_check_(const bide_udp *udp, const char *what)
{
	return bide_handle_check_(udp ? &udp->handle : NULL, what, "socket");
}

static int missing(const char *what, const char *argument)
{
	bide_misuse_("%s: %s is NULL", what, argument);
	return EINVAL;
}

/* --- opening --- */

static int set_if(int error, int fd, int level, int name, unsigned value)
{
	int number = value > INT_MAX ? INT_MAX : (int)value;

	if (error || !value)
		return error;
	return setsockopt(fd, level, name, &number, sizeof number) ? errno : 0;
}

static int set_options(int fd, int family, const bide_udp_options *options)
{
	int error = set_if(0, fd, SOL_SOCKET, SO_REUSEADDR, options->reuse_address);
	int only_v6 = options->only_v6;

	error = set_if(error, fd, SOL_SOCKET, SO_REUSEPORT, options->reuse_port);
	error = set_if(error, fd, SOL_SOCKET, SO_BROADCAST, options->broadcast);
	error = set_if(error, fd, SOL_SOCKET, SO_SNDBUF, options->send_buffer_bytes);
	error = set_if(error, fd, SOL_SOCKET, SO_RCVBUF, options->receive_buffer_bytes);
	if (!error && family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6))
		error = errno;
	return error;
}

/* Takes the descriptor. Returns 0 or ENOMEM; then it stays the caller's. */
static int make(bide_udp **made, int fd)
{
	bide_udp *udp = bide_thread_() ? bide_slab_take_(&slab) : NULL;

	if (!udp)
		return ENOMEM;
	bide_handle_init_(&udp->handle, fd, BIDE_HANDLE_READY_IN_ | BIDE_HANDLE_READY_OUT_);
	*made = udp;
	return 0;
}

static int open_socket(bide_udp **made, const bide_address *local, const bide_udp_options *options)
{
	const bide_address *peer = options->peer;
	int family = bide_address_family(local ? local : peer), error, fd;

	if (family != AF_INET && family != AF_INET6)
		return EAFNOSUPPORT;
	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	error = set_options(fd, family, options);
	if (!error && local && bind(fd, bide_address_of_(local), bide_address_size_(local)))
		error = errno;
	if (!error && peer && connect(fd, bide_address_of_(peer), bide_address_size_(peer)))
		error = errno;
	if (!error)
		error = make(made, fd);
	if (error)
		close(fd);
	return error;
}

int bide_udp_open(bide_udp **udp, const bide_address *local, const bide_udp_options *options)
{
	static const bide_udp_options none;

	if (!udp)
		return missing("bide_udp_open", "udp");
	*udp = NULL;
	if (!options)
		options = &none;
	if (!local && !options->peer) {
		bide_misuse_("bide_udp_open: local and the peer of the options are NULL; one is needed");
		return EINVAL;
	}
	return open_socket(udp, local, options);
}

int bide_udp_take_fd(bide_udp **udp, int fd)
{
	int type = 0, status, error;
	socklen_t size = sizeof type;

	if (!udp)
		return missing("bide_udp_take_fd", "udp");
	*udp = NULL;
	status = fcntl(fd, F_GETFL);
	if (status < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size))
		return errno;
	if (type != SOCK_DGRAM)
		return EINVAL;
	error = bide_owned_take_(fd, "bide_udp_take_fd");
	if (error)
		return error;
	error = make(udp, fd);
	if (error) {
		bide_owned_end_(fd);
		return error;
	}
	(void)fcntl(fd, F_SETFL, status | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

/* --- asking and setting --- */

int bide_udp_fd(const bide_udp *udp, int *fd)
{
	int error = bide_udp_check_(udp, "bide_udp_fd");

	if (!error && !fd)
		error = missing("bide_udp_fd", "fd");
	if (fd)
		*fd = error ? -1 : udp->handle.fd;
	return error;
}

int bide_udp_address(const bide_udp *udp, bide_address *address)
{
	int error = bide_udp_check_(udp, "bide_udp_address");

	if (error)
		return error;
	if (!address)
		return missing("bide_udp_address", "address");
	return bide_socket_address_(&udp->handle, false, address);
}

static int set_member(bide_udp *udp, const bide_address *group, unsigned interface_index,
                      bool joins, const char *what)
{
	struct group_req request = { .gr_interface = interface_index };
	int error = bide_udp_check_(udp, what), family;

	if (error)
		return error;
	if (!group)
		return missing(what, "group");
	family = bide_address_family(group);
	if (family != AF_INET && family != AF_INET6)
		return EINVAL;
	__builtin_memcpy(&request.gr_group, group->sockaddr_, bide_address_size_(group));
	return setsockopt(udp->handle.fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
	                  joins ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, &request, sizeof request)
	           ? errno
	           : 0;
}

int bide_udp_join(bide_udp *udp, const bide_address *group, unsigned interface_index)
{
	return set_member(udp, group, interface_index, true, "bide_udp_join");
}

int bide_udp_leave(bide_udp *udp, const bide_address *group, unsigned interface_index)
{
	return set_member(udp, group, interface_index, false, "bide_udp_leave");
}

/* Otherwise a socket of IPv6 may send to addresses of IPv4, too. */
static bool is_only_v6(int fd)
{
	int only_v6 = 0;
	socklen_t size = sizeof only_v6;

	return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, &size) == 0 && only_v6;
}

int bide_udp_set_ttl(bide_udp *udp, unsigned ttl)
{
	int error = bide_udp_check_(udp, "bide_udp_set_ttl"), family = 0;
	socklen_t size = sizeof family;

	if (error)
		return error;
	if (ttl < 1 || ttl > 255) {
		bide_misuse_("bide_udp_set_ttl: ttl is %u; 1 to 255 are allowed", ttl);
		return EINVAL;
	}
	if (getsockopt(udp->handle.fd, SOL_SOCKET, SO_DOMAIN, &family, &size))
		return errno;
	if (family == AF_INET6) {
		error = set_if(0, udp->handle.fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
		error = set_if(error, udp->handle.fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl);
		if (error || is_only_v6(udp->handle.fd))
			return error;
	}
	error = set_if(0, udp->handle.fd, IPPROTO_IP, IP_TTL, ttl);
	return set_if(error, udp->handle.fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
}

/* --- ending --- */

void bide_udp_abort(bide_udp *udp, int error)
{
	if (!bide_udp_check_(udp, "bide_udp_abort") && bide_check_error_(error, "bide_udp_abort"))
		bide_handle_abort_(&udp->handle, error);
}

static void closed(bide_handle *handle)
{
	bide_slab_give_(&slab, BIDE_CONTAINER_(handle, bide_udp, handle));
}

void bide_udp_close(bide_udp *udp)
{
	uint32_t era = udp ? bide_handle_take_(&udp->handle, "bide_udp_close", "socket") : 0;

	if (era != 0)
		bide_handle_close_taken_(&udp->handle, era, closed);
}
