/*
 * source.h - what a pending value task points at, and how to write one of your own.
 *
 * Frames, timers, subscriptions, combinators and completion sources all begin with the same 32
 * bytes. One word says where the operation stands; a generation says which use of the memory a
 * value task belongs to.
 *
 * A source of your own lets a long-lived object hand out the same memory for ever (a socket's "next
 * datagram", say):
 *
 *     struct port { bide_user_source next; ... };
 *     bide_user_source_init(&port->next, NULL);
 *     bide_value_task port_next(struct port *port)
 *     {
 *             return bide_user_source_value_task(&port->next);
 *     }
 *     void port_arrived(struct port *port, int64_t n)
 *     {
 *             bide_user_source_complete(&port->next, (bide_payload){ .i = n });
 *     }
 *     ...after the result was awaited:  bide_user_source_reset(&port->next);
 *
 * One value task is handed out for each generation and has one consumer. Completing is allowed from
 * any thread, once a generation. The memory must live until the consumer has its result.
 */
#ifndef BIDE_SOURCE_H
#define BIDE_SOURCE_H

#include "value_task.h"

struct bide_frame;
struct bide_source;

/* The word. The low three bits tell what it is. */
enum {
	/* whole word 0: nobody waits. Any other word with tag 0 is the waiting frame. */
	BIDE_WORD_PENDING_ = 0,
	/* result and error are final; the consumer owns all. Upper bits: run-queue link. */
	BIDE_WORD_DONE_ = 1,
	BIDE_WORD_ABANDONED_ = 2, /* forgotten: the producer frees it when it completes */
	BIDE_WORD_SHARED_ = 3,    /* a task, pending; upper bits: its newest subscription or none */
	BIDE_WORD_NOTIFY_ = 4,    /* upper bits: a bide_notify, which may be deregistered */
	BIDE_WORD_LOCKED_ = 7,    /* a task whose list somebody is changing for a few instructions */
	BIDE_WORD_TAGS_ = 7,
	/*
	 * With DONE, and the function runs on any thread: a frame waited, whose source it is now, or it
	 * was forgotten. Frames are aligned to 16 bytes, so a link leaves it alone.
	 */
	BIDE_WORD_TAKEN_ = 8
};

/*
 * The kind is in the upper three bits of bide_source.kind, the pool's size class in the lower five.
 */
enum {
	BIDE_KIND_FRAME_ = 0 << 5,
	BIDE_KIND_TIMER_ = 1 << 5,
	BIDE_KIND_OPERATION_ = 2 << 5,
	BIDE_KIND_TASK_ = 3 << 5, /* from here on: not from a pool */
	BIDE_KIND_USER_ = 4 << 5,
	BIDE_KIND_YIELD_ = 5 << 5,
	BIDE_KIND_FORK_ = 6 << 5
};

enum {
	/* several threads may touch the word: locked instructions are needed */
	BIDE_FLAG_SYNC_ = 1,
	BIDE_FLAG_FINISHING_ = 2, /* frame: in its cleanup */
	BIDE_FLAG_LARGE_ = 4,     /* the result is a pointer into this very object */
	BIDE_FLAG_HELD_ = 8,      /* frame: has a reference on its context */
	/* frame: runnable without awaiting anything; the queue's link is in `awaiting` */
	BIDE_FLAG_SELF_LINKED_ = 16,
	BIDE_FLAG_OWNED_ = 32, /* frame: result came by bide_async_return_owned */
	BIDE_FLAG_QUEUE_ = 64, /* completion source: continuations are queued, never next */
	/*
	 * Frame: others can see it; word and generation are set. User source: the value task of this
	 * generation was handed out.
	 */
	BIDE_FLAG_PUBLISHED_ = 128
};

typedef struct bide_source {
	uintptr_t word;
	uint64_t generation; /* a task counts its references here; free pool memory has its link here */
	bide_payload payload;
	/* frame: where to resume. Others, and frames that are done: claim and observed bits. */
	uint32_t line;
	uint16_t error;
	uint8_t kind;
	uint8_t flags;
} bide_source;
BIDE_STATIC_ASSERT(sizeof(bide_source) == 32, "a source is 32 bytes");

/*
 * An internal continuation: run by whoever completes the source, in bounded stack; it never runs
 * user code.
 */
typedef struct bide_notify {
	void (*run)(struct bide_notify *notify, bide_source *done);
} bide_notify;

/* What a source of your own may be asked to do. Each may be NULL. */
typedef struct bide_source_operations {
	/*
	 * The result has been consumed; the value task and its copies are dead. Called on the
	 * consumer's thread.
	 */
	void (*release)(bide_source *source);
} bide_source_operations;

/* Something for the one worker to do; intrusive, so sending it never fails. */
typedef struct bide_post {
	struct bide_post *next;
	void (*run)(struct bide_post *post);
} bide_post;

typedef struct bide_user_source {
	bide_source source;
	const bide_source_operations *operations;
	bide_post post_;
	uintptr_t waiter_;
	const void *self_; /* its own address, once it is initialised */
} bide_user_source;

BIDE_BEGIN_DECLS

/*
 * Makes a source ready for its first use. operations may be NULL. Memory: yours. Never fails. Misuse
 * while its value task is awaited, which changes nothing.
 */
BIDE_API void bide_user_source_init(bide_user_source *source,
                                    const bide_source_operations *operations);

/*
 * The same for one that only the thread of the one worker completes and awaits: no locked
 * instruction is paid. Completing it on another thread is misuse. With many workers it is what
 * bide_user_source_init makes.
 */
BIDE_API void bide_user_source_init_local(bide_user_source *source,
                                          const bide_source_operations *operations);

/*
 * The value task of the present generation. A second one in a generation is misuse: EINVAL; it would
 * have a consumer of its own.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_user_source_value_task(bide_user_source *source);

/*
 * Completes it: the consumer, if it waits, becomes runnable (never inside this call). Any thread.
 * No allocation. Completing twice in one generation is misuse; the try_ forms return false instead,
 * and exactly one of several threads that race gets true. error: 1..4095, ECANCELED for
 * cancellation; the place of the call is noted for its trace (trace.h).
 */
BIDE_API void bide_user_source_complete(bide_user_source *source, bide_payload payload);
BIDE_API void bide_user_source_complete_int(bide_user_source *source, int64_t result);
BIDE_API void bide_user_source_complete_double(bide_user_source *source, double result);
BIDE_API void bide_user_source_complete_pointer(bide_user_source *source, const void *result);
BIDE_API void bide_user_source_cancel(bide_user_source *source);
BIDE_API bool bide_user_source_try_complete(bide_user_source *source, bide_payload payload);
BIDE_API bool bide_user_source_try_cancel(bide_user_source *source);
BIDE_API void bide_user_source_fail_at_(bide_user_source *source, int error,
                                        const bide_place *place);
BIDE_API bool bide_user_source_try_fail_at_(bide_user_source *source, int error,
                                            const bide_place *place);
#define bide_user_source_fail(source, error) \
	(BIDE_NOTE_(bide_user_source_fail),      \
	 bide_user_source_fail_at_((source), (error), BIDE_FAILED_HERE_))
#define bide_user_source_try_fail(source, error) \
	(BIDE_NOTE_(bide_user_source_try_fail),      \
	 bide_user_source_try_fail_at_((source), (error), BIDE_FAILED_HERE_))

/*
 * A new generation, pending again. Misuse while a value task of the old one is pending or not yet
 * consumed.
 */
BIDE_API void bide_user_source_reset(bide_user_source *source);

/*
 * The handshake between the one consumer and the one producer of a source.
 *
 * Consumer: everything of the waiter is stored; then one release operation publishes it; afterwards
 * the waiter is not touched. Producer: result and error are stored; then one release operation says
 * DONE; what the word held before is the producer's to run. The acquire side of each pairs with the
 * other's release. A frame that waits stays (it is never deregistered), so the producer that sees
 * one needs no locked instruction. Sources without BIDE_FLAG_SYNC_ belong to one thread and use
 * plain loads and stores.
 *
 * Cost: without SYNC two instructions; with it one locked instruction on the side that comes first.
 */
typedef enum bide_registered {
	BIDE_REGISTERED_,
	BIDE_ALREADY_DONE_,
	BIDE_ALREADY_TAKEN_ /* somebody waits already, or it was given up: misuse */
} bide_registered;

/*
 * The flags are written by whoever runs the source; its consumer may look meanwhile, from another
 * thread, for a bit that does not change (SYNC). Nothing is ordered by them.
 */
BIDE_INLINE void bide_flags_add_(bide_source *source, unsigned bits)
{
	uint8_t flags = __atomic_load_n(&source->flags, __ATOMIC_RELAXED);
	__atomic_store_n(&source->flags, (uint8_t)(flags | bits), __ATOMIC_RELAXED);
}
BIDE_INLINE void bide_flags_drop_(bide_source *source, unsigned bits)
{
	__atomic_store_n(&source->flags, (uint8_t)(source->flags & ~bits), __ATOMIC_RELAXED);
}
BIDE_INLINE bool bide_is_sync_(const bide_source *source)
{
	return __atomic_load_n(&source->flags, __ATOMIC_RELAXED) & BIDE_FLAG_SYNC_;
}

BIDE_INLINE bide_registered bide_source_register_(bide_source *source, uintptr_t waiter)
{
	/* pairs with the producer's release of DONE */
	uintptr_t seen = BIDE_LOAD(&source->word, ACQUIRE);

	if (seen == BIDE_WORD_PENDING_) {
		if (!bide_is_sync_(source)) {
			BIDE_STORE(&source->word, waiter, RELAXED);
			return BIDE_REGISTERED_;
		}
		/* pairs with bide_source_finish_ */
		if (BIDE_CAS(&source->word, &seen, waiter, RELEASE, ACQUIRE))
			return BIDE_REGISTERED_;
	}
	return seen == BIDE_WORD_DONE_ ? BIDE_ALREADY_DONE_ : BIDE_ALREADY_TAKEN_;
}

/* Producer's side: returns the word that DONE replaced. */
BIDE_INLINE uintptr_t bide_source_finish_(bide_source *source)
{
	uintptr_t seen = BIDE_LOAD(&source->word, ACQUIRE); /* pairs with the registration's release */
	uintptr_t done;

	if (!bide_is_sync_(source)) {
		BIDE_STORE(&source->word, BIDE_WORD_DONE_, RELAXED);
		return seen;
	}
	for (;;) {
		if ((seen & BIDE_WORD_TAGS_) == 0 && seen != BIDE_WORD_PENDING_) {
			/* a waiting frame stays: nobody else writes the word */
			BIDE_STORE(&source->word, BIDE_WORD_DONE_ | BIDE_WORD_TAKEN_, RELEASE);
			return seen;
		}
		while ((seen & BIDE_WORD_TAGS_) == BIDE_WORD_LOCKED_) {
			BIDE_RELAX();
			seen = BIDE_LOAD(&source->word, ACQUIRE);
		}
		/* what was forgotten is the producer's */
		done = BIDE_WORD_DONE_ | (seen == BIDE_WORD_ABANDONED_ ? BIDE_WORD_TAKEN_ : 0);
		if (BIDE_CAS(&source->word, &seen, done, ACQ_REL, ACQUIRE))
			return seen;
	}
}

BIDE_END_DECLS
#endif
