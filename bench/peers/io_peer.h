/*
 * io_peer.h - shared by the servers in C: the listening socket, and the lines for the harness. A
 * server says "port N" and serves until it is killed. A program that measures itself says "ready"
 * and answers each line with "value N".
 */
#ifndef BENCH_IO_PEER_H
#define BENCH_IO_PEER_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	IO_BLOCK = 65536, /* the sink answers one byte for each block */
	IO_WAKES = 200,
	IO_WAKE_PAUSE_NS = 1000 * 1000, /* long enough for a worker to fall asleep */
	IO_CANCELS = 20 * 1000,
	IO_LINES = 200 * 1000,
	IO_COMPUTE_NS = 5 * 1000 * 1000,
	IO_IDLE_LIMIT_S = 30,
	IO_FILE_BLOCKS = 4096, /* of file_read */
	IO_FILE_BLOCK = 4096,
	IO_FILE_READS = 64 * 1024,
	IO_FILE_READERS = 32,
	IO_COPY_BYTES = 1024 * 1024, /* of copy_file_1m */
	IO_COPIES = 256,
	IO_DATAGRAMS = 32, /* that a server of udp takes by one call */
	IO_DATAGRAM_ROOM = 1500,
};

static inline int64_t io_now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void io_fail(const char *doing)
{
	perror(doing);
	exit(1);
}

/* As many descriptors as are allowed. */
static inline void io_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static inline void io_say_port(int port)
{
	printf("port %d\n", port);
	fflush(stdout);
}

/* Binds to a free port of this machine. Returns the port. */
static inline int io_bind(int fd)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof address;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&address, size) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		io_fail("bind");
	return ntohs(address.sin_port);
}

/* Where the certificate and the key of all servers with TLS are. */
static inline void io_tls_files(char *certificate, char *key, size_t size)
{
	const char *folder = getenv("BENCH_TLS");

	snprintf(certificate, size, "%s/certificate.pem", folder != NULL ? folder : ".");
	snprintf(key, size, "%s/key.pem", folder != NULL ? folder : ".");
}

static inline int io_not_offered(void)
{
	puts("not offered");
	return 0;
}

static inline void io_sleep_ns(int64_t pause_ns)
{
	struct timespec pause = { .tv_sec = pause_ns / 1000000000, .tv_nsec = pause_ns % 1000000000 };

	nanosleep(&pause, NULL);
}

static inline void io_spin_ns(int64_t pause_ns)
{
	int64_t until = io_now_ns(CLOCK_MONOTONIC) + pause_ns;

	while (io_now_ns(CLOCK_MONOTONIC) < until)
		;
}

static inline int io_by_value(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

static inline double io_median_us(int64_t *values, int count)
{
	qsort(values, (size_t)count, sizeof *values, io_by_value);
	return (double)values[count / 2] / 1e3;
}

/*
 * For wake: the thread that wakes sleeps on this afterwards, so that its CPU is free for the thread
 * that it woke.
 */
static inline sem_t *io_woken(void)
{
	static sem_t woken;

	return &woken;
}

static inline int io_answer(double (*measure)(void))
{
	char line[64];

	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin) != NULL) {
		printf("value %.3f\n", measure());
		fflush(stdout);
	}
	return 0;
}

/* The file of file_read: all of it is in memory. It has no name. */
static inline int io_make_file(void)
{
	static char block[IO_FILE_BLOCK];
	char path[] = "/tmp/bench_file_XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || unlink(path) != 0)
		io_fail(path);
	memset(block, 'x', sizeof block);
	for (int i = 0; i < IO_FILE_BLOCKS; i++)
		if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
			io_fail("write");
	return fd;
}

/* The same file, opened for reading only. */
static inline int io_open_to_read(int fd)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		io_fail(path);
	return fd;
}

/* Returns a connection to a process that reads and drops what comes. The process ends with it. */
static inline int io_connect_to_drain(void)
{
	static char dropped[IO_COPY_BYTES];
	struct sockaddr_in address = { .sin_family = AF_INET };
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t)io_bind(listening));
	if (listen(listening, 1) != 0)
		io_fail("listen");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
		io_fail("connect");
	if (fork() == 0) {
		int from = accept(listening, NULL, NULL);

		close(fd);
		while (read(from, dropped, sizeof dropped) > 0)
			;
		_exit(0);
	}
	close(listening);
	return fd;
}

/* The offset of the next read: at random, the same for all. */
static inline int64_t io_next_offset(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return (int64_t)(*x >> 16) % IO_FILE_BLOCKS * IO_FILE_BLOCK;
}

/* The lines of read_line: 20 to 59 bytes, the same for all. Returns the size of all. */
static inline size_t io_make_lines(char **text)
{
	uint32_t x = 7;
	size_t size = 0;

	*text = malloc((size_t)IO_LINES * 60);
	if (*text == NULL)
		io_fail("malloc");
	for (int i = 0; i < IO_LINES; i++) {
		size_t length;

		x = x * 1664525 + 1013904223;
		length = 20 + (x >> 16) % 40;
		memset(*text + size, 'a' + i % 26, length);
		(*text)[size + length] = '\n';
		size += length + 1;
	}
	return size;
}

#endif
