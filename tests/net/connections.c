/*
 * connections.c - 10,000 connections at once, each with a function of its own that echoes, in a
 * process of at most 256 MiB. Another process has the other ends.
 *
 * It prints what a connection takes of this process. It is skipped (77) where a process may not
 * have that number of descriptors.
 */
#define _GNU_SOURCE
#include <bide/bide.h>

#include <bide/short.h>

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT_DEFAULT = 10000, RESIDENT_MAX_KIB = 256 * 1024, SPARE = 200 };

static long count = COUNT_DEFAULT;
static atomic_long echoed, ended;

#define CHECK(condition)                                                                       \
	do {                                                                                       \
		if (!(condition)) {                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s (%s)\n", __FILE__, __LINE__, #condition, \
			        strerror(errno));                                                          \
			_exit(1);                                                                          \
		}                                                                                      \
	} while (0)

/* ---- this process: the server */

struct echo {
	ASYNC_FRAME;
	struct {
		bide_stream *client;
	} in;
	int64_t got;
	char byte;
};

async(echo)
{
	async_begin;
	for (;;) {
		await(my->got, bide_stream_read(my->in.client, &my->byte, 1));
		if (my->got == 0)
			break;
		/* Before the write: a client may have its answer before this function runs again. */
		atomic_fetch_add(&echoed, 1);
		await(bide_stream_write(my->in.client, &my->byte, 1));
	}
async_finally:
	bide_stream_close(my->in.client);
	atomic_fetch_add(&ended, 1);
	async_end;
}

struct serving {
	ASYNC_FRAME;
	struct {
		bide_listener *listener;
	} in;
	bide_group clients;
	bide_stream *client;
	long left;
};

async(serving)
{
	async_begin;
	if (bide_group_init(&my->clients, NULL))
		async_fail(ENOMEM);
	for (my->left = count; my->left > 0; my->left--) {
		await(my->client, bide_accept(my->in.listener));
		bide_group_add(&my->clients, async_start(echo, .client = my->client));
	}
async_finally:
	await(bide_group_wait(&my->clients));
	async_end;
}

static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	CHECK(file);
	while (fgets(line, sizeof line, file))
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	fclose(file);
	return kib;
}

/* ---- the other process: the clients */

static int connect_one(const bide_address *address)
{
	size_t size_bytes;
	const struct sockaddr *to = bide_address_sockaddr(address, &size_bytes);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0 && connect(fd, to, (socklen_t)size_bytes) == 0);
	return fd;
}

/* Each round writes a byte to all, and then reads all of them. */
static void be_clients(const bide_address *address, int said, int told)
{
	int *fds = malloc(sizeof *fds * (size_t)count);
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* if the server fails, nothing comes any more */
	CHECK(fds);
	for (long i = 0; i < count; i++)
		fds[i] = connect_one(address);
	for (int round = 0; round < 2; round++) {
		for (long i = 0; i < count; i++)
			CHECK(write(fds[i], "x", 1) == 1);
		for (long i = 0; i < count; i++)
			CHECK(read(fds[i], &byte, 1) == 1 && byte == 'x');
	}
	CHECK(write(said, "x", 1) == 1);  /* all are connected, and have their answers */
	CHECK(read(told, &byte, 1) == 1); /* the server has measured */
	for (long i = 0; i < count; i++)
		close(fds[i]);
	free(fds);
	_exit(0);
}

static bool may_have(long descriptors)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return false;
	if (limit.rlim_cur < (rlim_t)descriptors)
		limit.rlim_cur = limit.rlim_max;
	return limit.rlim_cur >= (rlim_t)descriptors && setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

static value_task measure(void *argument)
{
	char byte;

	CHECK(read(*(int *)argument, &byte, 1) == 1);
	return value_task_from(0);
}

int main(int argument_count, char **arguments)
{
	int said[2], told[2], status;
	long before_kib, after_kib;
	bide_listener *listener;
	bide_address address;
	value_task measured, served;
	pid_t clients;

	if (argument_count > 1)
		count = strtol(arguments[1], NULL, 10);
	if (!may_have(count + SPARE)) {
		printf("SKIP connections: a process may not have %ld descriptors\n", count + SPARE);
		return 77;
	}
	CHECK(pipe(said) == 0 && pipe(told) == 0);
	CHECK(bide_address_parse(&address, "127.0.0.1:0", NULL) == 0);
	CHECK(bide_tcp_listen_address(&listener, &address, NULL) == 0);
	CHECK(bide_listener_address(listener, &address) == 0);
	before_kib = resident_kib();
	clients = fork();
	CHECK(clients >= 0);
	if (clients == 0)
		be_clients(&address, said[1], told[0]);
	close(said[1]);
	served = async_start(serving, .listener = listener);
	measured = bide_run_blocking(measure, &said[0]);
	CHECK(value_task_wait(measured, NULL) == 0);
	after_kib = resident_kib();
	CHECK(atomic_load(&echoed) == 2 * count);
	CHECK(write(told[1], "x", 1) == 1);
	CHECK(value_task_wait(served, NULL) == 0);
	CHECK(atomic_load(&ended) == count);
	CHECK(waitpid(clients, &status, 0) == clients && status == 0);
	bide_listener_close(listener);
	CHECK(bide_shutdown(NULL) == 0);
	printf("connections: %ld at once, %ld KiB resident, %ld bytes for each\n", count, after_kib,
	       (after_kib - before_kib) * 1024 / count);
	if (after_kib > RESIDENT_MAX_KIB) {
		fprintf(stderr, "more than %d KiB\n", RESIDENT_MAX_KIB);
		return 1;
	}
	return 0;
}
