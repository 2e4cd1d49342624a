/*
 * explore.c - an execution of a scenario, and the loop over all of them.
 *
 * Each execution begins in the same state: with the same pools and memory, and without a history.
 */
#include "engine.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "async/thread_init.h"
#include "base/count.h"
#include "base/settings.h"
#include "memory/pool.h"

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif
#ifndef RUNNING_ON_VALGRIND
#define RUNNING_ON_VALGRIND 0
#endif

struct engine engine;
bool bide_simulating_;

static void on_misuse(const char *text, void *argument)
{
	(void)argument;
	explore_fail("misuse: %s", text);
}

static void on_unobserved(int error, const char *name, bide_trace trace, void *argument)
{
	(void)error;
	(void)name;
	(void)trace;
	(void)argument;
	engine.unobserved++;
}

unsigned explore_unobserved(void)
{
	return engine.unobserved;
}

static int64_t objects_in_use(void)
{
	bide_stats stats;

	bide_stats_get(&stats);
	return (int64_t)stats.frame_count + (int64_t)stats.operation_count + (int64_t)stats.task_count;
}

/* Returns objects to the threads they came from, so that executions do not depend on each other. */
static void pools_balance(unsigned size_class)
{
	enum { ROOM = 64 };

	for (int from = 0; from < EXPLORE_THREADS; from++) {
		bide_pool *much = &engine.records[from].head.pool[size_class];

		for (int to = 0; to < EXPLORE_THREADS; to++) {
			bide_pool *little = &engine.records[to].head.pool[size_class];

			for (; much->room < ROOM && little->room > ROOM; much->room++, little->room--) {
				bide_source *source = much->free;
				much->free = (bide_source *)(uintptr_t)source->next_free;
				source->next_free = (uint64_t)(uintptr_t)little->free;
				little->free = source;
			}
		}
	}
}

static void prepare(void)
{
	engine.execution++;
	engine.place_count = engine.dirty_count = engine.step_count = engine.watched_count = 0;
	engine.watched_dirty = engine.redundant = engine.over = engine.ended = false;
	engine.unobserved = 0;
	engine.asleep = 0;
	engine.clock_ns = 0;
	engine.switches = 0;
	engine.trail_at = 0;
	memset(engine.watched, 0, sizeof engine.watched);
	for (unsigned c = 0; c < POOLS; c++)
		pools_balance(c);
	engine.current = NOBODY;
	bide_current_thread_ = &engine.records[0].head;
	engine.scenario->setup();
	memory_place_of(engine.queue, 1);
	memory_place_of(engine.wheel, 1);
	for (int i = 0; i < engine.count; i++) {
		logical *t = &engine.threads[i];

		t->body = engine.scenario->threads[i];
		t->started = t->finished = t->saw_old = t->wants_newest = false;
		t->last_place = 0;
		t->last_writes = 0;
		memset(&t->clock, 0, sizeof t->clock);
		memset(t->view, 0, sizeof t->view);
		memset(t->light, 0, sizeof t->light);
		memset(&t->unacquired, 0, sizeof t->unacquired);
		memset(&t->released, 0, sizeof t->released);
		t->asleep_on = NULL;
		t->until_ns = INT64_MAX;
		t->timed_out = false;
		t->clock.at[i] = 1;
		getcontext(&t->context);
		t->context.uc_stack.ss_sp = t->stack;
		t->context.uc_stack.ss_size = STACK_BYTES;
		makecontext(&t->context, schedule_thread_entry, 0);
	}
}

/* Walks the structures that last from one execution to the next. */
static void check_structures(void)
{
	if (!bide_pools_are_valid_() || !bide_counts_are_valid_())
		explore_fail("a structure that all threads share is broken");
	for (int i = 0; i < EXPLORE_THREADS; i++)
		if (!bide_pool_is_valid_(&engine.records[i].head))
			explore_fail("the pool of a thread is broken");
}

static void execute(void)
{
	enum { EXECUTIONS_BETWEEN_WALKS = 4096 };

	prepare();
	engine.running = true;
	for (int i = 0; i < engine.count; i++)
		schedule_switch_to(i); /* runs to its first access */
	schedule_next();
	if (engine.watched_dirty)
		race_flush_watched();
	engine.running = false;
	engine.ended = true;
	explore_finish(); /* for scenarios in which no worker runs its loop */
	engine.scenario->check();
	if (objects_in_use() != engine.in_use)
		explore_fail("%lld objects are left", (long long)(objects_in_use() - engine.in_use));
	if (engine.execution % EXECUTIONS_BETWEEN_WALKS == 1)
		check_structures();
	if (engine.redundant)
		engine.cut++;
	else
		engine.complete++;
}

static void *map(size_t size_bytes)
{
	void *at = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
	                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		abort();
	return at;
}

static void start(void)
{
	engine.arena = map(ARENA_BYTES);
	engine.arena_cells = map(ARENA_BYTES * sizeof(cell));
	engine.data_cells = map((size_t)(_end - __data_start) * sizeof(cell));
	bide_misuse_hook_set(on_misuse, NULL);
	bide_unobserved_hook_set(on_unobserved, NULL);
	bide_shared_ = engine.scenario->shared;
	for (int i = 0; i < EXPLORE_THREADS; i++) {
		bide_thread_head *head = &engine.records[i].head;

		engine.threads[i].stack = engine.arena + engine.arena_used;
		engine.arena_used += STACK_BYTES;
		bide_thread_init_(&engine.records[i], (uint32_t)i + 1, false);
		head->frame_flags = engine.scenario->one_worker && !(engine.scenario->external >> i & 1)
		                        ? 0
		                        : BIDE_FLAG_SYNC_;
		head->frame_tail = (uint64_t)head->frame_flags << BIDE_TAIL_FLAGS_;
		for (unsigned c = 0; c < POOLS; c++) { /* so that no execution has to fill a pool */
			bide_source *source = bide_pool_refill_(head, c, NULL);
			bide_pool_give_(head, source, c);
		}
	}
	engine.in_use = objects_in_use();
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Returns the number of orders after which a scenario ends: BIDE_EXPLORE_ORDERS, or no limit. */
static unsigned long long orders_max(void)
{
	const char *text = getenv("BIDE_EXPLORE_ORDERS");
	unsigned long long max = text ? strtoull(text, NULL, 10) : 0;

	return max ? max : ULLONG_MAX;
}

void explore(const char *name, const explore_scenario *scenario)
{
	const char *to = getenv("BIDE_EXPLORE_COUNTS");
	const unsigned long long max = orders_max();
	double started = now_s();
	FILE *file;

	if (RUNNING_ON_VALGRIND)
		SKIP("the explorer changes stacks, and checks each access itself");
	engine.name = name;
	engine.scenario = scenario;
	engine.current = NOBODY;
	while (engine.count < EXPLORE_THREADS && scenario->threads[engine.count])
		engine.count++;
	start();
	do
		execute();
	while (engine.complete + engine.cut < max && search_next());
	check_structures();
	printf("%s: %llu interleavings, %llu cut as equal to one of them, %.2f s\n", name,
	       (unsigned long long)engine.complete, (unsigned long long)engine.cut, now_s() - started);
	if (to && (file = fopen(to, "a"))) { /* the runner shows the output of failed tests only */
		fprintf(file, "%-60s %9llu interleavings, %9llu cut, %6.2f s\n", name,
		        (unsigned long long)engine.complete, (unsigned long long)engine.cut,
		        now_s() - started);
		fclose(file);
	}
}
