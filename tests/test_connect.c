/*
 * Connecting: by address, by name with several addresses, to UNIX sockets; what is canceled and
 * forgotten at each await; errors; memory that runs out.
 *
 * Addresses that do not answer are those of listeners whose queue is full: the kernel drops what
 * wants to connect to them.
 */
/* threads */
#include "support/net_support.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "io/lookup.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static bide_value_task connect_to(const bide_address *address)
{
	return bide_tcp_connect_address(address, NULL).untyped;
}

static bide_address parsed(const char *text)
{
	bide_address address;

	assert_int_equal(bide_address_parse(&address, text, NULL), 0);
	return address;
}

/* ---- addresses that do not answer */

typedef struct silence {
	int listening, filling[8];
	bide_address address;
} silence;

/*
 * Binds to the host and the port, or to any port if it is 0. Returns false if another process has
 * the port.
 */
static bool try_silence(silence *made, const char *host, unsigned port)
{
	silence s = { .listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	struct sockaddr_storage bound;
	socklen_t size = sizeof bound;
	const struct sockaddr *to;
	size_t size_bytes;
	char text[64];

	snprintf(text, sizeof text, "%s:%u", host, port);
	s.address = parsed(text);
	to = bide_address_sockaddr(&s.address, &size_bytes);
	assert_int_equal(setsockopt(s.listening, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)),
	                 0);
	if (bind(s.listening, to, (socklen_t)size_bytes)) {
		assert_int_equal(errno, EADDRINUSE);
		close(s.listening);
		return false;
	}
	assert_int_equal(listen(s.listening, 0), 0);
	assert_int_equal(getsockname(s.listening, (struct sockaddr *)&bound, &size), 0);
	assert_int_equal(bide_address_from_sockaddr(&s.address, (struct sockaddr *)&bound, size), 0);
	to = bide_address_sockaddr(&s.address, &size_bytes);
	for (int i = 0; i < 8; i++) {
		s.filling[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(s.filling[i], to, (socklen_t)size_bytes);
	}
	*made = s;
	return true;
}

static silence make_silence(const char *host, unsigned port)
{
	silence made = { 0 };

	if (test_seeded()) { /* a host that is down */
		assert_int_equal(bide_simulated_host_add("silent"), 0);
		assert_int_equal(bide_simulated_host_crash("silent"), 0);
		assert_int_equal(bide_simulated_host_address("silent", &made.address), 0);
		assert_int_equal(bide_address_set_port(&made.address, 80), 0);
		return made;
	}
	if (!try_silence(&made, host, port))
		SKIP("another process has port %u of %s", port, host);
	return made;
}

static void end_silence(const silence *s)
{
	if (test_seeded())
		return;
	close(s->listening);
	for (int i = 0; i < 8; i++)
		close(s->filling[i]);
}

/* ---- by address */

TEST(a_connection_is_made_both_ways)
{
	calls_move_all();
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener), local, peer;
	bide_value_task accepting = bide_accept(listener).untyped;
	bide_stream *client = wait_stream(connect_to(&address)), *served = wait_stream(accepting);
	char bytes[8] = "";

	assert_int_equal(bide_stream_local(client, &local), 0);
	assert_int_equal(bide_stream_peer(served, &peer), 0);
	assert_true(bide_address_equal(&local, &peer));
	assert_int_equal(error_of(bide_stream_write(client, "to", 2)), 0);
	assert_int_equal(error_of(bide_stream_read(served, bytes, sizeof bytes)), 0);
	assert_string_equal(bytes, "to");
	assert_int_equal(error_of(bide_stream_write(served, "fro", 3)), 0);
	assert_int_equal(error_of(bide_stream_read(client, bytes, sizeof bytes)), 0);
	assert_string_equal(bytes, "fro");
	if (!test_seeded())
		assert_int_equal(option_of(client, IPPROTO_TCP, TCP_NODELAY), 1);
	bide_stream_close(client);
	bide_stream_close(served);
	bide_listener_close(listener);
}

TEST(a_port_on_which_nothing_listens_refuses)
{
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener), none = { 0 }, path = parsed("/x");
	size_t before;

	bide_listener_close(listener);
	open_reactors();
	before = descriptor_count();
	settle_workers();
	assert_int_equal(error_of(connect_to(&address)), ECONNREFUSED);
	assert_int_equal(error_of(connect_to(&none)), EAFNOSUPPORT);
	assert_int_equal(error_of(connect_to(&path)), EAFNOSUPPORT);
	settle_workers();
	assert_int_equal(descriptor_count(), before);
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_tcp_connect_address(NULL, NULL).untyped), EINVAL),
	       "bide_tcp_connect_address", "address is NULL");
	MISUSE(assert_int_equal(error_of(bide_tcp_connect_address(
										 &address, &(bide_tcp_options){ .user_timeout_ns = -1 })
	                                     .untyped),
	                        EINVAL),
	       "bide_tcp_connect_address", "user_timeout_ns");
}

TEST(the_options_hold_for_the_connection)
{
	NEEDS_SYSTEM("options of sockets");
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener), from = parsed("127.0.0.7:0"), local;
	bide_tcp_options options = { .delay = true,
		                         .keepalive_idle_ns = BIDE_SECONDS(9),
		                         .user_timeout_ns = BIDE_SECONDS(3),
		                         .from = &from };
	bide_value_task connecting = bide_tcp_connect_address(&address, &options).untyped;
	bide_stream *client;
	char text[BIDE_ADDRESS_TEXT_BYTES];

	memset(&from, 0xA5, sizeof from); /* all of it was copied */
	memset(&options, 0xA5, sizeof options);
	client = wait_stream(connecting);
	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_NODELAY), 0);
	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_KEEPIDLE), 9);
	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_USER_TIMEOUT), 3000);
	assert_int_equal(bide_stream_local(client, &local), 0);
	assert_int_equal(bide_address_set_port(&local, 0), 0);
	assert_string_equal(bide_address_text(&local, text, sizeof text), "127.0.0.7:0");
	bide_stream_close(client);
	bide_listener_close(listener);
}

TEST(a_connect_is_canceled_forgotten_and_ended_by_a_deadline)
{
	silence silent = make_silence("127.0.0.1", 0);
	bide_context *scope;
	bide_value_task pending;
	size_t before;

	open_reactors();
	before = descriptor_count();
	pending = IN_SCOPE(scope, connect_to(&silent.address));
	assert_pending(pending);
	assert_int_equal(descriptor_count(), before + !test_seeded());
	assert_int_equal(cancel_and_wait(scope, pending), ECANCELED);
	settle_workers();
	assert_int_equal(descriptor_count(), before);
	bide_value_task_forget(connect_to(&silent.address));
	settle_workers();
	assert_int_equal(descriptor_count(), before);
	assert_int_equal(error_of(bide_with_timeout_ms(5, connect_to(&silent.address))), ETIMEDOUT);
	settle_workers();
	assert_int_equal(descriptor_count(), before);
	scope = bide_context_create(NULL);
	bide_context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(bide_in_context(scope, connect_to(&silent.address))), ECANCELED);
	bide_context_unref(scope);
	end_silence(&silent);
}

static void *connect_there(void *address)
{
	bide_stream_close(wait_stream(connect_to(address)));
	return NULL;
}

TEST(any_thread_connects)
{
	NEEDS_SYSTEM("threads");
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener);
	pthread_t thread;
	bide_stream *served;
	char byte;

	assert_int_equal(pthread_create(&thread, NULL, connect_there, &address), 0);
	served = wait_stream(bide_accept(listener).untyped);
	assert_int_equal(error_of(bide_stream_read(served, &byte, 1)), 0);
	pthread_join(thread, NULL);
	bide_stream_close(served);
	bide_listener_close(listener);
}

/* ---- by name: what getaddrinfo would return */

enum { ADDRESSES_MAX = 16 };

static const char *answer[ADDRESSES_MAX]; /* hosts */
static atomic_bool gate;                  /* a look-up waits until it is open */

static int answer_here(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **list)
{
	struct addrinfo numeric = *hints, **end = list;

	(void)host;
	while (!atomic_load(&gate))
		usleep(1000);
	numeric.ai_flags = AI_NUMERICHOST;
	for (int i = 0; i < ADDRESSES_MAX && answer[i]; i++) {
		if (getaddrinfo(answer[i], service, &numeric, end))
			return EAI_FAIL;
		end = &(*end)->ai_next;
	}
	return 0;
}

/* Each was made by itself. */
static void free_answer(struct addrinfo *list)
{
	struct addrinfo *next;

	for (; list; list = next) {
		next = list->ai_next;
		list->ai_next = NULL;
		freeaddrinfo(list);
	}
}

#define ANSWER(...) answer_with((const char *const[]){ __VA_ARGS__, NULL })
static void answer_with(const char *const *hosts)
{
	needs_threads();
	bide_lookup_ask_ = answer_here;
	bide_lookup_free_ = free_answer;
	atomic_store(&gate, true);
	memset(answer, 0, sizeof answer);
	for (int i = 0; hosts[i]; i++)
		answer[i] = hosts[i];
}

static bide_value_task connect_by_name(unsigned port, int64_t attempt_delay_ns)
{
	bide_tcp_options options = { .attempt_delay_ns = attempt_delay_ns };
	char service[8];

	snprintf(service, sizeof service, "%u", port);
	return bide_tcp_connect(test_seeded() ? "localhost" : "name", service, &options).untyped;
}

/* Listens on all of 127.0.0.0/8. Returns the port. */
static unsigned listen_on_any(bide_listener **listener)
{
	bide_address address = parsed("0.0.0.0:0");

	assert_int_equal(bide_tcp_listen_address(listener, &address, NULL), 0);
	address = address_of(*listener);
	return bide_address_port(&address);
}

static void expect_peer(bide_stream *client, const char *host)
{
	char text[BIDE_ADDRESS_TEXT_BYTES];
	bide_address peer;

	assert_int_equal(bide_stream_peer(client, &peer), 0);
	assert_int_equal(bide_address_set_port(&peer, 0), 0);
	bide_address_text(&peer, text, sizeof text);
	*strrchr(text, ':') = '\0';
	assert_string_equal(text, host);
	bide_stream_close(client);
}

TEST(the_first_address_that_answers_wins)
{
	NEEDS_SYSTEM("getaddrinfo");
	bide_listener *listener;
	unsigned port;

	ANSWER("127.0.0.3", "127.0.0.4");
	port = listen_on_any(&listener);
	expect_peer(wait_stream(connect_by_name(port, 0)), "127.0.0.3");
	bide_listener_close(listener);
}

TEST(an_address_as_a_name_needs_no_look_up)
{
	NEEDS_SYSTEM("addresses of 127.0.0.0/8");
	bide_listener *listener;
	unsigned port = listen_on_any(&listener);
	char service[8];

	snprintf(service, sizeof service, "%u", port);
	expect_peer(wait_stream(bide_tcp_connect("127.0.0.9", service, NULL).untyped), "127.0.0.9");
	bide_listener_close(listener);
}

TEST(after_a_failure_the_next_address_is_tried_at_once)
{
	NEEDS_SYSTEM("getaddrinfo");
	bide_address address = parsed("127.0.0.5:0");
	bide_listener *listener;

	ANSWER("127.0.0.3", "127.0.0.4", "127.0.0.5");
	assert_int_equal(bide_tcp_listen_address(&listener, &address, NULL), 0);
	address = address_of(listener);
	expect_peer(wait_stream(connect_by_name(bide_address_port(&address), BIDE_SECONDS(1000))),
	            "127.0.0.5");
	bide_listener_close(listener);
}

TEST(an_address_that_does_not_answer_is_overtaken_and_closed)
{
	NEEDS_SYSTEM("getaddrinfo");
	silence silent = make_silence("127.0.0.1", 0);
	unsigned port = bide_address_port(&silent.address);
	bide_address address = parsed("127.0.0.2:0");
	bide_listener *listener;
	bide_stream *client;
	size_t before;

	ANSWER("127.0.0.1", "127.0.0.2");
	assert_int_equal(bide_address_set_port(&address, port), 0);
	assert_int_equal(bide_tcp_listen_address(&listener, &address, NULL), 0);
	open_reactors();
	before = descriptor_count();
	client = wait_stream(connect_by_name(port, BIDE_MS(10)));
	assert_int_equal(descriptor_count(), before + 1);
	expect_peer(client, "127.0.0.2");
	bide_listener_close(listener);
	end_silence(&silent);
}

TEST(the_families_take_turns)
{
	NEEDS_SYSTEM("IPv6");
	bide_address address = parsed("[::1]:0");
	bide_listener *listener;
	silence silent[3];
	unsigned port;
	int error = bide_tcp_listen_address(&listener, &address, NULL);

	if (error)
		SKIP("there is no IPv6: %s", bide_strerror(error));
	address = address_of(listener);
	port = bide_address_port(&address);
	ANSWER("127.0.0.1", "127.0.0.2", "127.0.0.3", "::1");
	silent[0] = make_silence("127.0.0.1", port);
	silent[1] = make_silence("127.0.0.2", port);
	silent[2] = make_silence("127.0.0.3", port);
	/*
	 * The second attempt is that of IPv6. A third one would come after more than the test's limit.
	 */
	expect_peer(wait_stream(connect_by_name(port, BIDE_SECONDS(1))), "[::1]");
	for (int i = 0; i < 3; i++)
		end_silence(&silent[i]);
	bide_listener_close(listener);
}

TEST(the_error_of_the_peer_tells_more_than_that_of_this_machine)
{
	NEEDS_SYSTEM("getaddrinfo");
	bide_listener *listener;
	unsigned port = listen_on_any(&listener);

	bide_listener_close(listener);
	settle_workers();
	ANSWER("255.255.255.255", "127.0.0.1", "127.0.0.2");
	assert_int_equal(error_of(connect_by_name(port, 0)), ECONNREFUSED);
}

TEST(a_name_without_an_address_fails)
{
	NEEDS_SYSTEM("getaddrinfo");
	ANSWER(NULL);
	assert_int_equal(error_of(connect_by_name(80, 0)), ENODATA);
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_tcp_connect(NULL, "80", NULL).untyped), EINVAL),
	       "bide_tcp_connect", "host is NULL");
	MISUSE(assert_int_equal(error_of(bide_tcp_connect("name", NULL, NULL).untyped), EINVAL),
	       "bide_tcp_connect", "service is NULL");
}

static void *connect_by_name_there(void *port)
{
	unsigned number = *(unsigned *)port;
	bide_context *scope;
	bide_value_task canceled;

	bide_stream_close(wait_stream(connect_by_name(number, 0)));
	bide_value_task_forget(connect_by_name(number, 0));
	canceled = IN_SCOPE(scope, connect_by_name(number, 0));
	(void)bide_context_cancel(scope, ECANCELED);
	bide_context_unref(scope);
	bide_value_task_forget(canceled);
	return NULL;
}

struct taker {
	ASYNC_FRAME;
	struct {
		bide_listener *listener;
	} in;
	bide_stream *client;
};

async(taker)
{
	async_begin;
	for (;;) {
		await(my->client, bide_accept(my->in.listener));
		bide_stream_close(my->client);
	}
async_finally:
	async_end;
}

TEST_SLOW(any_thread_connects_by_name, 40)
{
	NEEDS_SYSTEM("threads");
	enum { THREADS = 3 };
	bide_listener *listener;
	unsigned port = listen_on_any(&listener);
	pthread_t threads[THREADS];
	value_task taking;
	bide_task *taken;

	ANSWER("127.0.0.1", "127.0.0.2");
	taking = async_start(taker, .listener = listener);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, connect_by_name_there, &port), 0);
	for (int i = 0; i < THREADS; i++)
		while (pthread_tryjoin_np(threads[i], NULL)) /* the one worker runs meanwhile */
			run_a_moment();
	taken = bide_value_task_as_task(taking);
	bide_listener_abort(listener, ECANCELED); /* not a close: another thread may accept just now */
	assert_int_equal(bide_task_wait(taken, NULL), ECANCELED);
	bide_task_unref(taken);
	bide_listener_close(listener);
	assert_int_equal(bide_drain(BIDE_SECONDS(100)), 0);
}

/* ---- canceled and forgotten at each await */

typedef enum how { CANCEL, FORGET, DEADLINE } how;

static void give_up(how way, unsigned port, bool in_look_up)
{
	bide_context *scope = NULL;
	bide_value_task pending;

	atomic_store(&gate, !in_look_up);
	switch (way) {
	case CANCEL:
		pending = IN_SCOPE(scope, connect_by_name(port, BIDE_MS(1)));
		if (!in_look_up)
			(void)error_of(bide_delay_ms(5));
		assert_int_equal(cancel_and_wait(scope, pending), ECANCELED);
		break;
	case FORGET:
		pending = connect_by_name(port, BIDE_MS(1));
		if (!in_look_up)
			(void)error_of(bide_delay_ms(5));
		bide_value_task_forget(pending);
		break;
	case DEADLINE:
		pending = bide_with_timeout_ms(5, connect_by_name(port, BIDE_MS(1)));
		assert_int_equal(error_of(pending), ETIMEDOUT);
		break;
	}
	atomic_store(&gate, true);
	assert_int_equal(bide_drain(BIDE_SECONDS(100)), 0);
	settle_workers();
}

TEST_SLOW(a_connect_by_name_that_is_given_up_leaves_nothing_open, 40)
{
	NEEDS_SYSTEM("getaddrinfo");
	silence silent[12];
	unsigned port;
	size_t before;
	static char hosts[12][24];
	const char *names[13] = { NULL };

	silent[0] = make_silence("127.0.0.1", 0);
	port = bide_address_port(&silent[0].address);
	for (int i = 0; i < 12; i++) {
		snprintf(hosts[i], sizeof hosts[i], "127.0.0.%d", i + 1);
		names[i] = hosts[i];
		if (i > 0)
			silent[i] = make_silence(hosts[i], port);
	}
	answer_with(names);
	open_reactors();
	before = descriptor_count();
	for (int way = CANCEL; way <= DEADLINE; way++)
		for (int in_look_up = 0; in_look_up < 2; in_look_up++)
			give_up((how)way, port, in_look_up);
	assert_int_equal(descriptor_count(), before);
	for (int i = 0; i < 12; i++)
		end_silence(&silent[i]);
}

enum { FORGOTTEN = 2000 };

static void *connect_and_forget_there(void *argument)
{
	for (int i = 0; i < FORGOTTEN; i++) {
		bide_value_task_forget(connect_by_name(*(const unsigned *)argument, 0));
		for (int spin = i % 64; spin > 0; spin--)
			__asm__ volatile("" ::: "memory");
	}
	return NULL;
}

/* With one worker it is forgotten while the worker begins it. */
TEST_SLOW(a_connect_that_another_thread_forgets_at_once_leaves_nothing_open, 40)
{
	NEEDS_SYSTEM("threads");
	bide_listener *listener;
	unsigned port = listen_on_any(&listener);
	pthread_t thread;
	size_t before;

	ANSWER("127.0.0.1");
	open_reactors();
	before = descriptor_count();
	assert_int_equal(pthread_create(&thread, NULL, connect_and_forget_there, &port), 0);
	while (pthread_tryjoin_np(thread, NULL))
		run_a_moment();
	assert_int_equal(bide_drain(BIDE_SECONDS(100)), 0);
	settle_workers();
	assert_int_equal(descriptor_count(), before);
	bide_listener_close(listener);
}

TEST(a_connection_that_was_made_and_is_not_taken_is_closed)
{
	bide_listener *listener;
	bide_stream *served;
	unsigned port = listen_on_any(&listener);
	bide_value_task connecting;
	char byte;

	ANSWER("127.0.0.1");
	connecting = connect_by_name(port, 0);
	served = wait_stream(bide_accept(listener).untyped);
	while (!bide_value_task_is_ready(connecting))
		run_a_moment();
	bide_value_task_forget(connecting);
	assert_int_equal(error_of(bide_stream_read(served, &byte, 1)), 0); /* the end */
	bide_stream_close(served);
	bide_listener_close(listener);
}

/* ---- UNIX sockets */

static const char *name_of_process(char name[64])
{
	snprintf(name, 64, "@bide-test-connect-%d", (int)getpid());
	return name;
}

TEST(a_unix_socket_is_connected_at_once)
{
	NEEDS_SYSTEM("UNIX sockets");
	char name[64];
	bide_listener *listener;
	bide_value_task connecting;
	bide_address peer;
	bide_stream *client;
	char text[BIDE_ADDRESS_TEXT_BYTES];

	assert_int_equal(bide_unix_listen(&listener, name_of_process(name), NULL), 0);
	connecting = bide_unix_connect(name).untyped;
	assert_true(bide_value_task_is_ready(connecting));
	client = wait_stream(connecting);
	assert_int_equal(bide_stream_peer(client, &peer), 0);
	assert_string_equal(bide_address_text(&peer, text, sizeof text), name);
	bide_stream_close(client);
	bide_stream_close(wait_stream(bide_accept(listener).untyped));
	bide_value_task_forget(bide_unix_connect(name).untyped);
	bide_listener_close(listener);
	settle_workers();
	assert_int_equal(error_of(bide_unix_connect(name).untyped), ECONNREFUSED);
	assert_int_equal(error_of(bide_unix_connect("/no/such/socket").untyped), ENOENT);
	assert_int_equal(error_of(bide_unix_connect("").untyped), EINVAL);
	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_unix_connect(NULL).untyped), EINVAL), "bide_unix_connect",
	       "path is NULL");
}

TEST(a_full_queue_of_a_unix_socket_is_waited_for)
{
	NEEDS_SYSTEM("UNIX sockets");
	char name[64];
	bide_unix_options options = { .backlog = 1 };
	bide_listener *listener;
	bide_stream *queued[16], *client;
	bide_value_task connecting = { 0 }, canceled;
	bide_context *scope;
	int count = 0;

	assert_int_equal(bide_unix_listen(&listener, name_of_process(name), &options), 0);
	for (; count < 16; count++) {
		connecting = bide_unix_connect(name).untyped;
		if (!bide_value_task_is_ready(connecting))
			break;
		queued[count] = wait_stream(connecting);
	}
	assert_in_range(count, 1, 15);
	assert_int_equal(error_of(bide_with_timeout_ms(5, bide_unix_connect(name).untyped)), ETIMEDOUT);
	bide_value_task_forget(bide_unix_connect(name).untyped);
	canceled = IN_SCOPE(scope, bide_unix_connect(name).untyped);
	assert_int_equal(cancel_and_wait(scope, canceled), ECANCELED);
	bide_stream_close(wait_stream(bide_accept(listener).untyped)); /* makes room */
	client = wait_stream(connecting);
	bide_stream_close(client);
	for (int i = 0; i < count; i++)
		bide_stream_close(queued[i]);
	bide_listener_close(listener);
	assert_int_equal(bide_drain(BIDE_SECONDS(100)), 0);
}

/* ---- memory runs out */

static int connect_with(long allocations, const char *service)
{
	bide_payload payload = { .p = NULL };
	int error;

	allowed_allocations = allocations;
	error = bide_value_task_wait(bide_tcp_connect("127.0.0.1", service, NULL), &payload);
	allowed_allocations = -1;
	if (!error)
		bide_stream_close(payload.p);
	return error;
}

TEST(a_connect_without_memory_leaves_nothing_open)
{
	NEEDS_SYSTEM("memory that ends, and the network takes some");
	bide_listener *listener;
	char service[8];
	size_t before;
	int error = ENOMEM;

	limit_objects();
	one_worker();
	snprintf(service, sizeof service, "%u", listen_on_any(&listener));
	assert_int_equal(connect_with(-1, service), 0);
	before = descriptor_count();
	for (long allocations = 0; error && allocations < 100; allocations++) {
		error = connect_with(allocations, service);
		if (error && error != ENOMEM)
			fail_msg("after %ld: error %d: %s", allocations, error, bide_strerror(error));
		assert_int_equal(bide_drain(BIDE_SECONDS(100)), 0);
		assert_int_equal(descriptor_count(), before);
	}
	assert_int_equal(error, 0);
	bide_listener_close(listener);
}
