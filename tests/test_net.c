/*
 * Listening and accepting: addresses and ports, options, descriptors of others, UNIX sockets, what is
 * canceled and forgotten, descriptors that run out.
 */
/* threads */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "support/task_support.h"

/* ---- one end by the system, the other by the library */

static bide_listener *listen_here(const bide_tcp_options *options)
{
	bide_address address;
	bide_listener *listener;

	assert_int_equal(bide_address_parse(&address, "127.0.0.1:0", NULL), 0);
	assert_int_equal(bide_tcp_listen_address(&listener, &address, options), 0);
	return listener;
}

static bide_address address_of(const bide_listener *listener)
{
	bide_address address;

	assert_int_equal(bide_listener_address(listener, &address), 0);
	return address;
}

/* A blocking socket that is connected to an address. */
static int connect_plain(const bide_address *address)
{
	size_t size_bytes;
	const struct sockaddr *to = bide_address_sockaddr(address, &size_bytes);
	int fd = socket(bide_address_family(address), SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, to, (socklen_t)size_bytes), 0);
	return fd;
}

static bide_stream *wait_stream(bide_stream_task task)
{
	bide_payload payload = { .p = NULL };

	assert_int_equal(bide_value_task_wait(task, &payload), 0);
	assert_non_null(payload.p);
	return payload.p;
}

BIDE_UNUSED static int wait_error(bide_stream_task task)
{
	bide_payload payload = { .p = NULL };
	int error = bide_value_task_wait(task, &payload);

	if (!error)
		bide_stream_close(payload.p);
	return error;
}

static void expect_end(int fd)
{
	char byte;

	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
}

TEST(a_connection_is_accepted)
{
	NOT_SEEDED("a simulation has no input and output");
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener), peer;
	bide_stream_task pending = bide_accept(listener);
	bide_stream *client;
	int fd;

	assert_in_range(bide_address_port(&address), 1, 65535);
	assert_false(bide_value_task_is_ready(pending.untyped));
	fd = connect_plain(&address);
	client = wait_stream(pending);
	assert_int_equal(bide_stream_local(client, &peer), 0);
	assert_true(bide_address_equal(&peer, &address));
	assert_int_equal(bide_stream_peer(client, &peer), 0);
	assert_int_equal(bide_address_family(&peer), AF_INET);
	bide_stream_close(client);
	expect_end(fd);
	fd = connect_plain(&address); /* there before the accept */
	bide_stream_close(wait_stream(bide_accept(listener)));
	expect_end(fd);
	bide_listener_close(listener);
}
