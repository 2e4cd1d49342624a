/*
 * accept.c - takes connections, one for each call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>

#include "io/exhausted.h"
#include "io/listener.h"
#include "io/socket.h"
#include "io/stream.h"
#include "simulated_net/net.h"

/* Returns true for an error of the one connection that was taken, as accept(2) lists them. */
static bool is_of_connection(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM: /* a firewall */
	case ENETDOWN:
	case ENETUNREACH:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case EOPNOTSUPP:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/* The connections wait in the kernel's queue. */
static int out_of_resources(bide_io *io, int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case ENOSPC: /* of epoll_ctl: fs.epoll.max_user_watches */
		return bide_exhausted_add_(bide_listener_of_(io->handle), error);
	default:
		return error;
	}
}

/* Stores the descriptor, or the number of the socket in the simulated network. */
static int take_connection(const bide_handle *handle, int *fd)
{
	if (BIDE_UNLIKELY(handle->flags & BIDE_HANDLE_SIMULATED_))
		return bide_net_accept_(handle->fd, fd);
	do
		*fd = accept4(handle->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (*fd < 0 && is_of_connection(errno));
	return *fd < 0 ? errno : 0;
}

static int attempt(bide_io *io)
{
	const bide_listener *listener = bide_listener_of_(io->handle);
	bide_stream *stream;
	int fd, error = take_connection(io->handle, &fd);

	if (error)
		return out_of_resources(io, error);
	stream = bide_stream_new_(fd, listener->stream_flags);
	if (!stream) {
		bide_socket_close_(fd, listener->stream_flags);
		return ENOMEM;
	}
	io->operation.source.payload.p = stream;
	return 0;
}

static const bide_io_kind accept_kind = {
	.type = { .name = "bide_accept",
	          .describe = bide_io_describe_,
	          .leave = bide_io_leave_,
	          .unwanted = bide_stream_unwanted_ },
	.object = "listener",
	.side = BIDE_IO_IN_,
	.attempt = attempt,
	.unwatched = out_of_resources,
};

bide_stream_task bide_accept(bide_listener *listener)
{
	bide_io_arguments none = { .any = { 0 } };
	int error = bide_listener_check_(listener, "bide_accept");

	if (error)
		return BIDE_TYPED(bide_stream_task, bide_value_task_from_error(error));
	return BIDE_TYPED(bide_stream_task, bide_io_start_(&listener->handle, &accept_kind, none));
}
