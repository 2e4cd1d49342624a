/*
 * retry.h - tries again: attempts with pauses between them, until one succeeds.
 *
 *     static value_task fetch(void *url)
 *     {
 *             return async_start(fetch_page, .url = url);
 *     }
 *     ...
 *     await(my->page, retry(fetch, url, &(retry_options){ .timeout_ns = BIDE_SECONDS(2) }));
 *
 * The pauses grow, so that a server that has failed is not asked by all of its clients at once and
 * again and again. Each pause is drawn between half of its length and all of it; in a simulation
 * the seed draws it.
 */
#ifndef BIDE_RETRY_H
#define BIDE_RETRY_H

#include "run.h"

typedef struct bide_retry_options {
	/* How many attempts there are at most. 0: 5. UINT_MAX: no limit. */
	unsigned attempts_max;
	/* Each pause is so many hundredths of the one before. 0: 200, twice as long; from 100 on. */
	unsigned factor_percent;
	/* The first pause. 0: 100 ms. */
	int64_t pause_ns;
	/* No pause is longer. 0: 30 seconds, or the first pause if that is longer. */
	int64_t pause_max_ns;
	/*
	 * A time limit for each attempt, which then fails with ETIMEDOUT. 0: none. Everything counts
	 * that the attempt waits for, a limiter too. Not to count that, leave it 0, and let the
	 * function limit what comes behind bide_limiter_acquire.
	 */
	int64_t timeout_ns;
	/* true: pauses have their full length; nothing is drawn. */
	bool exact;
	/*
	 * Returns true if an attempt that failed with this error may be repeated. It is called between
	 * two attempts, with the argument of bide_retry, and must not wait. NULL: all errors but
	 * ECANCELED.
	 */
	bool (*again)(int error, void *argument);
} bide_retry_options;

BIDE_BEGIN_DECLS

/*
 * Calls function(argument) and awaits what it returns, until an attempt succeeds, the attempts are
 * used up, or `again` returns false. The outcome of the last attempt is that of the value task,
 * with its trace. options may be NULL: all defaults; they are copied. argument is borrowed until
 * the value task is done. The first attempt begins inside the call.
 *
 * All of it runs in the current context. If that is canceled, or its deadline passes, there is no
 * further attempt: an attempt that runs is canceled, and its error is the outcome; a pause ends at
 * once, with the error of the context. If it was canceled before, the function is not called.
 *
 * The value task fails with ENOMEM if there is no memory for it or for a pause; it does not try
 * again then. An attempt whose function did not start (BIDE_ENOFRAME), or whose context found no
 * memory, has failed as any other; if it is the last, the outcome is ENOMEM. A result has at most 8
 * bytes: no bide_await_large. Misuse: EINVAL if function is NULL, a time is negative, or
 * factor_percent is 1 to 99. Any thread. Cost: a frame; a timer for each pause, and a context with
 * a timer for each attempt with a time limit, all from pools.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_retry(bide_run_function *function, void *argument,
                                                    const bide_retry_options *options);

BIDE_END_DECLS
#endif
