/*
 * operators.h - what the operators share.
 *
 * An operator takes the generators that it is given before it does anything else. From then on it
 * is their consumer: a second operator, or an end by the user, is misuse.
 */
#ifndef BIDE_GENERATOR_OPERATORS_INTERNAL_H
#define BIDE_GENERATOR_OPERATORS_INTERNAL_H

#include "generator/generator.h"

/*
 * Takes generators for the operator with this name. Returns true if it has taken them all.
 * Otherwise it has taken none, because one of them is NULL, or may not be taken, which is misuse.
 * Those that may be taken were ended then.
 */
BIDE_INTERNAL bool bide_generators_take_(bide_generator *const *from, size_t count,
                                         const char *operator_name);
/* bide_generator_end, of a generator that the operator has taken. */
BIDE_INTERNAL bide_value_task bide_generator_end_taken_(bide_generator *generator);
/* The same. Nothing waits for the cleanup. */
BIDE_INTERNAL void bide_generator_drop_(bide_generator *generator);

#endif
