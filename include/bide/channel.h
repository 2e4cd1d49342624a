/*
 * channel.h - elements that functions pass to each other: what one writes, another reads, in order.
 *
 *     my->lines = channel_create(&(channel_options){ .capacity = 64 });
 *
 *     await(channel_write(my->in.lines, line));                 // one function: a pointer, 8 bytes
 *     ...
 *     channel_close(my->in.lines, 0);
 *
 *     await_each(my->line, my->in.lines)                        // another one, until the close
 *             use(my->line);
 *
 * An element is 1 to 256 bytes, which are copied; for more, pass a pointer. A channel holds as many
 * elements as its capacity. A write to a full one waits, or an element is dropped, as the options
 * say. An unbounded one takes all that there is memory for. Capacity 0 is a rendezvous: a write
 * waits until a read takes its element. Those that wait are served in the order in which they came.
 *
 * What each side sees:
 *
 *     after                     a read that finds nothing     a write             wait_closed
 *     bide_channel_close, 0     BIDE_EEND                     EPIPE               0
 *     bide_channel_close, e     e; EPIPE for ECANCELED        the same            the same
 *     the last unref            BIDE_EBROKEN                  BIDE_EBROKEN        BIDE_EBROKEN
 *     a cancellation            the error of the context, for the canceled call alone
 *
 * What was written before the close is read first. A write that fails keeps its element: it is not
 * in the channel. A stage that closes its output with its own outcome hands an error down.
 * ECANCELED becomes EPIPE, because the reader was not canceled.
 *
 * Cancellation: if the context is canceled, a call fails at once, even if it could succeed; the
 * try_ forms do not look at it. A wait ends with the context's error, and has taken and written
 * nothing. If it was served before, that outcome stays.
 *
 * What nothing takes: an element goes to `dropped` of the options if a full channel drops it, if
 * it is in the channel at the last unref, and if a read has taken it and its value task is then
 * forgotten. Each of these calls has dropped it when it returns. Without `dropped` it is gone.
 * There is one exception: a read that became a task (bide_value_task_as_task,
 * bide_value_task_await_for) belongs to the waits for that task, and an element of one that was
 * forgotten after its end is gone.
 *
 * Threads: any thread may call all functions. Each call needs a reference to the channel while it
 * runs; a wait needs none. Errors besides those above: ENOMEM, and nothing has changed; EINVAL
 * after misuse.
 */
#ifndef BIDE_CHANNEL_H
#define BIDE_CHANNEL_H

#include "value_task.h"

typedef struct bide_channel bide_channel;

#define BIDE_CHANNEL_ELEMENT_BYTES_MAX 256
#define BIDE_CHANNEL_CAPACITY_MAX ((size_t)1 << 30)
/* A capacity: a write never waits. Memory comes with the elements, and goes when they are read. */
#define BIDE_CHANNEL_UNBOUNDED SIZE_MAX

/* What a write to a full channel does. */
typedef enum bide_channel_full {
	/* It waits until there is room. */
	BIDE_CHANNEL_WAIT,
	/* It drops the oldest element; with capacity 0, its own. It never waits. */
	BIDE_CHANNEL_DROP_OLDEST,
	/* It drops its own element, and succeeds. It never waits. */
	BIDE_CHANNEL_DROP_WRITE
} bide_channel_full;

/*
 * Takes an element that is dropped: a pointer to a copy, which is valid during the call. It runs
 * without a lock, on the thread that drops, and must not block. It may call the channel, except
 * after the last unref.
 */
typedef void bide_channel_dropped(void *element, void *argument);

typedef struct bide_channel_options {
	/* 0: a rendezvous. At most BIDE_CHANNEL_CAPACITY_MAX, or BIDE_CHANNEL_UNBOUNDED. */
	size_t capacity;
	/* 1 to 256; 0 stands for 8: an integer of 64 bits, a double, a pointer. */
	size_t element_bytes;
	bide_channel_full full;
	/* May be NULL. */
	bide_channel_dropped *dropped;
	void *argument;
} bide_channel_options;

BIDE_BEGIN_DECLS

/*
 * Returns a new channel with one reference, or NULL if there is no memory, or after misuse (an
 * option out of range). options may be NULL: a rendezvous of elements of 8 bytes.
 */
BIDE_API BIDE_USE_RESULT bide_channel *bide_channel_create(const bide_channel_options *options);
/* Takes one more reference and returns its argument. NULL is misuse. */
BIDE_API bide_channel *bide_channel_ref(bide_channel *channel);
/*
 * Drops a reference; NULL does nothing. With the last one the channel goes: those that wait fail
 * with BIDE_EBROKEN, and its elements are dropped.
 */
BIDE_API void bide_channel_unref(bide_channel *channel);

/*
 * bide_channel_write(channel, element) writes a copy of the element, which is a value of any type
 * of element_bytes: a variable, a number, (struct point){ 1, 2 }. Another size is misuse: EINVAL.
 * An array, such as "text", does not compile: write a struct that holds it, or its address.
 *
 * The value task is ready when the element is in the channel, or was handed to a reader or dropped;
 * it has no result. Cost: an object from the pool if it waits.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_channel_write_(bide_channel *channel,
                                                             const void *element,
                                                             size_t element_bytes);
/*
 * bide_channel_try_write(channel, element) does the same without waiting. Returns false if the
 * channel is full and does not drop, or closed.
 */
BIDE_API bool bide_channel_try_write_(bide_channel *channel, const void *element,
                                      size_t element_bytes);
/*
 * Writes elements that lie one behind the other. The result is how many are in, 1 to count: those
 * for which there was room at once, or, after a wait, came room. They are the first ones; write the
 * others again. After an error none is in. count 0 succeeds. It copies what it needs within the
 * call. A channel that drops takes all.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_channel_write_many(bide_channel *channel,
                                                                 const void *elements,
                                                                 size_t count);
/*
 * Does the same without waiting. Stores in *written (may be NULL) how many are in. Returns false if
 * that is none, because the channel is full or closed, though count is not 0.
 */
BIDE_API bool bide_channel_try_write_many(bide_channel *channel, const void *elements, size_t count,
                                          size_t *written);

/*
 * Reads the oldest element. Up to 8 bytes it is the result: await it into a variable of its type,
 * an integer, a double or a pointer. A larger one is a large result: bide_await_large copies it.
 * Any other element of up to 8 bytes (a float, a structure) is read by bide_channel_read_many.
 *
 * Cost: an object from the pool if it waits, if the element is larger than 8 bytes, and if the
 * channel has a `dropped`, since only an object can be forgotten.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_channel_read(bide_channel *channel);
/* For bide_await_each: reads into a place that lasts until the await resumes. The result is 1. */
BIDE_API BIDE_USE_RESULT bide_value_task bide_channel_read_to_(bide_channel *channel, void *element,
                                                               size_t element_bytes);
/*
 * Reads without waiting. Copies the element to `element`. Returns false if there is none.
 */
BIDE_API bool bide_channel_try_read(bide_channel *channel, void *element);
/*
 * Reads up to max_count elements into `elements`. The result is how many, at least 1: with one
 * element it succeeds, and an error comes with the next call. After a failure none was taken.
 *
 * A wait keeps what it gets until its await resumes, and copies then. So `elements` need only live
 * as long as the function that awaits: a member of its frame. A wait gets at most 1024 bytes.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_channel_read_many(bide_channel *channel,
                                                                void *elements, size_t max_count);
/*
 * Does the same without waiting. Stores in *count (may be NULL) how many were read. Returns false
 * if that is none.
 */
BIDE_API bool bide_channel_try_read_many(bide_channel *channel, void *elements, size_t max_count,
                                         size_t *count);

/*
 * Closes the channel: it takes no more elements, and what is in it stays readable. Returns true for
 * the call that closed it, and false for later ones, which change nothing. error: 0 or BIDE_EEND
 * for the end; another one is what both sides get, except that ECANCELED becomes EPIPE. Another
 * number than 0 to 4095 is misuse: it returns false.
 */
BIDE_API bool bide_channel_close(bide_channel *channel, int error);
/*
 * Waits until the channel is closed and its last element was read. Succeeds after a close with 0,
 * and fails with the error otherwise.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_channel_wait_closed(bide_channel *channel);
/*
 * Returns how many elements are in the channel. It may be another number when you look at it. NULL
 * is misuse: 0.
 */
BIDE_API size_t bide_channel_count(const bide_channel *channel);

BIDE_END_DECLS

#ifdef __cplusplus
template <typename Element>
inline bide_value_task bide_channel_write(bide_channel *channel, const Element &element)
{
	return bide_channel_write_(channel, &element, sizeof element);
}
template <typename Element>
inline bool bide_channel_try_write(bide_channel *channel, const Element &element)
{
	return bide_channel_try_write_(channel, &element, sizeof element);
}
/* An array would be written as its address. */
template <typename Element, size_t count>
bide_value_task bide_channel_write(bide_channel *channel, const Element (&array)[count]) = delete;
template <typename Element, size_t count>
bool bide_channel_try_write(bide_channel *channel, const Element (&array)[count]) = delete;
#else
#define bide_channel_write(channel, ...) \
	(BIDE_NOTE_(bide_channel_write), bide_channel_write_((channel), BIDE_COPY_OF_(__VA_ARGS__)))
#define bide_channel_try_write(channel, ...) \
	(BIDE_NOTE_(bide_channel_try_write),     \
	 bide_channel_try_write_((channel), BIDE_COPY_OF_(__VA_ARGS__)))
#endif

#endif
