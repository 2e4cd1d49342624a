/* Whether bide's rows keep their targets; rows.h has the targets. */
#ifndef BENCH_TARGETS_H
#define BENCH_TARGETS_H

#include "report.h"

enum { TARGET_TEXT_BYTES = 256 };

/*
 * Returns the limit of bide's value: the lowest of the row's targets whose participants and rows
 * were measured. NAN if there is none.
 */
double target_limit(const struct results *results, enum row row);
/*
 * Writes each target of the row and whether it is met: "1.10 x call (0.99): met; ...". A target
 * that decides nothing here says why. Writes an empty text if the row has none.
 */
const char *target_verdict(char out[TARGET_TEXT_BYTES], const struct results *results,
                           enum row row);
/* The same for the row's targets on counts, and only for those. */
const char *target_count_verdict(char out[TARGET_TEXT_BYTES], const struct results *results,
                                 enum row row);
/* Prints how many targets of the measured rows are met, and each that is missed. */
void target_print_summary(const struct results *results);

#endif
