/* What is dear on this host. Hosts of one kind differ by ten times, so the table says it first. */
#ifndef BENCH_IO_HOST_H
#define BENCH_IO_HOST_H

#include <stddef.h>

/* Writes a line with the costs of a system call, a wake by a futex, a fence and a switch. */
void host_describe(char *out, size_t size);

#endif
