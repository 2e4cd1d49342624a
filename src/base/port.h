/*
 * port.h - the port: all that the rooms above base ask of the system and of the runtime.
 *
 * These are the arrows up that the design has: the runtime implements them on top of all rooms. A
 * program without an operating system brings its own (tests/bare/port.c is one).
 */
#ifndef BIDE_BASE_PORT_H
#define BIDE_BASE_PORT_H

#include <stdarg.h>

#include "base/library.h"

struct bide_timer;

BIDE_INTERNAL void *bide_port_allocate_(size_t size_bytes, size_t alignment);
BIDE_INTERNAL void bide_port_release_(void *memory, size_t size_bytes);
/*
 * Makes a frame runnable on the workers, from any thread. next: as soon as possible; else at the
 * end of the queue.
 */
BIDE_INTERNAL void bide_port_schedule_(bide_frame *frame, bool next);

/* Runs post->run on the worker, soon, from any thread. With many workers: at once. */
BIDE_INTERNAL void bide_port_post_(bide_post *post);
/* This thread may touch timers and operations itself: the one worker; with many, every thread. */
BIDE_INTERNAL bool bide_port_on_worker_(void);
/* On how many threads functions run. */
BIDE_INTERNAL unsigned bide_port_worker_count_(void);
BIDE_INTERNAL int64_t bide_port_now_(void);

/*
 * timer->source.payload.i is the deadline; when it is due the port calls bide_timer_due_. Whose
 * timer it is was settled by bide_timer_new_.
 */
BIDE_INTERNAL void bide_port_arm_(struct bide_timer *timer);
/*
 * true: it was armed and is not any more. false: it was not, or is on its way to bide_timer_due_.
 */
BIDE_INTERNAL bool bide_port_disarm_(struct bide_timer *timer);
/*
 * Fills in what the port counts: timers, what is runnable, workers, blocking calls. They are zero
 * before.
 */
BIDE_INTERNAL void bide_port_stats_(bide_stats *stats);
/* Returns an opaque id that is unique among living threads. */
BIDE_INTERNAL const void *bide_port_thread_(void);
BIDE_INTERNAL void bide_port_print_(const char *text); /* to standard error */
/* As vsnprintf; a port without one may copy the format. */
BIDE_INTERNAL void bide_port_format_(char *to, size_t size_bytes, const char *format,
                                     va_list arguments);
BIDE_INTERNAL const char *bide_port_error_text_(int error); /* of an errno number; static */
BIDE_INTERNAL void bide_port_abort_(void) __attribute__((noreturn));
/*
 * A fence on every other processor that runs a thread of this process: pairs with BIDE_LIGHT_FENCE.
 * false: there is none, and never will be. Asked once for each deque that is made, and by thieves.
 */
BIDE_INTERNAL bool bide_port_heavy_fence_(void);
/* The worker pushed something while another had nothing to do (its deque's `wanted`). */
BIDE_INTERNAL void bide_port_offer_(bide_thread_head *head);
/* A few instructions of waiting for another thread that holds a lock or runs a callback. */
BIDE_INTERNAL void bide_port_wait_a_moment_(unsigned tries);

/* The port also defines this. Inlined code calls it, so bide/frame.h has its contract. */
BIDE_API bide_thread_head *bide_thread_attach_(void);

#endif
