/*
 * The contents of the table: its rows, their targets, the participants in them, the programs that
 * answer for these, and what the scheduler counts. These maps drive everything else in the harness.
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "count_names.h"

/*
 * The id of a participant, its name in results.jsonl, and its label. The order is that of the
 * table. Those up to WHO_FLOOR are bide and the floors; the others are its peers.
 */
#define BENCH_WHO(X)                                          \
	X(BIDE, "bide", "bide")                                   \
	X(CALL, "call", "plain call")                             \
	X(MALLOC, "malloc", "malloc + free")                      \
	X(CALLBACKS, "callbacks", "bare callbacks")               \
	X(LOCKED, "locked", "locked instruction")                 \
	X(BARE, "bare", "bare threads")                           \
	X(BARE_LINES, "bare_lines", "bare threads, two lines")    \
	X(CPP20, "cpp20", "C++20")                                \
	X(TBB, "tbb", "oneTBB")                                   \
	X(RAYON, "rayon", "rayon")                                \
	X(DOTNET_VALUETASK, "dotnet_valuetask", ".NET ValueTask") \
	X(DOTNET_TASK, "dotnet_task", ".NET Task")                \
	X(GO, "go", "Go")                                         \
	X(TOKIO, "tokio", "tokio")                                \
	X(LIBUV, "libuv", "libuv")

enum who {
#define BENCH_WHO_ID(id, ...) WHO_##id,
	BENCH_WHO(BENCH_WHO_ID)
#undef BENCH_WHO_ID
		WHO_COUNT,
	WHO_FLOOR = WHO_BARE_LINES
};

/*
 * id, name of the row, name that selects it, unit, decimals, workers.
 *
 * workers: 0 is for the table of single steps, with everything on one thread; other numbers are for
 * the table of the scheduler, each participant with that many workers. Rows with one name that
 * selects them are measured together, round by round.
 */
#define BENCH_ROWS(X)                                                                    \
	X(READY_AWAIT, "ready_await", "ready_await", "ns", 2, 0)                             \
	X(FRAME_SYNC, "frame_sync", "frame_sync", "ns", 2, 0)                                \
	X(TASK_SYNC, "task_sync", "task_sync", "ns", 2, 0)                                   \
	X(SUSPEND_RESUME, "suspend_resume", "suspend_resume", "ns", 1, 0)                    \
	X(ROUND_TRIP, "round_trip", "round_trip", "ns", 1, 0)                                \
	X(ROUND_TRIP_SOURCE, "round_trip_source", "round_trip_source", "ns", 1, 0)           \
	X(SLEEPERS_BYTES, "sleepers_bytes", "sleepers", "bytes", 0, 0)                       \
	X(SLEEPERS_CREATE, "sleepers_create", "sleepers", "ns", 0, 0)                        \
	X(SLEEPERS_FIRE, "sleepers_fire", "sleepers", "ns", 0, 0)                            \
	X(TIMERS, "timers", "timers", "ns", 1, 0)                                            \
	X(TIMERS_100K, "timers_100k", "timers", "ns", 1, 0)                                  \
	X(AWAIT_DEPTH, "await_depth", "await_depth", "ns", 1, 0)                             \
	X(SPAWN_AWAIT_1, "spawn_await_1", "spawn_await", "ns", 1, 1)                         \
	X(SPAWN_AWAIT_2, "spawn_await_2", "spawn_await", "ns", 1, 2)                         \
	X(RUN_AWAIT_1, "run_await_1", "run_await", "ns", 1, 1)                               \
	X(RUN_AWAIT_2, "run_await_2", "run_await", "ns", 1, 2)                               \
	X(FORK_JOIN_FIB_1, "fork_join_fib_1", "fork_join_fib", "ns", 2, 1)                   \
	X(FORK_JOIN_FIB_2, "fork_join_fib_2", "fork_join_fib", "ns", 2, 2)                   \
	X(SKYNET_1, "skynet_1", "skynet", "ns", 2, 1)                                        \
	X(SKYNET_2, "skynet_2", "skynet", "ns", 2, 2)                                        \
	X(SUSPEND_RESUME_2, "suspend_resume_2", "suspend_resume_2", "ns", 1, 2)              \
	X(ROUND_TRIP_SOURCE_2, "round_trip_source_2", "round_trip_source_2", "ns", 1, 2)     \
	X(ROUND_TRIP_CROSS, "round_trip_cross", "round_trip_cross", "ns", 0, 2)              \
	X(MUTEX_1, "mutex_1", "mutex", "ns", 1, 1)                                           \
	X(MUTEX_2, "mutex_2", "mutex", "ns", 1, 2)                                           \
	X(MUTEX_CONTENDED_1, "mutex_contended_1", "mutex_contended", "ns", 1, 1)             \
	X(MUTEX_CONTENDED_2, "mutex_contended_2", "mutex_contended", "ns", 1, 2)             \
	X(SEMAPHORE_1, "semaphore_1", "semaphore", "ns", 1, 1)                               \
	X(SEMAPHORE_2, "semaphore_2", "semaphore", "ns", 1, 2)                               \
	X(SEMAPHORE_CONTENDED_1, "semaphore_contended_1", "semaphore_contended", "ns", 1, 1) \
	X(SEMAPHORE_CONTENDED_2, "semaphore_contended_2", "semaphore_contended", "ns", 1, 2) \
	X(GENERATOR_1, "generator_1", "generator", "ns", 1, 1)                               \
	X(GENERATOR_2, "generator_2", "generator", "ns", 1, 2)                               \
	X(GENERATOR_MAP_1, "generator_map_1", "generator_map", "ns", 1, 1)                   \
	X(GENERATOR_MAP_2, "generator_map_2", "generator_map", "ns", 1, 2)                   \
	X(GENERATOR_WAIT_1, "generator_wait_1", "generator_wait", "ns", 1, 1)                \
	X(GENERATOR_WAIT_2, "generator_wait_2", "generator_wait", "ns", 1, 2)                \
	X(CHANNEL_1_1_1, "channel_1_1_1", "channel_1_1", "ns", 1, 1)                         \
	X(CHANNEL_1_1_2, "channel_1_1_2", "channel_1_1", "ns", 1, 2)                         \
	X(CHANNEL_1_1_BATCH_1, "channel_1_1_batch_1", "channel_1_1_batch", "ns", 1, 1)       \
	X(CHANNEL_1_1_BATCH_2, "channel_1_1_batch_2", "channel_1_1_batch", "ns", 1, 2)       \
	X(CHANNEL_4_4_1, "channel_4_4_1", "channel_4_4", "ns", 1, 1)                         \
	X(CHANNEL_4_4_2, "channel_4_4_2", "channel_4_4", "ns", 1, 2)                         \
	X(CHANNEL_CAP1_1, "channel_cap1_1", "channel_cap1", "ns", 1, 1)                      \
	X(CHANNEL_CAP1_2, "channel_cap1_2", "channel_cap1", "ns", 1, 2)                      \
	X(CHANNEL_RENDEZVOUS_1, "channel_rendezvous_1", "channel_rendezvous", "ns", 1, 1)    \
	X(CHANNEL_RENDEZVOUS_2, "channel_rendezvous_2", "channel_rendezvous", "ns", 1, 2)    \
	X(CHANNEL_CROSS, "channel_cross", "channel_cross", "ns", 1, 2)                       \
	X(SELECT_2_READY_1, "select_2_ready_1", "select_2_ready", "ns", 1, 1)                \
	X(SELECT_2_READY_2, "select_2_ready_2", "select_2_ready", "ns", 1, 2)                \
	X(SELECT_2_WAITING_1, "select_2_waiting_1", "select_2_waiting", "ns", 1, 1)          \
	X(SELECT_2_WAITING_2, "select_2_waiting_2", "select_2_waiting", "ns", 1, 2)          \
	X(INJECT_2, "inject_2", "inject", "ns", 1, 2)                                        \
	X(WAKE_LATENCY_2, "wake_latency_2", "wake_latency", "ns", 0, 2)                      \
	X(PIPELINE_OVERLAP_2, "pipeline_overlap_2", "pipeline_overlap", "x ideal", 2, 2)     \
	X(HIDDEN_RUN_2, "hidden_run_2", "hidden_run", "us", 0, 2)                            \
	X(HIDDEN_LEAF_2, "hidden_leaf_2", "hidden_leaf", "x ideal", 2, 2)                    \
	X(IDLE_CPU_2, "idle_cpu_2", "idle_cpu", "us", 0, 2)

enum row {
#define BENCH_ROW_ID(id, ...) ROW_##id,
	BENCH_ROWS(BENCH_ROW_ID)
#undef BENCH_ROW_ID
		ROW_COUNT
};

/* What a target compares bide's value with; everything is of the same run. */
enum target_kind {
	TARGET_TIMES,   /* at most `bound` times the value of the participant `of` */
	TARGET_ELSE,    /* the same, if the participant of the target before is missing */
	TARGET_SPEEDUP, /* less than the value of bide's row `of`, by at least `bound` times */
	TARGET_COUNT,   /* at most `bound` of the count `of` for a million operations */
	TARGET_VALUE,   /* at most `bound`, in a unit that is a ratio itself */
};

/* row, kind, bound, of. Those of a row stand together. README.md says why each is what it is. */
#define BENCH_TARGETS(X)                                   \
	X(READY_AWAIT, TIMES, 1.10, WHO_CALL)                  \
	X(FRAME_SYNC, TIMES, 0.75, WHO_MALLOC)                 \
	X(TASK_SYNC, TIMES, 0.80, WHO_DOTNET_TASK)             \
	X(TASK_SYNC, ELSE, 2.00, WHO_MALLOC)                   \
	X(SUSPEND_RESUME, TIMES, 2.00, WHO_CALLBACKS)          \
	X(ROUND_TRIP, TIMES, 4.00, WHO_CALLBACKS)              \
	X(ROUND_TRIP_SOURCE, TIMES, 6.00, WHO_CALLBACKS)       \
	X(SLEEPERS_BYTES, TIMES, 1.40, WHO_MALLOC)             \
	X(SLEEPERS_CREATE, TIMES, 2.00, WHO_MALLOC)            \
	X(SLEEPERS_FIRE, TIMES, 4.00, WHO_MALLOC)              \
	X(TIMERS, TIMES, 1.00, WHO_MALLOC)                     \
	X(TIMERS_100K, TIMES, 1.00, WHO_MALLOC)                \
	X(AWAIT_DEPTH, TIMES, 1.00, WHO_CPP20)                 \
	X(AWAIT_DEPTH, ELSE, 2.25, WHO_MALLOC)                 \
	X(SPAWN_AWAIT_1, TIMES, 4.00, WHO_CALL)                \
	X(SPAWN_AWAIT_2, TIMES, 2.00, WHO_LOCKED)              \
	X(SPAWN_AWAIT_2, COUNT, 10, COUNT_SYSTEM_CALLS)        \
	X(RUN_AWAIT_1, TIMES, 2.00, WHO_CALLBACKS)             \
	X(RUN_AWAIT_2, TIMES, 6.00, WHO_LOCKED)                \
	X(RUN_AWAIT_2, COUNT, 10, COUNT_SYSTEM_CALLS)          \
	X(FORK_JOIN_FIB_1, TIMES, 4.00, WHO_CALL)              \
	X(FORK_JOIN_FIB_2, SPEEDUP, 1.85, ROW_FORK_JOIN_FIB_1) \
	X(FORK_JOIN_FIB_2, TIMES, 1.00, WHO_RAYON)             \
	X(SKYNET_1, TIMES, 5.00, WHO_CALL)                     \
	X(SKYNET_2, SPEEDUP, 1.90, ROW_SKYNET_1)               \
	X(SUSPEND_RESUME_2, TIMES, 6.00, WHO_LOCKED)           \
	X(SUSPEND_RESUME_2, COUNT, 10, COUNT_SYSTEM_CALLS)     \
	X(ROUND_TRIP_SOURCE_2, TIMES, 8.00, WHO_LOCKED)        \
	X(ROUND_TRIP_SOURCE_2, COUNT, 10, COUNT_SYSTEM_CALLS)  \
	X(MUTEX_1, TIMES, 0.50, WHO_DOTNET_TASK)               \
	X(MUTEX_2, TIMES, 0.50, WHO_DOTNET_TASK)               \
	X(MUTEX_CONTENDED_1, TIMES, 1.00, WHO_DOTNET_TASK)     \
	X(MUTEX_CONTENDED_2, TIMES, 1.00, WHO_DOTNET_TASK)     \
	X(SEMAPHORE_1, TIMES, 1.00, WHO_DOTNET_TASK)           \
	X(SEMAPHORE_2, TIMES, 1.00, WHO_DOTNET_TASK)           \
	X(SEMAPHORE_CONTENDED_1, TIMES, 1.00, WHO_DOTNET_TASK) \
	X(SEMAPHORE_CONTENDED_2, TIMES, 1.00, WHO_DOTNET_TASK) \
	X(ROUND_TRIP_CROSS, TIMES, 1.50, WHO_BARE_LINES)       \
	X(GENERATOR_1, TIMES, 0.40, WHO_DOTNET_VALUETASK)      \
	X(GENERATOR_2, TIMES, 0.40, WHO_DOTNET_VALUETASK)      \
	X(GENERATOR_MAP_1, TIMES, 0.40, WHO_DOTNET_VALUETASK)  \
	X(GENERATOR_MAP_2, TIMES, 0.40, WHO_DOTNET_VALUETASK)  \
	X(GENERATOR_WAIT_1, TIMES, 0.40, WHO_DOTNET_VALUETASK) \
	X(GENERATOR_WAIT_2, TIMES, 0.40, WHO_DOTNET_VALUETASK) \
	X(CHANNEL_1_1_1, TIMES, 0.50, WHO_GO)                  \
	X(CHANNEL_1_1_2, TIMES, 0.50, WHO_GO)                  \
	X(CHANNEL_4_4_1, TIMES, 1.00, WHO_GO)                  \
	X(CHANNEL_4_4_2, TIMES, 1.00, WHO_GO)                  \
	X(CHANNEL_CAP1_1, TIMES, 1.00, WHO_GO)                 \
	X(CHANNEL_CAP1_2, TIMES, 1.00, WHO_GO)                 \
	X(CHANNEL_RENDEZVOUS_1, TIMES, 1.00, WHO_GO)           \
	X(CHANNEL_RENDEZVOUS_2, TIMES, 1.00, WHO_GO)           \
	X(CHANNEL_CROSS, TIMES, 1.00, WHO_GO)                  \
	X(SELECT_2_READY_1, TIMES, 1.00, WHO_GO)               \
	X(SELECT_2_READY_1, TIMES, 1.00, WHO_TOKIO)            \
	X(SELECT_2_READY_1, TIMES, 1.00, WHO_DOTNET_TASK)      \
	X(SELECT_2_READY_2, TIMES, 1.00, WHO_GO)               \
	X(SELECT_2_READY_2, TIMES, 1.00, WHO_TOKIO)            \
	X(SELECT_2_READY_2, TIMES, 1.00, WHO_DOTNET_TASK)      \
	X(SELECT_2_WAITING_1, TIMES, 1.00, WHO_GO)             \
	X(SELECT_2_WAITING_1, TIMES, 1.00, WHO_TOKIO)          \
	X(SELECT_2_WAITING_1, TIMES, 1.00, WHO_DOTNET_TASK)    \
	X(SELECT_2_WAITING_2, TIMES, 1.00, WHO_GO)             \
	X(SELECT_2_WAITING_2, TIMES, 1.00, WHO_TOKIO)          \
	X(SELECT_2_WAITING_2, TIMES, 1.00, WHO_DOTNET_TASK)    \
	X(INJECT_2, TIMES, 1.00, WHO_DOTNET_TASK)              \
	X(INJECT_2, ELSE, 1.00, WHO_BARE)                      \
	X(WAKE_LATENCY_2, TIMES, 1.25, WHO_BARE)               \
	X(PIPELINE_OVERLAP_2, VALUE, 1.50, 0)                  \
	X(HIDDEN_RUN_2, TIMES, 0.50, WHO_CALL)                 \
	X(HIDDEN_LEAF_2, VALUE, 1.20, 0)                       \
	X(IDLE_CPU_2, TIMES, 1.00, WHO_RAYON)                  \
	X(IDLE_CPU_2, ELSE, 1.50, WHO_BARE)

/*
 * Programs in the folder `peers` beside the harness: name, whether its allocations are counted in a
 * second process with the C allocator interposed (the others report the counters of their runtime),
 * the participants that it answers for, and the number of workers: each number is a process of its
 * own.
 */
#define BENCH_PROGRAMS(X)                                  \
	X("bide", true, "bide", 0)                             \
	X("native", true, "call, malloc, callbacks", 0)        \
	X("cpp20", true, "cpp20", 0)                           \
	X("dotnet", false, "dotnet_valuetask, dotnet_task", 0) \
	X("go", false, "go", 0)                                \
	X("tokio", true, "tokio", 0)                           \
	X("libuv", true, "libuv", 0)                           \
	X("bide_workers", true, "bide", 1)                     \
	X("bide_workers", true, "bide", 2)                     \
	X("native", true, "call, callbacks", 1)                \
	X("native", true, "locked", 2)                         \
	X("threads", true, "call, bare", 1)                    \
	X("threads", true, "call, bare, bare_lines", 2)        \
	X("cpp20", true, "cpp20", 1)                           \
	X("tbb", true, "tbb", 1)                               \
	X("tbb", true, "tbb", 2)                               \
	X("rayon", true, "rayon", 1)                           \
	X("rayon", true, "rayon", 2)                           \
	X("tokio", true, "tokio", 1)                           \
	X("tokio", true, "tokio", 2)                           \
	X("go", false, "go", 1)                                \
	X("go", false, "go", 2)                                \
	X("dotnet", false, "dotnet_valuetask, dotnet_task", 1) \
	X("dotnet", false, "dotnet_valuetask, dotnet_task", 2)

#define BENCH_ONE(...) +1
enum {
	PROGRAM_COUNT = 0 BENCH_PROGRAMS(BENCH_ONE),
	TARGET_COUNT_ALL = 0 BENCH_TARGETS(BENCH_ONE),
	ROUNDS_MAX = 99
};
#undef BENCH_ONE

struct row_info {
	const char *name, *group, *unit;
	int decimals;
	int workers;
};

struct target {
	enum row row;
	enum target_kind kind;
	double bound;
	int of; /* a participant, a row or a count, by the kind */
};

struct count_info {
	const char *name, *label, *words;
};

extern const struct row_info row_infos[ROW_COUNT];
extern const char *const who_names[WHO_COUNT], *const who_labels[WHO_COUNT];
extern const struct target targets[TARGET_COUNT_ALL];
extern const struct count_info count_infos[COUNT_COUNT];

#endif
