/*
 * source.h - what a pending value task points at, and how to write one of your own.
 *
 * Frames, timers, subscriptions, combinators and completion sources all begin with the same 32
 * bytes. One word is the state of the operation. A generation tells to which use of the memory a
 * value task belongs.
 *
 * With a source of your own, a long-lived object can use the same memory for one operation after
 * the other (the "next datagram" of a socket, for example):
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
 * In each generation a source has one value task, with one consumer. Any thread may complete the
 * source, once in each generation. The memory must live until the consumer has its result. An await
 * of the value task is uninterruptible: a context that is canceled does not end it. Complete the
 * source then, or let the function await a task of bide_task_create, whose await obeys the context.
 */
#ifndef BIDE_SOURCE_H
#define BIDE_SOURCE_H

#include "value_task.h"

struct bide_frame;
struct bide_source;

/* The word. The low three bits say which state it is. */
enum {
	/* The whole word is 0: nothing waits. Any other word with tag 0 is the waiting frame. */
	BIDE_WORD_PENDING_ = 0,
	/*
	 * Result and error are final, and the source belongs to its consumer. If that is a runnable
	 * frame, the upper bits are the link of its run queue.
	 */
	BIDE_WORD_DONE_ = 1,
	/* The source was forgotten: the producer recycles it when it completes. */
	BIDE_WORD_ABANDONED_ = 2,
	/* A task that is pending. The upper bits are its newest subscription, or 0. */
	BIDE_WORD_SHARED_ = 3,
	/* The upper bits are a bide_observer, which may be taken out again. */
	BIDE_WORD_LISTENER_ = 4,
	/* A frame of a loop waits. The upper bits are the executor, which looks at the word itself. */
	BIDE_WORD_WATCHED_ = 5,
	/* A task, whose list a thread changes for a few instructions. */
	BIDE_WORD_LOCKED_ = 7,
	BIDE_WORD_TAGS_ = 7,
	/*
	 * Together with DONE and BIDE_FLAG_SYNC_: a frame waited, to which the source belongs now, or
	 * the source was forgotten. Frames are aligned to 16 bytes, so a link leaves this bit alone.
	 */
	BIDE_WORD_CONSUMED_ = 8
};

/*
 * The upper three bits of bide_source.kind are the kind; the lower five are the size class of
 * the pool.
 */
enum {
	BIDE_KIND_MASK_ = 7 << 5,
	BIDE_KIND_CLASS_MASK_ = 31,
	BIDE_KIND_FRAME_ = 0 << 5,
	BIDE_KIND_TIMER_ = 1 << 5,
	BIDE_KIND_OPERATION_ = 2 << 5,
	/* What follows is from no pool. */
	BIDE_KIND_TASK_ = 3 << 5,
	BIDE_KIND_USER_ = 4 << 5,
	BIDE_KIND_YIELD_ = 5 << 5,
	BIDE_KIND_FORK_ = 6 << 5
};

enum {
	/* Several threads may touch the word, so locked instructions are needed. */
	BIDE_FLAG_SYNC_ = 1,
	/* Frame: it is in its cleanup. */
	BIDE_FLAG_FINISHING_ = 2,
	/* The result is a pointer into this very object. */
	BIDE_FLAG_LARGE_ = 4,
	/* Frame: it has a reference to its context. */
	BIDE_FLAG_HAS_CONTEXT_REF_ = 8,
	/* Frame: it is runnable, and the link of its queue is next_runnable. */
	BIDE_FLAG_SELF_LINKED_ = 16,
	/* Frame: the result came by bide_async_return_owned. */
	BIDE_FLAG_OWNED_ = 32,
	/* Completion source: continuations are queued, and never run next. */
	BIDE_FLAG_RESUME_LATER_ = 64,
	/* Frame: it is published, so its word and generation are set, and others can see it. */
	BIDE_FLAG_PUBLISHED_ = 128
};

typedef struct bide_source {
	uintptr_t word;
	union {
		/* Tells to which use of the memory a value task belongs. */
		uint64_t generation;
		/* In a task: its references, counted from a number that no generation reaches. */
		uint64_t references;
		/* In free memory of a pool: the address of the next free object, or 0. */
		uint64_t next_free;
	};
	bide_payload payload;
	union {
		/*
		 * In a frame: where it resumes. A source line, or an offset if points_are_lines is false.
		 */
		uint32_t line;
		/* In a frame that is done, and in other sources: bits that say what was done to it. */
		uint32_t marks;
		/* In a timer: from bit BIDE_HOME_SHIFT_ on, the worker in whose wheel it is. */
		uint32_t home;
		/* In the slot of a fork: its place in the deque. */
		uint32_t index;
	};
	uint16_t error;
	uint8_t kind;
	uint8_t flags;
} bide_source;
BIDE_STATIC_ASSERT(sizeof(bide_source) == 32, "a source is 32 bytes");

/*
 * The functions below take the kind, or a word that was read before, and read nothing themselves.
 */
BIDE_INLINE unsigned bide_kind_of_(uint8_t kind)
{
	return kind & BIDE_KIND_MASK_;
}
BIDE_INLINE bool bide_kind_is_frame_(uint8_t kind)
{
	return kind < BIDE_KIND_TIMER_;
}
/* Returns true for frames, timers and operations. */
BIDE_INLINE bool bide_kind_is_pooled_(uint8_t kind)
{
	return kind < BIDE_KIND_TASK_;
}
/* Returns the size class of the pool that an object of this kind is from. */
BIDE_INLINE unsigned bide_kind_class_(uint8_t kind)
{
	return kind & BIDE_KIND_CLASS_MASK_;
}
BIDE_INLINE unsigned bide_word_tag_(uintptr_t word)
{
	return (unsigned)word & BIDE_WORD_TAGS_;
}
BIDE_INLINE bool bide_word_is_done_(uintptr_t word)
{
	return bide_word_tag_(word) == BIDE_WORD_DONE_;
}
/* Returns true if a frame waits. */
BIDE_INLINE bool bide_word_has_frame_(uintptr_t word)
{
	return bide_word_tag_(word) == BIDE_WORD_PENDING_ && word != BIDE_WORD_PENDING_;
}
/* Returns the frame that waits, or NULL if nothing does. The tag of the word is PENDING. */
BIDE_INLINE struct bide_frame *bide_word_waiting_frame_(uintptr_t word)
{
	return (struct bide_frame *)word;
}
/* Returns what the upper bits of a word with another tag point at. */
BIDE_INLINE uintptr_t bide_word_upper_(uintptr_t word)
{
	return word & ~(uintptr_t)BIDE_WORD_TAGS_;
}

/*
 * A listener: a continuation of the library's own. The thread that completes the source runs it;
 * the depth of the stack is bounded. It runs no user code. (The name bide_listener is that of
 * sockets that listen.)
 */
typedef struct bide_observer {
	void (*run)(struct bide_observer *listener, bide_source *done);
} bide_observer;

/* Returns the word of a source that a listener waits for. */
BIDE_INLINE uintptr_t bide_word_of_listener_(const bide_observer *listener)
{
	return (uintptr_t)listener | BIDE_WORD_LISTENER_;
}
/* Returns the listener that waits. The tag of the word is LISTENER. */
BIDE_INLINE bide_observer *bide_word_listener_(uintptr_t word)
{
	return (bide_observer *)bide_word_upper_(word);
}

/* The callbacks of a source of your own. Each may be NULL. */
typedef struct bide_source_operations {
	/*
	 * The result has been consumed; the value task and its copies are dead. It is called on the
	 * consumer's thread.
	 */
	void (*release)(bide_source *source);
} bide_source_operations;

/* Something for the one worker to do. It is intrusive, so sending it never fails. */
typedef struct bide_post {
	struct bide_post *next;
	void (*run)(struct bide_post *post);
} bide_post;

typedef struct bide_user_source {
	bide_source source;
	/* It lies beside the other members that the thread which completes the source touches. */
	union {
		/* The life of the runtime in which this generation was made. */
		uintptr_t life_;
		/* Once it is posted: the word that DONE replaced. */
		uintptr_t waiter_;
	};
	const bide_source_operations *operations;
	/*
	 * Until the source is posted, `next` is its own address, which tells that it is initialised.
	 * Bit 0 of it tells that the value task of this generation was handed out.
	 */
	bide_post post_;
} bide_user_source;
BIDE_STATIC_ASSERT(sizeof(bide_user_source) == 64, "a source of the user's is one cache line");

BIDE_BEGIN_DECLS

/*
 * Initialises a source. operations may be NULL. The memory is yours. It never fails. Calling it
 * while the value task of the source is awaited is misuse and changes nothing.
 */
BIDE_API void bide_user_source_init(bide_user_source *source,
                                    const bide_source_operations *operations);

/*
 * Does the same for a source that only the thread of the one worker completes and awaits. Such a
 * source needs no locked instruction. Completing it on another thread is misuse. With many
 * workers it does what bide_user_source_init does.
 */
BIDE_API void bide_user_source_init_local(bide_user_source *source,
                                          const bide_source_operations *operations);

/*
 * Returns the value task of the present generation. A second call in one generation is misuse
 * (EINVAL), because a source has one consumer.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_user_source_value_task(bide_user_source *source);

/*
 * These functions complete the source. A consumer that waits becomes runnable; it never runs
 * inside this call. Any thread. They allocate nothing. Completing a source twice in one
 * generation is misuse. The try_ forms return false instead, and exactly one of several threads
 * that race returns true. error is 1 to 4095 (ECANCELED: canceled); the fail forms note the
 * place of the call for its trace (trace.h).
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
 * Begins a new generation: the source is pending again. It is misuse while a value task of the
 * old generation is pending or not yet consumed.
 */
BIDE_API void bide_user_source_reset(bide_user_source *source);

/*
 * The handshake between the one consumer and the one producer of a source.
 *
 * The consumer first stores everything about the waiter. Then one release operation publishes
 * the waiter, and the consumer does not touch it any more. The producer first stores result and
 * error. Then one release operation stores DONE, and the producer runs what the word held
 * before. The acquire side of each pairs with the other's release. A frame that waits is never
 * deregistered, so the producer that sees one needs no locked instruction. Sources without
 * BIDE_FLAG_SYNC_ belong to one thread and use plain loads and stores.
 *
 * Cost: two instructions without SYNC. With SYNC the side that comes first needs one locked
 * instruction.
 */
typedef enum bide_registered {
	BIDE_REGISTERED_,
	BIDE_ALREADY_DONE_,
	/* A consumer waits already, or it was forgotten: misuse. */
	BIDE_ALREADY_TAKEN_
} bide_registered;

/*
 * The thread that runs the source writes the flags. Its consumer may meanwhile read, from
 * another thread, a bit that does not change (SYNC). The flags order nothing.
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

BIDE_END_DECLS
#endif
