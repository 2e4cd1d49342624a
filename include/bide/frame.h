/*
 * frame.h - the state of an async function, the head of a thread's record, and the pools that
 * frames come from.
 *
 * Users write BIDE_ASYNC_FRAME (async.h) and never touch what is here. It is public because it is
 * inlined: starting an async function that does not suspend costs a few nanoseconds, which a call
 * into a shared library would double.
 *
 * A frame has two owners: its producer, which runs it, and its consumer, which holds the value
 * task. The last one frees it. It never moves. Pool memory is type-stable: a page belongs to one
 * size class for ever, so a stale value task reads a different generation, and is detected.
 */
#ifndef BIDE_FRAME_H
#define BIDE_FRAME_H

#include "source.h"

struct bide_context;
struct bide_thread_head;

/* Where kind and flags stand in the last 8 bytes of a source, seen as one number. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BIDE_TAIL_KIND_ 48
#define BIDE_TAIL_FLAGS_ 56
#else
#define BIDE_TAIL_KIND_ 8
#define BIDE_TAIL_FLAGS_ 0
#endif
BIDE_STATIC_ASSERT(sizeof(bide_source) - offsetof(bide_source, line) == 8, "the tail is 8 bytes");

/*
 * What the body of an async function returns. Not a scalar: a stray `return 5;` does not compile.
 */
typedef struct bide_body_result {
	bide_payload payload;
	uintptr_t state; /* 0, an error, or one of the three below */
} bide_body_result;
#define BIDE_SUSPENDED_ ((uintptr_t)4096)
/* Done, but the result is inside the frame: keep it for the consumer. */
#define BIDE_RESULT_IN_FRAME_ ((uintptr_t)4097)
/* A generator hands out an element (generator.h). */
#define BIDE_EMITTED_ ((uintptr_t)4098)
/* In bide_source.line of a generator: it goes on at its cleanup. No line and no offset is so. */
#define BIDE_POINT_STOPPED_ 0x3FFFFFFFu

/* What a dump says of one of the library's own functions: src/base/own.h. */
struct bide_own_;

/*
 * What is known of an async function. It is static data, so that a dump can name functions at no
 * cost.
 */
typedef struct bide_function_info {
	bide_body_result (*resume)(struct bide_frame *frame);
	const char *name;
	const char *file;
	uint32_t line;
	uint32_t frame_bytes;
	bool points_are_lines;       /* bide_source.line of its frames is a line of `file` */
	bool generates;              /* its frames are generators */
	const struct bide_own_ *own; /* NULL: a function of the user's */
} bide_function_info;

typedef struct bide_frame {
	bide_source source;
	const bide_function_info *async;
	union {
		/* What the frame waits for, or NULL. */
		bide_source *awaiting;
		/* If BIDE_FLAG_SELF_LINKED_ is set: the next frame of the queue that this one is in. */
		struct bide_frame *next_runnable;
		/*
		 * In a freed frame: the bide_function_info of what consumed it, or, with bit 0 set, the
		 * bide_place.
		 */
		uintptr_t consumer;
	};
	/*
	 * A struct bide_context *, or 0: no context. Bit 0: cancellation is masked. Bit 1: it has an
	 * executor.
	 */
	uintptr_t context;
} bide_frame;
BIDE_STATIC_ASSERT(sizeof(bide_frame) == 56, "the header of a frame is 56 bytes");

/* Returns the frame that a source is the head of. Its kind says that it is one. */
BIDE_INLINE bide_frame *bide_frame_of_(bide_source *source)
{
	return (bide_frame *)(void *)source;
}

/*
 * The names of these members in the structs of async functions. The compiler shows them where such
 * a member is missing.
 */
#define BIDE_FRAME_MEMBER_ BIDE_ASYNC_FRAME_is_the_first_member_
#define BIDE_DROP_MEMBER_ BIDE_ASYNC_FRAME_OWNED_is_the_first_member_

#define BIDE_CONTEXT_MASKED_ ((uintptr_t)1)
#define BIDE_CONTEXT_EXECUTOR_ ((uintptr_t)2)
#define BIDE_CONTEXT_TAGS_ ((uintptr_t)3)

/*
 * Size classes: 48, then multiples of 16 up to 128, then four for each doubling up to 4096.
 * Larger frames come from the allocator.
 */
#define BIDE_CLASS_COUNT_ 26u
#define BIDE_CLASS_BIG_ 31u

BIDE_INLINE unsigned bide_class_of_(size_t size_bytes)
{
	if (size_bytes <= 48)
		return 0;
	if (size_bytes <= 128)
		return (unsigned)((size_bytes - 33) / 16);
	if (size_bytes <= 4096) {
		/* 7..11 */
		unsigned doubling = 63u - (unsigned)__builtin_clzll((unsigned long long)size_bytes - 1);
		size_t quarter = (size_t)1 << (doubling - 2);
		return 6u + (doubling - 7) * 4 +
		       (unsigned)((size_bytes - ((size_t)1 << doubling) - 1) / quarter);
	}
	return BIDE_CLASS_BIG_;
}

BIDE_INLINE size_t bide_class_bytes_(unsigned size_class)
{
	if (size_class < 6)
		return 48 + (size_t)size_class * 16;
	return ((size_t)1 << (7 + (size_class - 6) / 4)) +
	       (((size_class - 6) % 4) + 1) * ((size_t)1 << (5 + (size_class - 6) / 4));
}

/* A thread's free objects of one size class. src/memory/pool.c says what becomes of them. */
typedef struct bide_pool {
	bide_source *free;
	/* How many more objects may be returned before a batch goes to the other threads. */
	intptr_t room;
} bide_pool;

enum { BIDE_DEQUE_GIVEN_ = 6 };

/*
 * A worker's deque of forks (fork.h) and continuations. A thread that is no worker has no deque:
 * its mask and limit are 0, so every push takes the slow path, and no pop finds an entry. The
 * protocol is in src/async/deque.h.
 */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what thieves write stands apart */
typedef struct bide_deque {
	uintptr_t *ring; /* never NULL */
	/* Where the owner pushes and pops. Atomic; only the owner writes it. */
	uint32_t bottom;
	/* Before bottom passes this, the owner must look at top again. */
	uint32_t limit;
	uint32_t mask; /* entries - 1 */
	/* Not 0: a worker has nothing to do, or asks for entries, so pushes take the slow path. */
	uint32_t wanted;
	/* membarrier is unavailable, so owner and thieves use full fences. */
	bool no_membarrier;
	/*
	 * This thread is not a worker, and the runtime has many: functions that fork are queued for
	 * the workers.
	 */
	bool queues_forks;
	/* What thieves write is in a cache line of its own. */
	__attribute__((aligned(64))) uint32_t top; /* the oldest entry; under the lock */
	uint32_t stealing;                         /* the lock of top */
	uint32_t asked;                            /* what a thief asks for, or the answer to it */
	uintptr_t given[BIDE_DEQUE_GIVEN_];        /* the entries of the answer */
} bide_deque;
BIDE_STATIC_ASSERT(sizeof(bide_deque) == 128, "a line of the owner's, and one of the thieves'");

/* The head of a thread's record: the fields that inlined code touches (src/base/thread.h). */
typedef struct bide_thread_head {
	/*
	 * The async function that runs. Outside of async functions it is the root frame of the thread,
	 * so it is never NULL.
	 */
	bide_frame *current;
	/* A start below this address is queued, and does not run on this stack. */
	uintptr_t stack_limit;
	/* The last generation that this thread gave out. The top 16 bits are the thread's number. */
	uint64_t generation;
	bide_frame *next; /* The frame that runs next; in no queue. */
	bide_frame *queue_head, *queue_tail;
	size_t queue_count;
	/* The last 8 bytes of the source of a new frame of class 0: its line, error, kind and flags. */
	uint64_t frame_tail;
	bide_deque deque;
	/* The flags of sources that this thread makes: BIDE_FLAG_SYNC_ or 0. */
	uint32_t frame_flags;
	/* How often in a row the newest continuation ran next. */
	uint32_t handovers;
	bide_pool pool[BIDE_CLASS_COUNT_];
} bide_thread_head;

#define bide_current_thread_ BIDE_ABI_NAME_(bide_current_thread)
#define bide_thread_attach_ BIDE_ABI_NAME_(bide_thread_attach)

BIDE_BEGIN_DECLS

extern BIDE_API bide_source bide_yield_source_; /* what bide_async_yield (time.h) points at */

/*
 * The head of this thread. NULL until the thread first uses bide. Initial-exec: one instruction
 * to read.
 */
extern BIDE_API BIDE_THREAD_LOCAL_ bide_thread_head *bide_current_thread_;

BIDE_API bide_thread_head *bide_thread_attach_(void);
BIDE_API bide_source *bide_pool_refill_(bide_thread_head *head, unsigned size_class,
                                        const bide_place *place);
BIDE_API void bide_pool_spill_(bide_thread_head *head, bide_source *source, unsigned size_class);
BIDE_API void bide_recycle_other_(bide_source *source);
BIDE_API bide_source *bide_pool_take_big_(size_t size_bytes, const bide_place *place);
BIDE_API bide_value_task bide_start_cold_(bide_thread_head *head, bide_frame *frame);
BIDE_API bide_value_task bide_start_kept_(bide_thread_head *head, bide_frame *frame,
                                          bide_body_result step);
BIDE_API bide_value_task bide_start_failed_(void);
BIDE_API bide_value_task bide_await_yield_(bide_frame *frame, uint32_t point);
BIDE_API bide_value_task bide_await_stale_(bide_frame *frame, bide_value_task value_task,
                                           uint32_t point) BIDE_COLD;
BIDE_API bide_value_task bide_await_take_slow_(bide_frame *frame);
BIDE_API bide_registered bide_executor_register_(bide_frame *frame, bide_source *source);
/* bide_await_take_, not inlined. */
BIDE_API bide_value_task bide_await_take_outlined_(bide_frame *frame);
BIDE_API bide_value_task bide_await_large_(bide_frame *frame, bide_value_task value_task,
                                           uint32_t point);
BIDE_API void bide_await_large_take_(bide_frame *frame, void *to, size_t size_bytes,
                                     bide_value_task got);
BIDE_API void bide_context_hold_(bide_frame *frame);

/*
 * Returns this thread's head, or NULL if the first use found no memory. Cost: one load and one
 * test.
 */
BIDE_INLINE bide_thread_head *bide_thread_(void)
{
	bide_thread_head *head = bide_current_thread_;
	return BIDE_LIKELY(head != NULL) ? head : bide_thread_attach_();
}

/* Takes an object from the pool: 5 instructions. Returns NULL if there is no memory. */
BIDE_INLINE bide_source *bide_pool_take_(bide_thread_head *head, unsigned size_class,
                                         const bide_place *place)
{
	bide_pool *pool = &head->pool[size_class];
	bide_source *source = pool->free;

	if (BIDE_UNLIKELY(!source))
		return bide_pool_refill_(head, size_class, place);
	pool->free = (bide_source *)(uintptr_t)source->next_free;
	pool->room++;
	return source;
}

/*
 * Returns an object to the pool of the calling thread, whichever thread took it. The link
 * overwrites the generation, which makes stale value tasks invalid.
 */
BIDE_INLINE void bide_pool_give_(bide_thread_head *head, bide_source *source, unsigned size_class)
{
	bide_pool *pool;

	if (BIDE_UNLIKELY(size_class >= BIDE_CLASS_COUNT_ || --head->pool[size_class].room < 0)) {
		bide_pool_spill_(head, source, size_class);
		return;
	}
	pool = &head->pool[size_class];
	/* Stale value tasks read it. Release: bide_drain sees what the function has done. */
	BIDE_STORE(&source->next_free, (uint64_t)(uintptr_t)pool->free, RELEASE);
	pool->free = source;
}

/* The consumer has taken the result: puts the source back where it came from. */
BIDE_INLINE void bide_source_recycle_(bide_thread_head *head, bide_source *source)
{
	if (BIDE_LIKELY(bide_kind_is_pooled_(source->kind)))
		bide_pool_give_(head, source, bide_kind_class_(source->kind));
	else
		bide_recycle_other_(source);
}

/*
 * Publishes a frame: sets its word and generation, and takes its reference to the context. This is
 * done at the first suspension. Before that no other thread can see the frame.
 */
BIDE_INLINE void bide_frame_publish_(bide_thread_head *head, bide_frame *frame)
{
	frame->source.word = BIDE_WORD_PENDING_;
	BIDE_STORE(&frame->source.generation, ++head->generation, RELAXED);
	bide_flags_add_(&frame->source, BIDE_FLAG_PUBLISHED_);
	if (BIDE_UNLIKELY(frame->context & ~BIDE_CONTEXT_TAGS_))
		bide_context_hold_(frame);
}

BIDE_INLINE bide_value_task bide_suspended_(void)
{
	bide_value_task v;
	v.payload.i = 0;
	v.state = BIDE_SUSPENDED_;
	return v;
}

BIDE_INLINE void bide_await_recycle_(const bide_frame *frame, bide_source *source)
{
	/* A frame of a pool: its kind is its class. */
	if (BIDE_LIKELY(source->kind < BIDE_CLASS_COUNT_)) {
		source->line = frame->source.line;
		/* For the message if the value task is used again. */
		bide_frame_of_(source)->consumer = (uintptr_t)frame->async;
		bide_pool_give_(bide_current_thread_, source, source->kind);
	} else {
		bide_source_recycle_(bide_current_thread_, source);
	}
}

/*
 * Returns what the awaited source delivered, and releases the source. After a yield there is
 * none.
 */
BIDE_INLINE bide_value_task bide_await_take_(bide_frame *frame)
{
	bide_source *source = frame->awaiting;
	bide_value_task v;

	/*
	 * A failure takes the slow path for its trace. A caller that waits for success only loads no
	 * trace.
	 */
	if (BIDE_UNLIKELY(!source || source->flags & BIDE_FLAG_LARGE_ || source->error != 0))
		return bide_await_take_slow_(frame);
	v.payload = source->payload;
	v.state = 0;
	bide_await_recycle_(frame, source);
	return v;
}

/* bide_source_register_ for a frame. On a loop the frame may be found without being queued. */
BIDE_INLINE bide_registered bide_frame_register_(bide_frame *frame, bide_source *source)
{
	if (BIDE_UNLIKELY(frame->context & BIDE_CONTEXT_EXECUTOR_))
		return bide_executor_register_(frame, source);
	return bide_source_register_(source, (uintptr_t)frame);
}

/*
 * Awaits a source that was not ready. Everything of the frame is stored before the waiter is
 * published; on success the frame is not touched again. Returns the result if it has come
 * meanwhile, and otherwise state BIDE_SUSPENDED_.
 */
BIDE_INLINE bide_value_task bide_await_pending_(bide_frame *frame, bide_value_task value_task,
                                                uint32_t point)
{
	bide_source *source = (bide_source *)value_task.state;

	if (BIDE_UNLIKELY(BIDE_LOAD(&source->generation, RELAXED) != value_task.payload.generation)) {
		if (source == &bide_yield_source_)
			return bide_await_yield_(frame, point);
		return bide_await_stale_(frame, value_task, point);
	}
	if (!(frame->source.flags & BIDE_FLAG_PUBLISHED_))
		bide_frame_publish_(bide_current_thread_, frame);
	frame->source.line = point;
	frame->awaiting = source;
	switch (bide_frame_register_(frame, source)) {
	case BIDE_REGISTERED_:
		return bide_suspended_();
	case BIDE_ALREADY_DONE_:
		return bide_await_take_(frame);
	default:
		return bide_await_stale_(frame, value_task, point);
	}
}

/*
 * Does the same. Each source has its own, because a call of the library would cost more. Without
 * optimisation nothing is inlined, and a source that has no await gets none.
 */
#ifdef __OPTIMIZE__
#define BIDE_OUTLINED_ BIDE_UNUSED static __attribute__((noinline))
#else
#define BIDE_OUTLINED_ BIDE_INLINE
#endif
BIDE_OUTLINED_ bide_value_task bide_await_outlined_(bide_frame *frame, bide_value_task value_task,
                                                    uint32_t point)
{
	return bide_await_pending_(frame, value_task, point);
}

BIDE_END_DECLS
#endif
