/* io_bide.h - shared by the sources of bide's answer to the rows of I/O. */
#ifndef BENCH_IO_BIDE_H
#define BENCH_IO_BIDE_H

#include <stdbool.h>

#include <bide/stream.h>

#include "peers/io_peer.h"

static inline void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "io_bide: %s\n", what);
		abort();
	}
}

/* With TLS, where the library for it was built. */
void prepare_tls(void);
bide_value_task start_tls_echo(bide_stream *client, void *unused);

double measure_file_read(void);
double measure_file_read_32(void);
double measure_copy_file(void);
/* Echoes datagrams until it is killed. */
int run_datagrams(void);

#endif
