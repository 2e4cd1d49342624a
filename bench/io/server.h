/*
 * A server under measurement: a process that is read from outside, so that its program needs
 * nothing for it. Its CPU time is that of the process's clock, in nanoseconds; user and system time
 * are told apart by the kernel's ticks.
 */
#ifndef BENCH_IO_SERVER_H
#define BENCH_IO_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "../process.h"
#include "rows.h"

enum { SERVER_TASKS_MAX = 64 };

struct server {
	struct process process;
	bool running;
	int port;
	clockid_t clock;
	char folder[4096]; /* of its counters, or an empty text */
	const uint64_t *allocations;
	int calls[SERVER_TASKS_MAX]; /* descriptors of the counters of system calls */
	int call_count;
};

struct server_options {
	const char *peers; /* the folder of the programs */
	int cpu;           /* the only one of the server and of the client, or -1 */
	bool count;        /* allocations and system calls */
	const char *http;  /* a folder that http servers serve */
	const char *tls;   /* a folder with certificate.pem and key.pem */
};

/*
 * Starts the program of `who` for the row and waits until it listens. Returns false with the reason
 * if it does not exist, does not offer this row, or fails.
 */
bool server_start(struct server *server, const struct io_row *row, enum io_who who,
                  const struct server_options *options, char *reason);
/* Asks one that measures itself. */
bool server_ask(struct server *server, int limit_s, double *value, char *reason);
void server_stop(struct server *server);
/* Stops the threads of the server, or has them go on. */
void server_rest(const struct server *server, bool rests);
/* Why it ended, if it has ended. */
void server_why(struct server *server, char *reason);

/* Confines the calling thread to a CPU; -1: to none. */
void server_pin(int cpu);

int64_t server_cpu_ns(const struct server *server);
/* In ticks, of which only the ratio means something. */
void server_ticks(const struct server *server, int64_t *user, int64_t *system);
/* Memory of its own, in bytes. */
int64_t server_memory(const struct server *server);
/* How often its threads fell asleep. */
int64_t server_sleeps(const struct server *server);
/* -1: not counted. */
int64_t server_allocations(const struct server *server);
int64_t server_calls(const struct server *server);

#endif
