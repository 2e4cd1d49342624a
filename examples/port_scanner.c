/*
 * port_scanner.c - which ports of a host are open: 256 connections are tried at a time, each for a
 * second at most.
 *
 *     port_scanner HOST FIRST LAST
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <bide/short.h>

enum { AT_A_TIME = 256, TIMEOUT_MS = 1000 };

static atomic_int open_count;

struct probe {
	ASYNC_FRAME;
	struct {
		const char *host;
		int port;
	} in;
	char service[8];
	stream *connected;
};

async(probe)
{
	async_in(host, port);
	snprintf(my->service, sizeof my->service, "%d", port);
	await_or(my->connected, with_timeout_ms(TIMEOUT_MS, tcp_connect(host, my->service, NULL)), {
		/* The host could not be asked, so the scan ends. */
		if (await_error == EMFILE || await_error == ENOMEM || await_error == ENETUNREACH)
			async_return(await_failure);
		async_return(0); /* closed, or nothing answers */
	});
	printf("%d is open\n", port);
	open_count++;
async_finally:
	stream_close(my->connected); /* NULL does nothing */
	async_end;
}

static value_task start_probe(int64_t port, void *host)
{
	return async_start(probe, .host = host, .port = (int)port);
}

int main(int count, char **arguments)
{
	long first = count == 4 ? strtol(arguments[2], NULL, 10) : 0;
	long last = count == 4 ? strtol(arguments[3], NULL, 10) : 0;
	int error;

	if (first < 1 || last < first || last > 65535) {
		fprintf(stderr, "usage: port_scanner HOST FIRST LAST\n");
		return 2;
	}
	error = value_task_wait(for_each(first, last + 1, start_probe, arguments[1],
	                                 &(parallel_options){ .limit = AT_A_TIME }),
	                        NULL);
	if (error) {
		fprintf(stderr, "port_scanner: %s\n", bide_strerror(error));
		return 1;
	}
	printf("%d of %ld are open\n", (int)open_count, last - first + 1);
	return 0;
}
