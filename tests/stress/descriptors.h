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

#endif
