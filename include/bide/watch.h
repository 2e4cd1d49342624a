/*
 * watch.h - a value that changes, and functions that wait for the newest one.
 *
 *     my->limits = watch_create(sizeof(struct limits), &first);
 *     ...
 *     watch_set(my->in.limits, next);                             // one function
 *     ...
 *     watch_close(my->in.limits, 0);                              // there will be no other value
 *
 *     while (my->error == 0) {                                    // any number of others
 *             my->seen = watch_get(my->in.limits, &my->value);
 *             use(&my->value);
 *             await_or(watch_changed(my->in.limits, my->seen), my->error = await_error);
 *     }                                                           // BIDE_EEND after the close
 *
 * Each value has a version, which grows by one. A reader keeps the version that it has seen, and
 * waits for another one. It gets the newest value, and never learns of those that came in between.
 * So a slow reader holds nothing up, and a watch has no queue.
 *
 * Cancellation: a wait ends with the context's error; in a context that is canceled it fails at
 * once. Threads: any thread may call all functions. Each call needs a reference while it runs; a
 * wait needs none.
 */
#ifndef BIDE_WATCH_H
#define BIDE_WATCH_H

#include "value_task.h"

typedef struct bide_watch bide_watch;

#define BIDE_WATCH_VALUE_BYTES_MAX 256

BIDE_BEGIN_DECLS

/*
 * Returns a new watch with one reference and a copy of the first value, of 1 to 256 bytes, which
 * has version 1. NULL: there is no memory; or misuse, a size out of range or a NULL.
 */
BIDE_API BIDE_USE_RESULT bide_watch *bide_watch_create(size_t value_bytes, const void *value);
/* Takes one more reference and returns its argument. NULL is misuse. */
BIDE_API bide_watch *bide_watch_ref(bide_watch *watch);
/* Drops a reference; NULL does nothing. After the last one, waits fail with BIDE_EBROKEN. */
BIDE_API void bide_watch_unref(bide_watch *watch);

/*
 * bide_watch_set(watch, value) stores a copy of the value, of any type of value_bytes, as the next
 * version, and wakes all that wait. An array does not compile, as with bide_channel_write. Returns
 * 0; EPIPE if the watch is closed; EINVAL after misuse (a value of another size).
 */
BIDE_API int bide_watch_set_(bide_watch *watch, const void *value, size_t value_bytes);
/*
 * Copies the newest value to `value`, which may be NULL, and returns its version. Misuse returns 0,
 * which is no version.
 */
BIDE_API uint64_t bide_watch_get(bide_watch *watch, void *value);
/*
 * Returns a value task that is ready as soon as the version is not `seen`; its result is the
 * version. With 0 it is ready at once. After bide_watch_close it fails when `seen` is the last
 * version: with BIDE_EEND, or the error of the close. ENOMEM: there is no memory for the wait.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_watch_changed(bide_watch *watch, uint64_t seen);
/*
 * Closes the watch: its value stays. Returns true for the call that closed it. error: 0 or
 * BIDE_EEND for the end; another one is what waits get, except that ECANCELED becomes EPIPE. A
 * number outside of 0 to 4095 is misuse: false.
 */
BIDE_API bool bide_watch_close(bide_watch *watch, int error);

BIDE_END_DECLS

#ifdef __cplusplus
template <typename Value> inline int bide_watch_set(bide_watch *watch, const Value &value)
{
	return bide_watch_set_(watch, &value, sizeof value);
}
/* An array would be stored as its address. */
template <typename Value, size_t count>
int bide_watch_set(bide_watch *watch, const Value (&array)[count]) = delete;
#else
#define bide_watch_set(watch, ...) \
	(BIDE_NOTE_(bide_watch_set), bide_watch_set_((watch), BIDE_COPY_OF_(__VA_ARGS__)))
#endif

#endif
