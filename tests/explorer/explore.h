/*
 * explore.h - runs two or three logical threads over the real code of src and of the workers of
 * workers (src/runtime) in every order that matters.
 *
 * Every atomic is a scheduling point; the search is depth-first, without a bound, and leaves out
 * only orders that differ in the succession of accesses to different memory (sleep sets). A load
 * may also give an older value, as far as the written orders and coherence allow it; so a load that
 * is too weak sees stale data, and a store that is too weak publishes nothing. Plain accesses come
 * through the compiler's thread instrumentation: each is checked for a data race by vector clocks,
 * and for memory that was given back.
 *
 * Not covered: a store that takes effect before an earlier load of its thread (load buffering), and
 * two stores to one place in another order than they were made.
 */
#ifndef EXPLORE_H
#define EXPLORE_H

#include "base/everything.h"
#include "support/test.h"
#include "tasks/task.h"
#include "tasks/task_await.h"

enum { EXPLORE_THREADS = 3 };

typedef struct explore_scenario {
	void (*setup)(void); /* alone, before */
	void (*threads[EXPLORE_THREADS])(void);
	void (*check)(void); /* alone, after */
	unsigned external;   /* bit n: thread n is no worker. The others all are. */
	/* loads give the newest value: sequential consistency, for what would take too long */
	bool newest_only;
	/*
	 * so often at most a thread that could go on is interrupted, for what would never end; 0: no
	 * bound
	 */
	unsigned switches_max;
	/* what workers make is made as with workers = 1: without BIDE_FLAG_SYNC_ */
	bool one_worker;
	bool no_membarrier; /* there is no heavy fence */
	/* many workers: what may be touched by any thread is */
	bool shared;
	/*
	 * All threads that have not ended sleep; may they? Then they are told that it is over. NULL:
	 * this is a deadlock.
	 */
	void (*quiet)(void);
	void (*offered)(bide_thread_head *head); /* bide_port_offer_ */
} explore_scenario;

/*
 * Explores it all; fails the test at the first order that breaks something, and prints that order.
 */
void explore(const char *name, const explore_scenario *scenario);

/* In a worker's thread: runs what is scheduled and posted, until the other threads have ended. */
void explore_run(void);
/* The same for one of them, or until something changed. */
void explore_run_once(void);
/* One of them, if there is one. */
bool explore_run_now(void);
/* In setup: empties the queue; the scenario resumes by hand. */
void explore_unschedule(void);
/* In check: runs what is runnable. */
void explore_finish(void);
/* In a worker's thread: what it has to run is run by the thread that calls explore_run. */
void explore_hand_on(void);
/* In a thread: ends the timer that was armed first. false: none is. */
bool explore_expire(void);
/* In a thread that sleeps with bide_os_wait_: the scenario's `quiet` has been called. */
bool explore_is_over(void);
/* In `quiet`. */
bool explore_sleeps(int thread, int64_t *until_ns);
/* Of a logical thread, by its number. */
bide_thread_head *explore_head(int thread);
/* In a thread: waits until *word (which others set with BIDE_STORE) is not 0. */
void explore_await_word(uint32_t *word);
/* In a thread that goes round until others change *word, followed by explore_relax(). */
uint32_t explore_newest(const uint32_t *word);
/*
 * Have it checked that a source from a pool is not touched after it was given back, and count how
 * often it is.
 */
void explore_watch(const void *source);
unsigned explore_freed(const void *source);
/* Memory from bide_allocate_ is always watched. */
bool explore_is_released(const void *memory);

/* How often the unobserved hook was called in this execution. */
unsigned explore_unobserved(void);

/*
 * The test explore_<name>: SCENARIO(name, setup, THREADS(body, ...), check, .member = value, ...)
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
