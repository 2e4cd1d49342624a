/*
 * Datagrams over the loopback interface: batches, sizes, errors of the network, cancellation, ends.
 */
/* threads */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>

#include "support/io_support.h"
#include "support/limits_of_tools.h"

enum { ROOM = 2048 };

static bide_address loopback(void)
{
	bide_address address;

	assert_int_equal(bide_address_parse(&address, "127.0.0.1:0", NULL), 0);
	return address;
}

/* A socket on the loopback interface; *address is where it is. */
static bide_udp *open_udp(bide_address *address, const bide_udp_options *options)
{
	bide_address local = loopback();
	bide_udp *udp = NULL;

	assert_int_equal(bide_udp_open(&udp, &local, options), 0);
	assert_non_null(udp);
	assert_int_equal(bide_udp_address(udp, address), 0);
	return udp;
}

static bide_datagram text_to(const bide_address *address, const char *text)
{
	bide_datagram datagram = { .data = (void *)(uintptr_t)text, .size_bytes = strlen(text) };

	if (address)
		datagram.address = *address;
	return datagram;
}

static void send_text(bide_udp *udp, const bide_address *address, const char *text)
{
	bide_datagram datagram = text_to(address, text);

	assert_int_equal(result_of(bide_udp_send(udp, &datagram, 1)), 1);
}

TEST(a_datagram_comes_with_its_size_and_sender)
{
	bide_address a, b;
	bide_udp *one, *two;
	char room[ROOM] = "";
	bide_datagram got = { .data = room, .room_bytes = sizeof room };

	NEEDS_IO();
	one = open_udp(&a, NULL);
	two = open_udp(&b, NULL);
	send_text(one, &b, "hello");
	assert_int_equal(result_of(bide_udp_receive(two, &got, 1)), 1);
	assert_int_equal(got.size_bytes, 5);
	assert_memory_equal(room, "hello", 5);
	assert_true(bide_address_equal(&got.address, &a));
	assert_false(got.is_truncated);
	send_text(two, &got.address, ""); /* of 0 bytes */
	got.size_bytes = 99;
	assert_int_equal(result_of(bide_udp_receive(one, &got, 1)), 1);
	assert_int_equal(got.size_bytes, 0);
	assert_true(bide_address_equal(&got.address, &b));
	bide_udp_close(one);
	bide_udp_close(two);
	assert_nothing_in_use();
}

TEST(what_is_there_is_received_at_once_without_an_allocation)
{
	bide_address a, b;
	bide_udp *one, *two;
	char room[ROOM];
	bide_datagram got = { .data = room, .room_bytes = sizeof room };

	NEEDS_IO();
	one = open_udp(&a, NULL);
	two = open_udp(&b, NULL);
	settle(0);
	for (int i = 0; i < 20; i++) {
		bide_datagram out = text_to(&b, "x");
		bide_value_task v = bide_udp_send(one, &out, 1);
		uint64_t operations;

		if (many_workers())
			assert_true(bide_value_task_is_ready(v));
		assert_int_equal(result_of(v), 1);
		operations = stats().operation_count;
		v = bide_udp_receive(two, &got, 1);
		assert_true(bide_value_task_is_ready(v));
		assert_int_equal(stats().operation_count, operations);
		assert_int_equal(result_of(v), 1);
	}
	bide_udp_close(one);
	bide_udp_close(two);
	assert_nothing_in_use();
}

TEST(many_go_and_come_by_one_call)
{
	enum { COUNT = 100 };
	static char rooms[COUNT][16], texts[COUNT][16];
	static bide_datagram out[COUNT], in[COUNT];
	bide_address a, b;
	bide_udp *one, *two;
	int64_t come = 0;

	NEEDS_IO();
	one = open_udp(&a, NULL);
	two = open_udp(&b, NULL);
	for (int i = 0; i < COUNT; i++) {
		snprintf(texts[i], sizeof texts[i], "number %d", i);
		out[i] = text_to(&b, texts[i]);
		in[i] = (bide_datagram){ .data = rooms[i], .room_bytes = sizeof rooms[i] };
	}
	assert_int_equal(result_of(bide_udp_send(one, out, COUNT)), COUNT);
	while (come < COUNT) {
		int64_t count = result_of(bide_udp_receive(two, in + come, (size_t)(COUNT - come)));

		assert_in_range(count, 1, 32);
		come += count;
	}
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(in[i].size_bytes, out[i].size_bytes);
		assert_memory_equal(rooms[i], texts[i], in[i].size_bytes);
		assert_true(bide_address_equal(&in[i].address, &a));
	}
	bide_udp_close(one);
	bide_udp_close(two);
	assert_nothing_in_use();
}

TEST(a_receive_waits_for_a_datagram)
{
	bide_address a, b;
	bide_udp *one, *two;
	char room[ROOM];
	bide_datagram got = { .data = room, .room_bytes = sizeof room };

	NEEDS_IO();
	one = open_udp(&a, NULL);
	two = open_udp(&b, NULL);
	for (int i = 0; i < 100; i++) {
		bide_value_task v = bide_udp_receive(two, &got, 1);

		assert_pending(v);
		send_text(one, &b, "late");
		assert_int_equal(result_of(v), 1);
		assert_int_equal(got.size_bytes, 4);
	}
	bide_udp_close(one);
	bide_udp_close(two);
	assert_nothing_in_use();
}

TEST(a_datagram_that_is_too_long_is_cut_and_says_so)
{
	bide_address a, b;
	bide_udp *one, *two;
	char room[4];
	bide_datagram got = { .data = room, .room_bytes = sizeof room };

	NEEDS_IO();
	one = open_udp(&a, NULL);
	two = open_udp(&b, NULL);
	send_text(one, &b, "too long");
	send_text(one, &b, "four");
	assert_int_equal(result_of(bide_udp_receive(two, &got, 1)), 1);
	assert_true(got.is_truncated);
	assert_int_equal(got.size_bytes, 4);
	assert_memory_equal(room, "too ", 4);
	assert_int_equal(result_of(bide_udp_receive(two, &got, 1)), 1);
	assert_false(got.is_truncated);
	assert_memory_equal(room, "four", 4);
	bide_udp_close(one);
	bide_udp_close(two);
	assert_nothing_in_use();
}

TEST(a_send_stops_at_what_cannot_be_sent_and_then_says_why)
{
	static char large[70000];
	bide_address a, b;
	bide_udp *one, *two;
	bide_datagram out[3];

	NEEDS_IO();
	one = open_udp(&a, NULL);
	two = open_udp(&b, NULL);
	out[0] = text_to(&b, "good");
	out[1] = (bide_datagram){ .data = large, .size_bytes = sizeof large, .address = b };
	out[2] = out[0];
	assert_int_equal(result_of(bide_udp_send(one, out, 3)), 1);
	assert_int_equal(error_of(bide_udp_send(one, out + 1, 2)), EMSGSIZE);
	assert_int_equal(result_of(bide_udp_send(one, out + 2, 1)), 1);
	out[0].address = (bide_address){ .size_bytes_ = 0 };
	assert_int_equal(error_of(bide_udp_send(one, out, 1)), EDESTADDRREQ);
	bide_udp_close(one);
	bide_udp_close(two);
	assert_nothing_in_use();
}

TEST(a_peer_is_the_only_one_and_needs_no_address)
{
	bide_address a, b, c;
	bide_udp *server, *client, *other;
	char room[ROOM] = "";
	bide_datagram got = { .data = room, .room_bytes = sizeof room };

	NEEDS_IO();
	server = open_udp(&a, NULL);
	other = open_udp(&c, NULL);
	assert_int_equal(bide_udp_open(&client, NULL, &(bide_udp_options){ .peer = &a }), 0);
	assert_int_equal(bide_udp_address(client, &b), 0);
	send_text(client, NULL, "question");
	assert_int_equal(result_of(bide_udp_receive(server, &got, 1)), 1);
	assert_true(bide_address_equal(&got.address, &b));
	send_text(other, &b, "not for you");
	send_text(server, &b, "answer");
	assert_int_equal(result_of(bide_udp_receive(client, &got, 1)), 1);
	assert_int_equal(got.size_bytes, 6);
	assert_memory_equal(room, "answer", 6);
	bide_udp_close(server);
	bide_udp_close(client);
	bide_udp_close(other);
	assert_nothing_in_use();
}

TEST(an_error_of_the_network_comes_once)
{
	bide_address a;
	bide_udp *server, *client;
	char room[ROOM];
	bide_datagram got = { .data = room, .room_bytes = sizeof room };
	bide_value_task v;

	NEEDS_IO();
	server = open_udp(&a, NULL);
	assert_int_equal(bide_udp_open(&client, NULL, &(bide_udp_options){ .peer = &a }), 0);
	bide_udp_close(server); /* nothing listens there */
	settle(0);
	v = bide_udp_receive(client, &got, 1);
	send_text(client, NULL, "is there anybody");
	assert_int_equal(error_of(v), ECONNREFUSED);
	assert_int_equal(error_of(bide_with_timeout(BIDE_MS(1), bide_udp_receive(client, &got, 1))),
	                 ETIMEDOUT); /* the socket is as good as before */
	bide_udp_close(client);
	assert_nothing_in_use();
}

TEST(control_data_tells_the_interface)
{
	bide_address a, b;
	bide_udp *one, *two;
	char room[ROOM];
	_Alignas(struct cmsghdr) char control[256];
	bide_datagram got = { .data = room,
		                  .room_bytes = sizeof room,
		                  .control = control,
		                  .control_room_bytes = sizeof control };
	struct cmsghdr *header = (struct cmsghdr *)(void *)control;
	int fd, on = 1;

	NEEDS_IO();
	if (EMULATED)
		SKIP("qemu translates only some control data");
	one = open_udp(&a, NULL);
	two = open_udp(&b, NULL);
	assert_int_equal(bide_udp_fd(two, &fd), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on), 0);
	send_text(one, &b, "x");
	assert_int_equal(result_of(bide_udp_receive(two, &got, 1)), 1);
	assert_true(got.control_bytes >= sizeof(struct cmsghdr));
	assert_int_equal(header->cmsg_level, IPPROTO_IP);
	assert_int_equal(header->cmsg_type, IP_PKTINFO);
	assert_false(got.is_control_truncated);
	got.control_room_bytes = 4;
	send_text(one, &b, "x");
	assert_int_equal(result_of(bide_udp_receive(two, &got, 1)), 1);
	assert_true(got.is_control_truncated);
	bide_udp_close(one);
	bide_udp_close(two);
	assert_nothing_in_use();
}

TEST(a_wait_can_be_canceled_forgotten_aborted_and_closed)
{
	bide_address a;
	bide_udp *udp;
	char room[ROOM];
	bide_datagram got = { .data = room, .room_bytes = sizeof room };
	bide_context *scope;
	bide_value_task v;

	NEEDS_IO();
	udp = open_udp(&a, NULL);
	v = IN_SCOPE(scope, bide_udp_receive(udp, &got, 1));
	assert_int_equal(cancel_and_wait(scope, v), ECANCELED);
	assert_int_equal(error_of(bide_with_timeout(BIDE_MS(1), bide_udp_receive(udp, &got, 1))),
	                 ETIMEDOUT);
	bide_value_task_forget(bide_udp_receive(udp, &got, 1));
	settle(0);
	send_text(udp, &a, "none was lost");
	assert_int_equal(result_of(bide_udp_receive(udp, &got, 1)), 1);
	v = bide_udp_receive(udp, &got, 1);
	bide_udp_abort(udp, ENOLINK);
	assert_int_equal(error_of(v), ENOLINK);
	assert_int_equal(error_of(bide_udp_receive(udp, &got, 1)), ENOLINK);
	bide_udp_close(udp);
	udp = open_udp(&a, NULL);
	v = bide_udp_receive(udp, &got, 1);
	bide_udp_close(udp);
	assert_int_equal(error_of(v), EBADF);
	bide_udp_close(NULL);
	assert_nothing_in_use();
}

static void *abort_udp(void *argument)
{
	bide_udp_abort(argument, ESHUTDOWN);
	return NULL;
}

TEST(any_thread_may_abort)
{
	NEEDS_IO();
	for (int i = 0; i < 50; i++) {
		char room[ROOM];
		bide_datagram got = { .data = room, .room_bytes = sizeof room };
		bide_address a;
		bide_udp *udp = open_udp(&a, NULL);
		bide_value_task v = bide_udp_receive(udp, &got, 1);
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL, abort_udp, udp), 0);
		assert_int_equal(error_of(v), ESHUTDOWN);
		pthread_join(thread, NULL);
		bide_udp_close(udp);
	}
	assert_nothing_in_use();
}

TEST(a_descriptor_can_be_taken)
{
	bide_address a = loopback();
	size_t size_bytes;
	const struct sockaddr *address = bide_address_sockaddr(&a, &size_bytes);
	int fd = socket(AF_INET, SOCK_DGRAM, 0), same, pair[2];
	bide_udp *udp;

	NEEDS_IO();
	assert_int_equal(bind(fd, address, (socklen_t)size_bytes), 0);
	assert_int_equal(bide_udp_take_fd(&udp, fd), 0);
	assert_int_equal(bide_udp_fd(udp, &same), 0);
	assert_int_equal(same, fd);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	bide_udp_close(udp);
	assert_int_equal(bide_udp_take_fd(&udp, fd), EBADF);
	assert_null(udp);
	make_pair(pair);
	assert_int_equal(bide_udp_take_fd(&udp, pair[0]), EINVAL);
	close_pair(pair);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(bide_udp_take_fd(&udp, pair[0]), ENOTSOCK);
	close_pair(pair);
	assert_nothing_in_use();
}

TEST(options_reach_the_socket)
{
	bide_udp_options options = { .reuse_address = true,
		                         .reuse_port = true,
		                         .broadcast = true,
		                         .send_buffer_bytes = 50000,
		                         .receive_buffer_bytes = 60000 };
	static const int names[] = { SO_REUSEADDR, SO_REUSEPORT, SO_BROADCAST, SO_SNDBUF, SO_RCVBUF };
	static const int least[] = { 1, 1, 1, 50000, 60000 };
	bide_address a;
	bide_udp *udp, *second;
	int fd, value;
	socklen_t size = sizeof value;

	NEEDS_IO();
	udp = open_udp(&a, &options);
	assert_int_equal(bide_udp_fd(udp, &fd), 0);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_int_equal(getsockopt(fd, SOL_SOCKET, names[i], &value, &size), 0);
		assert_true(value >= least[i]);
	}
	assert_int_equal(bide_udp_set_ttl(udp, 9), 0);
	assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_TTL, &value, &size), 0);
	assert_int_equal(value, 9);
	assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &value, &size), 0);
	assert_int_equal(value, 9);
	assert_int_equal(bide_udp_open(&second, &a, &options), 0); /* they share the port */
	bide_udp_close(second);
	assert_int_equal(bide_udp_open(&second, &a, NULL), EADDRINUSE);
	assert_null(second);
	bide_udp_close(udp);
	assert_nothing_in_use();
}

/* One of IPv6 may send to addresses of IPv4, too. */
TEST(the_limit_of_hops_is_that_of_both_families)
{
	bide_address any;
	bide_udp *udp;

	NEEDS_IO();
	assert_int_equal(bide_address_parse(&any, "[::]:0", NULL), 0);
	for (int only_v6 = 0; only_v6 < 2; only_v6++) {
		int fd, ttl = 0,
				error = bide_udp_open(&udp, &any, &(bide_udp_options){ .only_v6 = only_v6 });
		socklen_t size = sizeof ttl;

		if (error)
			SKIP("no IPv6: %s", bide_strerror(error));
		assert_int_equal(bide_udp_set_ttl(udp, 3), 0);
		assert_int_equal(bide_udp_fd(udp, &fd), 0);
		assert_int_equal(getsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, &size), 0);
		assert_int_equal(ttl, 3);
		if (!only_v6) {
			assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, &size), 0);
			assert_int_equal(ttl, 3);
			assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, &size), 0);
			assert_int_equal(ttl, 3);
		}
		bide_udp_close(udp);
	}
	assert_nothing_in_use();
}

TEST(a_group_is_joined_and_left)
{
	bide_address group, a;
	bide_udp *udp;
	int error;

	NEEDS_IO();
	if (EMULATED)
		SKIP("qemu does not translate these options");
	udp = open_udp(&a, NULL);
	assert_int_equal(bide_address_parse(&group, "224.0.0.251:0", NULL), 0);
	error = bide_udp_join(udp, &group, 1); /* the loopback interface */
	if (error == ENODEV)
		SKIP("this machine has no multicast");
	assert_int_equal(error, 0);
	assert_int_equal(bide_udp_join(udp, &group, 1), EADDRINUSE);
	assert_int_equal(bide_udp_leave(udp, &group, 1), 0);
	assert_int_equal(bide_udp_leave(udp, &group, 1), EADDRNOTAVAIL);
	assert_int_equal(bide_udp_join(udp, &a, 1), EINVAL);
	bide_udp_close(udp);
	assert_nothing_in_use();
}

TEST(each_allocation_may_fail)
{
	int error = -1;

	NEEDS_IO();
	limit_objects();
	for (long allowed = 0; error; allowed++) {
		char room[ROOM];
		bide_datagram got = { .data = room, .room_bytes = sizeof room }, out;
		bide_address local = loopback(), address;
		bide_udp *udp = NULL;

		assert_true(allowed < 100);
		allowed_allocations = allowed;
		error = bide_udp_open(&udp, &local, NULL);
		if (!error) {
			bide_value_task v;

			assert_int_equal(bide_udp_address(udp, &address), 0);
			v = bide_udp_receive(udp, &got, 1);
			out = text_to(&address, "x");
			error = error_of(bide_udp_send(udp, &out, 1));
			if (error)
				bide_udp_abort(udp, ENOMEM);
			error = error_of(v);
		}
		allowed_allocations = -1;
		assert_true(!error || error == ENOMEM || error == EAGAIN);
		bide_udp_close(udp);
	}
	assert_nothing_in_use();
}

TEST(misuse_is_told)
{
	bide_address a;
	bide_udp *udp, *none = NULL;
	char room[ROOM];
	bide_datagram got = { .data = room, .room_bytes = sizeof room };
	bide_value_task v;

	NEEDS_IO();
	expect_misuse();
	udp = open_udp(&a, NULL);
	MISUSE(assert_int_equal(bide_udp_open(NULL, &a, NULL), EINVAL), "bide_udp_open", "udp is NULL");
	MISUSE(assert_int_equal(bide_udp_open(&none, NULL, NULL), EINVAL), "bide_udp_open",
	       "one is needed");
	MISUSE(assert_int_equal(error_of(bide_udp_receive(NULL, &got, 1)), EINVAL), "bide_udp_receive",
	       "is NULL");
	MISUSE(assert_int_equal(error_of(bide_udp_receive(udp, NULL, 1)), EINVAL), "bide_udp_receive",
	       "datagrams is NULL");
	MISUSE(assert_int_equal(error_of(bide_udp_send(udp, &got, 0)), EINVAL), "bide_udp_send",
	       "count is 0");
	MISUSE(assert_int_equal(bide_udp_set_ttl(udp, 256), EINVAL), "bide_udp_set_ttl", "ttl is 256");
	MISUSE(assert_int_equal(bide_udp_join(udp, NULL, 0), EINVAL), "bide_udp_join", "group is NULL");
	v = bide_udp_receive(udp, &got, 1);
	settle(0);
	MISUSE(assert_int_equal(error_of(bide_udp_receive(udp, &got, 1)), EBUSY), "bide_udp_receive",
	       "another operation reads from the same socket");
	MISUSE(assert_int_equal(bide_udp_fd(udp, NULL), EINVAL), "bide_udp_fd", "fd is NULL");
	bide_udp_close(udp);
	assert_int_equal(error_of(v), EBADF);
	MISUSE(assert_int_equal(error_of(bide_udp_receive(udp, &got, 1)), EBADF), "bide_udp_receive",
	       "is closed");
	MISUSE(bide_udp_close(udp), "bide_udp_close", "is closed");
	assert_int_equal(misuse_count, 1);
	assert_nothing_in_use();
}
