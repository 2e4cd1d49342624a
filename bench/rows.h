/*
 * What the table consists of: its rows with their targets, who may stand in them, and the programs
 * that speak for them. Everything else in the harness is driven by these three maps.
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

/*
 * who, as it is written in results.jsonl, and for people; the order is that of the table. Those up
 * to WHO_MALLOC are bide and the floors, the others its peers.
 */
#define BENCH_WHO(X)                                          \
	X(BIDE, "bide", "bide")                                   \
	X(CALL, "call", "plain call")                             \
	X(MALLOC, "malloc", "malloc + free")                      \
	X(CPP20, "cpp20", "C++20")                                \
	X(DOTNET_VALUETASK, "dotnet_valuetask", ".NET ValueTask") \
	X(DOTNET_TASK, "dotnet_task", ".NET Task")                \
	X(GO, "go", "Go")                                         \
	X(TOKIO, "tokio", "tokio")                                \
	X(LIBUV, "libuv", "libuv")

enum who {
#define BENCH_WHO_ID(id, ...) WHO_##id,
	BENCH_WHO(BENCH_WHO_ID)
#undef BENCH_WHO_ID
		WHO_COUNT
};

/*
 * id, name of the row, name that selects it, unit, decimals, target: at most `factor` x what `of`
 * gives in the same run, or `factor` units where `of` is WHO_COUNT; 0: no target. Targets are for
 * one worker.
 */
#define BENCH_ROWS(X)                                                                     \
	X(READY_AWAIT, "ready_await", "ready_await", "ns", 2, 1.15, WHO_CALL)                 \
	X(FRAME_SYNC, "frame_sync", "frame_sync", "ns", 2, 4, WHO_COUNT)                      \
	X(TASK_SYNC, "task_sync", "task_sync", "ns", 2, 0, WHO_COUNT)                         \
	X(SUSPEND_RESUME, "suspend_resume", "suspend_resume", "ns", 1, 15, WHO_COUNT)         \
	X(ROUND_TRIP, "round_trip", "round_trip", "ns", 1, 15, WHO_COUNT)                     \
	X(ROUND_TRIP_SOURCE, "round_trip_source", "round_trip_source", "ns", 1, 0, WHO_COUNT) \
	X(SLEEPERS_BYTES, "sleepers_bytes", "sleepers", "bytes", 0, 112, WHO_COUNT)           \
	X(SLEEPERS_CREATE, "sleepers_create", "sleepers", "ns", 0, 0, WHO_COUNT)              \
	X(SLEEPERS_FIRE, "sleepers_fire", "sleepers", "ns", 0, 0, WHO_COUNT)                  \
	X(TIMERS, "timers", "timers", "ns", 1, 8, WHO_COUNT)                                  \
	X(TIMERS_100K, "timers_100k", "timers", "ns", 1, 8, WHO_COUNT)                        \
	X(AWAIT_DEPTH, "await_depth", "await_depth", "ns", 1, 0, WHO_COUNT)

enum row {
#define BENCH_ROW_ID(id, ...) ROW_##id,
	BENCH_ROWS(BENCH_ROW_ID)
#undef BENCH_ROW_ID
		ROW_COUNT
};

/*
 * Programs in the folder `peers` beside the harness: name, whether its allocations are counted in a
 * second process with the C allocator interposed (the others report their runtime's counters), and
 * whom it speaks for.
 */
#define BENCH_PROGRAMS(X)                               \
	X("bide", true, "bide")                             \
	X("native", true, "call, malloc")                   \
	X("cpp20", true, "cpp20")                           \
	X("dotnet", false, "dotnet_valuetask, dotnet_task") \
	X("go", false, "go")                                \
	X("tokio", true, "tokio")                           \
	X("libuv", true, "libuv")

enum { PROGRAM_COUNT = 7, ROUNDS_MAX = 99 };

struct row_info {
	const char *name, *group, *unit;
	int decimals;
	double target;
	enum who target_of;
};

extern const struct row_info row_infos[ROW_COUNT];
extern const char *const who_names[WHO_COUNT], *const who_labels[WHO_COUNT];

#endif
