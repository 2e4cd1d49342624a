/*
 * bide_resolve: addresses that need no look-up, names of this machine, errors, equal questions that
 * share a look-up, waits that are canceled and forgotten, look-ups that hang.
 *
 * Most tests replace getaddrinfo, so none needs a network.
 */
/* threads */
#define _GNU_SOURCE /* EAI_NODATA */
#include <netdb.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "io/lookup.h"
#include "support/limits_of_tools.h"
#include "support/task_support.h"

static int wait_addresses(bide_addresses_task asked, bide_addresses **found)
{
	bide_payload payload = { .p = NULL };
	int error = bide_value_task_wait(asked, &payload);

	*found = payload.p;
	return error;
}

static void expect_one(bide_addresses_task asked, const char *expected)
{
	char text[BIDE_ADDRESS_TEXT_BYTES];
	bide_addresses *found;

	assert_int_equal(wait_addresses(asked, &found), 0);
	assert_int_equal(found->count, 1);
	assert_string_equal(bide_address_text(&found->at[0], text, sizeof text), expected);
	bide_addresses_free(found);
}

static void expect_error(bide_addresses_task asked, int error)
{
	assert_int_equal(bide_value_task_wait(asked, NULL), error);
}

static bide_lookup_stats lookups(void)
{
	bide_lookup_stats now;

	bide_lookup_stats_(&now);
	return now;
}

/* ---- in place of getaddrinfo */

static atomic_int ask_count, in_system, most_in_system, answer_error;
static atomic_bool gate; /* hosts that begin with 'h' wait until it is open */
static bool keeps_texts; /* there is one look-up */
static char last_host[64], last_service[64];

static int ask_here(const char *host, const char *service, const struct addrinfo *hints,
                    struct addrinfo **list)
{
	struct addrinfo numeric = *hints;
	int now = atomic_fetch_add(&in_system, 1) + 1, seen = atomic_load(&most_in_system), error;

	while (now > seen && !atomic_compare_exchange_weak(&most_in_system, &seen, now))
		;
	if (keeps_texts) {
		snprintf(last_host, sizeof last_host, "%s", host);
		snprintf(last_service, sizeof last_service, "%s", service);
	}
	atomic_fetch_add(&ask_count, 1);
	while (*host == 'h' && !atomic_load(&gate))
		sleep_ms(1);
	numeric.ai_flags = AI_NUMERICHOST;
	error = atomic_load(&answer_error);
	if (!error)
		error = getaddrinfo("192.0.2.1", service, &numeric, list);
	atomic_fetch_sub(&in_system, 1);
	return error;
}

static void replace_system(void)
{
	NOT_SEEDED("a simulation has no threads");
	needs_threads();
	bide_lookup_ask_ = ask_here;
}

/* Waits until this number of look-ups is inside the system, where they hang. */
static void await_in_system(int count)
{
	while (atomic_load(&in_system) < count)
		sleep_ms(1);
}

/* ---- without a look-up */

TEST(an_address_is_ready_at_once)
{
	bide_addresses_task asked = bide_resolve("192.0.2.7", "80");

	assert_true(bide_value_task_is_ready(asked.untyped));
	expect_one(asked, "192.0.2.7:80");
	expect_one(bide_resolve("::1", "65535"), "[::1]:65535");
	expect_one(bide_resolve("fe80::1%7777", NULL), "[fe80::1%7777]:0");
	assert_int_equal(lookups().thread_count, 0);
}

TEST(a_result_that_nobody_takes_is_freed)
{
	bide_value_task_forget(bide_resolve("192.0.2.7", "80").untyped);
	bide_addresses_free(NULL);
}

TEST(bad_texts_are_refused)
{
	char long_text[2000];

	memset(long_text, 'x', sizeof long_text);
	long_text[sizeof long_text - 1] = '\0';
	expect_error(bide_resolve("127.0.0.1", "65536"), EINVAL);
	expect_error(bide_resolve("127.0.0.1", "99999999999999999999"), EINVAL);
	expect_error(bide_resolve("", "80"), ENOENT);
	expect_error(bide_resolve("127.0.0.1", ""), ENOENT);
	expect_error(bide_resolve(long_text, "80"), ENAMETOOLONG);
	expect_error(bide_resolve("127.0.0.1", long_text), ENAMETOOLONG);
	expect_error(bide_resolve("fe80::1%no_such_one", "80"), ENODEV);
	catch_misuse();
	expect_error(bide_resolve(NULL, "80"), EINVAL);
	ASSERT_MISUSE("bide_resolve: host is NULL");
}

TEST(in_a_simulation_names_are_those_of_its_hosts)
{
	NOT_SEEDED("it configures a simulation of its own");
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	expect_error(bide_resolve("example.org", "80"), ENOENT);
	expect_one(bide_resolve("localhost", "80"), "127.0.0.1:80");
	expect_one(bide_resolve("127.0.0.1", "80"), "127.0.0.1:80");
}

/* ---- the system of this machine */

TEST(localhost_has_an_address)
{
	NOT_SEEDED("a simulation has no threads");
	needs_threads();
	bide_addresses *found;
	int error = wait_addresses(bide_resolve("localhost", "80"), &found);
	char text[BIDE_ADDRESS_TEXT_BYTES];

	if (error)
		SKIP("localhost: %s", bide_strerror(error));
	assert_true(found->count >= 1);
	for (size_t i = 0; i < found->count; i++) {
		bide_address_text(&found->at[i], text, sizeof text);
		if (strcmp(text, "127.0.0.1:80") != 0 && strcmp(text, "[::1]:80") != 0)
			fail_msg("localhost is %s", text);
	}
	bide_addresses_free(found);
}

TEST(a_name_that_cannot_exist_fails)
{
	NOT_SEEDED("a simulation has no threads");
	needs_threads();
	bide_addresses *found;
	int error = wait_addresses(bide_resolve("no-such-name.invalid", "80"), &found);

	assert_null(found);
	if (error != ENOENT && error != EAGAIN && error != EIO && error != ENODATA)
		fail_msg("error %d", error);
}

TEST(a_service_has_a_name)
{
	NOT_SEEDED("a simulation has no threads");
	needs_threads();
	if (!getservbyname("http", "tcp"))
		SKIP("there is no /etc/services");
	expect_one(bide_resolve("127.0.0.1", "http"), "127.0.0.1:80");
	expect_error(bide_resolve("127.0.0.1", "no-such-service"), ENOENT);
}

/* ---- look-ups */

TEST(each_error_of_the_system_has_a_number)
{
	static const int pairs[][2] = {
		{ EAI_NONAME, ENOENT },         { EAI_SERVICE, ENOENT },
		{ EAI_AGAIN, EAGAIN },          { EAI_FAIL, EIO },
		{ EAI_MEMORY, ENOMEM },         { EAI_FAMILY, EINVAL },
		{ EAI_OVERFLOW, ENAMETOOLONG },
#ifdef EAI_NODATA
		{ EAI_NODATA, ENODATA },
#endif
#ifdef EAI_ADDRFAMILY
		{ EAI_ADDRFAMILY, ENODATA },
#endif
	};

	replace_system();
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		atomic_store(&answer_error, pairs[i][0]);
		expect_error(bide_resolve("name", "80"), pairs[i][1]);
	}
}

TEST(the_texts_are_copied)
{
	char host[] = "host", service[] = "80";
	bide_addresses_task asked;

	replace_system();
	keeps_texts = true;
	asked = bide_resolve(host, service);
	memset(host, 'x', sizeof host - 1);
	memset(service, '9', sizeof service - 1);
	atomic_store(&gate, true);
	expect_one(asked, "192.0.2.1:80");
	assert_string_equal(last_host, "host");
	assert_string_equal(last_service, "80");
}

TEST(equal_questions_share_a_look_up)
{
	enum { COUNT = 20 };
	bide_addresses_task asked[COUNT], other;

	replace_system();
	for (int i = 0; i < COUNT; i++)
		asked[i] = bide_resolve("host", "80");
	other = bide_resolve("host", "81");
	await_in_system(2);
	atomic_store(&gate, true);
	for (int i = 0; i < COUNT; i++)
		expect_one(asked[i], "192.0.2.1:80");
	expect_one(other, "192.0.2.1:81");
	assert_int_equal(atomic_load(&ask_count), 2);
	expect_one(bide_resolve("host", "80"), "192.0.2.1:80");
	assert_int_equal(atomic_load(&ask_count), 3);
}

static void at_most(unsigned max, int expected)
{
	enum { COUNT = 12 };
	bide_addresses_task asked[COUNT];
	char host[16];

	replace_system();
	assert_int_equal(bide_configure(&(bide_config){ .resolver_threads_max = max }), 0);
	for (int i = 0; i < COUNT; i++) {
		snprintf(host, sizeof host, "h%d", i);
		asked[i] = bide_resolve(host, "80");
	}
	await_in_system(expected);
	assert_int_equal(lookups().thread_count, expected);
	assert_int_equal(lookups().queue_count, COUNT - expected);
	atomic_store(&gate, true);
	for (int i = 0; i < COUNT; i++)
		expect_one(asked[i], "192.0.2.1:80");
	assert_int_equal(atomic_load(&most_in_system), expected);
}

TEST(four_threads_look_names_up)
{
	at_most(0, 4);
}

TEST(the_number_of_threads_is_a_setting)
{
	bide_config config;

	at_most(2, 2);
	assert_int_equal(bide_config_get(&config), 0);
	assert_int_equal(config.resolver_threads_max, 2);
	assert_int_equal(shut_down(), 0);
	catch_misuse();
	assert_int_equal(bide_configure(&(bide_config){ .resolver_threads_max = 1025 }), EINVAL);
	ASSERT_MISUSE("resolver_threads_max");
}

TEST(idle_threads_end)
{
	replace_system();
	bide_lookup_idle_max_ns_ = 1 * MS;
	expect_one(bide_resolve("name", "80"), "192.0.2.1:80");
	while (lookups().thread_count > 0)
		sleep_ms(1);
	expect_one(bide_resolve("name", "80"), "192.0.2.1:80");
}

/* ---- cancellation */

struct asker {
	ASYNC_FRAME;
	struct {
		const char *host;
	} in;
	bide_addresses *found;
};

async(asker)
{
	async_begin;
	await(my->found, bide_resolve(my->in.host, "80"));
	bide_addresses_free(my->found);
	async_return(1);
async_finally:
	async_end;
}

TEST(a_canceled_wait_fails_at_once_and_the_look_up_goes_on)
{
	bide_context *scope;
	value_task first;
	bide_addresses_task second;

	replace_system();
	scope = bide_context_create(NULL);
	first = bide_in_context(scope, async_start(asker, .host = "host"));
	second = bide_resolve("host", "80");
	await_in_system(1);
	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(bide_value_task_wait(first, NULL), ECANCELED);
	assert_int_equal(lookups().running_count, 1);
	atomic_store(&gate, true);
	expect_one(second, "192.0.2.1:80");
	assert_int_equal(atomic_load(&ask_count), 1);
	bide_context_unref(scope);
}

TEST(a_queued_look_up_without_a_wait_is_gone)
{
	bide_addresses_task running;
	bide_context *scope;
	value_task queued;

	replace_system();
	assert_int_equal(bide_configure(&(bide_config){ .resolver_threads_max = 1 }), 0);
	running = bide_resolve("host", "80");
	await_in_system(1);
	scope = bide_context_create(NULL);
	queued = bide_in_context(scope, async_start(asker, .host = "h2"));
	settle_workers();
	bide_context_cancel(scope, ETIMEDOUT);
	assert_int_equal(bide_value_task_wait(queued, NULL), ETIMEDOUT);
	bide_value_task_forget(bide_resolve("h3", "80").untyped);
	assert_int_equal(lookups().queue_count, 0);
	atomic_store(&gate, true);
	expect_one(running, "192.0.2.1:80");
	assert_int_equal(atomic_load(&ask_count), 1);
	bide_context_unref(scope);
}

TEST(a_canceled_context_looks_nothing_up)
{
	bide_context *scope = bide_context_create(NULL);

	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(
		bide_value_task_wait(bide_in_context(scope, async_start(asker, .host = "name")), NULL),
		ECANCELED);
	bide_context_unref(scope);
}

/* The tests' end asserts that no byte is left. */
TEST(a_forgotten_wait_leaves_nothing)
{
	bide_addresses_task asked;

	replace_system();
	asked = bide_resolve("host", "80");
	await_in_system(1);
	bide_value_task_forget(asked.untyped);
	bide_value_task_forget(bide_resolve("host", "80").untyped);
	atomic_store(&gate, true);
	while (lookups().running_count > 0)
		sleep_ms(1);
	run_all();
	assert_none(operation_count);
}

TEST_SLOW(answers_cancellations_and_forgetting_race, 40)
{
	enum { EACH = 8 };

	replace_system();
	atomic_store(&gate, true);
	for (int round = 0; test_round(round, 2000); round++) {
		bide_context *scope = bide_context_create(NULL);
		value_task asked[EACH];

		for (int i = 0; i < EACH; i++)
			asked[i] = bide_in_context(scope, async_start(asker, .host = i % 2 ? "name" : "other"));
		bide_value_task_forget(bide_resolve("name", "80").untyped);
		if (round % 3)
			sched_yield();
		bide_context_cancel(scope, ECANCELED);
		for (int i = 0; i < EACH; i++) {
			int error = bide_value_task_wait(asked[i], NULL);

			assert_true(error == 0 || error == ECANCELED);
		}
		bide_context_unref(scope);
	}
}

/* ---- what hangs */

static char report_text[1024];
static atomic_int report_count;

static void on_report(const char *line, void *argument)
{
	(void)argument;
	snprintf(report_text, sizeof report_text, "%s", line);
	atomic_fetch_add(&report_count, 1);
}

TEST(look_ups_that_hang_are_counted_and_reported)
{
	bide_addresses_task asked[4];

	replace_system();
	assert_int_equal(bide_configure(&(bide_config){ .resolver_threads_max = 2 }), 0);
	bide_lookup_hung_ns_ = 1 * MS;
	bide_report_hook_set(on_report, NULL);
	asked[0] = bide_resolve("host", "80");
	asked[1] = bide_resolve("host", "81");
	await_in_system(2);
	while (lookups().hung_count < 2)
		sleep_ms(1);
	assert_int_equal(atomic_load(&report_count), 0); /* nothing waits for them */
	asked[2] = bide_resolve("host", "82");
	assert_int_equal(atomic_load(&report_count), 1);
	if (!strstr(report_text, "stuck: bide_resolve: all 2 threads"))
		fail_msg("%s", report_text);
	asked[3] = bide_resolve("host", "83");
	assert_int_equal(atomic_load(&report_count), 1);
	atomic_store(&gate, true);
	for (int i = 0; i < 4; i++) {
		bide_addresses *found;

		assert_int_equal(wait_addresses(asked[i], &found), 0);
		bide_addresses_free(found);
	}
	assert_int_equal(lookups().hung_count, 0);
	bide_report_hook_set(NULL, NULL);
}

TEST(a_shutdown_leaves_behind_what_hangs)
{
	value_task waiting, queued;

	replace_system();
	assert_int_equal(bide_configure(&(bide_config){ .resolver_threads_max = 1 }), 0);
	waiting = bide_task_await(bide_value_task_as_task(async_start(asker, .host = "host")));
	await_in_system(1);
	queued = async_start(asker, .host = "h2");
	bide_value_task_forget(waiting);
	bide_value_task_forget(queued);
	bide_report_hook_set(on_report, NULL);
	(void)shut_down();
	assert_int_equal(lookups().thread_count, 0);
	/* A new life does not meet the thread of the old one. */
	expect_one(bide_resolve("name", "80"), "192.0.2.1:80");
	assert_int_equal(atomic_load(&ask_count), 2);
	atomic_store(&gate, true);
	while (atomic_load(&in_system) > 0)
		sleep_ms(1);
	expect_one(bide_resolve("host", "80"), "192.0.2.1:80");
	bide_report_hook_set(NULL, NULL);
}

TEST(the_child_of_a_fork_looks_names_up_anew)
{
	bide_addresses_task asked;
	int status;
	pid_t child;

	if (UNDER_TSAN)
		SKIP("ThreadSanitizer starts no threads after a fork");
	FORKS_WITH_THREADS();
	replace_system();
	asked = bide_resolve("host", "80");
	await_in_system(1);
	child = fork();
	if (child == 0) {
		atomic_store(&gate, true);
		expect_one(bide_resolve("host", "80"), "192.0.2.1:80");
		_exit(bide_shutdown(NULL));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	atomic_store(&gate, true);
	expect_one(asked, "192.0.2.1:80");
}
