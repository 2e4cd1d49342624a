/* What is dear on this host. Hosts of one kind differ by ten times, so the tables say it first. */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <stddef.h>

/* Medians, but the system call: its fastest batch. 0: it could not be measured. */
struct host {
	double call_ns;         /* a system call */
	double fence_asleep_ns; /* a membarrier of all threads, while the other thread sleeps */
	double fence_ns;        /* the same while it runs on another CPU */
	double wake_call_ns;    /* a futex wake: how long the call takes */
	double wake_ns;         /* and how long until the thread runs */
	double line_ns;         /* a cache line to another CPU and back; needs two CPUs */
};

/* id of the field, name: for the results. */
#define HOST_COSTS(X)                  \
	X(call_ns, "call")                 \
	X(fence_asleep_ns, "fence_asleep") \
	X(fence_ns, "fence")               \
	X(wake_call_ns, "wake_call")       \
	X(wake_ns, "wake")                 \
	X(line_ns, "line")

/* Measures, which takes less than half a second. */
void host_measure(struct host *host);
/* Writes a line with these costs. */
void host_describe(const struct host *host, char *out, size_t size);

#endif
