/*
 * socket.c - see socket.h.
 */
#define _GNU_SOURCE
#include "io/socket.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/misuse.h"
#include "io/simulated.h"
#include "io/stream.h"
#include "simulated_net/net.h"

/* ---- options */

static const char *what_is_wrong(const bide_tcp_options *o)
{
	if (o->keepalive_idle_ns < 0)
		return "keepalive_idle_ns is negative";
	if (o->keepalive_interval_ns < 0)
		return "keepalive_interval_ns is negative";
	if (o->user_timeout_ns < 0)
		return "user_timeout_ns is negative";
	if (o->attempt_delay_ns < 0)
		return "attempt_delay_ns is negative";
	if (o->send_buffer_bytes > INT_MAX || o->receive_buffer_bytes > INT_MAX)
		return "a buffer has more than 2147483647 bytes";
	if (o->backlog > INT_MAX)
		return "backlog is above 2147483647";
	return NULL;
}

int bide_socket_options_copy_(bide_socket_options *to, const bide_tcp_options *from,
                              const char *what)
{
	const char *wrong = from ? what_is_wrong(from) : NULL;

	if (wrong) {
		bide_misuse_("%s: %s", what, wrong);
		return EINVAL;
	}
	to->tcp = from ? *from : (bide_tcp_options){ 0 };
	to->from = (bide_address){ 0 };
	if (to->tcp.from)
		to->from = *to->tcp.from;
	to->tcp.from = NULL; /* a copy may move */
	if (to->tcp.backlog == 0)
		to->tcp.backlog = BIDE_BACKLOG_DEFAULT_;
	return 0;
}

/* Returns the time in units, rounded up, between 1 and max; 0 stays 0. */
static int in_units(int64_t time_ns, int64_t unit_ns, int max)
{
	int64_t units = time_ns / unit_ns + (time_ns % unit_ns != 0);

	return units > max ? max : (int)units;
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) ? errno : 0;
}

/* Sets the option if its value is not 0. */
static int set_if(int error, int fd, int level, int name, int value)
{
	return error || value == 0 ? error : set(fd, level, name, value);
}

static int set_connection_options(int fd, const bide_tcp_options *o)
{
	/* The kernel takes at most 32767 s between questions, and 127 questions. */
	int idle_s = in_units(o->keepalive_idle_ns, 1000000000, 32767);
	int interval_s = in_units(o->keepalive_interval_ns, 1000000000, 32767);
	int count = o->keepalive_count > 127 ? 127 : (int)o->keepalive_count;
	int error = set(fd, IPPROTO_TCP, TCP_NODELAY, !o->delay);

	error = set_if(error, fd, SOL_SOCKET, SO_KEEPALIVE, idle_s || interval_s || count);
	error = set_if(error, fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
	error = set_if(error, fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s);
	error = set_if(error, fd, IPPROTO_TCP, TCP_KEEPCNT, count);
	error = set_if(error, fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
	               in_units(o->user_timeout_ns, 1000000, INT_MAX));
	error = set_if(error, fd, SOL_SOCKET, SO_SNDBUF, (int)o->send_buffer_bytes);
	return set_if(error, fd, SOL_SOCKET, SO_RCVBUF, (int)o->receive_buffer_bytes);
}

/* ---- sockets */

int bide_socket_open_tcp_(int *fd, int family, const bide_tcp_options *options)
{
	int error;

	if (family != AF_INET && family != AF_INET6)
		return EAFNOSUPPORT;
	*fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (*fd < 0)
		return errno;
	error = set_connection_options(*fd, options);
	error = set_if(error, *fd, SOL_SOCKET, SO_REUSEPORT, options->reuse_port);
	if (error)
		close(*fd);
	return error;
}

int bide_socket_open_unix_(int *fd)
{
	if (bide_net_simulates_())
		return ENOTSUP;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return *fd < 0 ? errno : 0;
}

void bide_socket_close_(int fd, uint32_t flags)
{
	if (flags & BIDE_HANDLE_SIMULATED_)
		bide_net_close_(fd);
	else
		close(fd);
}

int bide_socket_address_(const bide_handle *handle, bool of_peer, bide_address *address)
{
	struct sockaddr_storage storage = { .ss_family = AF_UNSPEC };
	struct sockaddr *to = (struct sockaddr *)&storage;
	socklen_t size = sizeof storage;

	if (handle->flags & BIDE_HANDLE_SIMULATED_)
		return bide_simulated_address_(handle, of_peer, address);
	if (of_peer ? getpeername(handle->fd, to, &size) : getsockname(handle->fd, to, &size))
		return errno;
	/* The kernel returns the size that it would need: one more for a path of 108 bytes. */
	if (storage.ss_family == AF_UNIX && size > sizeof(struct sockaddr_un))
		size = sizeof(struct sockaddr_un);
	return bide_address_from_sockaddr(address, to, size);
}

/* ---- the addresses of a stream */

static int address_of(const bide_stream *stream, bool of_peer, bide_address *address,
                      const char *what)
{
	int error = bide_stream_check_(stream, what);

	if (error)
		return error;
	if (!address) {
		bide_misuse_("%s: address is NULL", what);
		return EINVAL;
	}
	stream = bide_stream_bottom_(stream);
	return stream->type ? EBADF : bide_socket_address_(&stream->handle, of_peer, address);
}

int bide_stream_peer(const bide_stream *stream, bide_address *address)
{
	return address_of(stream, true, address, "bide_stream_peer");
}

int bide_stream_local(const bide_stream *stream, bide_address *address)
{
	return address_of(stream, false, address, "bide_stream_local");
}

int bide_stream_set_tcp_options(bide_stream *stream, const bide_tcp_options *options)
{
	int error = bide_stream_check_(stream, "bide_stream_set_tcp_options"), protocol = 0;
	socklen_t size = sizeof protocol;
	bide_socket_options copy;
	const bide_stream *bottom;

	if (!error)
		error = bide_socket_options_copy_(&copy, options, "bide_stream_set_tcp_options");
	if (error)
		return error;
	bottom = bide_stream_bottom_(stream);
	if (bottom->type)
		return EBADF;
	if (bottom->handle.flags & BIDE_HANDLE_SIMULATED_) {
		bide_simulated_set_options_(&bottom->handle, &copy.tcp);
		return 0;
	}
	if (getsockopt(bottom->handle.fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) ||
	    protocol != IPPROTO_TCP)
		return EOPNOTSUPP;
	return set_connection_options(bottom->handle.fd, &copy.tcp);
}
