/*
 * The simulated network: hosts and names, connecting and accepting, bytes, ends, and the times of
 * all of it.
 */
#include "support/simulated_support.h"

static const int64_t ms = 1000000;

void test_after_each(void)
{
	assert_int_equal(shut_down(), 0);
}

/* ---- hosts and names */

TEST(hosts_have_addresses_in_their_order)
{
	bide_address address;
	char text[BIDE_ADDRESS_TEXT_BYTES];

	simulate(1);
	add_hosts();
	assert_int_equal(bide_simulated_host_address("server", &address), 0);
	assert_string_equal(bide_address_text(&address, text, sizeof text), "10.0.0.2:0");
	assert_int_equal(bide_simulated_host_address("localhost", &address), 0);
	assert_string_equal(bide_address_text(&address, text, sizeof text), "10.0.0.1:0");
	assert_int_equal(bide_simulated_host_add("server"), EEXIST);
	end_simulation();
}

TEST(names_of_hosts_resolve_and_others_do_not)
{
	bide_addresses *found;
	char text[BIDE_ADDRESS_TEXT_BYTES];

	simulate(1);
	add_hosts();
	found = wait_pointer(bide_resolve("client", "81").untyped);
	assert_int_equal(found->count, 1);
	assert_string_equal(bide_address_text(found->at, text, sizeof text), "10.0.0.3:81");
	bide_addresses_free(found);
	found = wait_pointer(bide_resolve("localhost", NULL).untyped);
	assert_string_equal(bide_address_text(found->at, text, sizeof text), "127.0.0.1:0");
	bide_addresses_free(found);
	assert_int_equal(error_of(bide_resolve("elsewhere", "80").untyped), ENOENT);
	assert_int_equal(error_of(bide_resolve("client", "http").untyped), ENOENT);
	assert_int_equal(error_of(bide_tcp_connect("elsewhere", "80", NULL).untyped), ENOENT);
	end_simulation();
}

TEST(each_end_knows_both_addresses)
{
	bide_address a, b;
	bide_stream *client, *server;
	char text[BIDE_ADDRESS_TEXT_BYTES];

	simulate(1);
	add_hosts();
	connect_pair(&client, &server, NULL);
	assert_int_equal(bide_stream_peer(client, &a), 0);
	assert_string_equal(bide_address_text(&a, text, sizeof text), "10.0.0.2:80");
	assert_int_equal(bide_stream_local(server, &b), 0);
	assert_true(bide_address_equal(&a, &b));
	assert_int_equal(bide_stream_local(client, &a), 0);
	assert_int_equal(bide_stream_peer(server, &b), 0);
	assert_true(bide_address_equal(&a, &b));
	assert_string_equal(bide_address_text(&a, text, sizeof text), "10.0.0.3:32768");
	bide_stream_close(client);
	bide_stream_close(server);
	end_simulation();
}

/* ---- connecting */

TEST(a_connect_takes_a_round_trip_and_an_accept_half_a_trip_more)
{
	bide_listener *listener;
	bide_value_task accepted;
	bide_stream *client, *server;

	simulate(1);
	add_hosts();
	link_all((bide_simulated_link){ .delay_min_ns = 10 * ms });
	listener = listen_on("server", NULL);
	accepted = bide_accept(listener).untyped;
	client = wait_pointer(bide_on_host("client", bide_tcp_connect("server", "80", NULL)));
	assert_int_equal(bide_now_ns(), 20 * ms);
	assert_false(bide_value_task_is_ready(accepted));
	server = wait_pointer(accepted);
	assert_int_equal(bide_now_ns(), 30 * ms);
	bide_stream_close(client);
	bide_stream_close(server);
	bide_listener_close(listener);
	end_simulation();
}

TEST(a_port_where_nothing_listens_refuses_after_a_round_trip)
{
	simulate(1);
	add_hosts();
	link_all((bide_simulated_link){ .delay_min_ns = 10 * ms });
	assert_int_equal(error_of(bide_tcp_connect("server", "80", NULL).untyped), ECONNREFUSED);
	assert_int_equal(bide_now_ns(), 20 * ms);
	assert_int_equal(error_of(bide_tcp_connect("10.9.9.9", "80", NULL).untyped), ENETUNREACH);
	end_simulation();
}

TEST(a_connection_within_a_host_by_the_loopback_address)
{
	bide_listener *listener;
	bide_address address;
	bide_stream *client, *server;
	char port[8];

	simulate(1);
	listener = wait_pointer(bide_tcp_listen("127.0.0.1", "0", NULL).untyped);
	assert_int_equal(bide_listener_address(listener, &address), 0);
	snprintf(port, sizeof port, "%u", bide_address_port(&address));
	client = wait_pointer(bide_tcp_connect("localhost", port, NULL).untyped);
	server = wait_pointer(bide_accept(listener).untyped);
	assert_int_equal(bide_stream_peer(server, &address), 0);
	assert_true(bide_address_port(&address) > 0);
	assert_int_equal(error_of(bide_tcp_listen("127.0.0.1", port, NULL).untyped), EADDRINUSE);
	assert_int_equal(error_of(bide_tcp_listen("10.0.0.7", "0", NULL).untyped), EADDRNOTAVAIL);
	bide_listener_close(listener);
	listener = wait_pointer(bide_tcp_listen("127.0.0.1", port, NULL).untyped);
	bide_stream_close(client);
	bide_stream_close(server);
	bide_listener_close(listener);
	end_simulation();
}

/* ---- bytes */

static void expect_bytes(bide_stream *from, const char *text)
{
	char got[64] = "";

	assert_int_equal(wait_int(bide_stream_read(from, got, sizeof got)), (int64_t)strlen(text));
	assert_string_equal(got, text);
}

TEST(bytes_come_after_the_delay_in_both_directions)
{
	bide_stream *client, *server;
	int64_t from_ns;

	simulate(1);
	add_hosts();
	link_all((bide_simulated_link){ .delay_min_ns = 5 * ms });
	connect_pair(&client, &server, NULL);
	from_ns = bide_now_ns();
	assert_int_equal(wait_int(bide_stream_write(client, "ping", 4)), 4);
	assert_int_equal(bide_now_ns(), from_ns);
	expect_bytes(server, "ping");
	assert_int_equal(bide_now_ns(), from_ns + 5 * ms);
	assert_int_equal(wait_int(bide_stream_write(server, "pong!", 5)), 5);
	expect_bytes(client, "pong!");
	assert_int_equal(bide_now_ns(), from_ns + 10 * ms);
	bide_stream_close(client);
	expect_bytes(server, "");
	assert_int_equal(bide_now_ns(), from_ns + 15 * ms);
	bide_stream_close(server);
	end_simulation();
}
