/*
 * select.h - a wait for the first of several cases.
 *
 *     await(my->which, bide_select((select_case[]){ select_read(my->in.orders, &my->order),
 *                                                   select_read(my->in.prices, &my->price),
 *                                                   select_delay(BIDE_MS(1000)) }, 3));
 *
 * One case happens, and no other one: an element is read, or written, once. The result is the index
 * of the case. If several can happen, the search begins at a case drawn at random (in a simulation
 * by the seed).
 *
 * A channel that is closed and empty is no case as long as others remain, and so is a write to one
 * that is closed. If none remains but a delay and tokens, the select fails with BIDE_EEND. A
 * channel that was closed with an error fails it with that error. A mutex, semaphore or event that
 * is ended fails it with BIDE_EBROKEN.
 *
 * It obeys the ambient cancellation as a read does: then no case has happened. A value task of a
 * select that is forgotten leaves all objects at once. With one worker, and forgotten on another
 * thread, it leaves the value tasks when the worker has come to it. If a read had won before, its
 * element goes to `dropped` of the channel before that call returns; what a hold got is in the
 * hold, and the cleanup releases it; a set of an automatic event is used up.
 */
#ifndef BIDE_SELECT_H
#define BIDE_SELECT_H

#include "cancel.h"
#include "channel.h"
#include "event.h"
#include "mutex.h"
#include "semaphore.h"
#include "task.h"

enum { BIDE_SELECT_COUNT_MAX = 1024 };

typedef struct bide_select_permits_ {
	bide_semaphore *semaphore;
	int64_t count;
} bide_select_permits_;

/* One case. Make it by the functions below; it is copied within the call of bide_select. */
typedef struct bide_select_case {
	uint32_t kind_;
	uint32_t element_bytes_;
	union {
		bide_channel *channel_;
		bide_value_task value_task_;
		int64_t delay_ns_;
		bide_mutex *mutex_;
		bide_event *event_;
		bide_cancel_token token_;
		bide_task *task_;
		bide_select_permits_ permits_;
	};
	union {
		void *to_;
		const void *from_;
		bide_hold *hold_;
	};
} bide_select_case;

enum {
	BIDE_SELECT_READ_ = 1,
	BIDE_SELECT_WRITE_,
	BIDE_SELECT_VALUE_TASK_,
	BIDE_SELECT_DELAY_,
	BIDE_SELECT_MUTEX_,
	BIDE_SELECT_SEMAPHORE_,
	BIDE_SELECT_EVENT_,
	BIDE_SELECT_TOKEN_,
	BIDE_SELECT_TASK_
};

BIDE_BEGIN_DECLS

BIDE_INLINE bide_select_case bide_select_read_(bide_channel *channel, void *to,
                                               size_t element_bytes)
{
	bide_select_case c;
	c.kind_ = BIDE_SELECT_READ_;
	c.element_bytes_ = (uint32_t)element_bytes;
	c.channel_ = channel;
	c.to_ = to;
	return c;
}
/*
 * The oldest element is read into *to, an object of element_bytes. It is copied within the call if
 * it is there and the channel has no `dropped`; else when the await of the select resumes. So *to
 * need only live as long as the function that awaits.
 */
#define bide_select_read(channel, to) bide_select_read_((channel), (to), sizeof *(to))

BIDE_INLINE bide_select_case bide_select_write_(bide_channel *channel, const void *from,
                                                size_t element_bytes)
{
	bide_select_case c;
	c.kind_ = BIDE_SELECT_WRITE_;
	c.element_bytes_ = (uint32_t)element_bytes;
	c.channel_ = channel;
	c.from_ = from;
	return c;
}
/* A copy of *from, an object of element_bytes, is written. It is copied within the call. */
#define bide_select_write(channel, from) bide_select_write_((channel), (from), sizeof *(from))

/*
 * The value task, of any type, is over. It is borrowed: await it afterwards, or in a later select.
 * It must not be a bide_async_yield.
 */
BIDE_INLINE bide_select_case bide_select_value_task_(bide_value_task value_task)
{
	bide_select_case c;
	c.kind_ = BIDE_SELECT_VALUE_TASK_;
	c.element_bytes_ = 0;
	c.value_task_ = value_task;
	c.to_ = NULL;
	return c;
}
#define bide_select_value_task(value_task)                                                  \
	bide_select_value_task_(                                                                \
		bide_untyped_value_(value_task, "bide_select_value_task takes a value task; for a " \
	                                    "bide_task * use bide_select_task"))

/*
 * So many nanoseconds have passed since the call. At most one case may be a delay. With 0 it
 * happens if no other case can at once. Its timer ends with the select.
 */
BIDE_INLINE bide_select_case bide_select_delay(int64_t delay_ns)
{
	bide_select_case c;
	c.kind_ = BIDE_SELECT_DELAY_;
	c.element_bytes_ = 0;
	c.delay_ns_ = delay_ns;
	c.to_ = NULL;
	return c;
}

BIDE_INLINE bide_select_case bide_select_hold_(uint32_t kind, bide_hold *hold)
{
	bide_select_case c;
	c.kind_ = kind;
	c.element_bytes_ = 0;
	c.hold_ = hold;
	return c;
}
/*
 * The mutex is held in the hold, which must hold nothing. It stays in its place until the select is
 * over. Each case needs a hold of its own.
 */
BIDE_INLINE bide_select_case bide_select_mutex(bide_mutex *mutex, bide_hold *hold)
{
	bide_select_case c = bide_select_hold_(BIDE_SELECT_MUTEX_, hold);
	c.mutex_ = mutex;
	return c;
}
/* The hold has `count` permits. It has its turn as a wait for them has. */
BIDE_INLINE bide_select_case bide_select_semaphore(bide_semaphore *semaphore, int64_t count,
                                                   bide_hold *hold)
{
	bide_select_case c = bide_select_hold_(BIDE_SELECT_SEMAPHORE_, hold);
	c.permits_.semaphore = semaphore;
	c.permits_.count = count;
	return c;
}

/* The event lets this function pass. An automatic one is used up only if this case happens. */
BIDE_INLINE bide_select_case bide_select_event(bide_event *event)
{
	bide_select_case c = bide_select_hold_(BIDE_SELECT_EVENT_, NULL);
	c.event_ = event;
	return c;
}

/* The token is canceled. One that never will be is no case. */
BIDE_INLINE bide_select_case bide_select_cancel_token(bide_cancel_token token)
{
	bide_select_case c = bide_select_hold_(BIDE_SELECT_TOKEN_, NULL);
	c.token_ = token;
	return c;
}

/*
 * The task is over, however it ended. Its error is not regarded as observed. Keep a reference until
 * the select is over.
 */
BIDE_INLINE bide_select_case bide_select_task(bide_task *task)
{
	bide_select_case c = bide_select_hold_(BIDE_SELECT_TASK_, NULL);
	c.task_ = task;
	return c;
}

/*
 * Waits for the first of `count` cases (1 to BIDE_SELECT_COUNT_MAX). Misuse, and EINVAL: a count
 * out of range, a NULL, an element of another size than the channel's, a number of permits that the
 * semaphore never has, two delays; with one worker, a delay on another thread. Misuse, and EBUSY or
 * EDEADLK: a hold that is in use; BIDE_ESTALE: a value task that was consumed, or has a consumer;
 * BIDE_EBROKEN: an object that was ended. ENOMEM: no case has happened. Cost: a lock for each
 * channel. If no case can happen at once, or a channel that is read has `dropped`: an object from
 * the pool, and another lock for each case.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_select(const bide_select_case *cases, size_t count);

BIDE_END_DECLS

#endif
