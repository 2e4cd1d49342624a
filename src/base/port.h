/*
 * port.h - the port: all that the rooms above base ask of the system and of the runtime.
 *
 * These are the arrows up that the design has. The runtime implements them on top of all rooms. A
 * program without an operating system brings its own (tests/bare/port.c is one).
 */
#ifndef BIDE_BASE_PORT_H
#define BIDE_BASE_PORT_H

#include <stdarg.h>

#include "base/library.h"

struct bide_timer;

/* --- memory --- */

BIDE_INTERNAL void *bide_port_allocate_(size_t size_bytes, size_t alignment);
BIDE_INTERNAL void bide_port_release_(void *memory, size_t size_bytes);

/* --- running --- */

/*
 * Makes a frame runnable on the workers. next: as soon as possible; otherwise at the end of the
 * queue. Any thread.
 */
BIDE_INTERNAL void bide_port_schedule_(bide_frame *frame, bool next);
/* Runs post->run on the one worker, soon. With many workers it runs it at once. Any thread. */
BIDE_INTERNAL void bide_port_post_(bide_post *post);
/*
 * Returns true if this thread may touch timers and operations itself. The one worker may; with many
 * workers every thread may.
 */
BIDE_INTERNAL bool bide_port_on_worker_(void);
/* Returns the number of workers. */
BIDE_INTERNAL unsigned bide_port_worker_count_(void);
/* This worker pushed something while another one had nothing to do (`wanted` of its deque). */
BIDE_INTERNAL void bide_port_offer_(bide_thread_head *head);

/* --- time --- */

BIDE_INTERNAL int64_t bide_port_now_(void);
/*
 * Arms a timer whose deadline is source.payload.i. When it is due, the port calls bide_timer_due_.
 * bide_timer_new_ has decided which worker it belongs to.
 */
BIDE_INTERNAL void bide_port_arm_(struct bide_timer *timer);
/*
 * Returns true if the timer was armed, and is not any more. Returns false if it was not armed, or
 * is on its way to bide_timer_due_.
 */
BIDE_INTERNAL bool bide_port_disarm_(struct bide_timer *timer);

/* --- chance --- */

/*
 * Returns a number that cannot be foreseen; in a simulation the seed draws it. Called by functions
 * that the workers run.
 */
BIDE_INTERNAL uint64_t bide_port_random_(void);

/*
 * Returns a number below `count`, for a choice that need only be even: it reads no clock, and
 * touches no memory of other threads. In a simulation the seed draws it.
 */
BIDE_INTERNAL uint32_t bide_port_choice_(uint32_t count);

/* --- threads --- */

/* Returns an opaque id that is unique among living threads. */
BIDE_INTERNAL const void *bide_port_thread_(void);
/*
 * Does a fence on every other processor that runs a thread of this process. It pairs with
 * BIDE_LIGHT_FENCE. Returns false if there is none, now and later. Called once for each deque that
 * is made, and by thieves.
 */
BIDE_INTERNAL bool bide_port_heavy_fence_(void);
/* Waits a moment for another thread, which holds a lock or runs a callback. tries: 0, 1, ... */
BIDE_INTERNAL void bide_port_wait_a_moment_(unsigned tries);
/* Inlined code calls this too, so bide/frame.h has its contract. */
BIDE_API bide_thread_head *bide_thread_attach_(void);

/* --- texts --- */

BIDE_INTERNAL void bide_port_print_(const char *text); /* to standard error */
/* As vsnprintf. A port without one may copy the format. */
BIDE_INTERNAL void bide_port_format_(char *to, size_t size_bytes, const char *format,
                                     va_list arguments);
/* Returns the static text of an errno number. */
BIDE_INTERNAL const char *bide_port_error_text_(int error);
BIDE_INTERNAL void bide_port_abort_(void) __attribute__((noreturn));
/*
 * Fills in what the port counts: timers, runnable frames, workers, blocking calls. All of it is
 * zero before.
 */
BIDE_INTERNAL void bide_port_stats_(bide_stats *stats);

#endif
