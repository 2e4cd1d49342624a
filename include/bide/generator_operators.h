/*
 * generator_operators.h - generators made of generators: map, filter, take, buffer, merge, timeout.
 *
 *     my->all = bide_generator_map(
 *             bide_generator_filter(bide_generator_start(lines, .file = file), is_record, NULL),
 *             parse, NULL);
 *     bide_await_each(my->record, my->all)
 *             ...
 *     ...
 *     bide_await(bide_generator_end(my->all)); // ends all of them
 *
 * An operator consumes the generators that it is given: it ends them in its own cleanup. So it does
 * if it fails, and returns NULL because there is no memory. bide_generator_next of NULL fails with
 * ENOMEM, so a chain of operators needs no test; and an operator that is given NULL returns NULL.
 *
 * A generator has one consumer. To give it to a second operator, twice to a merge, or to
 * bide_generator_end as well is misuse. The operator then returns NULL, and has ended those of its
 * generators that have no consumer.
 *
 * A failure of a generator below is the failure of the operator. The functions may wait, and run in
 * the context of the operator, which is a child of the context of the call.
 *
 * Cost: an operator is a generator of the library's: two objects from the pools. An element that is
 * there at once allocates nothing.
 */
#ifndef BIDE_GENERATOR_OPERATORS_H
#define BIDE_GENERATOR_OPERATORS_H

#include "generator.h"

/*
 * Is called for an element; a pointer is payload.p. Its result is an element, or for filter a
 * number: not 0 keeps the element. If it fails, the operator fails.
 */
typedef bide_value_task bide_generator_function(bide_payload element, void *argument);

BIDE_BEGIN_DECLS

/* Emits what the function returns for each element. */
BIDE_API BIDE_USE_RESULT bide_generator *bide_generator_map(bide_generator *generator,
                                                            bide_generator_function *function,
                                                            void *argument);
/* Emits the elements for which the function returns another number than 0. */
BIDE_API BIDE_USE_RESULT bide_generator *bide_generator_filter(bide_generator *generator,
                                                               bide_generator_function *function,
                                                               void *argument);
/*
 * Emits the first `count` elements. It does not ask for one more. A number below zero is misuse: it
 * ends the generator and returns NULL.
 */
BIDE_API BIDE_USE_RESULT bide_generator *bide_generator_take(bide_generator *generator,
                                                             int64_t count);
/*
 * Emits the same elements, each at most timeout_ns after it was asked for. Otherwise it fails with
 * ETIMEDOUT. A number below zero is misuse: it ends the generator and returns NULL.
 */
BIDE_API BIDE_USE_RESULT bide_generator *bide_generator_timeout(bide_generator *generator,
                                                                int64_t timeout_ns);
/*
 * Emits the same elements, and lets the producer run ahead: up to `capacity` elements, counting the
 * one that the consumer has. It begins to run at the first call of bide_generator_next. So an
 * element may not point into the frame of the producer. A capacity of 0 is misuse: it ends the
 * generator and returns NULL.
 */
BIDE_API BIDE_USE_RESULT bide_generator *bide_generator_buffer(bide_generator *generator,
                                                               size_t capacity);
/*
 * Emits the elements of all generators, as they come; those of one generator in their order. The
 * producers run at the same time, from the first call of bide_generator_next on. A producer goes on
 * when the consumer asks for the element that follows its own, so elements may point into its
 * frame. The first failure ends the others. The array is copied. One NULL among the generators ends
 * the others, and it returns NULL. A count of 0 is an end at once. NULL with a count is misuse.
 */
BIDE_API BIDE_USE_RESULT bide_generator *bide_generator_merge(bide_generator *const *generators,
                                                              size_t count);

BIDE_END_DECLS
#endif
