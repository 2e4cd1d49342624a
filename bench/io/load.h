/*
 * The client: one thread, bare system calls.
 *
 * Most rows are measured in turns. The client has the higher priority on the one CPU of both. It
 * sends a request on each of some connections and sleeps; the server has the CPU alone and finds
 * all of them; the client wakes and takes the answers. So a server never handles a random number of
 * requests at a time, and neither waiting nor waking is in its figure.
 */
#ifndef BENCH_IO_LOAD_H
#define BENCH_IO_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "rows.h"
#include "server.h"
#include "wire.h"

enum { LOAD_CONNECTIONS_MAX = 10000 };

struct load {
	const struct io_row *row;
	struct server *server;
	struct wire wires[LOAD_CONNECTIONS_MAX];
	int order[LOAD_CONNECTIONS_MAX]; /* the connections, shuffled */
	int count, next;
	int request_bytes, answer_bytes; /* of one turn of one connection */
	int64_t pause_ns;                /* how long the client sleeps in a turn */
	char *request;
	char reason[REASON_BYTES]; /* why a call failed */
};

/* What a measurement gives. */
struct measure {
	int64_t requests, cpu_ns;
	double value; /* in the row's unit */
};

/* Opens the row's connections to a server. Returns false with a reason. */
bool load_open(struct load *load, const struct io_row *row, struct server *server, int count);
void load_close(struct load *load);
/* Opens more, and has one request answered on each. */
bool load_grow(struct load *load, int count);
/* Measures for `seconds` seconds. */
bool load_measure(struct load *load, double seconds, struct measure *measure);

/* Gives the calling thread priority over the servers. Returns false if that is not permitted. */
bool load_priority(bool high);

#endif
