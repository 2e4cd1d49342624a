/*
 * time.h - one monotonic clock, delays, yields, periodic timers. No timer is ever early.
 *
 * Every time in this library is an int64_t in nanoseconds; BIDE_MS and BIDE_SECONDS make one:
 *
 *     await(bide_delay(BIDE_MS(20)));
 *
 * A timer that is due at t runs between t and 65.6 microseconds later, unless its worker is
 * busy. With many workers, another worker that looks for work takes the timer over once it is 1
 * ms late. With the virtual clock (runtime.h) it runs exactly at t.
 */
#ifndef BIDE_TIME_H
#define BIDE_TIME_H

#include "frame.h"

/*
 * Convert n milliseconds or seconds to nanoseconds. n is an integer, which is evaluated once. If
 * the result is too large, it is BIDE_FOREVER. The result of a constant is a constant.
 */
#define BIDE_MS(n) BIDE_TIMES_(n, INT64_C(1000000))
#define BIDE_SECONDS(n) BIDE_TIMES_(n, INT64_C(1000000000))
/* Never. It is allowed wherever a time limits something. */
#define BIDE_FOREVER INT64_MAX

#ifdef __cplusplus
#define BIDE_CONSTEXPR_ constexpr
#define BIDE_TIMES_(n, unit_ns) bide_times_((n) | 0, (unit_ns))
#else
#define BIDE_CONSTEXPR_
/* `| 0` refuses a value that is no integer. */
#define BIDE_TIMES_(n, unit_ns)                                              \
	__builtin_choose_expr(__builtin_constant_p(n),                           \
	                      BIDE_TIMES_CONSTANT_((int64_t)((n) | 0), unit_ns), \
	                      bide_times_((n) | 0, (unit_ns)))
#endif
#define BIDE_TIMES_CONSTANT_(n, unit_ns)              \
	((n) > INT64_MAX / (unit_ns)      ? BIDE_FOREVER  \
	 : (n) < -(INT64_MAX / (unit_ns)) ? -BIDE_FOREVER \
	                                  : (n) * (unit_ns))
BIDE_INLINE BIDE_CONSTEXPR_ int64_t bide_times_(int64_t n, int64_t unit_ns)
{
	return BIDE_TIMES_CONSTANT_(n, unit_ns);
}

BIDE_BEGIN_DECLS

/* Returns the nanoseconds of CLOCK_MONOTONIC, or of the virtual clock. Any thread. */
BIDE_API int64_t bide_now_ns(void);

/*
 * Returns a value task that is ready after delay_ns nanoseconds (bide_delay_ms: delay_ms
 * milliseconds). With 0 it is ready at once, and nothing is allocated. With BIDE_FOREVER, or a
 * time so large that it overflows, it is never ready, and only cancellation ends it. A number
 * below zero is misuse: EINVAL. If its context is canceled it fails at once with the context's
 * error. It fails with ENOMEM if there is no memory. Cost: a timer from the pool, 48 bytes (96
 * in a context), O(1) to arm and to cancel.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_delay(int64_t delay_ns);
BIDE_API BIDE_USE_RESULT bide_value_task bide_delay_ms(int64_t delay_ms);
/*
 * Does the same until a moment of bide_now_ns. If that has passed, the value task is ready at
 * once.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_delay_until(int64_t deadline_ns);

/*
 * Returns a value task that lets everything else that is runnable on this worker, or in the
 * function's executor, run first. Its await always suspends. It allocates nothing.
 */
BIDE_INLINE BIDE_USE_RESULT bide_value_task bide_async_yield(void)
{
	bide_value_task v;
	/* Never matches, so that an await takes the slow path, which knows this source. */
	v.payload.generation = 1;
	v.state = (uintptr_t)&bide_yield_source_;
	return v;
}

/*
 * --- Periodic timers. A timer has one consumer. Ticks that were missed merge into one. With
 * many workers any thread may call these functions, also while the consumer waits. With one
 * worker only the worker's thread may, except for stop and destroy, which any thread may call.
 * After destroy no call is allowed. ---
 */

typedef struct bide_periodic_timer bide_periodic_timer;

/*
 * Returns a timer, or NULL if there is no memory. period_ns is 1 or more; any other number is
 * misuse and returns NULL. With BIDE_FOREVER it does not tick. The first tick is one period from
 * now. A tick whose time overflows never comes.
 */
BIDE_API BIDE_USE_RESULT bide_periodic_timer *bide_periodic_timer_create(int64_t period_ns);
/*
 * Changes the period, counted from now, also for a pending wait. Returns 0, or EINVAL (misuse) for
 * a period below 1.
 */
BIDE_API int bide_periodic_timer_set_period(bide_periodic_timer *timer, int64_t period_ns);
/*
 * Returns a value task that is ready at the next tick. Its result is 1, and 0 once the timer is
 * stopped. It is ready at once if a tick has passed since the last wait. Only one wait at a time
 * is allowed: a second is misuse, EBUSY. It can be canceled; after a canceled wait you can wait
 * again.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_periodic_timer_next(bide_periodic_timer *timer);
/*
 * Ends the timer: the result of a pending wait is 0. bide_periodic_timer_destroy also frees the
 * timer, as soon as the library no longer uses it; the value task of a pending wait stays valid.
 * bide_periodic_timer_destroy(NULL) does nothing.
 */
BIDE_API void bide_periodic_timer_stop(bide_periodic_timer *timer);
BIDE_API void bide_periodic_timer_destroy(bide_periodic_timer *timer);

BIDE_END_DECLS
#endif
