/*
 * What the scheduler counts: id, name in an answer and in results.jsonl, label, label in words. A
 * participant that counts says it for a million operations. C and C++.
 */
#ifndef BENCH_COUNT_NAMES_H
#define BENCH_COUNT_NAMES_H

#define BENCH_COUNTS(X)                                             \
	X(WAKES, "wakes", "wakes", "wakes")                             \
	X(VAIN_WAKES, "vain_wakes", "in vain", "wakes in vain")         \
	X(FENCES, "fences", "fences", "heavy fences")                   \
	X(THEFTS, "thefts", "thefts", "thefts")                         \
	X(LONE_THEFTS, "lone_thefts", "lone", "thefts of a lone entry") \
	X(SYSTEM_CALLS, "system_calls", "calls", "system calls")

enum count {
#define BENCH_COUNT_ID(id, ...) COUNT_##id,
	BENCH_COUNTS(BENCH_COUNT_ID)
#undef BENCH_COUNT_ID
		COUNT_COUNT
};

#endif
