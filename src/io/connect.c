/*
 * connect.c - see connect.h.
 *
 * The stream is made before the connection is there, so that the reactor has a handle to tell of
 * its end. The operation owns it until then: if it fails, for whatever reason, it closes the
 * stream.
 */
#include "io/connect.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/misuse.h"
#include "context/context.h"
#include "io/simulated.h"
#include "io/socket.h"
#include "io/stream.h"
#include "runtime/simulation.h"
#include "simulated_net/net.h"

/* Returns 0 if it is connected, EAGAIN, or the error of the connection. */
static int connected(const bide_handle *handle)
{
	struct pollfd poll_fd = { .fd = handle->fd, .events = POLLOUT };
	struct sockaddr_storage peer;
	socklen_t size = sizeof(int), peer_size = sizeof peer;
	int error = 0, found;

	if (BIDE_UNLIKELY(handle->flags & BIDE_HANDLE_SIMULATED_))
		return bide_net_connected_(handle->fd);
	found = poll(&poll_fd, 1, 0);
	if (found == 0)
		return EAGAIN;
	if (getsockopt(handle->fd, SOL_SOCKET, SO_ERROR, &error, &size))
		return errno;
	/* poll(2) refuses even one descriptor while RLIMIT_NOFILE is 0. */
	if (!error && found < 0 && getpeername(handle->fd, (struct sockaddr *)&peer, &peer_size))
		return EAGAIN;
	return error == EAGAIN ? ECONNREFUSED : error; /* EAGAIN would mean to wait */
}

static int attempt(bide_io *io)
{
	int error = connected(io->handle);

	if (!error) /* else the payload is what a dump prints */
		io->operation.source.payload.p = bide_stream_of_(io->handle);
	return error;
}

static void failed(bide_io *io, int error)
{
	(void)error;
	bide_stream_close(bide_stream_of_(io->handle));
}

static const bide_io_kind connect_kind = {
	.type = { .name = "bide_tcp_connect_address",
	          .describe = bide_io_describe_,
	          .leave = bide_io_leave_,
	          .unwanted = bide_stream_unwanted_ },
	.side = BIDE_IO_OUT_,
	.attempt = attempt,
	.failed = failed,
};

static int bind_local(int fd, const bide_address *from)
{
	if (from->size_bytes_ == 0)
		return 0;
	return bind(fd, bide_address_of_(from), bide_address_size_(from)) ? errno : 0;
}

/* Stores the descriptor of a socket that is being connected. Returns 0, or the error. */
static int begin(int *fd, const bide_address *address, const bide_socket_options *options)
{
	int error = bide_socket_open_tcp_(fd, bide_address_family(address), &options->tcp);

	if (error)
		return error;
	error = bind_local(*fd, &options->from);
	if (!error && connect(*fd, bide_address_of_(address), bide_address_size_(address)) &&
	    errno != EINPROGRESS && errno != EINTR)
		error = errno == EAGAIN ? EADDRNOTAVAIL : errno; /* no local port is free */
	if (error)
		close(*fd);
	return error;
}

bide_value_task bide_connect_tcp_(const bide_address *address, const bide_socket_options *options)
{
	const bool simulates = BIDE_UNLIKELY(bide_simulating_);
	const uint32_t flags =
		BIDE_HANDLE_READY_OUT_ |
		(simulates ? BIDE_SIMULATED_FLAGS_ : BIDE_HANDLE_IS_SOCKET_ | BIDE_HANDLE_SHORT_IS_EMPTY_);
	const bide_io_arguments none = { .any = { 0 } };
	bide_stream *stream;
	int fd, error = bide_context_current_error();

	if (!error)
		error = simulates ? bide_simulated_connect_(&fd, address, options)
		                  : begin(&fd, address, options);
	if (error)
		return bide_value_task_from_error(error);
	stream = bide_stream_new_(fd, flags);
	if (!stream) {
		bide_socket_close_(fd, flags);
		return bide_value_task_from_error(ENOMEM);
	}
	return bide_io_start_owned_(&stream->handle, &connect_kind, none);
}

static bide_value_task connect_address(const bide_address *address, const bide_tcp_options *options)
{
	bide_socket_options copy;
	int error;

	if (!address) {
		bide_misuse_("bide_tcp_connect_address: address is NULL");
		return bide_value_task_from_error(EINVAL);
	}
	error = bide_socket_options_copy_(&copy, options, "bide_tcp_connect_address");
	if (!error && !bide_thread_())
		error = ENOMEM;
	return error ? bide_value_task_from_error(error) : bide_connect_tcp_(address, &copy);
}

bide_stream_task bide_tcp_connect_address(const bide_address *address,
                                          const bide_tcp_options *options)
{
	return BIDE_TYPED(bide_stream_task, connect_address(address, options));
}
