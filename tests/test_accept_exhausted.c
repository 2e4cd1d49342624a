/*
 * Accepting when descriptors run out: connections wait in the kernel's queue, and are taken when
 * this process closes a stream, or after a pause. One report is made.
 */
/* threads */
#include "support/net_support.h"

#include <stdatomic.h>
#include <sys/resource.h>

#include "io/exhausted.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static atomic_int report_count;
static char report_text[256];

static void on_report(const char *line, void *argument)
{
	(void)argument;
	snprintf(report_text, sizeof report_text, "%s", line);
	atomic_fetch_add(&report_count, 1);
}

static struct rlimit full;

/*
 * Leaves `count` descriptors below the limit: each further call that needs one fails. What is open
 * goes on.
 */
static void exhaust_but(int count)
{
	enum { MAX = 8 };
	int spare[MAX + 1];
	struct rlimit few;

	assert_true(count <= MAX);
	for (int i = 0; i <= count; i++) {
		spare[i] = fcntl(0, F_DUPFD_CLOEXEC, 0);
		assert_true(spare[i] >= 0);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &full), 0);
	few = full;
	few.rlim_cur = (rlim_t)spare[count];
	for (int i = 0; i <= count; i++)
		close(spare[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static void exhaust(void)
{
	exhaust_but(0);
}

static void give_back(void)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &full), 0);
}

/* Long enough that nothing but a close ends the pause. */
static bide_listener *listener_with_queue(int fds[], int count, bide_address *address)
{
	bide_listener *listener;

	(void)error_of(bide_delay(1));
	open_reactors();
	listener = listen_here(NULL);
	*address = address_of(listener);
	for (int i = 0; i < count; i++)
		fds[i] = connect_plain(address);
	bide_report_hook_set(on_report, NULL);
	return listener;
}

TEST(an_accept_waits_until_a_stream_is_closed)
{
	NEEDS_IO();
	bide_address address;
	int fds[3];
	bide_listener *listener;
	bide_stream *first, *second;
	bide_value_task pending;

	bide_exhausted_pause_ns_ = BIDE_SECONDS(10000);
	listener = listener_with_queue(fds, 3, &address);
	first = wait_stream(bide_accept(listener).untyped);
	exhaust();
	pending = bide_accept(listener).untyped;
	settle_workers();
	assert_pending(pending);
	assert_int_equal(atomic_load(&report_count), 1);
	if (!strstr(report_text, "stuck: bide_accept: "))
		fail_msg("%s", report_text);
	bide_stream_close(first);
	second = wait_stream(pending);
	pending = bide_accept(listener).untyped;
	settle_workers();
	assert_pending(pending);
	bide_stream_close(second);
	bide_stream_close(wait_stream(pending));
	assert_int_equal(atomic_load(&report_count), 1); /* one a minute */
	give_back();
	for (int i = 0; i < 3; i++)
		expect_end(fds[i]);
	bide_listener_close(listener);
}

TEST(an_accept_tries_again_after_a_pause)
{
	NEEDS_IO();
	bide_address address;
	int fd;
	bide_listener *listener;
	bide_value_task pending;

	bide_exhausted_pause_ns_ = BIDE_MS(2);
	listener = listener_with_queue(&fd, 1, &address);
	exhaust();
	pending = bide_accept(listener).untyped;
	assert_int_equal(error_of(bide_delay_ms(10)), 0);
	assert_pending(pending);
	give_back();
	bide_stream_close(wait_stream(pending));
	expect_end(fd);
	bide_listener_close(listener);
}

TEST(what_waits_for_descriptors_is_canceled_forgotten_and_closed)
{
	NEEDS_IO();
	bide_address address;
	bide_context *scope;
	int fd;
	bide_listener *listener;
	bide_value_task pending;

	bide_exhausted_pause_ns_ = BIDE_MS(1);
	listener = listener_with_queue(&fd, 1, &address);
	exhaust();
	pending = IN_SCOPE(scope, bide_accept(listener).untyped);
	assert_int_equal(cancel_and_wait(scope, pending), ECANCELED);
	bide_value_task_forget(bide_accept(listener).untyped);
	settle_workers();
	pending = bide_accept(listener).untyped;
	bide_listener_close(listener);
	assert_int_equal(error_of(pending), EBADF);
	give_back();
	expect_end(fd);
	assert_int_equal(error_of(bide_delay_ms(3)), 0); /* the timer finds nothing */
}

TEST(several_listeners_wait_for_descriptors)
{
	NEEDS_IO();
	enum { COUNT = 5 };
	bide_address address;
	int fds[COUNT];
	bide_listener *listeners[COUNT];
	bide_value_task pending[COUNT];

	bide_exhausted_pause_ns_ = BIDE_MS(1);
	for (int i = 0; i < COUNT; i++)
		listeners[i] = listener_with_queue(&fds[i], 1, &address);
	exhaust();
	for (int i = 0; i < COUNT; i++)
		pending[i] = bide_accept(listeners[i]).untyped;
	assert_int_equal(error_of(bide_delay_ms(5)), 0);
	bide_listener_close(listeners[2]); /* gives one back */
	assert_int_equal(error_of(pending[2]), EBADF);
	assert_int_equal(error_of(bide_delay_ms(5)), 0);
	give_back();
	for (int i = 0; i < COUNT; i++) {
		if (i != 2) {
			bide_stream_close(wait_stream(pending[i]));
			bide_listener_close(listeners[i]);
		}
		expect_end(fds[i]);
	}
}

TEST(a_shutdown_ends_the_pause)
{
	NEEDS_IO();
	bide_address address;
	int fd;
	bide_listener *listener;

	for (int life = 0; life < 2; life++) {
		bide_exhausted_pause_ns_ = BIDE_SECONDS(10000);
		listener = listener_with_queue(&fd, 1, &address);
		exhaust();
		bide_value_task_forget(bide_accept(listener).untyped);
		bide_listener_close(listener);
		settle_workers();
		give_back();
		expect_end(fd);
		assert_nothing_in_use();
	}
	/* The timer of an earlier life is gone, and one is armed anew. */
	bide_exhausted_pause_ns_ = BIDE_MS(1);
	listener = listener_with_queue(&fd, 1, &address);
	exhaust();
	bide_value_task pending = bide_accept(listener).untyped;
	assert_int_equal(error_of(bide_delay_ms(5)), 0);
	give_back();
	bide_stream_close(wait_stream(pending));
	expect_end(fd);
	bide_listener_close(listener);
}

/* --- no reactor is open, and none can be --- */

static uint64_t reactor_count(void)
{
	bide_io_stats stats = { 0 };

	bide_io_stats_get(&stats);
	return stats.reactor_count;
}

/* The workers run, and have no reactor. */
static void begin_without_reactors(int64_t pause_ns)
{
	settle_workers();
	assert_int_equal(bide_shutdown(NULL), 0);
	bide_exhausted_pause_ns_ = pause_ns;
	bide_report_hook_set(on_report, NULL);
	assert_int_equal(error_of(bide_delay(1)), 0);
}

TEST(an_accept_waits_while_no_reactor_can_be_opened)
{
	NEEDS_IO();
	bide_listener *listener;
	bide_address address;
	bide_value_task pending;
	int fd;

	for (int left = 0; left < 2; left++) {
		begin_without_reactors(BIDE_MS(2));
		listener = listen_here(NULL);
		address = address_of(listener);
		exhaust_but(left);
		pending = bide_accept(listener).untyped;
		assert_int_equal(error_of(bide_delay_ms(10)), 0);
		assert_pending(pending);
		assert_int_equal(reactor_count(), 0);
		give_back();
		fd = connect_plain(&address);
		bide_stream_close(wait_stream(pending));
		expect_end(fd);
		bide_listener_close(listener);
	}
}

static bide_value_task never_called(bide_stream *stream, void *argument)
{
	(void)argument;
	bide_stream_close(stream);
	fail_msg("there is no client");
	return bide_value_task_from_error(EINVAL);
}

TEST(what_waits_for_a_reactor_is_canceled_forgotten_and_closed)
{
	NEEDS_IO();
	bide_context *scope;
	bide_listener *listener;
	bide_value_task pending;

	begin_without_reactors(BIDE_MS(1));
	listener = listen_here(NULL);
	exhaust();
	pending = IN_SCOPE(scope, bide_accept(listener).untyped);
	assert_int_equal(cancel_and_wait(scope, pending), ECANCELED);
	assert_int_equal(error_of(
						 bide_with_timeout_ms(20, bide_serve(listener, never_called, NULL, NULL))),
	                 ETIMEDOUT);
	bide_value_task_forget(bide_accept(listener).untyped);
	settle_workers();
	pending = bide_accept(listener).untyped;
	bide_listener_close(listener);
	assert_int_equal(error_of(pending), EBADF);
	give_back();
}

/* A reactor of a further worker would take the descriptors that connections need. */
TEST(a_further_reactor_leaves_a_descriptor)
{
	NEEDS_IO();
	enum { COUNT = 8 };
	bide_listener *listeners[COUNT];
	bide_address addresses[COUNT];
	bide_value_task pending[COUNT];
	const struct sockaddr *to;
	size_t size_bytes;
	int fds[COUNT];

	begin_without_reactors(BIDE_SECONDS(10000));
	for (int i = 0; i < COUNT; i++) {
		listeners[i] = listen_here(NULL);
		addresses[i] = address_of(listeners[i]);
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	exhaust_but(4); /* two for the first reactor */
	for (int i = 0; i < COUNT; i++)
		pending[i] = bide_accept(listeners[i]).untyped;
	settle_workers();
	assert_int_equal(reactor_count(), 1);
	for (int i = 0; i < COUNT; i++) {
		to = bide_address_sockaddr(&addresses[i], &size_bytes);
		assert_int_equal(connect(fds[i], to, (socklen_t)size_bytes), 0);
		bide_stream_close(wait_stream(pending[i]));
		expect_end(fds[i]);
		bide_listener_close(listeners[i]);
	}
	give_back();
}
