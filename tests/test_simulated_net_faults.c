/*
 * The faults of the simulated network: partial calls, resets, refusals, full queues and buffers,
 * cuts and time limits, crashes of hosts.
 */
#include "support/simulated_support.h"

static const int64_t ms = 1000000;
static const int64_t s = 1000000000;

void test_after_each(void)
{
	assert_int_equal(shut_down(), 0);
}

static int64_t read_some(bide_stream *from, char *to, size_t size_bytes)
{
	return wait_int(bide_stream_read(from, to, size_bytes));
}

static int read_error(bide_stream *from)
{
	char byte;

	return error_of(bide_stream_read(from, &byte, 1));
}

static int write_error(bide_stream *to)
{
	return error_of(bide_stream_write(to, "x", 1));
}

static void begin(bide_stream **client, bide_stream **server, bide_simulated_link link)
{
	simulate(7);
	add_hosts();
	connect_pair(client, server, NULL);
	link_all(link);
}

static void finish(bide_stream *client, bide_stream *server)
{
	bide_stream_close(client);
	bide_stream_close(server);
	end_simulation();
}

/* ---- partial calls */

TEST(a_call_moves_no_more_than_the_link_says)
{
	bide_stream *client, *server;
	char got[16] = "";

	begin(&client, &server, (bide_simulated_link){ .call_bytes_max = 1 });
	assert_int_equal(wait_int(bide_stream_write(client, "abc", 3)), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(read_some(server, got + i, 16), 1);
	assert_string_equal(got, "abc");
	finish(client, server);
}

TEST(a_line_protocol_is_cut_at_every_byte)
{
	static const char text[] = "first\r\nsecond line\r\n\r\nfourth\n";

	for (size_t at = 1; at < sizeof text - 1; at++) {
		static const char *const lines[] = { "first", "second line", "", "fourth", NULL };
		bide_stream *client, *server;

		begin(&client, &server, (bide_simulated_link){ .delay_min_ns = ms });
		assert_int_equal(wait_int(bide_stream_write(client, text, at)), (int64_t)at);
		assert_int_equal(bide_value_task_wait(delay_ms(1), NULL), 0);
		assert_int_equal(wait_int(bide_stream_write(client, text + at, sizeof text - 1 - at)),
		                 (int64_t)(sizeof text - 1 - at));
		assert_int_equal(wait_int(bide_stream_finish(client)), 0);
		for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) {
			const char *line = wait_pointer(bide_stream_read_line(server).untyped);

			assert_true(lines[i] ? line && strcmp(line, lines[i]) == 0 : !line);
		}
		finish(client, server);
	}
}

TEST(short_reads_and_writes_lose_nothing)
{
	static char sent[50000], got[50000];
	bide_stream *client, *server;
	bide_value_task writing;
	size_t done = 0, calls = 0;

	for (size_t i = 0; i < sizeof sent; i++)
		sent[i] = (char)(i * 7 + i / 251);
	begin(&client, &server,
	      (bide_simulated_link){ .delay_max_ns = ms,
	                             .short_reads_per_million = ALWAYS / 2,
	                             .short_writes_per_million = ALWAYS / 2 });
	writing = bide_stream_write(client, sent, sizeof sent);
	for (; done < sizeof got; calls++)
		done += (size_t)read_some(server, got + done, sizeof got - done);
	assert_int_equal(wait_int(writing), sizeof sent);
	assert_memory_equal(got, sent, sizeof got);
	assert_true(calls > 5);
	finish(client, server);
}

/* ---- ends and resets */

TEST(a_finished_side_ends_and_the_other_goes_on)
{
	bide_stream *client, *server;
	char got[8];

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = ms });
	assert_int_equal(error_of(bide_stream_finish(client)), 0);
	assert_int_equal(write_error(client), EPIPE);
	assert_int_equal(read_some(server, got, sizeof got), 0);
	assert_int_equal(read_some(server, got, sizeof got), 0);
	assert_int_equal(wait_int(bide_stream_write(server, "late", 4)), 4);
	assert_int_equal(read_some(client, got, sizeof got), 4);
	finish(client, server);
}

TEST(what_is_sent_to_a_closed_end_resets)
{
	bide_stream *client, *server;

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = ms });
	bide_stream_close(server);
	assert_int_equal(write_error(client), 0);
	assert_int_equal(bide_value_task_wait(delay_ms(3), NULL), 0);
	assert_int_equal(write_error(client), EPIPE); /* the end had come before */
	assert_int_equal(read_error(client), 0);
	finish(client, NULL);
}

TEST(a_close_with_unread_bytes_resets)
{
	bide_stream *client, *server;

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = ms });
	assert_int_equal(write_error(client), 0);
	assert_int_equal(bide_value_task_wait(delay_ms(2), NULL), 0);
	bide_stream_close(server);
	for (int i = 0; i < 3; i++)
		assert_int_equal(read_error(client), ECONNRESET);
	assert_int_equal(write_error(client), ECONNRESET);
	finish(client, NULL);
}

TEST(bytes_that_meet_a_close_reset)
{
	bide_stream *client, *server;
	int64_t from_ns;

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = 2 * ms });
	assert_int_equal(write_error(client), 0);
	bide_stream_close(server);
	from_ns = bide_now_ns();
	assert_int_equal(read_error(client), 0); /* the end comes before */
	assert_int_equal(bide_now_ns(), from_ns + 2 * ms);
	assert_int_equal(bide_value_task_wait(delay_ms(2), NULL), 0);
	assert_int_equal(write_error(client), EPIPE);
	finish(client, NULL);
}

TEST(a_reset_of_one_connection_ends_both_ends)
{
	bide_stream *client, *server;
	bide_value_task reading;
	char byte;
	int64_t from_ns;

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = 5 * ms });
	from_ns = bide_now_ns();
	reading = bide_stream_read(client, &byte, 1);
	assert_int_equal(bide_stream_simulate_reset(client), 0);
	assert_int_equal(error_of(reading), ECONNRESET);
	assert_int_equal(bide_now_ns(), from_ns);
	assert_int_equal(read_error(server), ECONNRESET);
	assert_int_equal(bide_now_ns(), from_ns + 5 * ms);
	assert_int_equal(write_error(server), ECONNRESET);
	assert_int_equal(bide_stream_simulate_reset(client), 0);
	finish(client, server);
}

TEST(what_arrived_before_a_reset_can_be_read)
{
	bide_stream *client, *server;
	char got[8];

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = ms });
	assert_int_equal(wait_int(bide_stream_write(client, "last", 4)), 4);
	assert_int_equal(bide_stream_simulate_reset(client), 0);
	assert_int_equal(bide_value_task_wait(delay_ms(2), NULL), 0);
	assert_int_equal(read_some(server, got, sizeof got), 4);
	assert_int_equal(read_error(server), ECONNRESET);
	finish(client, server);
}

TEST(a_write_may_reset_its_connection)
{
	bide_stream *client, *server;

	begin(&client, &server,
	      (bide_simulated_link){ .delay_min_ns = ms, .resets_per_million = ALWAYS });
	assert_int_equal(write_error(client), 0);
	assert_int_equal(read_error(client), ECONNRESET);
	assert_int_equal(read_error(server), ECONNRESET);
	finish(client, server);
}

TEST(nothing_arrives_behind_bytes_that_a_reset_has_lost)
{
	bide_stream *client, *server;
	char got[8];

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = 5 * ms });
	assert_int_equal(wait_int(bide_stream_write(client, "a", 1)), 1);
	link_all((bide_simulated_link){ .delay_min_ns = 5 * ms, .resets_per_million = ALWAYS });
	assert_int_equal(wait_int(bide_stream_write(client, "b", 1)), 1);
	link_all((bide_simulated_link){ 0 });
	assert_int_equal(wait_int(bide_stream_write(client, "c", 1)), 1);
	assert_int_equal(read_some(server, got, sizeof got), 1);
	assert_int_equal(got[0], 'a');
	assert_int_equal(read_error(server), ECONNRESET);
	finish(client, server);
}

TEST(all_connections_of_a_host_are_reset)
{
	bide_stream *client, *server, *a, *b;

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = ms });
	connect_pair(&a, &b, NULL);
	assert_int_equal(bide_simulated_host_reset("server"), 0);
	assert_int_equal(read_error(server), ECONNRESET);
	assert_int_equal(read_error(b), ECONNRESET);
	assert_int_equal(read_error(client), ECONNRESET);
	assert_int_equal(read_error(a), ECONNRESET);
	bide_stream_close(a);
	bide_stream_close(b);
	finish(client, server);
}

/* ---- connecting */

TEST(a_connect_may_be_refused)
{
	bide_listener *listener;

	simulate(1);
	add_hosts();
	listener = listen_on("server", NULL);
	link_all((bide_simulated_link){ .refusals_per_million = ALWAYS });
	assert_int_equal(error_of(bide_tcp_connect("server", "80", NULL).untyped), ECONNREFUSED);
	link_all((bide_simulated_link){ 0 });
	bide_stream_close(wait_pointer(bide_tcp_connect("server", "80", NULL).untyped));
	bide_listener_close(listener);
	end_simulation();
}

TEST(a_full_queue_makes_a_connect_wait)
{
	bide_listener *listener;
	bide_stream *first, *second;
	bide_value_task connecting;
	int64_t from_ns;

	simulate(1);
	add_hosts();
	listener = listen_on("server", &(bide_tcp_options){ .backlog = 1 });
	first = wait_pointer(bide_tcp_connect("server", "80", NULL).untyped);
	from_ns = bide_now_ns();
	connecting = bide_tcp_connect("server", "80", NULL).untyped;
	assert_int_equal(bide_value_task_wait_for(connecting, NULL, 1500 * ms), ETIMEDOUT);
	bide_stream_close(wait_pointer(bide_accept(listener).untyped));
	second = wait_pointer(connecting);
	assert_int_equal(bide_now_ns(), from_ns + 3 * s); /* the third SYN */
	bide_stream_close(first);
	bide_stream_close(second);
	bide_listener_close(listener);
	end_simulation();
}

TEST(a_connect_that_nothing_answers_gives_up)
{
	simulate(1);
	add_hosts();
	assert_int_equal(bide_simulated_link_cut("server", NULL), 0);
	assert_int_equal(error_of(bide_tcp_connect("server", "80", NULL).untyped), ETIMEDOUT);
	assert_int_equal(bide_now_ns(), 127 * s);
	end_simulation();
}

TEST(a_connect_that_gives_up_leaves_its_place_in_the_queue)
{
	bide_listener *listener;
	bide_value_task connecting;

	simulate(1);
	add_hosts();
	link_all((bide_simulated_link){ .delay_min_ns = 10 * ms });
	listener = listen_on("server", &(bide_tcp_options){ .backlog = 1 });
	connecting = bide_tcp_connect("server", "80", NULL).untyped;
	/* The SYN has arrived, and the answer is under way. */
	assert_int_equal(bide_value_task_wait(delay_ms(15), NULL), 0);
	assert_int_equal(bide_simulated_link_cut("server", NULL), 0);
	assert_int_equal(error_of(connecting), ETIMEDOUT);
	assert_int_equal(bide_simulated_link_heal("server", NULL), 0);
	bide_stream_close(wait_pointer(bide_tcp_connect("server", "80", NULL).untyped));
	bide_listener_close(listener);
	end_simulation();
}

TEST(a_connect_goes_through_when_the_hosts_are_connected_again)
{
	bide_listener *listener;
	bide_value_task connecting;

	simulate(1);
	add_hosts();
	listener = listen_on("server", NULL);
	assert_int_equal(bide_simulated_link_cut("server", "localhost"), 0);
	connecting = bide_tcp_connect("server", "80", NULL).untyped;
	assert_int_equal(bide_value_task_wait_for(connecting, NULL, 4 * s), ETIMEDOUT);
	assert_int_equal(bide_simulated_link_heal("localhost", "server"), 0);
	bide_stream_close(wait_pointer(connecting));
	assert_int_equal(bide_now_ns(), 7 * s);
	bide_listener_close(listener);
	end_simulation();
}

TEST(the_close_of_a_listener_resets_what_was_not_accepted)
{
	bide_listener *listener;
	bide_stream *client;

	simulate(1);
	add_hosts();
	listener = listen_on("server", NULL);
	client = wait_pointer(bide_tcp_connect("server", "80", NULL).untyped);
	bide_listener_close(listener);
	assert_int_equal(read_error(client), ECONNRESET);
	bide_stream_close(client);
	end_simulation();
}

TEST(a_connect_that_is_canceled_leaves_nothing)
{
	bide_listener *listener;
	bide_value_task accepting;

	simulate(1);
	add_hosts();
	link_all((bide_simulated_link){ .delay_min_ns = 10 * ms });
	listener = listen_on("server", NULL);
	accepting = bide_accept(listener).untyped;
	for (int64_t limit_ms = 1; limit_ms < 20; limit_ms += 6)
		assert_int_equal(error_of(bide_with_timeout_ms(limit_ms,
		                                               bide_tcp_connect("server", "80", NULL))),
		                 ETIMEDOUT);
	assert_int_equal(bide_value_task_wait_for(accepting, NULL, 1 * s), ETIMEDOUT);
	bide_value_task_forget(accepting);
	bide_listener_close(listener);
	end_simulation();
}

/* ---- buffers and bandwidth */

TEST(the_buffers_of_both_ends_hold_what_is_not_read)
{
	static char bytes[5000];
	bide_tcp_options options = { .send_buffer_bytes = 1000, .receive_buffer_bytes = 2000 };
	bide_stream *client, *server;
	bide_value_task writing;
	char got[800];

	simulate(1);
	add_hosts();
	connect_pair(&client, &server, &options);
	link_all((bide_simulated_link){ .delay_min_ns = 10 * ms });
	assert_int_equal(wait_int(bide_stream_write(client, bytes, 3000)), 3000);
	writing = bide_stream_write(client, bytes, 700);
	assert_int_equal(bide_value_task_wait_for(writing, NULL, 1 * s), ETIMEDOUT);
	assert_int_equal(bide_now_ns(), 1 * s);
	assert_int_equal(read_some(server, got, 800), 800);
	assert_int_equal(wait_int(writing), 700);
	assert_int_equal(bide_now_ns(), 1 * s + 10 * ms); /* the sender learns of the room */
	finish(client, server);
}

TEST(a_transfer_takes_as_long_as_the_bandwidth_says)
{
	static char bytes[1000000];
	bide_stream *client, *server;
	bide_value_task writing;
	size_t done = 0;
	int64_t from_ns;

	begin(&client, &server,
	      (bide_simulated_link){ .delay_min_ns = 10 * ms, .bytes_per_second = 1000000 });
	from_ns = bide_now_ns();
	writing = bide_stream_write(client, bytes, sizeof bytes);
	while (done < sizeof bytes)
		done += (size_t)read_some(server, bytes, sizeof bytes);
	assert_int_equal(bide_now_ns(), from_ns + 1 * s + 10 * ms);
	assert_int_equal(wait_int(writing), sizeof bytes);
	finish(client, server);
}

TEST(connections_share_the_bandwidth)
{
	bide_stream *client, *server, *a, *b;
	char got[64];
	int64_t from_ns;

	begin(&client, &server, (bide_simulated_link){ 0 });
	connect_pair(&a, &b, NULL);
	link_all((bide_simulated_link){ .bytes_per_second = 1000 });
	from_ns = bide_now_ns();
	assert_int_equal(wait_int(bide_stream_write(client, "ten bytes.", 10)), 10);
	assert_int_equal(wait_int(bide_stream_write(a, "ten more..", 10)), 10);
	assert_int_equal(read_some(b, got, sizeof got), 10);
	assert_int_equal(bide_now_ns(), from_ns + 20 * ms);
	assert_int_equal(read_some(server, got, sizeof got), 10);
	bide_stream_close(a);
	bide_stream_close(b);
	finish(client, server);
}

/* ---- cuts */

TEST(what_is_sent_while_hosts_are_cut_off_arrives_later_in_order)
{
	bide_stream *client, *server;
	bide_value_task reading;
	char got[16] = "";
	int64_t from_ns;

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = 10 * ms });
	from_ns = bide_now_ns();
	assert_int_equal(wait_int(bide_stream_write(client, "under way,", 10)), 10);
	assert_int_equal(bide_simulated_link_cut("client", "server"), 0);
	assert_int_equal(wait_int(bide_stream_write(client, " cut", 4)), 4);
	reading = bide_stream_read(server, got, sizeof got - 1);
	assert_int_equal(bide_value_task_wait_for(reading, NULL, 60 * s), ETIMEDOUT);
	assert_int_equal(bide_simulated_link_heal("client", NULL), 0);
	assert_int_equal(wait_int(reading), 14);
	assert_string_equal(got, "under way, cut");
	assert_int_equal(bide_now_ns(), from_ns + 60 * s + 10 * ms);
	finish(client, server);
}

TEST(a_cut_ends_a_connection_that_sends_when_its_limit_has_passed)
{
	bide_stream *client, *server;
	char byte;
	int64_t from_ns;

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = 10 * ms });
	assert_int_equal(bide_stream_set_tcp_options(client,
	                                             &(bide_tcp_options){ .user_timeout_ns = 5 * s }),
	                 0);
	assert_int_equal(bide_simulated_link_cut("client", "server"), 0);
	from_ns = bide_now_ns();
	assert_int_equal(write_error(client), 0);
	assert_int_equal(read_error(client), ETIMEDOUT);
	assert_int_equal(bide_now_ns(), from_ns + 5 * s);
	/* The other end does not know, until it sends when the cut is over. */
	assert_int_equal(bide_value_task_wait_for(bide_stream_read(server, &byte, 1), NULL, 0),
	                 ETIMEDOUT);
	finish(client, server);
}

TEST(a_connection_that_is_lost_behind_a_cut_ends_too)
{
	bide_stream *client, *server;
	int64_t from_ns;

	begin(&client, &server,
	      (bide_simulated_link){ .delay_min_ns = 10 * ms, .resets_per_million = ALWAYS });
	assert_int_equal(bide_stream_set_tcp_options(client,
	                                             &(bide_tcp_options){ .user_timeout_ns = 5 * s }),
	                 0);
	assert_int_equal(bide_simulated_link_cut("client", "server"), 0);
	from_ns = bide_now_ns();
	assert_int_equal(write_error(client), 0);
	assert_int_equal(read_error(client), ETIMEDOUT);
	assert_int_equal(bide_now_ns(), from_ns + 5 * s);
	finish(client, server);
}

TEST(the_end_behind_a_cut_learns_of_a_reset_when_it_sends)
{
	bide_stream *client, *server;

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = 10 * ms });
	assert_int_equal(bide_stream_set_tcp_options(client,
	                                             &(bide_tcp_options){ .user_timeout_ns = 5 * s }),
	                 0);
	assert_int_equal(bide_simulated_link_cut("client", "server"), 0);
	assert_int_equal(write_error(client), 0);
	assert_int_equal(read_error(client), ETIMEDOUT);
	assert_int_equal(write_error(server), 0);
	assert_int_equal(bide_simulated_link_heal("client", "server"), 0);
	/* The last byte of the client was on its way, and was never lost. */
	assert_int_equal(read_error(server), 0);
	assert_int_equal(read_error(server), ECONNRESET);
	finish(client, server);
}

/* ---- crashes */

TEST(a_crash_cancels_the_functions_of_the_host)
{
	value_task waiting;

	simulate(1);
	add_hosts();
	waiting = bide_on_host("server", delay_ms(1000));
	assert_int_equal(bide_simulated_host_crash("server"), 0);
	assert_int_equal(error_of(waiting), ECANCELED);
	assert_int_equal(bide_now_ns(), 0);
	assert_int_equal(error_of(bide_on_host("server", delay_ms(1))), EHOSTDOWN);
	assert_int_equal(bide_simulated_host_restart("server"), 0);
	assert_int_equal(error_of(bide_on_host("server", delay_ms(1))), 0);
	end_simulation();
}

TEST(peers_of_a_crashed_host_hear_nothing_until_it_runs_again)
{
	bide_stream *client, *server;
	bide_value_task reading;
	char byte;
	int64_t from_ns;

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = 10 * ms });
	assert_int_equal(bide_simulated_host_crash("server"), 0);
	assert_int_equal(read_error(server), EHOSTDOWN);
	assert_int_equal(write_error(server), EHOSTDOWN);
	reading = bide_stream_read(client, &byte, 1);
	assert_int_equal(write_error(client), 0);
	assert_int_equal(bide_value_task_wait_for(reading, NULL, 60 * s), ETIMEDOUT);
	assert_int_equal(bide_simulated_host_restart("server"), 0);
	from_ns = bide_now_ns();
	assert_int_equal(error_of(reading), ECONNRESET);
	assert_int_equal(bide_now_ns(), from_ns + 20 * ms);
	finish(client, server);
}

TEST(what_was_sent_to_a_crashed_host_times_out)
{
	bide_stream *client, *server;
	int64_t from_ns;

	begin(&client, &server, (bide_simulated_link){ .delay_min_ns = 10 * ms });
	assert_int_equal(write_error(client), 0);
	from_ns = bide_now_ns();
	assert_int_equal(bide_simulated_host_crash("server"), 0);
	assert_int_equal(read_error(client), ETIMEDOUT);
	assert_int_equal(bide_now_ns(), from_ns + 924 * s);
	finish(client, server);
}

TEST(a_crash_takes_the_listener_and_its_queue)
{
	bide_listener *listener;
	bide_stream *client;
	bide_value_task connecting;

	simulate(1);
	add_hosts();
	link_all((bide_simulated_link){ .delay_min_ns = 10 * ms });
	listener = listen_on("server", NULL);
	client = wait_pointer(bide_tcp_connect("server", "80", NULL).untyped);
	connecting = bide_tcp_connect("server", "80", NULL).untyped;
	assert_int_equal(bide_value_task_wait_for(connecting, NULL, 15 * ms), ETIMEDOUT);
	assert_int_equal(bide_simulated_host_crash("server"), 0);
	assert_int_equal(error_of(bide_accept(listener).untyped), EHOSTDOWN);
	bide_listener_close(listener);
	assert_int_equal(bide_simulated_host_restart("server"), 0);
	assert_int_equal(error_of(connecting), ECONNREFUSED);
	assert_int_equal(write_error(client), 0);
	assert_int_equal(read_error(client), ECONNRESET);
	listener = listen_on("server", NULL); /* the port is free */
	bide_listener_close(listener);
	bide_stream_close(client);
	end_simulation();
}
