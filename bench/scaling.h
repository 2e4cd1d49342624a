/* The curves of the scheduler: time by number of tasks, and speed-up by number of workers. */
#ifndef BENCH_SCALING_H
#define BENCH_SCALING_H

#include <stdbool.h>

/*
 * Measures and draws; README.md describes it. Writes <results>.jsonl, <results>.dat,
 * <results>_time.svg and <results>_speedup.svg. Returns false, with a message, if something was not
 * written.
 */
bool scaling_run(const char *machine);

#endif
