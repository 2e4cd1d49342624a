/*
 * event.h - an event that async functions wait for without blocking a thread.
 *
 * A manual event stays set, and lets all pass, until it is reset: "the configuration is there". An
 * automatic event lets one function pass for each time it is set, and is not set afterwards; sets
 * do not add up. If sets have to count, take a semaphore (semaphore.h); if they carry something,
 * a task or a completion source.
 *
 * An event lies in your memory. All zero bits are a manual event that is not set. You may free that
 * memory as soon as nothing waits for it, and no call on it runs; a call that set it counts as over
 * when another function has passed by it.
 */
#ifndef BIDE_EVENT_H
#define BIDE_EVENT_H

#include "value_task.h"
#include "wait_queue.h"

typedef struct bide_event {
	uint64_t state_;
	bide_wait_queue_ queue_;
	uint64_t rest_[4];
} bide_event;
BIDE_STATIC_ASSERT(sizeof(bide_event) == 64, "part of the layout");

/* Initialise a manual and an automatic event; `set` says whether it is set. */
#define BIDE_EVENT(set)                        \
	{                                          \
		(set) ? 4u : 0u, { 0, 0, NULL, NULL }, \
		{                                      \
			0, 0, 0, 0                         \
		}                                      \
	}
#define BIDE_AUTO_EVENT(set)                    \
	{                                           \
		(set) ? 12u : 8u, { 0, 0, NULL, NULL }, \
		{                                       \
			0, 0, 0, 0                          \
		}                                       \
	}

BIDE_BEGIN_DECLS

/*
 * Make a manual or an automatic event of memory with any contents. Return 0, or EINVAL (misuse) if
 * event is NULL.
 */
BIDE_API int bide_event_init(bide_event *event, bool set);
BIDE_API int bide_event_init_auto(bide_event *event, bool set);

/*
 * Sets the event. All functions that wait for a manual event pass; or the one that has waited
 * longest for an automatic one, which is set only if none waits. NULL, and an event that was ended,
 * are misuse. Any thread. Cost: a compare-and-swap; a lock if functions wait.
 */
BIDE_API void bide_event_set(bide_event *event);

/* Makes the event one that is not set. NULL is misuse. Any thread. */
BIDE_API void bide_event_reset(bide_event *event);

/* Returns true if the event is set. NULL is misuse: false. Any thread. */
BIDE_API bool bide_event_is_set(const bide_event *event);

/*
 * Returns a value task that is ready when the event lets this function pass, with the result 1. It
 * is ready at once if the event is set. If the value task is forgotten, the wait ends at once. A
 * set that came before is used up.
 *
 * It fails with the error of its context, if that is canceled before, or at the call; with
 * BIDE_EBROKEN, if the event is ended; with ENOMEM. Misuse: EINVAL for NULL, BIDE_EBROKEN if the
 * event was ended. Any thread; a thread that is no worker waits with bide_value_task_wait. Cost: a
 * load, or a compare-and-swap; a wait takes 96 bytes from a pool, or 144 in a context that can be
 * canceled.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_event_wait(bide_event *event);

/*
 * Tries for at most timeout_ns nanoseconds what bide_event_wait does. At the limit it succeeds with
 * the result 0: look at the result. With 0 it never waits. A number below zero is misuse: EINVAL.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_event_try_wait_for(bide_event *event,
                                                                 int64_t timeout_ns);

/*
 * Ends the event: the functions that wait fail with BIDE_EBROKEN. A later call with it is misuse,
 * but for bide_event_is_set. Needed only if functions may be waiting. NULL is misuse.
 */
BIDE_API void bide_event_end(bide_event *event);

BIDE_END_DECLS
#endif
