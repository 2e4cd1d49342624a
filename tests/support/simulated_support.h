/*
 * simulated_support.h - shared by the tests of the simulated network: simulations with a seed, and
 * checks that nothing is left of them.
 */
#ifndef SIMULATED_SUPPORT_H
#define SIMULATED_SUPPORT_H

#include <bide/bide.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bide/short.h>

#include "settle.h"

/* A chance of 1. */
#define ALWAYS UINT32_C(1000000)

BIDE_UNUSED static void simulate(uint64_t seed)
{
	if (test_seeded())
		SKIP("it makes simulations with seeds of its own");
	assert_int_equal(bide_configure(&(bide_config){ .virtual_clock = true, .seed = seed }), 0);
}

/* Ends the simulation, and returns its hash. Nothing may be left. */
BIDE_UNUSED static uint64_t end_simulation(void)
{
	uint64_t hash = bide_simulation_hash();
	bide_stats stats;

	assert_int_equal(shut_down(), 0);
	bide_stats_get(&stats);
	assert_int_equal(stats.frame_count, 0);
	assert_int_equal(stats.operation_count, 0);
	assert_int_equal(stats.task_count, 0);
	assert_int_equal(stats.live_bytes, 0);
	return hash;
}

BIDE_UNUSED static void add_hosts(void)
{
	assert_int_equal(bide_simulated_host_add("server"), 0);
	assert_int_equal(bide_simulated_host_add("client"), 0);
}

/* Sets the default link. */
BIDE_UNUSED static void link_all(bide_simulated_link link)
{
	assert_int_equal(bide_simulated_link_set(NULL, NULL, &link), 0);
}

BIDE_UNUSED static int error_of(bide_value_task task)
{
	return bide_value_task_wait(task, NULL);
}

BIDE_UNUSED static void *wait_pointer(bide_value_task task)
{
	bide_payload payload = { .p = NULL };
	int error = bide_value_task_wait(task, &payload);

	if (error)
		fail_msg("error %d: %s", error, bide_strerror(error));
	return payload.p;
}

BIDE_UNUSED static int64_t wait_int(bide_value_task task)
{
	bide_payload payload = { .i = -1 };
	int error = bide_value_task_wait(task, &payload);

	if (error)
		fail_msg("error %d: %s", error, bide_strerror(error));
	return payload.i;
}

/* A listener on the host, which must exist, on port 80. */
BIDE_UNUSED static bide_listener *listen_on(const char *host, const bide_tcp_options *options)
{
	return wait_pointer(bide_on_host(host, bide_tcp_listen(NULL, "80", options)));
}

/* Both ends of a connection from "client" to "server", through a listener that is gone again. */
BIDE_UNUSED static void connect_pair(bide_stream **client, bide_stream **server,
                                     const bide_tcp_options *options)
{
	bide_listener *listener = listen_on("server", options);
	bide_value_task accepted = bide_accept(listener).untyped;

	*client = wait_pointer(bide_on_host("client", bide_tcp_connect("server", "80", options)));
	*server = wait_pointer(accepted);
	bide_listener_close(listener);
}

#endif
