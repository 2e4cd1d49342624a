/*
 * listener.c - listeners: how they come to listen, and how they end.
 */
#define _GNU_SOURCE
#include "io/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/misuse.h"
#include "io/exhausted.h"
#include "io/owned.h"
#include "io/simulated.h"
#include "simulated_net/net.h"

static bide_slab listeners = BIDE_SLAB_OF_(bide_listener);

int bide_listener_check_(const bide_listener *listener, const char *what)
{
	return bide_handle_check_(listener ? &listener->handle : NULL, what, "listener");
}

/* ---- making one */

int bide_listener_make_(bide_listener **made, int fd, uint32_t flags, uint32_t stream_flags)
{
	bide_listener *listener = bide_thread_() ? bide_slab_take_(&listeners) : NULL;

	if (!listener)
		return ENOMEM;
	listener->stream_flags = stream_flags | BIDE_HANDLE_READY_OUT_;
	listener->is_exhausted = false;
	bide_handle_init_(&listener->handle, fd, flags | BIDE_HANDLE_READY_IN_);
	*made = listener;
	return 0;
}

static int make(bide_listener **made, int fd, bool is_tcp)
{
	return bide_listener_make_(made, fd, 0,
	                           BIDE_HANDLE_IS_SOCKET_ | (is_tcp ? BIDE_HANDLE_SHORT_IS_EMPTY_ : 0));
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) ? errno : 0;
}

/* Binds, listens and takes the descriptor; after an error it is closed. */
static int bind_and_listen(bide_listener **made, int fd, const bide_address *address,
                           unsigned backlog, bool is_tcp)
{
	int error = 0;

	if (bind(fd, bide_address_of_(address), bide_address_size_(address)) ||
	    listen(fd, (int)backlog))
		error = errno;
	if (!error)
		error = make(made, fd, is_tcp);
	if (error)
		close(fd);
	return error;
}

static int listen_in_simulation(bide_listener **made, const bide_address *address,
                                const bide_tcp_options *options)
{
	int number, error = bide_simulated_listen_(&number, address, options);

	if (error)
		return error;
	error = bide_listener_make_(made, number, BIDE_SIMULATED_FLAGS_, BIDE_SIMULATED_FLAGS_);
	if (error)
		bide_net_close_(number);
	return error;
}

int bide_listener_open_tcp_(bide_listener **made, const bide_address *address,
                            const bide_tcp_options *options)
{
	int family = bide_address_family(address), fd, error;

	if (bide_net_simulates_())
		return listen_in_simulation(made, address, options);
	error = bide_socket_open_tcp_(&fd, family, options);
	if (error)
		return error;
	error = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!error && family == AF_INET6)
		error = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, options->only_v6);
	if (error) {
		close(fd);
		return error;
	}
	return bind_and_listen(made, fd, address, options->backlog, true);
}

static int missing(const char *what, const char *argument)
{
	bide_misuse_("%s: %s is NULL", what, argument);
	return EINVAL;
}

int bide_tcp_listen_address(bide_listener **listener, const bide_address *address,
                            const bide_tcp_options *options)
{
	bide_socket_options copy;
	int error;

	if (!listener || !address)
		return missing("bide_tcp_listen_address", listener ? "address" : "listener");
	*listener = NULL;
	error = bide_socket_options_copy_(&copy, options, "bide_tcp_listen_address");
	return error ? error : bide_listener_open_tcp_(listener, address, &copy.tcp);
}

int bide_listener_take_fd(bide_listener **listener, int fd)
{
	int listens = 0, domain = 0, status, error;
	socklen_t size = sizeof listens;
	bool is_tcp;

	if (!listener)
		return missing("bide_listener_take_fd", "listener");
	*listener = NULL;
	status = fcntl(fd, F_GETFL);
	if (status < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size))
		return errno;
	size = sizeof domain;
	if (!listens || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size))
		return EINVAL;
	error = bide_owned_take_(fd, "bide_listener_take_fd");
	if (error)
		return error;
	is_tcp = domain == AF_INET || domain == AF_INET6;
	if (is_tcp)
		(void)set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	error = make(listener, fd, is_tcp);
	if (error) {
		bide_owned_end_(fd);
		return error;
	}
	(void)fcntl(fd, F_SETFL, status | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

/* ---- asking and ending */

int bide_listener_fd(const bide_listener *listener, int *fd)
{
	int error = bide_listener_check_(listener, "bide_listener_fd");

	if (!error && !fd)
		error = missing("bide_listener_fd", "fd");
	if (!error && listener->handle.flags & BIDE_HANDLE_SIMULATED_)
		error = ENOTSUP;
	if (fd)
		*fd = error ? -1 : listener->handle.fd;
	return error;
}

int bide_listener_address(const bide_listener *listener, bide_address *address)
{
	int error = bide_listener_check_(listener, "bide_listener_address");

	if (error)
		return error;
	if (!address)
		return missing("bide_listener_address", "address");
	return bide_socket_address_(&listener->handle, false, address);
}

void bide_listener_abort(bide_listener *listener, int error)
{
	if (!bide_listener_check_(listener, "bide_listener_abort") &&
	    bide_check_error_(error, "bide_listener_abort"))
		bide_handle_abort_(&listener->handle, error);
}

/* Nothing is pending any more. */
static void closed(bide_handle *handle)
{
	bide_listener *listener = bide_listener_of_(handle);

	bide_exhausted_remove_(listener);
	bide_slab_give_(&listeners, listener);
}

void bide_listener_close(bide_listener *listener)
{
	uint32_t era = 0;

	if (listener)
		era = bide_handle_take_(&listener->handle, "bide_listener_close", "listener");
	if (era != 0)
		bide_handle_close_taken_(&listener->handle, era, closed);
}
