/*
 * The contents of the table of I/O: its rows with their targets, the participants, and the programs
 * that answer for these.
 */
#ifndef BENCH_IO_ROWS_H
#define BENCH_IO_ROWS_H

#include <stdbool.h>

/* id, name in the results, label, program, allocations are counted by the preloaded library. */
#define IO_WHO(X)                                                          \
	X(BIDE, "bide", "bide", "io_bide", true)                               \
	X(BARE, "epoll", "bare epoll", "io_epoll", true)                       \
	X(URING, "uring", "bare io_uring", "io_uring", true)                   \
	X(BIDE_URING, "bide_uring", "bide by io_uring", "io_bide_uring", true) \
	X(OPENSSL, "openssl", "bare OpenSSL", "io_openssl", true)              \
	X(LIBUV, "libuv", "libuv", "io_libuv", true)                           \
	X(TOKIO, "tokio", "tokio", "io_tokio", true)                           \
	X(GO, "go", "Go", "io_go", false)                                      \
	X(DOTNET, "dotnet", ".NET", "io_dotnet", false)                        \
	X(NGINX, "nginx", "nginx", "io_nginx", true)                           \
	X(GETLINE, "getline", "getline", "io_getline", true)                   \
	X(FGETS, "fgets", "fgets", "io_fgets", true)

enum io_who {
#define IO_WHO_ID(id, ...) IO_##id,
	IO_WHO(IO_WHO_ID)
#undef IO_WHO_ID
		IO_WHO_COUNT
};

struct who_info {
	const char *name, *label, *program;
	bool interposed;
};

/* How a row is measured. */
enum io_kind {
	KIND_TURNS,   /* the client sends, sleeps, and receives: the server's CPU time a request */
	KIND_PING,    /* one connection, one request at a time: the median time of a round trip */
	KIND_ACCEPT,  /* as TURNS, with a new connection for each request */
	KIND_IDLE,    /* memory a silent connection */
	KIND_TRICKLE, /* 100 requests a second: the server's CPU time a request */
	KIND_WAKES,   /* the same: how often a thread of the server fell asleep a request */
	KIND_LATENCY, /* requests at their times: the 99th percentile of their latency */
	KIND_SELF,    /* the participant measures itself */
};

struct io_row {
	const char *name;
	const char *mode; /* the first argument of the servers */
	enum io_kind kind;
	int workers;
	int connections; /* that are open */
	int active;      /* that have a request in each turn */
	int request_bytes, answer_bytes;
	int lines; /* in a request, each counted as one */
	const char *unit;
	int decimals;
	/* bide's value is at most `factor` times that of `of`, at most `most`; 0: no such target. */
	double factor;
	enum io_who of;
	double most;
	bool tls;
	bool ahead; /* of all but the bare ones */
	/* bide's value is at most `own_factor` times its own one in the row `own`. */
	const char *own;
	double own_factor;
};

extern const struct io_row io_rows[];
extern const int io_row_count;
extern const struct who_info io_whos[IO_WHO_COUNT];

enum { IO_ROWS_MAX = 32, IO_ROUNDS_MAX = 25 };

#endif
