/*
 * Listening and accepting: addresses and ports, options, descriptors of others, UNIX sockets, what
 * is canceled, forgotten, aborted and closed, misuse, forks.
 */
/* threads */
#include "support/net_support.h"

#include "support/limits_of_tools.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static bide_value_task accept_from(bide_listener *listener)
{
	return bide_accept(listener).untyped;
}

void test_after_each(void)
{
	assert_nothing_in_use();
}

/* ---- listening */

TEST(a_connection_is_accepted)
{
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener), found;
	bide_value_task pending = accept_from(listener);
	bide_stream *client;
	int fd;

	assert_in_range(bide_address_port(&address), 1, 65535);
	assert_pending(pending);
	fd = connect_plain(&address);
	client = wait_stream(pending);
	assert_int_equal(bide_stream_local(client, &found), 0);
	assert_true(bide_address_equal(&found, &address));
	assert_int_equal(bide_stream_peer(client, &found), 0);
	assert_int_equal(bide_address_family(&found), AF_INET);
	bide_stream_close(client);
	expect_end(fd);
	fd = connect_plain(&address); /* there before the accept */
	bide_stream_close(wait_stream(accept_from(listener)));
	expect_end(fd);
	bide_listener_close(listener);
}

static bide_listener *wait_listener(bide_listener_task task)
{
	bide_payload payload = { .p = NULL };

	assert_int_equal(bide_value_task_wait(task, &payload), 0);
	return payload.p;
}

TEST(a_listener_on_all_addresses_takes_ipv4)
{
	bide_listener *listener = wait_listener(bide_tcp_listen(NULL, "0", NULL));
	bide_address address = address_of(listener), local;
	int fd;

	assert_int_equal(bide_address_parse(&local, "127.0.0.1:0", NULL), 0);
	assert_int_equal(bide_address_set_port(&local, bide_address_port(&address)), 0);
	fd = connect_plain(&local);
	bide_stream_close(wait_stream(accept_from(listener)));
	expect_end(fd);
	bide_listener_close(listener);
}

TEST(a_listener_may_be_for_ipv6_only)
{
	NEEDS_SYSTEM("IPv6");
	bide_tcp_options only = { .only_v6 = true };
	bide_address address;
	bide_listener *first, *second;
	int error;

	assert_int_equal(bide_address_parse(&address, "[::1]:0", NULL), 0);
	error = bide_tcp_listen_address(&first, &address, NULL);
	if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT)
		SKIP("there is no IPv6: %s", bide_strerror(error));
	assert_int_equal(error, 0);
	bide_listener_close(first);
	first = wait_listener(bide_tcp_listen(NULL, "0", &only));
	address = address_of(first);
	assert_int_equal(option_of_listener(first, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	second = wait_listener(bide_tcp_listen(NULL, "0", NULL));
	assert_int_equal(option_of_listener(second, IPPROTO_IPV6, IPV6_V6ONLY), 0);
	bide_listener_close(first);
	bide_listener_close(second);
}

TEST(a_host_is_looked_up)
{
	needs_threads();
	bide_payload payload = { .p = NULL };
	int error = bide_value_task_wait(bide_tcp_listen("localhost", "0", NULL), &payload);

	if (error == ENOENT || error == EAGAIN)
		SKIP("localhost: %s", bide_strerror(error));
	assert_int_equal(error, 0);
	bide_listener_close(payload.p);
	assert_int_not_equal(bide_value_task_wait(bide_tcp_listen("no-such-name.invalid", "0", NULL),
	                                          NULL),
	                     0);
}

TEST(a_port_that_is_taken_is_refused)
{
	bide_listener *first = listen_here(NULL), *second;
	bide_address address = address_of(first);
	char service[8];

	assert_int_equal(bide_tcp_listen_address(&second, &address, NULL), EADDRINUSE);
	assert_null(second);
	snprintf(service, sizeof service, "%u", bide_address_port(&address));
	assert_int_equal(error_of(bide_tcp_listen("127.0.0.1", service, NULL).untyped), EADDRINUSE);
	bide_listener_close(first);
	assert_int_equal(bide_tcp_listen_address(&first, &address, NULL), 0); /* at once */
	bide_listener_close(first);
	assert_int_equal(error_of(bide_tcp_listen("192.0.2.1", "0", NULL).untyped), EADDRNOTAVAIL);
}

TEST(several_listeners_share_a_port)
{
	NEEDS_SYSTEM("shared ports");
	bide_tcp_options options = { .reuse_port = true };
	bide_listener *first = listen_here(&options), *second;
	bide_address address = address_of(first);

	assert_int_equal(bide_tcp_listen_address(&second, &address, &options), 0);
	bide_listener_close(first);
	bide_listener_close(second);
}

/* ---- options */

TEST(the_options_of_a_listener_hold_for_its_streams)
{
	NEEDS_SYSTEM("options of sockets");
	bide_tcp_options options = { .keepalive_idle_ns = BIDE_SECONDS(50),
		                         .keepalive_interval_ns = BIDE_MS(6500),
		                         .keepalive_count = 4,
		                         .user_timeout_ns = BIDE_MS(12345),
		                         .send_buffer_bytes = 20000,
		                         .receive_buffer_bytes = 30000 };
	bide_listener *listener = listen_here(&options);
	bide_address address = address_of(listener);
	int fd = connect_plain(&address);
	bide_stream *client = wait_stream(accept_from(listener));

	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(option_of(client, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_KEEPIDLE), 50);
	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_KEEPINTVL), 7);
	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_KEEPCNT), 4);
	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_USER_TIMEOUT), 12345);
	assert_int_equal(option_of(client, SOL_SOCKET, SO_SNDBUF), 40000);
	assert_int_equal(option_of(client, SOL_SOCKET, SO_RCVBUF), 60000);
	bide_stream_close(client);
	expect_end(fd);
	bide_listener_close(listener);
	options = (bide_tcp_options){ .delay = true };
	listener = listen_here(&options);
	address = address_of(listener);
	fd = connect_plain(&address);
	client = wait_stream(accept_from(listener));
	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_NODELAY), 0);
	assert_int_equal(option_of(client, SOL_SOCKET, SO_KEEPALIVE), 0);
	bide_stream_close(client);
	expect_end(fd);
	bide_listener_close(listener);
}

TEST(the_options_of_a_taken_descriptor_are_set)
{
	NEEDS_SYSTEM("options of sockets");
	bide_tcp_options options = { .keepalive_idle_ns = BIDE_SECONDS(8), .delay = true };
	bide_stream *client, *in, *out;
	int peer;

	client = make_tcp_stream(&peer);
	assert_int_equal(bide_stream_set_tcp_options(client, NULL), 0);
	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(option_of(client, SOL_SOCKET, SO_KEEPALIVE), 0);
	assert_int_equal(bide_stream_set_tcp_options(client, &options), 0);
	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_NODELAY), 0);
	assert_int_equal(option_of(client, IPPROTO_TCP, TCP_KEEPIDLE), 8);
	expect_misuse();
	MISUSE(assert_int_equal(
			   bide_stream_set_tcp_options(client, &(bide_tcp_options){ .user_timeout_ns = -1 }),
			   EINVAL),
	       "bide_stream_set_tcp_options", "user_timeout_ns");
	bide_stream_close(client);
	close(peer);
	client = make_stream(&peer);
	assert_int_equal(bide_stream_set_tcp_options(client, NULL), EOPNOTSUPP);
	bide_stream_close(client);
	close(peer);
	assert_int_equal(bide_stream_pipe(&in, &out), 0);
	assert_int_equal(bide_stream_set_tcp_options(in, NULL), EOPNOTSUPP);
	bide_stream_close(in);
	bide_stream_close(out);
}

TEST(options_out_of_range_are_misuse)
{
	static const bide_tcp_options wrong[] = { { .keepalive_idle_ns = -1 },
		                                      { .keepalive_interval_ns = -1 },
		                                      { .user_timeout_ns = -1 },
		                                      { .attempt_delay_ns = -1 },
		                                      { .send_buffer_bytes = UINT32_MAX },
		                                      { .receive_buffer_bytes = UINT32_MAX },
		                                      { .backlog = UINT32_MAX } };
	bide_address address;
	bide_listener *listener;

	assert_int_equal(bide_address_parse(&address, "127.0.0.1:0", NULL), 0);
	expect_misuse();
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		MISUSE(assert_int_equal(bide_tcp_listen_address(&listener, &address, &wrong[i]), EINVAL),
		       "bide_tcp_listen_address", "");
		assert_null(listener);
	}
}

TEST(times_and_counts_beyond_the_systems_limits_are_cut)
{
	NEEDS_SYSTEM("options of sockets");
	bide_tcp_options options = { .keepalive_idle_ns = BIDE_FOREVER,
		                         .keepalive_interval_ns = 1,
		                         .keepalive_count = 1000,
		                         .user_timeout_ns = BIDE_FOREVER };
	bide_listener *listener = listen_here(&options);

	assert_int_equal(option_of_listener(listener, IPPROTO_TCP, TCP_KEEPIDLE), 32767);
	assert_int_equal(option_of_listener(listener, IPPROTO_TCP, TCP_KEEPINTVL), 1);
	assert_int_equal(option_of_listener(listener, IPPROTO_TCP, TCP_KEEPCNT), 127);
	bide_listener_close(listener);
}

/* ---- descriptors of others */

TEST(a_socket_that_listens_already_is_taken)
{
	NEEDS_SYSTEM("descriptors");
	bide_listener *first = listen_here(NULL), *listener;
	bide_address address = address_of(first);
	int fd, copy, client;

	assert_int_equal(bide_listener_fd(first, &fd), 0);
	copy = dup(fd); /* as a child would have it */
	assert_int_equal(fcntl(copy, F_SETFL, 0), 0);
	bide_listener_close(first);
	client = connect_plain(&address); /* it went on to listen */
	assert_int_equal(bide_listener_take_fd(&listener, copy), 0);
	assert_true(fcntl(copy, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(copy, F_GETFL) & O_NONBLOCK);
	bide_stream_close(wait_stream(accept_from(listener)));
	expect_end(client);
	bide_listener_close(listener);
	assert_int_equal(fcntl(copy, F_GETFD), -1);
}

TEST(a_descriptor_that_does_not_listen_is_refused)
{
	NEEDS_SYSTEM("descriptors");
	bide_listener *listener;
	int pair[2], ends[2];

	assert_int_equal(bide_listener_take_fd(&listener, -1), EBADF);
	assert_int_equal(bide_listener_take_fd(&listener, 4711), EBADF);
	make_pair(pair);
	assert_int_equal(bide_listener_take_fd(&listener, pair[0]), EINVAL);
	assert_null(listener);
	close_pair(pair);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(bide_listener_take_fd(&listener, ends[0]), ENOTSOCK);
	close_pair(ends);
}

/* ---- UNIX sockets */

static const char *temporary_path(char path[64])
{
	snprintf(path, 64, "/tmp/bide-test-%d.sock", (int)getpid());
	return path;
}

TEST(a_unix_socket_is_a_file_with_a_mode)
{
	NEEDS_SYSTEM("UNIX sockets");
	char path[64], text[BIDE_ADDRESS_TEXT_BYTES];
	bide_unix_options options = { .mode = 0642 };
	bide_listener *listener;
	bide_address address;
	struct stat about;
	mode_t mask = umask(077);
	int fd;

	assert_int_equal(bide_unix_listen(&listener, temporary_path(path), &options), 0);
	umask(mask);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0642);
	address = address_of(listener);
	assert_string_equal(bide_address_text(&address, text, sizeof text), path);
	fd = connect_plain(&address);
	bide_stream_close(wait_stream(accept_from(listener)));
	expect_end(fd);
	bide_listener_close(listener);
	assert_int_equal(unlink(path), 0);
}

TEST(a_socket_file_that_was_left_behind_is_replaced)
{
	NEEDS_SYSTEM("UNIX sockets");
	char path[64];
	bide_listener *listener, *second;
	bide_address address;
	FILE *file;
	int fd;

	temporary_path(path);
	assert_int_equal(bide_unix_listen(&listener, path, NULL), 0);
	assert_int_equal(bide_unix_listen(&second, path, NULL), EADDRINUSE); /* it listens */
	assert_null(second);
	bide_listener_close(listener);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(bide_unix_listen(&listener, path, NULL), 0);
	address = address_of(listener);
	fd = connect_plain(&address);
	bide_stream_close(wait_stream(accept_from(listener)));
	expect_end(fd);
	bide_listener_close(listener);
	assert_int_equal(unlink(path), 0);
	file = fopen(path, "w"); /* a file is none of ours */
	assert_non_null(file);
	fclose(file);
	assert_int_equal(bide_unix_listen(&listener, path, NULL), EADDRINUSE);
	assert_int_equal(unlink(path), 0);
}

TEST(an_abstract_name_needs_no_file)
{
	NEEDS_SYSTEM("UNIX sockets");
	char name[64];
	bide_listener *listener, *second;
	bide_address address, peer;
	bide_stream *client;
	int fd;

	snprintf(name, sizeof name, "@bide-test-%d", (int)getpid());
	assert_int_equal(bide_unix_listen(&listener, name, NULL), 0);
	assert_int_equal(bide_unix_listen(&second, name, NULL), EADDRINUSE);
	address = address_of(listener);
	fd = connect_plain(&address);
	client = wait_stream(accept_from(listener));
	assert_int_equal(bide_stream_peer(client, &peer), 0); /* unnamed */
	assert_int_equal(bide_address_family(&peer), AF_UNIX);
	bide_stream_close(client);
	expect_end(fd);
	bide_listener_close(listener);
}

TEST(paths_that_cannot_be_are_refused)
{
	NEEDS_SYSTEM("UNIX sockets");
	bide_listener *listener;
	char path[200];

	memset(path, 'x', sizeof path);
	path[108] = '\0';
	assert_int_equal(bide_unix_listen(&listener, path, NULL), ENAMETOOLONG);
	assert_int_equal(bide_unix_listen(&listener, "", NULL), EINVAL);
	assert_int_equal(bide_unix_listen(&listener, "@", NULL), EINVAL);
	assert_int_equal(bide_unix_listen(&listener, "/no/such/folder/x", NULL), ENOENT);
	expect_misuse();
	MISUSE(assert_int_equal(bide_unix_listen(&listener, NULL, NULL), EINVAL), "bide_unix_listen",
	       "path is NULL");
	MISUSE(assert_int_equal(bide_unix_listen(NULL, "@x", NULL), EINVAL), "bide_unix_listen",
	       "listener is NULL");
	MISUSE(assert_int_equal(bide_unix_listen(&listener, "@x",
	                                         &(bide_unix_options){ .mode = 010000 }),
	                        EINVAL),
	       "bide_unix_listen", "mode");
}

/* ---- canceled, forgotten, aborted, closed */

TEST(a_canceled_accept_leaves_the_connection_in_the_queue)
{
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener);
	bide_context *scope;
	bide_value_task pending = IN_SCOPE(scope, accept_from(listener));
	int fd;

	assert_pending(pending);
	assert_int_equal(cancel_and_wait(scope, pending), ECANCELED);
	fd = connect_plain(&address);
	bide_stream_close(wait_stream(accept_from(listener)));
	expect_end(fd);
	bide_listener_close(listener);
}

TEST(a_forgotten_accept_takes_no_connection)
{
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener);
	int fd;

	bide_value_task_forget(accept_from(listener));
	settle_workers();
	fd = connect_plain(&address);
	bide_stream_close(wait_stream(accept_from(listener)));
	expect_end(fd);
	bide_listener_close(listener);
}

TEST(a_connection_that_was_accepted_and_is_not_taken_is_closed)
{
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener);
	bide_value_task accepted;
	int fd = connect_plain(&address);

	accepted = accept_from(listener);
	while (!bide_value_task_is_ready(accepted))
		run_a_moment();
	bide_value_task_forget(accepted);
	expect_end(fd);
	bide_listener_close(listener);
}

TEST(a_task_of_an_accept_that_is_dropped_closes_the_connection)
{
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener);
	bide_task *accepting = bide_value_task_as_task(accept_from(listener));
	int fd = connect_plain(&address);

	while (!bide_task_is_ready(accepting))
		run_a_moment();
	bide_task_unref(accepting);
	expect_end(fd);
	bide_listener_close(listener);
}

static char dumped[4096];

static void note_line(const char *line, void *argument)
{
	(void)argument;
	strncat(dumped, line, sizeof dumped - strlen(dumped) - 1);
}

struct acceptor {
	ASYNC_FRAME;
	struct {
		bide_listener *listener;
	} in;
	bide_stream *client;
};

async(acceptor)
{
	async_begin;
	await(my->client, bide_accept(my->in.listener));
async_finally:
	bide_stream_close(my->client);
	async_end;
}

TEST(a_dump_names_what_waits)
{
	bide_listener *listener = listen_here(NULL);
	value_task accepting = async_start(acceptor, .listener = listener);

	settle_workers();
	bide_dump(note_line, NULL);
	if (!strstr(dumped, "bide_accept of descriptor"))
		fail_msg("%s", dumped);
	bide_listener_close(listener);
	assert_int_equal(error_of(accepting), EBADF);
}

TEST(in_a_simulation_a_socket_of_the_system_cannot_be_waited_for)
{
	NOT_SEEDED("it configures a simulation of its own");
	bide_listener *listener;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true }), 0);
	assert_int_equal(bide_listener_take_fd(&listener, fd), 0);
	assert_int_equal(error_of(accept_from(listener)), ENOTSUP);
	bide_listener_close(listener);
	assert_int_equal(bide_unix_listen(&listener, "@bide-simulated", NULL), ENOTSUP);
	assert_int_equal(error_of(bide_unix_connect("@bide-simulated").untyped), ENOTSUP);
}

TEST(an_abort_and_a_close_end_a_pending_accept)
{
	bide_listener *listener = listen_here(NULL);
	bide_value_task pending = accept_from(listener);

	bide_listener_abort(listener, ESTALE);
	assert_int_equal(error_of(pending), ESTALE);
	assert_int_equal(error_of(accept_from(listener)), ESTALE);
	bide_listener_close(listener);
	listener = listen_here(NULL);
	pending = accept_from(listener);
	bide_listener_close(listener);
	assert_int_equal(error_of(pending), EBADF);
	bide_listener_close(NULL);
}

TEST(a_connection_that_has_gone_is_accepted_as_ended)
{
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener);
	bide_stream *client;
	char byte;
	int fd = connect_plain(&address), error;

	reset_peer(fd);
	client = wait_stream(accept_from(listener));
	error = error_of(bide_stream_read(client, &byte, 1));
	assert_int_equal(error, ECONNRESET);
	bide_stream_close(client);
	bide_listener_close(listener);
}

TEST(misuse_of_a_listener_is_reported)
{
	bide_listener *listener = listen_here(NULL);
	bide_value_task pending = accept_from(listener);
	bide_address address;
	bide_stream *stream;
	int fd, copy;

	expect_misuse();
	MISUSE(assert_int_equal(error_of(bide_accept(listener).untyped), EBUSY), "bide_accept",
	       "another operation reads from the same listener");
	MISUSE(assert_int_equal(bide_listener_fd(listener, NULL), EINVAL), "bide_listener_fd",
	       "fd is NULL");
	MISUSE(assert_int_equal(error_of(bide_accept(NULL).untyped), EINVAL), "bide_accept", "is NULL");
	MISUSE(assert_int_equal(bide_listener_fd(NULL, &fd), EINVAL), "bide_listener_fd", "is NULL");
	assert_int_equal(fd, -1);
	MISUSE(assert_int_equal(bide_listener_address(listener, NULL), EINVAL), "bide_listener_address",
	       "address is NULL");
	MISUSE(assert_int_equal(bide_tcp_listen_address(NULL, &address, NULL), EINVAL),
	       "bide_tcp_listen_address", "listener is NULL");
	MISUSE(assert_int_equal(bide_listener_take_fd(NULL, 0), EINVAL), "bide_listener_take_fd",
	       "listener is NULL");
	MISUSE(assert_int_equal(error_of(bide_tcp_listen("127.0.0.1", NULL, NULL).untyped), EINVAL),
	       "bide_tcp_listen", "service is NULL");
	MISUSE(bide_listener_abort(listener, 0), "bide_listener_abort", "");
	/* The descriptor of a listener is no stream. */
	if (!test_seeded()) {
		assert_int_equal(bide_listener_fd(listener, &fd), 0);
		copy = dup(fd);
		assert_int_equal(bide_stream_take_fd(&stream, copy), EINVAL);
		close(copy);
	}
	bide_listener_close(listener);
	assert_int_equal(error_of(pending), EBADF);
	settle_workers();
	MISUSE(bide_listener_close(listener), "bide_listener_close", "is closed");
	MISUSE(assert_int_equal(error_of(bide_accept(listener).untyped), EBADF), "bide_accept",
	       "is closed");
	bide_listener_close(listen_here(NULL));
}

TEST(the_addresses_of_a_stream_that_has_none_are_refused)
{
	NEEDS_SYSTEM("pipes and UNIX sockets");
	bide_stream *in, *out, *client;
	bide_address address;
	int peer;

	assert_int_equal(bide_stream_pipe(&in, &out), 0);
	assert_int_equal(bide_stream_peer(in, &address), ENOTSOCK);
	assert_int_equal(bide_stream_local(in, &address), ENOTSOCK);
	bide_stream_close(in);
	bide_stream_close(out);
	client = make_stream(&peer);
	assert_int_equal(bide_stream_peer(client, &address), 0);
	expect_misuse();
	MISUSE(assert_int_equal(bide_stream_peer(client, NULL), EINVAL), "bide_stream_peer",
	       "address is NULL");
	MISUSE(assert_int_equal(bide_stream_local(NULL, &address), EINVAL), "bide_stream_local",
	       "is NULL");
	bide_stream_close(client);
	close(peer);
}

TEST(a_child_takes_the_listener_of_its_parent_by_its_descriptor)
{
	NEEDS_SYSTEM("fork");
	if (UNDER_TSAN && bide_worker_count() > 1)
		SKIP("ThreadSanitizer starts no threads after a fork");
	FORKS_WITH_THREADS();
	bide_listener *listener = listen_here(NULL), *taken;
	bide_address address = address_of(listener);
	bide_value_task pending = accept_from(listener);
	int fd, client, status;
	char byte = 0;
	pid_t child;

	assert_int_equal(bide_listener_fd(listener, &fd), 0);
	child = fork();
	if (child == 0) {
		if (bide_listener_take_fd(&taken, fd) == 0) {
			bide_stream *stream = wait_stream(accept_from(taken));

			if (error_of(bide_stream_write(stream, "c", 1)) == 0)
				bide_stream_close(stream);
			bide_listener_close(taken);
		}
		_exit(bide_shutdown(NULL));
	}
	bide_listener_close(listener); /* the child's goes on */
	assert_int_equal(error_of(pending), EBADF);
	client = connect_plain(&address);
	assert_int_equal(read(client, &byte, 1), 1);
	assert_int_equal(byte, 'c');
	expect_end(client);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* ---- several threads */

enum { THREADS = 4, EACH = 25 };

static bide_address shared_address;
static atomic_int served;

static void *connect_often(void *argument)
{
	for (int i = 0; i < EACH; i++)
		expect_end(connect_plain(&shared_address));
	return argument;
}

struct server {
	ASYNC_FRAME;
	struct {
		bide_listener *listener;
	} in;
	bide_stream *client;
	int left;
};

async(server)
{
	async_begin;
	for (my->left = THREADS * EACH; my->left > 0; my->left--) {
		await(my->client, bide_accept(my->in.listener));
		atomic_fetch_add(&served, 1);
		bide_stream_close(my->client);
	}
async_finally:
	async_end;
}

TEST_SLOW(many_threads_connect_to_one_server, 40)
{
	NEEDS_SYSTEM("threads");
	bide_listener *listener = listen_here(NULL);
	pthread_t threads[THREADS];
	value_task serving;

	shared_address = address_of(listener);
	serving = async_start(server, .listener = listener);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, connect_often, NULL), 0);
	assert_int_equal(error_of(serving), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&served), THREADS * EACH);
	bide_listener_close(listener);
}

/* With one worker, another thread sends what it starts to the worker. */
static void *accept_one(void *listener)
{
	bide_stream *client = wait_stream(accept_from(listener));

	bide_stream_close(client);
	return NULL;
}

TEST(any_thread_accepts)
{
	NEEDS_SYSTEM("threads");
	bide_listener *listener = listen_here(NULL);
	bide_address address = address_of(listener);
	pthread_t thread;
	int fd;

	assert_int_equal(pthread_create(&thread, NULL, accept_one, listener), 0);
	fd = connect_plain(&address);
	wait_for_end(fd);
	close(fd);
	pthread_join(thread, NULL);
	bide_listener_close(listener);
}
