/*
 * lookup.h - look-ups of names, and the threads that do them.
 *
 *     look-up   a question for getaddrinfo, that is queued or runs. Equal questions share it.
 *     wait      a call that waits for the answer of a look-up (resolve.c)
 *     hung      of a look-up: it has run for longer than 5 s
 *
 * Such a thread has no record of the runtime while it is inside getaddrinfo, and a look-up has its
 * memory from the system. So a shutdown can leave a hung one behind: the thread drops the answer
 * and ends when the system lets it go.
 *
 * One mutex guards all of this, and the state of each wait. It is not held while a wait is
 * completed.
 */
#ifndef BIDE_IO_LOOKUP_H
#define BIDE_IO_LOOKUP_H

#include "base/library.h"

struct addrinfo;
struct bide_lookup;

typedef enum bide_wait_state {
	BIDE_LOOKUP_WAIT_NEW_,    /* not in a list yet */
	BIDE_LOOKUP_WAIT_LISTED_, /* in the list of its look-up */
	BIDE_LOOKUP_WAIT_TAKEN_   /* the party that moved it here decides its outcome */
} bide_wait_state;

/* Part of a record of resolve.c. */
typedef struct bide_lookup_wait {
	struct bide_lookup *lookup;
	struct bide_lookup_wait *next, *previous;
	/*
	 * Ends the wait: `list` is the answer if error is 0. It runs on such a thread, or on the thread
	 * that calls bide_shutdown.
	 */
	void (*end)(struct bide_lookup_wait *wait, const struct addrinfo *list, int error);
	bide_wait_state state;
} bide_lookup_wait;

/* Returns a new look-up, with copies of the texts; NULL if there is no memory. */
BIDE_INTERNAL struct bide_lookup *bide_lookup_new_(const char *host, const char *service);
/* Frees a new look-up. NULL does nothing. */
BIDE_INTERNAL void bide_lookup_discard_(struct bide_lookup *lookup);
/*
 * Puts the wait, which is NEW, into the list of an equal look-up or of this one, and has it looked
 * up. Takes the look-up. A wait that was taken meanwhile is left alone. It may be over when this
 * returns.
 */
BIDE_INTERNAL void bide_lookup_join_(struct bide_lookup *lookup, bide_lookup_wait *wait);
/*
 * Takes the wait out, so that it is TAKEN. Returns false if it was TAKEN already. A look-up that
 * has no wait left and was not begun is gone.
 */
BIDE_INTERNAL bool bide_lookup_leave_(bide_lookup_wait *wait);

typedef struct bide_lookup_stats {
	size_t thread_count, queue_count, running_count, hung_count;
} bide_lookup_stats;
BIDE_INTERNAL void bide_lookup_stats_(bide_lookup_stats *stats);

/*
 * Only tests write these: what asks the system, what frees its answer, when a look-up is hung, when
 * idle threads end.
 */
extern BIDE_INTERNAL int (*bide_lookup_ask_)(const char *host, const char *service,
                                             const struct addrinfo *hints, struct addrinfo **list);
extern BIDE_INTERNAL void (*bide_lookup_free_)(struct addrinfo *list);
extern BIDE_INTERNAL int64_t bide_lookup_hung_ns_, bide_lookup_idle_max_ns_;

#endif
