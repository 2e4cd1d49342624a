/*
 * accepts.c [COUNT] - accepts and closes COUNT connections, without growth: the memory of the
 * library and the descriptors are after each tenth what they were after the first.
 *
 * Other processes connect and go away at once, by turns: over TCP with a reset, over TCP after they
 * have read the end, over a UNIX socket.
 */
#define _GNU_SOURCE
#include <bide/bide.h>

#include <bide/short.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TENTHS = 10, GROWTH_MAX_BYTES = 256 * 1024 };

#define CHECK(condition)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s (%s)\n", __FILE__, __LINE__, #condition, \
			        strerror(errno));                                                          \
			_exit(1);                                                                          \
		}                                                                                      \
	} while (0)

static bide_listener *listeners[2];
static bide_address where[2];

/* ---- the other processes */

static int connect_one(const bide_address *address)
{
	size_t size_bytes;
	const struct sockaddr *to = bide_address_sockaddr(address, &size_bytes);
	int fd = socket(bide_address_family(address), SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && connect(fd, to, (socklen_t)size_bytes) == 0);
	return fd;
}

static void be_clients(int which, long count)
{
	struct linger at_once = { 1, 0 };
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* if the server fails, nothing comes any more */
	for (long i = 0; i < count; i++) {
		int fd = connect_one(&where[which]);

		if (i % 2)
			(void)!read(fd, &byte, 1);
		if (which == 0)
			CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
		close(fd);
	}
	_exit(0);
}

/* ---- this process */

struct closer {
	ASYNC_FRAME;
	struct {
		bide_listener *listener;
		long count;
	} in;
	bide_stream *client;
	long left;
};

async(closer)
{
	async_begin;
	for (my->left = my->in.count; my->left > 0; my->left--) {
		await(my->client, bide_accept(my->in.listener));
		bide_stream_close(my->client);
	}
async_finally:
	async_end;
}

static int descriptor_count(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static uint64_t live_bytes(void)
{
	bide_stats stats;

	bide_stats_get(&stats);
	return stats.live_bytes;
}

static void one_tenth(long count)
{
	value_task closing[2];
	pid_t clients[2];
	int status;

	for (int i = 0; i < 2; i++) {
		clients[i] = fork();
		CHECK(clients[i] >= 0);
		if (clients[i] == 0)
			be_clients(i, count);
		closing[i] = async_start(closer, .listener = listeners[i], .count = count);
	}
	for (int i = 0; i < 2; i++)
		CHECK(value_task_wait(closing[i], NULL) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(waitpid(clients[i], &status, 0) == clients[i] && status == 0);
}

int main(int argument_count, char **arguments)
{
	long count = argument_count > 1 ? strtol(arguments[1], NULL, 10) : 20000;
	int first_descriptors = 0;
	uint64_t first_bytes = 0;
	char name[64];

	snprintf(name, sizeof name, "@bide-accepts-%d", (int)getpid());
	CHECK(bide_address_parse(&where[0], "127.0.0.1:0", NULL) == 0);
	CHECK(bide_tcp_listen_address(&listeners[0], &where[0], NULL) == 0);
	CHECK(bide_unix_listen(&listeners[1], name, NULL) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(bide_listener_address(listeners[i], &where[i]) == 0);
	for (int i = 0; i < TENTHS; i++) {
		one_tenth(count / TENTHS / 2);
		if (i == 0) {
			first_descriptors = descriptor_count();
			first_bytes = live_bytes();
		}
	}
	printf("accepts: %ld, %llu bytes after the first tenth, %llu at the end\n", count,
	       (unsigned long long)first_bytes, (unsigned long long)live_bytes());
	CHECK(live_bytes() <= first_bytes + GROWTH_MAX_BYTES);
	/* A worker may have opened its reactor late, which has three descriptors with io_uring. */
	CHECK(descriptor_count() <= first_descriptors + 3 * (int)bide_worker_count());
	for (int i = 0; i < 2; i++)
		bide_listener_close(listeners[i]);
	CHECK(bide_shutdown(NULL) == 0);
	return 0;
}
