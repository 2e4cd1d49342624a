/*
 * Reactors and fork(2), exec: the child has none of its parent's, and takes nothing away from it.
 */
/* threads */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "support/io_support.h"
#include "support/limits_of_tools.h"

void test_after_each(void)
{
	assert_nothing_in_use();
}

static int status_of(pid_t child)
{
	int status = 0;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static pid_t fork_here(void)
{
	FORKS_WITH_THREADS();
	CHILD_STARTS_THREADS();
	if (UNDER_TSAN && many_workers())
		SKIP("ThreadSanitizer does not know how to start threads in the child of several");
	fflush(NULL);
	return fork();
}

/* How many descriptors of epoll and eventfd the process has, or of those, how many stay at exec. */
static size_t count_anonymous(bool that_stay)
{
	char path[64], target[64];
	size_t count = 0;

	for (int fd = 0; fd < 1024; fd++) {
		ssize_t size;

		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		size = readlink(path, target, sizeof target - 1);
		if (size <= 0)
			continue;
		target[size] = '\0';
		if (strstr(target, "[eventpoll]") || strstr(target, "[eventfd]"))
			count += !that_stay || !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	return count;
}

static void one_wait(void)
{
	bide_value_task v;
	int fd[2];

	make_pair(fd);
	v = bide_fd_wait(fd[0], BIDE_FD_IN);
	assert_pending(v);
	put_byte(fd[1], 'x');
	assert_int_equal(result_of(v), BIDE_FD_IN);
	close_pair(fd);
}

TEST(the_child_has_none_of_the_descriptors_of_reactors)
{
	size_t before = count_anonymous(false);
	pid_t child;

	NEEDS_IO();
	one_wait();
	assert_int_equal(count_anonymous(false), before + 2);
	child = fork_here();
	if (child == 0)
		_exit(count_anonymous(false) == before ? 0 : 1);
	assert_int_equal(status_of(child), 0);
	one_wait();
}

TEST(the_child_closes_no_descriptor_that_it_opened_itself)
{
	pid_t child;

	NEEDS_IO();
	one_wait();
	child = fork_here();
	if (child == 0) {
		int fd[16];

		for (int i = 0; i < 16; i++) /* these get the numbers of the parent's reactor */
			fd[i] = dup(0);
		one_wait();
		assert_int_equal(bide_shutdown(NULL), 0);
		for (int i = 0; i < 16; i++)
			assert_true(fcntl(fd[i], F_GETFD) >= 0);
		_exit(0);
	}
	assert_int_equal(status_of(child), 0);
}

TEST(the_child_waits_anew_and_the_parent_goes_on)
{
	bide_value_task v;
	int fd[2];
	pid_t child;

	NEEDS_IO();
	make_pair(fd);
	v = bide_fd_wait(fd[0], BIDE_FD_IN);
	assert_pending(v);
	for (int i = 0; i < 3; i++) {
		child = fork_here();
		if (child == 0) {
			bide_value_task mine = bide_fd_wait(fd[0], BIDE_FD_IN); /* what the parent waits for */
			bide_context *scope = NULL;

			assert_pending(mine);
			bide_value_task_forget(mine);
			mine = IN_SCOPE(scope, bide_fd_wait(fd[0], BIDE_FD_IN));
			assert_int_equal(cancel_and_wait(scope, mine), ECANCELED);
			one_wait();
			_exit(0);
		}
		assert_int_equal(status_of(child), 0);
		assert_pending(v);
	}
	put_byte(fd[1], 'x');
	assert_int_equal(result_of(v), BIDE_FD_IN);
	close_pair(fd);
}

TEST(a_stream_is_the_parents)
{
	int peer, error;
	bide_stream *stream;
	char byte;
	pid_t child;

	NEEDS_IO();
	stream = make_stream(&peer);
	put_byte(peer, 'a');
	assert_int_equal(result_of(bide_stream_read(stream, &byte, 1)), 1);
	child = fork_here();
	if (child == 0) {
		expect_misuse();
		error = error_of(bide_stream_read(stream, &byte, 1));
		if (error != EBADF)
			fprintf(stderr, "the error is %d\n", error);
		_exit(error == EBADF ? 0 : 1);
	}
	assert_int_equal(status_of(child), 0);
	put_byte(peer, 'b');
	assert_int_equal(result_of(bide_stream_read(stream, &byte, 1)), 1);
	bide_stream_close(stream);
	close(peer);
}

/* Forks inside an async function. The child may only end. */
struct forks {
	BIDE_ASYNC_FRAME;
	struct {
		int fd;
	} in;
	int64_t events;
	int status;
};

bide_async(forks)
{
	pid_t child;

	bide_async_begin;
	bide_await(my->events, bide_fd_wait(my->in.fd, BIDE_FD_IN));
	child = fork_here();
	if (child == 0)
		_exit(7);
	my->status = status_of(child);
	bide_await(my->events, bide_fd_wait(my->in.fd, BIDE_FD_OUT));
	bide_async_return(my->status);
bide_async_finally:
	bide_async_end;
}

TEST(a_function_that_forks_goes_on_in_the_parent)
{
	bide_value_task v;
	int fd[2];

	NEEDS_IO();
	make_pair(fd);
	v = bide_async_start(forks, .fd = fd[0]);
	put_byte(fd[1], 'x');
	assert_int_equal(result_of(v), 7);
	close_pair(fd);
}

TEST(all_descriptors_of_reactors_are_closed_by_exec)
{
	size_t before = count_anonymous(true);

	NEEDS_IO();
	one_wait();
	assert_int_equal(count_anonymous(true), before);
}
