/*
 * price.h - an async function as others see it: an ordinary prototype, for C and C++ alike.
 */
#ifndef PRICE_H
#define PRICE_H

#include <bide/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The price in cents; ENOENT if there is none. Takes 20 ms for an article it has not seen. */
bide_value_task price_of(int article);

#ifdef __cplusplus
}
#endif
#endif
