/*
 * descriptors.h - how many descriptors the process has, and how many the reactors may have.
 */
#ifndef BIDE_STRESS_DESCRIPTORS_H
#define BIDE_STRESS_DESCRIPTORS_H

#include "stress.h"

#include <fcntl.h>

static inline unsigned descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 400; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Each worker may have a reactor, which has a ring besides the others if the engine is io_uring. */
static inline unsigned reactor_descriptors(unsigned workers)
{
	return workers * (bide_io_engine_used() == BIDE_IO_URING ? 3 : 2);
}

/*
 * Waits until no descriptors are left but those of before, and of the reactors: the first rounds
 * open them, and they stay. The thread that closes the last one may not run for seconds.
 */
static inline void await_descriptors(unsigned before, unsigned workers)
{
	for (unsigned tries = 0; descriptors() > before + reactor_descriptors(workers); tries++) {
		CHECK(tries < 30000);
		(void)must(delay(1000000));
	}
}

#endif
