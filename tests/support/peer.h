/*
 * peer.h - the other ends of a test's connections. A peer is a blocking socket of the system; or,
 * under a seed (BIDE_TEST_SEEDS), a socket of the simulated network, whose blocking calls let
 * virtual time pass. So the same test runs by each engine and on the simulated network.
 *
 * The simulated network delays everything by a time that it draws, and reads and writes move only
 * a part now and then; under each fourth seed they move 100 bytes at most. What a peer does has
 * reached the other end when its call returns, as it has on the loopback interface. Call these
 * functions outside of async functions, on the thread of the test.
 */
#ifndef BIDE_TEST_PEER_H
#define BIDE_TEST_PEER_H

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <bide/bide.h>

#include "settle.h"
#include "simulated_net/net.h"

/* Ends a test of what the simulated network does not have. */
#define NEEDS_SYSTEM(what) NOT_SEEDED("it is about " what)

enum {
	PEERS_FROM = 1 << 20, /* no descriptor has such a number */
	PEER_DELAY_MAX_NS = 50000
};

static bool calls_are_whole;

/* Sets what the network does. */
BIDE_UNUSED static void use_simulated_link(void)
{
	const uint32_t chance = calls_are_whole ? 0 : 300000;
	const bool in_small_pieces = chance && strtoul(getenv("BIDE_SEED"), NULL, 10) % 4 == 0;
	bide_simulated_link link = { .delay_max_ns = PEER_DELAY_MAX_NS,
		                         .short_reads_per_million = chance,
		                         .short_writes_per_million = chance,
		                         .call_bytes_max = in_small_pieces ? 100 : 0 };

	assert_int_equal(bide_simulated_link_set(NULL, NULL, &link), 0);
}

/* For a test that counts what one call reads or writes: it moves all that it can. */
BIDE_UNUSED static void calls_move_all(void)
{
	calls_are_whole = true;
	if (test_seeded())
		use_simulated_link();
}

BIDE_UNUSED static bool is_simulated_peer(int peer)
{
	return peer >= PEERS_FROM;
}

/* --- time --- */

/* Lets some time pass, in which functions run. For a loop that waits for something. */
BIDE_UNUSED static void wait_a_moment(void)
{
	if (test_seeded())
		assert_int_equal(bide_value_task_wait(bide_delay(PEER_DELAY_MAX_NS + 1), NULL), 0);
	else
		usleep(1000);
}

/* Runs what is ready, and in a simulation what arrives. For a loop that tries something. */
BIDE_UNUSED static void run_on(void)
{
	if (test_seeded())
		wait_a_moment();
	else
		settle(0);
}

/* What the peer has sent arrives. */
BIDE_UNUSED static void let_arrive(int peer)
{
	if (is_simulated_peer(peer))
		wait_a_moment();
}

/* --- connections --- */

static int connect_simulated(const struct sockaddr *to, size_t receive_bytes)
{
	struct sockaddr_in v4;
	int number, error;

	use_simulated_link();
	memcpy(&v4, to, sizeof v4);
	error = bide_net_connect_(&number,
	                          (bide_net_place){ ntohl(v4.sin_addr.s_addr), ntohs(v4.sin_port) },
	                          (bide_net_place){ 0 },
	                          &(bide_net_options){ .receive_buffer_bytes = receive_bytes });
	assert_int_equal(error, 0);
	while ((error = bide_net_connected_(number)) == EAGAIN)
		wait_a_moment();
	assert_int_equal(error, 0);
	return PEERS_FROM + number;
}

/* Returns a peer that is connected. receive_bytes: the size of its receive buffer; 0: as ever. */
BIDE_UNUSED static int connect_peer(const bide_address *address, size_t receive_bytes)
{
	size_t size_bytes;
	const struct sockaddr *to = bide_address_sockaddr(address, &size_bytes);
	int fd, room = (int)receive_bytes;

	if (test_seeded())
		return connect_simulated(to, receive_bytes);
	fd = socket(bide_address_family(address), SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (room)
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
	if (connect(fd, to, (socklen_t)size_bytes))
		fail_msg("connect: %s", strerror(errno));
	return fd;
}

/* --- streams and their peers --- */

/* A connection over the loopback interface. */
BIDE_UNUSED static void make_tcp_pair(int fd[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(listening >= 0);
	assert_int_equal(bind(listening, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd[0], (struct sockaddr *)&address, size), 0);
	fd[1] = accept(listening, NULL, NULL);
	assert_true(fd[1] >= 0);
	close(listening);
}

BIDE_UNUSED static bide_stream *take(int fd)
{
	bide_stream *stream = NULL;

	assert_int_equal(bide_stream_take_fd(&stream, fd), 0);
	assert_non_null(stream);
	return stream;
}

/* Listens on the simulated network. */
static bide_listener *listen_simulated(bide_address *address)
{
	bide_listener *listener;

	assert_int_equal(bide_address_parse(address, "127.0.0.1:0", NULL), 0);
	assert_int_equal(bide_tcp_listen_address(&listener, address, NULL), 0);
	assert_int_equal(bide_listener_address(listener, address), 0);
	return listener;
}

static bide_stream *accept_simulated(bide_listener *listener)
{
	bide_payload payload = { .p = NULL };

	assert_int_equal(bide_value_task_wait(bide_accept(listener), &payload), 0);
	bide_listener_close(listener);
	return payload.p;
}

/* A stream of the simulated network, and its peer. */
static bide_stream *make_simulated_stream(int *peer)
{
	bide_address address;
	bide_listener *listener = listen_simulated(&address);

	*peer = connect_peer(&address, 0);
	return accept_simulated(listener);
}

/* A stream and its peer, which are connected by TCP. */
BIDE_UNUSED static bide_stream *make_tcp_stream(int *peer)
{
	int fd[2];

	if (test_seeded())
		return make_simulated_stream(peer);
	make_tcp_pair(fd);
	*peer = fd[1];
	return take(fd[0]);
}

/* --- bytes --- */

/* Reads what is there. Returns how much, 0 at the end, or -1: errno is EAGAIN if nothing is. */
BIDE_UNUSED static ssize_t try_read_peer(int peer, void *to, size_t size_bytes)
{
	struct iovec part = { to, size_bytes };

	if (is_simulated_peer(peer))
		return bide_net_receive_(peer - PEERS_FROM, &part, 1);
	return recv(peer, to, size_bytes, MSG_DONTWAIT);
}

/* Waits until something is there, and reads it. */
BIDE_UNUSED static ssize_t read_peer(int peer, void *to, size_t size_bytes)
{
	ssize_t got;

	if (!is_simulated_peer(peer))
		return read(peer, to, size_bytes);
	while ((got = try_read_peer(peer, to, size_bytes)) < 0 && errno == EAGAIN)
		wait_a_moment();
	return got;
}

/* Writes what there is room for. Returns how much, or -1: errno is EAGAIN if there is none. */
BIDE_UNUSED static ssize_t try_write_peer(int peer, const void *from, size_t size_bytes)
{
	struct iovec part = { (void *)(uintptr_t)from, size_bytes };

	if (is_simulated_peer(peer))
		return bide_net_send_(peer - PEERS_FROM, &part, 1);
	return send(peer, from, size_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
}

BIDE_UNUSED static void put_bytes(int peer, const void *from, size_t size_bytes)
{
	const char *at = from;
	ssize_t now;

	if (!is_simulated_peer(peer)) {
		assert_int_equal(write(peer, from, size_bytes), (ssize_t)size_bytes);
		return;
	}
	while (size_bytes > 0) {
		now = try_write_peer(peer, at, size_bytes);
		assert_true(now > 0 || errno == EAGAIN);
		if (now > 0) {
			at += now;
			size_bytes -= (size_t)now;
		} else {
			wait_a_moment();
		}
	}
	let_arrive(peer);
}

BIDE_UNUSED static void put_byte(int peer, char byte)
{
	put_bytes(peer, &byte, 1);
}

/* Waits for this number of bytes. */
BIDE_UNUSED static void read_exactly(int peer, char *to, size_t size_bytes)
{
	while (size_bytes > 0) {
		ssize_t now = read_peer(peer, to, size_bytes);

		assert_true(now > 0);
		to += now;
		size_bytes -= (size_t)now;
	}
	let_arrive(peer); /* there is room for more */
}

BIDE_UNUSED static void take_bytes(int peer, size_t count)
{
	static char room[65536];

	for (; count > sizeof room; count -= sizeof room)
		read_exactly(peer, room, sizeof room);
	read_exactly(peer, room, count);
}

/* --- the end --- */

/* Ends what the peer sends. */
BIDE_UNUSED static void end_peer(int peer)
{
	if (is_simulated_peer(peer))
		assert_int_equal(bide_net_shutdown_(peer - PEERS_FROM), 0);
	else
		assert_int_equal(shutdown(peer, SHUT_WR), 0);
	let_arrive(peer);
}

BIDE_UNUSED static void close_peer(int peer)
{
	if (is_simulated_peer(peer))
		bide_net_close_(peer - PEERS_FROM);
	else
		close(peer);
	let_arrive(peer);
}

/* Resets the connection, and closes. */
BIDE_UNUSED static void reset_peer(int peer)
{
	struct linger at_once = { 1, 0 };

	if (is_simulated_peer(peer))
		bide_net_reset_(peer - PEERS_FROM);
	else
		assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
	close_peer(peer);
}

#endif
