/*
 * A server of requests and a chat on the simulated network, under many seeds: delays, short calls,
 * resets, refusals, cuts and crashes. Each seed checks that no message is lost or doubled, that the
 * order of each sender is kept, and that the sums agree. A seed that fails is named, and repeats.
 *
 * BIDE_NET_SEEDS=FIRST..LAST in the environment sets the seeds; without it they are 1..1000.
 */
#include "support/simulated_support.h"

enum { CLIENTS = 3, REQUESTS = 6, MEMBERS = 3, MESSAGES = 4 };

void test_after_each(void)
{
	assert_int_equal(shut_down(), 0);
}

/* --- what every function of these programs uses --- */

/* What is wrong in this world. NULL while nothing is. */
static const char *wrong;

static void expect(bool is_right, const char *what)
{
	if (!is_right && !wrong)
		wrong = what;
}

static int64_t drawn(int64_t limit)
{
	return (int64_t)(bide_simulation_random() % (uint64_t)limit);
}

static void no_report(stream *client, int error, void *argument)
{
	(void)client, (void)error, (void)argument;
}

static const serve_options options = { .failed = no_report, .drain_ns = BIDE_SECONDS(1) };

struct host_server {
	ASYNC_FRAME;
	struct {
		bide_serve_function *function;
	} in;
	listener *listener;
};

async(host_server)
{
	async_begin;
	await(my->listener, tcp_listen(NULL, "80", NULL));
	await(serve(my->listener, my->in.function, NULL, &options));
async_finally:
	listener_close(my->listener);
	async_end;
}

/* --- a server of requests: each is done once, whatever the network does --- */

static struct {
	int64_t last[CLIENTS]; /* of each client: the number of the last request that was done */
	int64_t sum, expected;
	bool forgets; /* a fault of the server: it does a request again that comes again */
	unsigned tries, done_clients;
} bank;

/* A connection may end in the middle of a line, so each line has a mark at its end. */
static bool is_whole(const char *line)
{
	size_t length = strlen(line);

	return length > 0 && line[length - 1] == '.';
}

struct answer {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	char *line;
	int who, number, value;
};

async(answer)
{
	async_in(client);
	for (;;) {
		await(my->line, stream_read_line(client));
		if (!my->line || !is_whole(my->line))
			break;
		if (sscanf(my->line, "%d %d %d", &my->who, &my->number, &my->value) != 3 || my->who < 0 ||
		    my->who >= CLIENTS) {
			expect(false, "a line was damaged");
			break;
		}
		if (my->number > bank.last[my->who] || bank.forgets) {
			expect(my->number <= bank.last[my->who] + 1, "a request was lost");
			bank.last[my->who] = my->number;
			bank.sum += my->value;
		}
		await(stream_print(client, "%d %d.\n", my->who, my->number));
	}
async_finally:
	async_end;
}

static value_task start_answer(stream *client, void *argument)
{
	(void)argument;
	return async_start(answer, .client = client);
}

/* Makes one request on a connection. */
struct exchange {
	ASYNC_FRAME;
	struct {
		stream *server;
		int who, number, value;
	} in;
	char *line;
	int who, number;
};

async(exchange)
{
	async_in(server, who, number, value);
	await(stream_print(server, "%d %d %d.\n", who, number, value));
	await(my->line, stream_read_line(server));
	if (!my->line || !is_whole(my->line))
		async_fail(BIDE_EEND);
	expect(sscanf(my->line, "%d %d", &my->who, &my->number) == 2 && my->who == who &&
	           my->number == number,
	       "an answer is that of another request");
async_finally:
	async_end;
}

struct customer {
	ASYNC_FRAME;
	struct {
		int who;
	} in;
	stream *server;
	int number, value, error;
};

async(customer)
{
	async_begin;
	for (my->number = 1; my->number <= REQUESTS; my->number++) {
		my->value = (int)drawn(1000);
		bank.expected += my->value;
		do {
			my->error = 0;
			bank.tries++;
			if (!my->server)
				await_or(my->server,
				         bide_with_timeout(BIDE_SECONDS(10), tcp_connect("server", "80", NULL)),
				         my->error = bide_await_error);
			if (!my->error)
				await_or(bide_with_timeout(BIDE_SECONDS(2),
				                           async_start(exchange, .server = my->server,
				                                       .who = my->in.who, .number = my->number,
				                                       .value = my->value)),
				         my->error = bide_await_error);
			if (my->error) {
				stream_close(my->server);
				my->server = NULL;
				await(delay_ms(1 + drawn(50)));
			}
		} while (my->error);
		await(delay_ms(drawn(20)));
	}
	bank.done_clients++;
async_finally:
	stream_close(my->server);
	async_end;
}

/* Cuts, crashes and resets, until all clients are through. Keeps the server running. */
struct trouble {
	ASYNC_FRAME;
	value_task serving;
	int64_t kind;
};

async(trouble)
{
	async_begin;
	my->serving = on_host("server", async_start(host_server, .function = start_answer));
	while (bank.done_clients < CLIENTS) {
		await(delay_ms(1 + drawn(300)));
		my->kind = drawn(4);
		if (my->kind == 0) {
			expect(simulated_link_cut("server", NULL) == 0, "cut");
			await(delay_ms(drawn(3000)));
			expect(simulated_link_heal("server", NULL) == 0, "heal");
		} else if (my->kind == 1) {
			expect(simulated_host_reset("server") == 0, "reset");
		} else if (my->kind == 2) {
			expect(simulated_host_crash("server") == 0, "crash");
			await_or(my->serving, (void)0);
			my->serving = value_task_completed();
			await(delay_ms(drawn(500)));
			expect(simulated_host_restart("server") == 0, "restart");
			my->serving = on_host("server", async_start(host_server, .function = start_answer));
		}
	}
	expect(simulated_host_crash("server") == 0, "crash");
async_finally:
	await_or(my->serving, (void)0);
	async_end;
}

/* --- a chat: every member hears every message, in the order of each sender --- */

static struct {
	stream *members[MEMBERS];
	char log[MEMBERS * MESSAGES][16];
	unsigned count;
	bool naive; /* a fault of the members: they take what a read brings for a message */
} chat;

struct broadcast {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	unsigned sent;
};

async(broadcast)
{
	async_in(client);
	while (my->sent < MEMBERS * MESSAGES) {
		if (my->sent == chat.count) {
			await(delay_ms(1));
			continue;
		}
		await(stream_print(client, "%s\n", chat.log[my->sent]));
		my->sent++;
		await(stream_flush(client));
	}
async_finally:
	async_end;
}

struct listen_to {
	ASYNC_FRAME;
	struct {
		stream *client;
	} in;
	char *line;
	value_task sending;
};

async(listen_to)
{
	async_in(client);
	my->sending = async_start(broadcast, .client = client);
	for (;;) {
		await(my->line, stream_read_line(client));
		if (!my->line)
			break;
		expect(chat.count < MEMBERS * MESSAGES && strlen(my->line) < 16, "too much was said");
		if (wrong)
			break;
		strcpy(chat.log[chat.count++], my->line);
	}
async_finally:
	await_or(my->sending, expect(false, "a member was not told all"));
	async_end;
}

static value_task start_listen_to(stream *client, void *argument)
{
	(void)argument;
	return async_start(listen_to, .client = client);
}

struct talk {
	ASYNC_FRAME;
	struct {
		stream *server;
		int who;
	} in;
	int number;
};

async(talk)
{
	async_in(server, who);
	for (my->number = 0; my->number < MESSAGES; my->number++) {
		await(stream_print(server, "%d:%d\n", who, my->number));
		await(stream_flush(server));
		await(delay_ms(drawn(10)));
	}
	await(stream_finish(server));
async_finally:
	async_end;
}

struct member {
	ASYNC_FRAME;
	struct {
		int who;
	} in;
	stream *server;
	value_task talking;
	char *line;
	char bytes[32];
	int next[MEMBERS], from, number;
	int64_t size;
};

/* What the member heard is the next message of its sender. */
static void check_heard(struct member *my, const char *line)
{
	bool is_right = sscanf(line, "%d:%d", &my->from, &my->number) == 2 && my->from >= 0 &&
	                my->from < MEMBERS && strlen(line) == 3;

	expect(is_right, "a message was damaged");
	if (is_right)
		expect(my->number == my->next[my->from]++, "a message was lost, doubled or overtaken");
}

async(member)
{
	async_begin;
	await(my->server, tcp_connect("server", "80", NULL));
	my->talking = async_start(talk, .server = my->server, .who = my->in.who);
	while (!wrong) {
		if (chat.naive) {
			memset(my->bytes, 0, sizeof my->bytes);
			await(my->size, stream_read(my->server, my->bytes, sizeof my->bytes - 1));
			my->line = my->size ? strtok(my->bytes, "\n") : NULL;
		} else {
			await(my->line, stream_read_line(my->server));
		}
		if (!my->line)
			break;
		check_heard(my, my->line);
	}
	for (int i = 0; i < MEMBERS; i++)
		expect(my->next[i] == MESSAGES, "a message was not heard");
	await(my->talking);
	my->talking = value_task_completed();
async_finally:
	await_or(my->talking, (void)0);
	stream_close(my->server);
	async_end;
}

/* --- worlds --- */

static simulated_link flaky(void)
{
	return (simulated_link){ .delay_min_ns = drawn(BIDE_MS(2)),
		                     .delay_max_ns = drawn(BIDE_MS(30)),
		                     .bytes_per_second = drawn(2) ? 1000 + (uint64_t)drawn(100000) : 0,
		                     .short_reads_per_million = (uint32_t)drawn(500000),
		                     .short_writes_per_million = (uint32_t)drawn(500000) };
}

/* One simulation of the requests. Returns its hash; `wrong` tells what went wrong. */
static uint64_t run_bank(uint64_t seed, bool forgets)
{
	value_task all[CLIENTS + 1];
	simulated_link link;

	simulate(seed);
	wrong = NULL;
	memset(&bank, 0, sizeof bank);
	bank.forgets = forgets;
	assert_int_equal(simulated_host_add("server"), 0);
	link = flaky();
	link.resets_per_million = (uint32_t)drawn(100000);
	link.refusals_per_million = (uint32_t)drawn(300000);
	link_all(link);
	all[0] = async_start(trouble);
	for (int i = 0; i < CLIENTS; i++)
		all[1 + i] = async_start(customer, .who = i);
	for (int i = 0; i <= CLIENTS; i++)
		expect(bide_value_task_wait(all[i], NULL) == 0, "a function failed");
	for (int i = 0; i < CLIENTS; i++)
		expect(bank.last[i] == REQUESTS, "a request was not done");
	expect(bank.sum == bank.expected, "the sums differ");
	return end_simulation();
}

static uint64_t run_chat(uint64_t seed, bool naive)
{
	value_task serving, members[MEMBERS];

	simulate(seed);
	wrong = NULL;
	memset(&chat, 0, sizeof chat);
	chat.naive = naive;
	assert_int_equal(simulated_host_add("server"), 0);
	link_all(flaky());
	serving = on_host("server", async_start(host_server, .function = start_listen_to));
	for (int i = 0; i < MEMBERS; i++)
		members[i] = async_start(member, .who = i);
	for (int i = 0; i < MEMBERS; i++)
		expect(bide_value_task_wait(members[i], NULL) == 0, "a function failed");
	expect(simulated_host_crash("server") == 0, "crash");
	(void)bide_value_task_wait(serving, NULL);
	return end_simulation();
}

/* --- the tests --- */

static void seeds(uint64_t *first, uint64_t *last)
{
	const char *range = getenv("BIDE_NET_SEEDS");
	char *end = NULL;

	*first = 1;
	*last = 1000;
	if (!range)
		return;
	*first = strtoull(range, &end, 10);
	*last = strncmp(end, "..", 2) == 0 ? strtoull(end + 2, NULL, 10) : *first;
	if (*first == 0 || *last < *first)
		fail_msg("BIDE_NET_SEEDS=%s: FIRST..LAST, from 1 on", range);
}

static void under_all_seeds(uint64_t (*run)(uint64_t seed, bool has_fault), const char *name)
{
	uint64_t first, last;

	seeds(&first, &last);
	for (uint64_t seed = first; seed <= last; seed++) {
		(void)run(seed, false);
		if (wrong)
			fail_msg("%s: seed %u: %s; BIDE_NET_SEEDS=%u..%u repeats it", name, (unsigned)seed,
			         wrong, (unsigned)seed, (unsigned)seed);
	}
}

/* A world with a fault is found wrong by one of a few seeds. */
static void is_found(uint64_t (*run)(uint64_t seed, bool has_fault))
{
	unsigned found = 0;

	for (uint64_t seed = 1; seed <= 20; seed++) {
		(void)run(seed, true);
		found += wrong != NULL;
	}
	assert_true(found > 0);
}

TEST_SLOW(requests_are_done_once_under_every_seed, 120)
{
	under_all_seeds(run_bank, "requests");
}

TEST_SLOW(a_chat_loses_and_doubles_nothing_under_every_seed, 120)
{
	under_all_seeds(run_chat, "chat");
}

TEST(a_server_that_does_requests_twice_is_found)
{
	is_found(run_bank);
}

TEST(a_member_that_takes_a_read_for_a_message_is_found)
{
	is_found(run_chat);
}

TEST(a_seed_repeats_a_run_and_another_seed_makes_another)
{
	unsigned different = 0;

	for (uint64_t seed = 1; seed <= 10; seed++) {
		uint64_t requests = run_bank(seed, false), messages = run_chat(seed, false);

		assert_int_equal(run_bank(seed, false), requests);
		assert_int_equal(run_chat(seed, false), messages);
		different += requests != run_bank(seed + 100, false);
	}
	assert_int_equal(different, 10);
}
