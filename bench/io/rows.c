/* The rows; see rows.h. README.md says what each measures. */
#include "rows.h"

#include <stddef.h>

#define AHEAD .ahead = true
#define LIKE_ONE_WORKER(row) .own = (row), .own_factor = 1.05
#define NEAR_BARE(times) .factor = (times), .of = IO_BARE

const struct who_info io_whos[IO_WHO_COUNT] = {
#define IO_WHO_INFO(id, name, label, program, interposed) { name, label, program, interposed },
	IO_WHO(IO_WHO_INFO)
#undef IO_WHO_INFO
};

const struct io_row io_rows[] = {
	{ "echo_64", "echo", KIND_TURNS, 1, 64, 64, 64, 64, 1, "us", 2, NEAR_BARE(1.05), AHEAD },
	{ "echo_64_few", "echo", KIND_TURNS, 1, 64, 4, 64, 64, 1, "us", 2, NEAR_BARE(1.05), AHEAD },
	{ "echo_1000", "echo", KIND_TURNS, 1, 1000, 100, 64, 64, 1, "us", 2, NEAR_BARE(1.05), AHEAD },
	{ "echo_64_2", "echo", KIND_TURNS, 2, 64, 64, 64, 64, 1, "us", 2, AHEAD,
	  LIKE_ONE_WORKER("echo_64") },
	{ "echo_64_deadline", "deadline", KIND_TURNS, 1, 64, 64, 64, 64, 1, "us", 2, AHEAD },
	{ "echo_64_shared", "shared", KIND_TURNS, 1, 64, 64, 64, 64, 1, "us", 2, AHEAD },
	{ "echo_64_2_shared", "shared", KIND_TURNS, 2, 64, 64, 64, 64, 1, "us", 2, AHEAD,
	  LIKE_ONE_WORKER("echo_64_shared") },
	{ "echo_1", "echo", KIND_PING, 1, 1, 1, 64, 64, 1, "us", 1, NEAR_BARE(1.05), AHEAD },
	{ "pipeline_16", "lines", KIND_TURNS, 1, 16, 16, 1024, 1024, 16, "us", 3, NEAR_BARE(1.1),
	  AHEAD },
	{ "stream_64k", "sink", KIND_TURNS, 1, 8, 8, 65536, 1, 1, "us", 1, NEAR_BARE(1.05), AHEAD },
	{ "accept_rate", "accept", KIND_ACCEPT, 1, 64, 64, 64, 64, 1, "us", 1, NEAR_BARE(1.1), AHEAD },
	{ "accept_served", "echo", KIND_ACCEPT, 1, 64, 64, 64, 64, 1, "us", 1, AHEAD },
	{ "read_line", "read_line", KIND_SELF, 1, .lines = 1, .unit = "ns", .decimals = 1,
	  .factor = 0.8, .of = IO_GETLINE },
	{ "file_read", "file_read", KIND_SELF, 1, .lines = 1, .unit = "ns", .factor = 1.1,
	  .of = IO_BARE },
	{ "file_read_32", "file_read_32", KIND_SELF, 1, .lines = 1, .unit = "ns", .factor = 1.1,
	  .of = IO_URING },
	{ "copy_file_1m", "copy_file", KIND_SELF, 1, .lines = 1, .unit = "us", .decimals = 1,
	  NEAR_BARE(1.25), AHEAD },
	{ "udp_echo", "udp", KIND_TURNS, 1, 64, 64, 64, 64, 1, "us", 2, NEAR_BARE(1.1), AHEAD },
	{ "http_static", "http", KIND_TURNS, 1, 64, 64, 0, 0, 1, "us", 1, .factor = 1.2,
	  .of = IO_NGINX },
	{ "tls_echo_64", "tls_echo", KIND_TURNS, 1, 64, 64, 64, 64, 1, "us", 2, .factor = 1.05,
	  .of = IO_OPENSSL, .tls = true, AHEAD },
	{ "https_static", "https", KIND_TURNS, 1, 64, 64, 0, 0, 1, "us", 1, .factor = 1.2,
	  .of = IO_NGINX, .tls = true },
	{ "connections_bytes", "idle", KIND_IDLE, 1, 10000, 100, 64, 64, 1, "bytes", 0, .most = 512 },
	{ "served_bytes", "idle_served", KIND_IDLE, 1, 10000, 100, 64, 64, 1, "bytes", .decimals = 0 },
	{ "cancel_read", "cancel_read", KIND_SELF, 1, .lines = 1, .unit = "ns", AHEAD },
	{ "wake", "wake", KIND_SELF, 2, .lines = 1, .unit = "us", .decimals = 1, AHEAD },
	{ "idle_trickle", "echo", KIND_TRICKLE, 2, 1, 1, 64, 64, 1, "us", 1, AHEAD },
	{ "idle_wakes", "echo", KIND_WAKES, 2, 1, 1, 64, 64, 1, "sleeps", 2, .factor = 0 },
	{ "mixed_p99", "mixed", KIND_LATENCY, 2, 100, 100, 64, 64, 1, "us", 0, NEAR_BARE(1.25), AHEAD },
};

const int io_row_count = sizeof io_rows / sizeof *io_rows;
