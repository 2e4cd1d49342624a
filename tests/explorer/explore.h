/*
 * explore.h - runs two or three logical threads over the real code of src in every order that
 * matters.
 *
 * Every atomic is a scheduling point. The search is depth-first and unbounded; it leaves out only
 * orders that differ in the succession of accesses to different memory (sleep sets). A load may
 * also return an older value, as far as memory orders and coherence allow it: a load that is too
 * weak sees stale data, and a store that is too weak publishes nothing. The compiler's thread
 * instrumentation reports plain accesses. Each is checked for a data race by vector clocks, and for
 * memory that was given back.
 *
 * Not covered are a store that takes effect before an earlier load of its thread (load buffering),
 * and two stores to one place that take effect in another order than they were made.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include "base/library.h"
#include "support/test.h"
#include "tasks/task.h"
#include "tasks/task_await.h"

enum { EXPLORE_THREADS = 3 };

typedef struct explore_scenario {
	void (*setup)(void); /* runs alone, before the threads */
	void (*threads[EXPLORE_THREADS])(void);
	void (*check)(void); /* runs alone, after the threads */
	unsigned external;   /* if bit n is set, thread n is not a worker */
	/*
	 * Loads return the newest value (sequential consistency), for scenarios that would take too
	 * long.
	 */
	bool newest_only;
	/*
	 * How often at most a thread that could go on is interrupted, for scenarios that would never
	 * end; 0 sets no bound.
	 */
	unsigned switches_max;
	/* Workers make objects as with workers = 1, without BIDE_FLAG_SYNC_. */
	bool one_worker;
	bool no_membarrier; /* there is no heavy fence */
	/* As with many workers: any thread may touch shared objects. */
	bool shared;
	bool has_clock; /* explore_pass moves the clock, which begins at 0; otherwise it stands */
	/*
	 * Called when all threads that have not ended sleep. It checks whether they may; they are then
	 * told that the scenario is over. If NULL, this is a deadlock.
	 */
	void (*quiet)(void);
	void (*offered)(bide_thread_head *head); /* bide_port_offer_ */
} explore_scenario;

/* Explores all orders. Fails the test at the first order that breaks something, and prints it. */
void explore(const char *name, const explore_scenario *scenario);

/* In a worker's thread: runs what is scheduled and posted until the other threads have ended. */
void explore_run(void);
/* Runs one scheduled frame or post, or waits until something changes. */
void explore_run_once(void);
/* Runs one scheduled frame or post. Returns false if there is none. */
bool explore_run_now(void);
/* In setup: empties the queue, so that the scenario resumes the frames itself. */
void explore_unschedule(void);
/* In check: runs everything that is runnable. */
void explore_finish(void);
/* In a worker's thread: passes its runnable frames to the thread that calls explore_run. */
void explore_hand_on(void);
/* In a thread: ends the timer that was armed first. Returns false if none is armed. */
bool explore_expire(void);
/*
 * In a thread or in check: lets time pass, and ends the timers that are due, in the order in which
 * they were armed. Returns false if there were none. The scenario has_clock.
 */
bool explore_pass(int64_t passed_ns);
/*
 * In a thread that sleeps with bide_os_wait_: returns true if `quiet` of the scenario was called.
 */
bool explore_is_over(void);
/* In `quiet`: returns true if the thread sleeps, and stores the end of its sleep. */
bool explore_sleeps(int thread, int64_t *until_ns);
/* Returns the head of a logical thread, by its number. */
bide_thread_head *explore_head(int thread);
/* In a thread: waits until *word, which others set with BIDE_STORE, is not 0. */
void explore_await_word(uint32_t *word);
/*
 * For a loop until another thread changes *word; explore_relax() follows. Returns the newest value.
 */
uint32_t explore_newest(const uint32_t *word);
/*
 * Checks that a source from a pool is not touched after it was given back, and counts how often it
 * is given back.
 */
void explore_watch(const void *source);
unsigned explore_freed(const void *source);
/* Returns whether the memory was released. Memory from bide_allocate_ is always watched. */
bool explore_is_released(const void *memory);

/* Returns how often the unobserved hook was called in this execution. */
unsigned explore_unobserved(void);

/*
 * Defines the test explore_<name>:
 * SCENARIO(name, setup, THREADS(body, ...), check, .member = value, ...)
 */
#define THREADS(...) \
	{                \
		__VA_ARGS__  \
	}
#define SCENARIO(name_, setup_, threads_, check_, ...)                         \
	TEST_SLOW(explore_##name_, 240)                                            \
	{                                                                          \
		static const explore_scenario scenario = {                             \
			.setup = setup_, .threads = threads_, .check = check_, __VA_ARGS__ \
		};                                                                     \
		explore("explore_" #name_, &scenario);                                 \
	}

#define EXPLORE_CHECK(condition) \
	((condition) ? (void)0       \
	             : explore_fail("does not hold: %s (%s:%d)", #condition, __FILE__, __LINE__))
_Noreturn void explore_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
