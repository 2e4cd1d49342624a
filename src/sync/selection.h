/*
 * selection.h - a wait for several objects, of which one decides. waiter.h comes first.
 *
 * A selection is an operation with a link for each of its cases. `decided` is claimed once:
 *
 *     0       --claim-->             the number of a case, or BIDE_SELECTION_ENDED_ (canceled, or
 *                                    forgotten)
 *     0       --claim of two-->      BUSY, for a few instructions
 *     BUSY    --the same thread-->   the number of a case, or 0
 *
 * So BUSY is not decided: a thread that finds it waits until it is another value. A thread that
 * grants claims the link *before* it copies an element. If the claim fails, it takes the link out
 * of the queue, and goes on to the next one.
 *
 * A selection that comes to an object where another selection waits has to claim both, or none. It
 * claims the one with the lower address first, as BUSY, and then the other one. A thread that waits
 * for a BUSY selection may hold the lock of an object; the thread that set BUSY waits for higher
 * selections only, and for no lock. So the waits make no circle.
 *
 * Parties (base/party.h): the function that registers, each link that is in a queue, the node of
 * the context, and a consumer that forgets. The decision takes the others out, when all are
 * registered: the decider and the registrar each set a flag, and the second one does it. The last
 * party delivers. A consumer that forgets takes all links out itself, even if another thread
 * decides, so that no object is touched for them once it returns. The same holds for the listeners
 * of value tasks that are borrowed: one party takes them out, and the consumer waits for it.
 */
#ifndef BIDE_SYNC_SELECTION_H
#define BIDE_SYNC_SELECTION_H

#include "cancel/alarm.h"
#include "sync/waiter.h"

enum { BIDE_SELECTION_BUSY_ = 0x7FFFFFFF, BIDE_SELECTION_ENDED_ = 0x7FFFFFFE };

typedef struct bide_selection_case_ {
	union {
		bide_wait_link_ link;
		/* A case that listens to a source, whose link is in no queue. */
		struct {
			bide_observer listener;
			bide_source *source;
		};
	};
	/* Of the object in whose queue the link is, or bide_selection_task_; else NULL. */
	const bide_wait_kind_ *kind;
} bide_selection_case_;

/* The case has a wait of the selection's own for a task, in `source`. */
extern BIDE_INTERNAL const bide_wait_kind_ bide_selection_task_;

/* A case that is a token. It lies in what the owner adds. */
typedef struct bide_selection_token_ {
	bide_cancel_node node;
	struct bide_selection_token_ *next;
	bide_selection_case_ *of;
} bide_selection_token_;

typedef struct bide_selection_ {
	bide_operation operation;
	uint32_t decided; /* atomic, also with one worker */
	uint32_t progress;
	uint32_t parties;
	uint32_t count;
	/*
	 * The registrar, and the cases that may still be granted; a delay and a token count only if
	 * there is no other kind of case. At 0 the selection fails. Atomic, also with one worker.
	 */
	uint32_t open;
	uint32_t alarm_number; /* the case that is a delay; 0: there is none */
	uint32_t listening;    /* it may be the listener of a value task that is borrowed */
	/*
	 * With one worker, forgotten on another thread: how many parties that thread took out, whether
	 * it claimed the selection, and the way of the rest to the worker.
	 */
	uint32_t left;
	bool left_claimed;
	bide_post post;
	bide_cancel_node node;
	bide_alarm alarm;
	bide_selection_token_ *tokens;
	bool has_tasks;
	bide_selection_case_ cases[];
	/* What the owner adds comes behind the cases. */
} bide_selection_;

/* Returns a selection of `count` cases, or NULL if there is no memory. */
BIDE_INTERNAL bide_selection_ *bide_selection_new_(const bide_operation_type *type, uint32_t count,
                                                   size_t extra_bytes);
/* Returns what the owner has added. It is aligned to 8 bytes. */
static inline void *bide_selection_extra_(bide_selection_ *s)
{
	return &s->cases[s->count];
}

/*
 * The registrar calls begin, then for each case what the object does under its lock: is_decided_,
 * and then claim_self_ or claim_two_ if it can proceed at once, else append_to_; then end. begin_
 * returns the error of a context that was canceled; then nothing is to be ended.
 */
BIDE_INTERNAL int bide_selection_begin_(bide_selection_ *s);
BIDE_INTERNAL bool bide_selection_is_decided_(const bide_selection_ *s);
BIDE_INTERNAL bool bide_selection_claim_self_(bide_selection_ *s, uint32_t number);
/*
 * For an object that may change without its lock: makes the selection BUSY, so that the registrar
 * may keep what it then gets there. Returns false if the selection is decided. The registrar calls
 * claim_end_ a few instructions later, with the number of the case, or 0. It waits for nothing in
 * between.
 */
BIDE_INTERNAL bool bide_selection_claim_begin_(bide_selection_ *s);
BIDE_INTERNAL void bide_selection_claim_end_(bide_selection_ *s, uint32_t number);
BIDE_INTERNAL void bide_selection_append_to_(bide_wait_queue_ *queue, unsigned list,
                                             bide_selection_ *s, uint32_t number,
                                             const bide_wait_kind_ *kind);
/*
 * has_claimed: the registrar has claimed the selection itself, and has stored the outcome. If no
 * case is left that may be granted, the selection fails with BIDE_EEND. Afterwards the value task
 * may be handed out.
 */
BIDE_INTERNAL void bide_selection_end_(bide_selection_ *s, bool has_claimed);

typedef enum bide_claimed_ {
	BIDE_CLAIMED_,        /* both */
	BIDE_CLAIM_GONE_,     /* the link is decided: take it out, and go on */
	BIDE_CLAIM_SELF_GONE_ /* the selection itself is decided: stop */
} bide_claimed_;
/*
 * Claims a link for the number of a selection that is being registered. `link` may be a waiter's,
 * but no link of the selection itself. Under the lock of the link's object.
 */
BIDE_INTERNAL bide_claimed_ bide_selection_claim_two_(bide_wait_link_ *link, bide_selection_ *s,
                                                      uint32_t number);
BIDE_INTERNAL bide_selection_ *bide_selection_of_(bide_wait_link_ *link);
BIDE_INTERNAL bool bide_selection_claim_(bide_wait_link_ *link);

/*
 * Stores what a claimed selection ends with: an error, or the index of the case, which is its
 * payload. The winner stores what else the case gives before.
 */
BIDE_INTERNAL void bide_selection_outcome_(bide_selection_ *s, uint32_t number, int error);
/*
 * A case that is a value task, which the selection borrows. Returns true if it is over, and the
 * selection is claimed by it.
 */
BIDE_INTERNAL bool bide_selection_listen_(bide_selection_ *s, uint32_t number,
                                          bide_value_task value_task);
/* A case that is a task. Returns true in the same way, or if there is no memory for a wait. */
BIDE_INTERNAL bool bide_selection_await_(bide_selection_ *s, uint32_t number, bide_task *task);
/* A case that is a token, with its memory. `counts`: it keeps the selection from failing. */
BIDE_INTERNAL bool bide_selection_watch_(bide_selection_ *s, uint32_t number,
                                         bide_cancel_token token, bide_selection_token_ *place,
                                         bool counts);
/* A case that is a delay, of which there is one. The timer belongs to the selection now. */
BIDE_INTERNAL void bide_selection_set_alarm_(bide_selection_ *s, uint32_t number, bide_timer *timer,
                                             bool counts);
/*
 * The case will never be granted. The last one claims the selection, which fails with BIDE_EEND.
 * Under the lock of the object. The caller takes the link out.
 */
BIDE_INTERNAL void bide_selection_refuse_(bide_wait_link_ *link);
/* A link was taken out by a call on its object. Any thread, without a lock. */
BIDE_INTERNAL void bide_selection_link_end_(bide_wait_link_ *link);

/* For the type of the operation. */
BIDE_INTERNAL void bide_selection_leave_(bide_operation *operation);

#endif
