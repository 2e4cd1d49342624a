/*
 * bide.h - all of bide: tasks and value tasks for C.
 *
 *   value_task.h  a result, or the promise of one, in two registers
 *   task.h        a shared result
 *   async.h       async functions and await (C only)
 *   fork.h        fork and join (C only)
 *   time.h        clock, delay, yield, periodic timer
 *   combine.h     when_all, when_any, race, when_each
 *   cancel.h      cancellation: source, token, registration
 *   context.h     scopes that carry it
 *   executor.h    where functions run: strands and loops
 *   group.h       owners of what was started
 *   generator.h   functions that hand out one element after the other
 *   generator_operators.h  map, filter, take, buffer, merge, timeout over generators
 *   parallel.h    loops, many bodies at once
 *   channel.h     elements that functions pass to each other
 *   select.h      the first of several waits
 *   watch.h       the newest value, for any number of functions
 *   runtime.h     configure, wait, blocking calls, shutdown
 *   run.h         functions that workers run
 *   mutex.h       a mutex that functions wait for
 *   semaphore.h   permits that functions wait for
 *   event.h       an event that functions wait for
 *   hold.h        what a function holds of these
 *   limiter.h     a limit on how often something is done
 *   retry.h       attempts with pauses between them
 *   memory.h      allocator and counters
 *   misuse.h      hooks
 *   trace.h       where errors come from
 *   source.h      sources of your own
 *   address.h     addresses of sockets
 *   io.h          input and output: whose memory it is, what the errors mean, the engine, counters
 *   stream.h      bytes in order: sockets, pipes, terminals, your own
 *   buffer.h      lines and texts of a stream, and what is put in it
 *   fd.h          waits for descriptors of other libraries
 *   file.h        files: reading and writing at an offset
 *   path.h        what is done with files by their names
 *   directory.h   the names in a directory
 *   signals.h     signals as results
 *   serve.h       servers
 *   process.h     child processes
 *   resolve.h     the addresses of a name
 *   net.h         TCP and UNIX sockets: listen, accept, connect
 *   udp.h         datagrams
 *   simulated_net.h  hosts and links of a simulation, for tests
 *   tls.h         TLS on streams: link with bide-tls, too
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
