/*
 * operators.h - what the operators share.
 */
#ifndef BIDE_GENERATOR_OPERATORS_INTERNAL_H
#define BIDE_GENERATOR_OPERATORS_INTERNAL_H

#include "base/library.h"

/* Ends a generator that an operator cannot take. Nothing waits for its cleanup. */
BIDE_INTERNAL void bide_generator_drop_(bide_generator *generator);

#endif
