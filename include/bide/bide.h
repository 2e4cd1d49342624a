/*
 * bide.h - all of bide: tasks and value tasks for C.
 *
 * Results
 *   value_task.h  a result, or the promise of one, in two registers
 *   task.h        a shared result
 *   source.h      sources of your own
 *   trace.h       where errors come from
 *
 * Functions
 *   async.h       async functions and await (C only)
 *   time.h        clock, delay, yield, periodic timer
 *   context.h     scopes: what a function inherits from its caller
 *   cancel.h      cancellation: source, token, registration
 *   executor.h    where functions run: strands and loops
 *   run.h         functions that start on a worker
 *   fork.h        fork and join (C only)
 *   parallel.h    loops, many bodies at once
 *   generator.h   functions that hand out one element after the other
 *   generator_operators.h  map, filter, take, buffer, merge, timeout over generators
 *   runtime.h     configure, wait, blocking calls, shutdown
 *
 * Together
 *   combine.h     when_all, when_any, race, when_each
 *   group.h       owners of what was started
 *   channel.h     elements that functions pass to each other
 *   select.h      the first of several waits
 *   watch.h       the newest value, for any number of functions
 *   mutex.h       a mutex that functions wait for
 *   semaphore.h   permits that functions wait for
 *   event.h       an event that functions wait for
 *   hold.h        what a function holds of a mutex or semaphore
 *   limiter.h     a limit on how often something is done
 *   retry.h       attempts with pauses between them
 *
 * Input and output
 *   io.h          what all have in common: whose memory it is, errors, the engine, counters
 *   stream.h      bytes in order: sockets, pipes, terminals, your own
 *   buffer.h      lines and texts of a stream, and what is put in it
 *   net.h         TCP and UNIX sockets: listen, accept, connect
 *   serve.h       servers
 *   tls.h         TLS on streams: link with bide-tls, too
 *   udp.h         datagrams
 *   address.h     addresses of sockets
 *   resolve.h     the addresses of a name
 *   file.h        files: reading and writing at an offset
 *   path.h        what is done with files by their names
 *   directory.h   the names in a directory
 *   file_content.h  whole files: read, and replaced in one step
 *   file_watch.h  what happens to files and directories
 *   process.h     child processes
 *   signals.h     signals as results
 *   fd.h          waits for descriptors of other libraries
 *
 * Tests and faults
 *   simulated_net.h  hosts and links of a simulation
 *   memory.h      allocator and counters
 *   misuse.h      hooks for misuse, for errors that go unseen, and for reports
 *
 * You need not read these, but inlined code needs them: abi.h (attributes, atomics, versions),
 * frame.h (the layout of frames), async_inline.h and async_impl.h (the inside of async.h),
 * noted.h (macros that note the place of a call), wait_queue.h (the head of mutexes and the like).
 *
 * Include short.h last. It defines the short names: task, value_task, await, async...
 */
#ifndef BIDE_BIDE_H
#define BIDE_BIDE_H

#include "abi.h"
#include "address.h"
#include "buffer.h"
#include "cancel.h"
#include "channel.h"
#include "combine.h"
#include "context.h"
#include "directory.h"
#include "event.h"
#include "executor.h"
#include "fd.h"
#include "file.h"
#include "file_content.h"
#include "file_watch.h"
#include "frame.h"
#include "group.h"
#include "hold.h"
#include "io.h"
#include "limiter.h"
#include "memory.h"
#include "misuse.h"
#include "mutex.h"
#include "net.h"
#include "parallel.h"
#include "path.h"
#include "process.h"
#include "resolve.h"
#include "retry.h"
#include "run.h"
#include "runtime.h"
#include "select.h"
#include "semaphore.h"
#include "serve.h"
#include "signals.h"
#include "simulated_net.h"
#include "source.h"
#include "stream.h"
#include "task.h"
#include "time.h"
#include "tls.h"
#include "trace.h"
#include "udp.h"
#include "value_task.h"
#include "wait_queue.h"
#include "watch.h"
#ifndef __cplusplus
#include "async.h"
#include "fork.h"
#endif
#include "generator.h" /* behind async.h, which it needs: messages of the compiler are shorter */
#include "generator_operators.h"
#include "noted.h" /* last: macros of the functions' names */

#endif
