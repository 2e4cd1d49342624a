/*
 * price.h - the interface of an async function: an ordinary prototype, for C and C++.
 */
#ifndef PRICE_H
#define PRICE_H

#include <bide/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Returns the price in cents, or ENOENT if there is none. Takes 20 ms for an article that is new to
 * it.
 */
bide_value_task price_of(int article);

#ifdef __cplusplus
}
#endif
#endif
