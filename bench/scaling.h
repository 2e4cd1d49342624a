/* The curves of the scheduler: time against tasks, and speed-up against workers. */
#ifndef BENCH_SCALING_H
#define BENCH_SCALING_H

#include <stdbool.h>

/*
 * Measures and draws; README.md says what. Writes <results>.jsonl, <results>.dat,
 * <results>_time.svg and <results>_speedup.svg. False, with a message: something was not written.
 */
bool scaling_run(const char *machine);

#endif
