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
 * that is closed. If none remains but a delay, the select fails with BIDE_EEND. A channel that was
 * closed with an error fails it with that error.
 *
 * It obeys the ambient cancellation as a read does: then no case has happened. A value task of a
 * select that is forgotten leaves all channels at once. If a read had won before, its element goes
 * to `dropped` of the channel.
 */
#ifndef BIDE_SELECT_H
#define BIDE_SELECT_H

#include "channel.h"

enum { BIDE_SELECT_COUNT_MAX = 1024 };

/* One case. Make it by the functions below; it is copied within the call of bide_select. */
typedef struct bide_select_case {
	uint32_t kind_;
	uint32_t element_bytes_;
	union {
		bide_channel *channel_;
		bide_value_task value_task_;
		int64_t delay_ns_;
	};
	union {
		void *to_;
		const void *from_;
	};
} bide_select_case;

enum { BIDE_SELECT_READ_ = 1, BIDE_SELECT_WRITE_, BIDE_SELECT_VALUE_TASK_, BIDE_SELECT_DELAY_ };

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
 * The oldest element is read into *to, an object of element_bytes. It is copied when the await of
 * the select resumes, so *to need only live as long as the function that awaits.
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
 * The value task is over. It is borrowed: await it afterwards, or in a later select. It must not be
 * a bide_async_yield.
 */
BIDE_INLINE bide_select_case bide_select_value_task(bide_value_task value_task)
{
	bide_select_case c;
	c.kind_ = BIDE_SELECT_VALUE_TASK_;
	c.element_bytes_ = 0;
	c.value_task_ = value_task;
	c.to_ = NULL;
	return c;
}

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

/*
 * Waits for the first of `count` cases (1 to BIDE_SELECT_COUNT_MAX). Misuse, and EINVAL: a count
 * out of range, a NULL, an element of another size than the channel's, two delays; with one worker,
 * a delay on another thread. ENOMEM: no case has happened. Cost: an object from the pool, and a
 * lock for each case.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_select(const bide_select_case *cases, size_t count);

BIDE_END_DECLS

#endif
