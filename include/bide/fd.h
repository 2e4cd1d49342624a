/*
 * fd.h - waits until a descriptor of another library is ready: an event of poll(2) as a value task.
 *
 * It takes all that poll and epoll take: sockets, pipes, terminals, and the descriptors of timers,
 * of processes (pidfd_open), of other libraries (libpq, libcurl).
 */
#ifndef BIDE_FD_H
#define BIDE_FD_H

#include "value_task.h"

/* What to wait for, and what has come. The numbers are those of poll(2), POLLIN and so on. */
#define BIDE_FD_IN 0x0001u    /* a read does not block */
#define BIDE_FD_PRI 0x0002u   /* urgent data, or another exceptional condition */
#define BIDE_FD_OUT 0x0004u   /* a write does not block */
#define BIDE_FD_ERROR 0x0008u /* only comes: there is an error, or the reader of a pipe is gone */
#define BIDE_FD_HUP 0x0010u   /* only comes: both sides have ended */
#define BIDE_FD_RDHUP 0x2000u /* the peer of a stream socket has ended its side */

BIDE_BEGIN_DECLS

/*
 * Waits until at least one of the events is there, and returns those that are; BIDE_FD_ERROR and
 * BIDE_FD_HUP come without being asked for. With events 0 it waits for these two. If one is there
 * already, the value task is ready at once, and nothing is allocated. For BIDE_FD_IN and
 * BIDE_FD_OUT a regular file is always ready.
 *
 * The wait remembers nothing of the descriptor, so the library that owns it may use it, close it
 * and open the number anew between two waits. It must not close it while one is pending: then that
 * wait may never end, and has to be canceled first. Several waits for one descriptor are allowed;
 * each one after the first duplicates it (dup(2)) for as long as it waits.
 *
 * It can be canceled. Errors: EBADF: it is no open descriptor. EINVAL (misuse): fd is negative, or
 * events has other bits. EPERM: neither BIDE_FD_IN nor BIDE_FD_OUT is among the events, and it is a
 * regular file, a folder, or a device such as /dev/null, for which no other event comes. ENOMEM.
 * ENOSPC: fs.epoll.max_user_watches. EMFILE: no descriptor is left for a second wait, or for the
 * first wait of all. Any thread; with one worker, another thread sends it to the worker. Cost: one
 * system call if it is ready at once, else two more and some 200 bytes of pools.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_fd_wait(int fd, unsigned events);

BIDE_END_DECLS
#endif
