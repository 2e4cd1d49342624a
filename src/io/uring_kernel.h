/*
 * uring_kernel.h - the kernel's header of io_uring, and whether it has all that the engine needs.
 * Systems with an older one, or with none, as musl alone, have no such engine.
 */
#ifndef BIDE_IO_URING_KERNEL_H
#define BIDE_IO_URING_KERNEL_H

#ifdef __has_include
#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#endif
#endif

#ifdef IORING_SETUP_DEFER_TASKRUN /* since Linux 6.1, as the newest of what is needed */
#define BIDE_HAS_URING 1
#else
#define BIDE_HAS_URING 0
#endif

#endif
