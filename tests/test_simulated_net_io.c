/*
 * What stands on the simulated network: servers with their limits, cancellation, forgotten
 * operations, aborts; what the network refuses; misuse; and no memory.
 */
#include "support/simulated_support.h"

static const int64_t ms = 1000000;

void test_after_each(void)
{
	assert_int_equal(shut_down(), 0);
}

static char misuse_text[512];

static void note_misuse(const char *message, void *argument)
{
	(void)argument;
	snprintf(misuse_text, sizeof misuse_text, "%s", message);
}

/* There was misuse since the last call, with this text. */
static void expect_misuse(const char *text)
{
	if (!strstr(misuse_text, text))
		fail_msg("\"%s\" expected; the last misuse: %s", text, misuse_text);
	misuse_text[0] = '\0';
}

/* ---- servers */

struct upper {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	char *line;
};

async(upper)
{
	async_in(client);
	for (;;) {
		await(my->line, stream_read_line(client));
		if (!my->line)
			break;
		await(stream_print(client, "%s!\n", my->line));
	}
async_finally:
	async_end;
}

static unsigned failures;
static int last_failure;

static value_task start_upper(stream *client, void *argument)
{
	(void)argument;
	return async_start(upper, .client = client);
}

static void note_failure(stream *client, int error, void *argument)
{
	(void)client, (void)argument;
	failures++;
	last_failure = error;
}

static value_task serve_on(listener *listener, int64_t idle_ns, int64_t drain_ns)
{
	serve_options options = { .failed = note_failure, .idle_ns = idle_ns, .drain_ns = drain_ns };

	return on_host("server", serve(listener, start_upper, NULL, &options));
}

TEST(a_server_answers_and_ends_an_idle_client_at_its_limit)
{
	listener *listener;
	value_task serving;
	stream *client;
	int64_t from_ns;

	simulate(3);
	add_hosts();
	listener = listen_on("server", NULL);
	serving = with_timeout(BIDE_SECONDS(60), serve_on(listener, BIDE_SECONDS(5), 0));
	client = wait_pointer(tcp_connect("server", "80", NULL).untyped);
	assert_int_equal(error_of(stream_print(client, "one\ntwo\n")), 0);
	assert_string_equal(wait_pointer(stream_read_line(client).untyped), "one!");
	assert_string_equal(wait_pointer(stream_read_line(client).untyped), "two!");
	from_ns = now_ns();
	assert_int_equal(error_of(stream_read_line(client).untyped), 0); /* the end */
	assert_int_equal(now_ns(), from_ns + BIDE_SECONDS(5) + 1);       /* 0 counts as 1 */
	assert_int_equal(failures, 1);
	assert_int_equal(last_failure, BIDE_EIDLE);
	stream_close(client);
	assert_int_equal(error_of(serving), ETIMEDOUT);
	assert_int_equal(now_ns(), BIDE_SECONDS(60));
	listener_close(listener);
	end_simulation();
}

TEST(a_server_that_is_canceled_lets_its_clients_go_on_for_a_while)
{
	listener *listener;
	value_task serving;
	stream *client;

	simulate(3);
	add_hosts();
	listener = listen_on("server", NULL);
	serving = with_timeout(BIDE_SECONDS(1), serve_on(listener, 0, BIDE_SECONDS(7)));
	client = wait_pointer(tcp_connect("server", "80", NULL).untyped);
	assert_int_equal(error_of(delay_ms(2000)), 0);
	assert_int_equal(error_of(stream_print(client, "late\n")), 0);
	assert_string_equal(wait_pointer(stream_read_line(client).untyped), "late!");
	assert_int_equal(error_of(serving), ETIMEDOUT);
	assert_int_equal(now_ns(), BIDE_SECONDS(8));
	stream_close(client);
	listener_close(listener);
	end_simulation();
}

/* ---- cancellation, forgotten operations, aborts */

TEST(a_canceled_read_ends_at_its_time_and_the_next_one_goes_on)
{
	stream *client, *server;
	char byte;

	simulate(3);
	add_hosts();
	connect_pair(&client, &server, NULL);
	assert_int_equal(error_of(with_timeout_ms(5, stream_read(server, &byte, 1))), ETIMEDOUT);
	assert_int_equal(now_ns(), 5 * ms);
	assert_int_equal(wait_int(stream_write(client, "x", 1)), 1);
	assert_int_equal(wait_int(stream_read(server, &byte, 1)), 1);
	stream_close(client);
	stream_close(server);
	end_simulation();
}

TEST(what_a_forgotten_connect_and_accept_opened_is_closed)
{
	listener *listener;

	simulate(3);
	add_hosts();
	link_all((simulated_link){ .delay_min_ns = 10 * ms });
	listener = listen_on("server", NULL);
	value_task_forget(bide_accept(listener).untyped);
	value_task_forget(tcp_connect("server", "80", NULL).untyped);
	assert_int_equal(error_of(delay_ms(15)), 0);
	value_task_forget(tcp_connect("server", "80", NULL).untyped);
	assert_int_equal(error_of(delay_ms(1000)), 0);
	listener_close(listener);
	end_simulation();
}

TEST(an_abort_ends_the_stream_and_its_peer_sees_the_end)
{
	stream *client, *server;
	value_task reading;
	char byte;

	simulate(3);
	add_hosts();
	connect_pair(&client, &server, NULL);
	reading = stream_read(server, &byte, 1);
	stream_abort(server, 4000);
	assert_int_equal(error_of(reading), 4000);
	assert_int_equal(wait_int(stream_read(client, &byte, 1)), 0);
	stream_close(client);
	stream_close(server);
	end_simulation();
}

TEST(streams_that_are_left_at_a_shutdown_may_be_closed_afterwards)
{
	stream *client, *server;

	simulate(3);
	add_hosts();
	connect_pair(&client, &server, NULL);
	assert_int_equal(wait_int(stream_write(client, "lost", 4)), 4);
	assert_int_equal(shut_down(), 0);
	stream_close(client);
	stream_close(server);
}

/* ---- what is refused */

TEST(the_network_has_no_descriptors_no_ipv6_and_no_shared_ports)
{
	listener *listener;
	stream *client, *server;
	address address;
	int fd;

	simulate(3);
	add_hosts();
	connect_pair(&client, &server, NULL);
	assert_int_equal(stream_fd(client, &fd), ENOTSUP);
	assert_int_equal(fd, -1);
	listener = listen_on("server", NULL);
	assert_int_equal(listener_fd(listener, &fd), ENOTSUP);
	assert_int_equal(error_of(tcp_listen(NULL, "81", &(tcp_options){ .reuse_port = true }).untyped),
	                 ENOTSUP);
	assert_int_equal(address_parse(&address, "[::1]:80", NULL), 0);
	assert_int_equal(error_of(tcp_connect_address(&address, NULL).untyped), EAFNOSUPPORT);
	listener_close(listener);
	stream_close(client);
	stream_close(server);
	end_simulation();
}

/* ---- misuse */

TEST(wrong_names_and_links_are_misuse)
{
	simulate(3);
	add_hosts();
	bide_misuse_hook_set(note_misuse, NULL);
	assert_int_equal(simulated_link_cut("servr", NULL), ENOENT);
	expect_misuse("bide_simulated_link_cut: there is no host \"servr\"");
	assert_int_equal(simulated_host_add(NULL), EINVAL);
	expect_misuse("bide_simulated_host_add: the name of a host is NULL");
	assert_int_equal(simulated_host_add(""), EINVAL);
	expect_misuse("bide_simulated_host_add: the name is empty");
	assert_int_equal(simulated_link_set("server", NULL, NULL), EINVAL);
	expect_misuse("bide_simulated_link_set: the name of a host is NULL");
	assert_int_equal(simulated_link_set(NULL, NULL, &(simulated_link){ .delay_min_ns = -1 }),
	                 EINVAL);
	expect_misuse("bide_simulated_link_set: a delay is negative");
	assert_int_equal(simulated_link_set(NULL, NULL,
	                                    &(simulated_link){ .resets_per_million = ALWAYS + 1 }),
	                 EINVAL);
	expect_misuse("bide_simulated_link_set: a chance is above 1000000 in a million");
	assert_int_equal(simulated_host_address("server", NULL), EINVAL);
	expect_misuse("bide_simulated_host_address: address is NULL");
	assert_int_equal(error_of(on_host("nowhere", delay_ms(1))), ENOENT);
	expect_misuse("bide_on_host: there is no host \"nowhere\"");
	end_simulation();
}

TEST(outside_of_a_simulation_there_is_no_network)
{
	if (test_seeded())
		SKIP("it is about a runtime that is no simulation");
	bide_misuse_hook_set(note_misuse, NULL);
	assert_int_equal(simulated_host_add("server"), ENOTSUP);
	expect_misuse("bide_simulated_host_add: there is a network only in a simulation");
}

/* ---- no memory */

struct sender {
	ASYNC_FRAME;
	stream *server;
	char bytes[3000];
};

async(sender)
{
	async_begin;
	memset(my->bytes, 'b', sizeof my->bytes);
	await(my->server, tcp_connect("server", "80", NULL));
	await(stream_write(my->server, my->bytes, sizeof my->bytes));
	await(stream_finish(my->server));
async_finally:
	stream_close(my->server);
	async_end;
}

struct receiver {
	ASYNC_FRAME;
	listener *listener;
	stream *client;
	char bytes[700];
	int64_t size, done;
};

async(receiver)
{
	async_begin;
	await(my->listener, tcp_listen(NULL, "80", NULL));
	await(my->client, with_timeout(BIDE_SECONDS(200), bide_accept(my->listener)));
	do {
		await(my->size, stream_read(my->client, my->bytes, sizeof my->bytes));
		my->done += my->size;
	} while (my->size > 0);
	async_return(my->done);
async_finally:
	stream_close(my->client);
	listener_close(my->listener);
	async_end;
}

static long allocations, fail_at; /* fail_at: the number of the allocation that fails; or 0 */

static void *allocate(size_t size_bytes, size_t alignment, void *argument)
{
	void *memory = NULL;

	(void)argument;
	if (++allocations == fail_at ||
	    posix_memalign(&memory, alignment < 8 ? 8 : alignment, size_bytes) != 0)
		return NULL;
	return memory;
}

static void release(void *memory, size_t size_bytes, void *argument)
{
	(void)size_bytes, (void)argument;
	free(memory);
}

/* Returns true if all went well. fails: the number of the allocation that fails. */
static bool try_with(long fails)
{
	value_task receiving, sending;
	bide_payload received = { .i = 0 };
	int error, other;

	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true, .seed = 3 }), 0);
	fail_at = fails;
	allocations = 0;
	error = simulated_host_add("server");
	if (error) {
		assert_int_equal(error, ENOMEM);
		assert_int_equal(shut_down(), 0);
		return false;
	}
	receiving = on_host("server", async_start(receiver));
	sending = async_start(sender);
	error = bide_value_task_wait(receiving, &received);
	other = bide_value_task_wait(sending, NULL);
	fail_at = 0;
	assert_true(error || other || received.i == 3000);
	end_simulation();
	return !error && !other;
}

TEST(each_allocation_may_fail)
{
	long fails = 1;
	unsigned failed = 0;

	if (test_seeded())
		SKIP("it makes simulations of its own");
	setenv("BIDE_POOL", "malloc", 1); /* every object is an allocation */
	assert_int_equal(bide_allocator_set(&(bide_allocator){ allocate, release, NULL }), 0);
	assert_true(try_with(0));
	for (long count = allocations; fails <= count; fails++)
		failed += !try_with(fails);
	assert_true(failed > 5);
	assert_true(try_with(0));
}
