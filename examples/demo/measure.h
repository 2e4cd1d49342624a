/*
 * measure.h - look-ups through the cache in both forms, at one hit ratio after the other.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>

#include "cache.h"

enum { RATIO_COUNT = 5, FORM_TASK = 0, FORM_VALUE_TASK = 1, FORM_COUNT = 2 };

/* The results for one look-up and its await. */
struct figures {
	double mean_ns;            /* the median of the rounds' means */
	int64_t p50_ns, p99_ns;    /* half of all, and 99 of 100, took at most this long; all rounds */
	double allocations, bytes; /* by bide's allocator */
};

struct ratio {
	int hit_percent;
	int64_t lookup_count; /* per round */
	struct figures form[FORM_COUNT];
	double times_as_fast; /* the value task compared with the task; median of the rounds */
	int faster_count;     /* number of rounds in which the value task was faster */
	int round_count;
};

struct plan {
	int64_t product_count;
	int64_t hot_count;  /* products in the cache; a hit is one of them */
	int64_t miss_count; /* maximum of look-ups that miss in a round */
	int64_t lookup_max; /* maximum of look-ups in a round */
	int round_count;
};

/* Prints its progress. Returns 0 or an error number. */
int measure_ratios(const struct plan *plan, struct cache *cache, struct ratio ratios[RATIO_COUNT]);

/*
 * Makes caller_count look-ups of one product that is not in the cache, all before the first gets
 * its answer. *same_count of them got the same task. Returns 0 or an error number.
 */
int measure_stampede(struct cache *cache, int64_t product, int64_t caller_count,
                     int64_t *same_count);

#endif
