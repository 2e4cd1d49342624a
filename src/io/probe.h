/*
 * probe.h - whether io_uring can be used here.
 */
#ifndef BIDE_IO_PROBE_H
#define BIDE_IO_PROBE_H

#include "base/library.h"

/*
 * Tries whether there is a ring with all that the engine needs. That is so since Linux 6.1. Stores
 * why it is not to be had as a text of at most `size` bytes. Returns 0, or the error: EMFILE,
 * ENFILE and ENOMEM say nothing of the kernel, ENOSYS means that it lacks something, EPERM and
 * EACCES that it is forbidden.
 *
 * If the process has a filter of system calls, a child tries, because the filter may kill it.
 */
BIDE_INTERNAL int bide_uring_probe_(char *reason, size_t size);

#endif
