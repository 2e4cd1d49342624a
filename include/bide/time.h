/*
 * time.h - one monotonic clock, delays, yields, periodic timers. Never early.
 *
 * Every time in this library is an int64_t in nanoseconds; BIDE_MS and BIDE_SECONDS make one:
 *
 *     await(bide_delay(BIDE_MS(20)));
 *
 * A timer that is due at t runs at t or up to 65.6 microseconds later, plus what its worker is busy
 * with: with many workers another one that looks for work takes it over once it is 1 ms late. With
 * the virtual clock (runtime.h) it runs exactly at t.
 */
#ifndef BIDE_TIME_H
#define BIDE_TIME_H

#include "frame.h"

/*
 * n milliseconds or seconds in nanoseconds; n is an integer, which is evaluated once. What does not
 * fit is BIDE_FOREVER. Of a constant it is a constant.
 */
#define BIDE_MS(n) BIDE_TIMES_(n, INT64_C(1000000))
#define BIDE_SECONDS(n) BIDE_TIMES_(n, INT64_C(1000000000))
/* Never. Allowed wherever a time limits something. */
#define BIDE_FOREVER INT64_MAX

#ifdef __cplusplus
#define BIDE_CONSTEXPR_ constexpr
#define BIDE_TIMES_(n, unit_ns) bide_times_((n) | 0, (unit_ns))
#else
#define BIDE_CONSTEXPR_
/* `| 0` refuses what is no integer. */
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

/* Nanoseconds of CLOCK_MONOTONIC, or of the virtual clock. Any thread. */
BIDE_API int64_t bide_now_ns(void);

/*
 * Ready after that time. 0: at once, nothing is allocated. BIDE_FOREVER, and what ends beyond it:
 * never, only cancellation ends it. Below zero: misuse, EINVAL. Cancellable: fails at once with the
 * context's error. Cost: a timer from the pool, 48 bytes (96 in a context), O(1) to arm and to
 * cancel. ENOMEM.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_delay(int64_t delay_ns);
BIDE_API BIDE_USE_RESULT bide_value_task bide_delay_ms(int64_t delay_ms);
/* The same until a moment of bide_now_ns; one that has passed: at once. */
BIDE_API BIDE_USE_RESULT bide_value_task bide_delay_until(int64_t deadline_ns);

/*
 * Never ready: awaiting it lets everything else that is runnable on this worker, or in the
 * function's executor, run first. Allocates nothing.
 */
BIDE_INLINE BIDE_USE_RESULT bide_value_task bide_async_yield(void)
{
	bide_value_task v;
	v.payload.generation = 1; /* never matches: awaiting it takes the slow path, which knows it */
	v.state = (uintptr_t)&bide_yield_source_;
	return v;
}

/*
 * --- periodic timer: one consumer; ticks that were missed merge into one. With many workers any
 * thread may call any of these, also while the consumer waits; with one the worker's thread, but
 * for stop and destroy, which any thread may call. After destroy nobody calls anything ---
 */

typedef struct bide_periodic_timer bide_periodic_timer;

/*
 * period_ns: 1 or more; else misuse, and NULL. BIDE_FOREVER: it does not tick. NULL: no memory. The
 * first tick is one period from now. A tick beyond the end of time never comes.
 */
BIDE_API BIDE_USE_RESULT bide_periodic_timer *bide_periodic_timer_create(int64_t period_ns);
/* Changes the period; a pending wait follows it. 0, EINVAL (misuse). */
BIDE_API int bide_periodic_timer_set_period(bide_periodic_timer *timer, int64_t period_ns);
/*
 * The next tick: true (1); false (0) once the timer is stopped. Ready at once if a tick has passed
 * since the last wait. One wait at a time: a second is misuse, EBUSY. Cancellable; a canceled wait
 * can be followed by another.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_periodic_timer_next(bide_periodic_timer *timer);
/*
 * Ends it: a pending wait gives false. destroy frees it as well, as soon as the library is through
 * with it: the value task of that wait stays valid. NULL does nothing.
 */
BIDE_API void bide_periodic_timer_stop(bide_periodic_timer *timer);
BIDE_API void bide_periodic_timer_destroy(bide_periodic_timer *timer);

BIDE_END_DECLS
#endif
