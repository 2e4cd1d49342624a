/*
 * What belongs to an object of the library is not taken by a second one: descriptors, files. What
 * was freed is not freed again.
 */
#include <sys/wait.h>

#include "support/file_support.h"
#include "support/limits_of_tools.h"

#define REFUSED(call, function) \
	MISUSE(assert_int_equal(call, EBUSY), function, "belongs to an open object")

TEST(a_descriptor_of_an_object_is_not_taken_by_another)
{
	int pair[2], fd = open("/dev/null", O_RDWR | O_CLOEXEC), same;
	bide_stream *s, *second = NULL;
	bide_file *f, *other = NULL;

	make_pair(pair);
	expect_misuse();
	assert_int_equal(bide_stream_take_fd(&s, pair[0]), 0);
	REFUSED(bide_stream_take_fd(&second, pair[0]), "bide_stream_take_fd");
	assert_null(second);
	assert_int_equal(bide_stream_fd(s, &same), 0);
	assert_int_equal(same, pair[0]);
	assert_int_equal(bide_file_take_fd(&f, fd), 0);
	REFUSED(bide_stream_take_fd(&second, fd), "bide_stream_take_fd");
	REFUSED(bide_file_take_fd(&other, fd), "bide_file_take_fd");
	REFUSED(bide_file_take_fd(&other, pair[0]), "bide_file_take_fd");
	assert_null(other);
	bide_file_close(f);
	bide_stream_close(s);
	close(pair[1]);
}

TEST(a_listener_and_a_socket_of_datagrams_are_not_taken_twice)
{
	int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bide_listener *listener, *other = NULL;
	bide_udp *udp, *second = NULL;

	assert_int_equal(listen(tcp, 1), 0);
	expect_misuse();
	assert_int_equal(bide_listener_take_fd(&listener, tcp), 0);
	REFUSED(bide_listener_take_fd(&other, tcp), "bide_listener_take_fd");
	assert_null(other);
	assert_int_equal(bide_udp_take_fd(&udp, datagrams), 0);
	REFUSED(bide_udp_take_fd(&second, datagrams), "bide_udp_take_fd");
	assert_null(second);
	bide_udp_close(udp);
	bide_listener_close(listener);
}

TEST(a_number_is_free_when_its_object_is_closed)
{
	int pair[2];
	bide_stream *s;

	for (int i = 0; i < 3; i++) {
		make_pair(pair);
		assert_int_equal(bide_stream_take_fd(&s, pair[0]), 0);
		bide_stream_close(s);
		settle(0);
		close(pair[1]);
	}
}

/* It has its own table of descriptors. */
TEST(the_child_of_a_fork_takes_what_the_parent_has)
{
	int pair[2], status;
	bide_stream *s, *own;
	pid_t pid;

	FORKS_WITH_THREADS();
	CHILD_STARTS_THREADS();
	make_pair(pair);
	assert_int_equal(bide_stream_take_fd(&s, pair[0]), 0);
	pid = fork();
	if (pid == 0) {
		if (bide_stream_take_fd(&own, pair[0]) != 0)
			_exit(1);
		bide_stream_close(own);
		_exit(fcntl(pair[0], F_GETFD) >= 0 ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	bide_stream_close(s);
	close(pair[1]);
}

TEST(a_file_of_a_stream_is_the_streams)
{
	bide_file *f = open_it(make_file("a", "text"), O_RDONLY);
	bide_stream *s, *second = NULL;
	char got[8];

	expect_misuse();
	assert_int_equal(bide_stream_take_file(&s, f, 0), 0);
	MISUSE(assert_int_equal(bide_stream_take_file(&second, f, 0), EBUSY), "bide_stream_take_file",
	       "belongs to a stream already");
	assert_null(second);
	MISUSE(bide_file_close(f), "bide_file_close", "belongs to a stream");
	assert_int_equal(result_of(bide_file_size(f)), 4);
	assert_int_equal(result_of(bide_stream_read(s, got, sizeof got)), 4);
	bide_stream_close(s);
}

TEST(a_descriptor_goes_to_a_place)
{
	int pair[2];
	bide_file *f = open_it(make_file("a", "text"), O_RDONLY);
	bide_stream *s;

	make_pair(pair);
	assert_int_equal(bide_stream_take_fd(&s, pair[0]), 0);
	expect_misuse();
	MISUSE(assert_int_equal(bide_file_fd(f, NULL), EINVAL), "bide_file_fd", "fd is NULL");
	MISUSE(assert_int_equal(bide_stream_fd(s, NULL), EINVAL), "bide_stream_fd", "fd is NULL");
	bide_stream_close(s);
	bide_file_close(f);
	close(pair[1]);
}

TEST(addresses_that_are_freed_twice_are_misuse)
{
	bide_payload found = { .p = NULL }, other = { .p = NULL };

	assert_int_equal(bide_value_task_wait(bide_resolve("127.0.0.1", "80"), &found), 0);
	bide_addresses_free(found.p);
	expect_misuse();
	MISUSE(bide_addresses_free(found.p), "bide_addresses_free", "freed already");
	assert_int_equal(bide_value_task_wait(bide_resolve("127.0.0.1", "80"), &other), 0);
	assert_ptr_not_equal(other.p, found.p);
	bide_addresses_free(other.p);
}

static char reported[1024];

static void keep_report(const char *line, void *argument)
{
	(void)argument;
	snprintf(reported + strlen(reported), sizeof reported - strlen(reported), "%s\n", line);
}

/* Its memory stays, so this is done in a process of its own. */
TEST(in_debug_mode_a_shutdown_names_what_is_open)
{
	const char *path = make_file("a", "text");
	int status;
	pid_t pid;

	CHILD_STARTS_THREADS();
	pid = fork();
	if (pid == 0) {
		bide_stream *one, *other;

		bide_report_hook_set(keep_report, NULL);
		if (bide_configure(&(bide_config){ .debug = true }) || bide_stream_pipe(&one, &other))
			_exit(1);
		(void)open_it(path, O_RDONLY);
		if (bide_shutdown(NULL) ||
		    !strstr(reported, "leak: 2 objects of bide_stream not closed\n") ||
		    !strstr(reported, "leak: 1 object of bide_file not closed\n"))
			_exit(2);
		reported[0] = '\0'; /* They are named once. */
		if (bide_configure(&(bide_config){ .debug = true }) || bide_shutdown(NULL) || reported[0])
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}
