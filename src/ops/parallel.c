/*
 * parallel.c - loops whose bodies run several at once: an async function for the loop, and lanes.
 *
 * The loop starts the first lane on its own stack. It starts further lanes only if there is work
 * for them:
 *
 *   - With several workers each lane begins by starting two more, cold, until there is one for each
 *     worker. They run where a worker is free, so a loop in the midst of others costs two at most.
 *   - Whenever a body turns out to be pending, until there are `limit`. With one worker the loop
 *     starts those of its first turn itself, one after the other: hot, but not nested.
 *
 * Relies on: a running member of a group may add to the group, also while a function waits for it.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/assert.h"
#include "base/misuse.h"
#include "base/own.h"
#include "base/port.h"
#include "base/text.h"
#include "context/context.h"
#include "ops/parallel_loop.h"

enum { GRAIN_MAX = 1 << 14 }; /* indexes in a part, if the user gave no grain */

/* --- starting lanes --- */

static bool lane_start_hot(parallel_loop *loop)
{
	if (!bide_lane_reserve_(loop, loop->limit))
		return false;
	return bide_lane_add_(loop, loop->kind == LOOP_ITEMS ? bide_item_lane_start_(loop)
	                                                     : bide_index_lane_start_(loop));
}

static bool lane_is_useful(parallel_loop *loop)
{
	return loop->kind == LOOP_ITEMS ? bide_loop_turn_is_free_(loop) : bide_loop_has_indexes_(loop);
}

/* Starts the first lanes. Called in the context of the group. */
static void launch(parallel_loop *loop)
{
	size_t workers = bide_port_worker_count_();
	bool any = false;

	loop->shared = bide_thread_()->frame_flags & BIDE_FLAG_SYNC_;
	loop->launching = !loop->shared;
	if (loop->kind != LOOP_ITEMS && workers > loop->count)
		workers = (size_t)loop->count;
	loop->spread = workers < loop->limit ? workers : loop->limit;
	do {
		loop->go_on = false;
		any |= lane_start_hot(loop);
	} while (loop->go_on && loop->lanes < loop->limit && lane_is_useful(loop));
	if (!loop->shared) /* otherwise lanes on other workers read it */
		loop->launching = false;
	BIDE_ASSERT_UNEXPLORED_(bide_loop_is_valid_(loop));
	if (!any)
		(void)bide_loop_keep_error_(loop, BIDE_ENOMEM_, 0);
}

/* --- the loop --- */

struct bide_parallel_loop {
	BIDE_ASYNC_FRAME;
	struct {
		parallel_loop loop;
	} in;
};

static bide_value_task loop_run(struct bide_parallel_loop *my)
{
	parallel_loop *loop = &my->in.loop;
	uintptr_t saved;

	if (bide_group_init(&loop->group, &(bide_group_options){ .keep_going = true }) != 0)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	loop->waiting_tail = &loop->waiting;
	saved = bide_context_push_(loop->group.context_);
	launch(loop);
	bide_context_pop_(saved);
	return bide_group_wait(&loop->group);
}

static bide_value_task loop_outcome(const parallel_loop *loop)
{
	bide_value_task v = bide_value_task_completed();
	int ambient;

	BIDE_ASSERT_(!loop->busy && !loop->waiting); /* all lanes have ended */
	BIDE_ASSERT_(loop->error ||
	             (loop->kind == LOOP_ITEMS ? loop->ended : loop->taken >= loop->count));

	if (loop->error == 0)
		return v;
	v.payload.trace = loop->trace;
	v.state = (uintptr_t)loop->error;
	ambient = bide_context_current_error();
	if (!ambient)
		return v;
	if (loop->error != ambient)
		bide_lost_(v, NULL);
	return bide_value_task_from_error(ambient);
}

BIDE_STATIC_ASSERT(offsetof(struct bide_parallel_loop, in.loop.lanes) + sizeof(size_t) <=
                       BIDE_COPY_BYTES_,
                   "a dump reads no further");

static const char *name_of(loop_kind kind)
{
	static const char *const names[] = { "bide_parallel_for", "bide_for_each", "bide_for_each_of" };

	return names[kind];
}

static void describe_loop(const void *copy, char *to, size_t size_bytes)
{
	const parallel_loop *loop = &((const struct bide_parallel_loop *)copy)->in.loop;
	uint64_t taken = loop->taken < loop->count ? loop->taken : loop->count;

	if (loop->kind == LOOP_ITEMS)
		bide_put_(to, size_bytes, "%s (%zu at once)", name_of(loop->kind), loop->lanes);
	else
		bide_put_(to, size_bytes, "%s (%llu of %llu begun, %zu at once)", name_of(loop->kind),
		          (unsigned long long)taken, (unsigned long long)loop->count, loop->lanes);
}

static const bide_own_ bide_parallel_loop_own_ = { .name = "bide_for_each",
	                                               .describe = describe_loop,
	                                               .is_placed = true };

bide_async(bide_parallel_loop)
{
	bide_async_begin;
	bide_await(loop_run(my));
	bide_async_return(loop_outcome(&my->in.loop));
bide_async_finally:
	bide_async_end;
}

static bide_value_task loop_start(parallel_loop loop, const bide_parallel_options *options)
{
	int canceled = bide_context_current_error();
	bide_value_task started;

	if (canceled)
		return bide_value_task_from_error(canceled);
	loop.limit = options && options->limit ? options->limit : bide_port_worker_count_();
	loop.keep_going = options && options->keep_going;
	/* Parts do not wait, so more lanes than workers would have nothing to do. */
	if (loop.kind == LOOP_PARTS && loop.limit > bide_port_worker_count_())
		loop.limit = bide_port_worker_count_();
	started = bide_parallel_loop_begin_(&loop, offsetof(struct bide_parallel_loop, in), sizeof loop,
	                                    BIDE_CALLED_AT_(name_of(loop.kind)));
	/* BIDE_ENOFRAME is an error of functions of the user's. */
	if (BIDE_UNLIKELY(started.state == BIDE_ENOFRAME))
		started.state = BIDE_ENOMEM_;
	return started;
}

static bide_value_task wrong(const char *function, const char *what)
{
	bide_misuse_("%s: %s", function, what);
	return bide_value_task_from_error(BIDE_EINVAL_);
}

bide_value_task bide_parallel_for(int64_t begin, int64_t end, bide_parallel_body *body,
                                  void *argument, const bide_parallel_options *options)
{
	parallel_loop loop = {
		.kind = LOOP_PARTS, .body.part = body, .argument = argument, .begin = begin
	};
	int64_t grain = options ? options->grain : 0;

	if (!body)
		return wrong("bide_parallel_for", "body is NULL");
	if (grain < 0)
		return wrong("bide_parallel_for", "grain is below zero; 0 lets bide choose");
	if (end <= begin)
		return bide_value_task_completed();
	loop.index_count = (uint64_t)end - (uint64_t)begin;
	loop.grain = (uint64_t)grain;
	if (grain == 0) {
		loop.grain = loop.index_count / 8 / bide_port_worker_count_();
		loop.grain = loop.grain < 1 ? 1 : loop.grain > GRAIN_MAX ? GRAIN_MAX : loop.grain;
	}
	loop.count = loop.index_count / loop.grain + (loop.index_count % loop.grain != 0);
	return loop_start(loop, options);
}

bide_value_task bide_for_each(int64_t begin, int64_t end, bide_each_body *body, void *argument,
                              const bide_parallel_options *options)
{
	parallel_loop loop = {
		.kind = LOOP_INDEXES, .body.index = body, .argument = argument, .begin = begin
	};

	if (!body)
		return wrong("bide_for_each", "body is NULL");
	if (end <= begin)
		return bide_value_task_completed();
	loop.count = (uint64_t)end - (uint64_t)begin;
	return loop_start(loop, options);
}

bide_value_task bide_for_each_of(bide_next_function *next, bide_each_item_body *body,
                                 void *argument, const bide_parallel_options *options)
{
	parallel_loop loop = {
		.kind = LOOP_ITEMS, .body.item = body, .next = next, .argument = argument
	};

	if (!next || !body)
		return wrong("bide_for_each_of", !next ? "next is NULL" : "body is NULL");
	return loop_start(loop, options);
}
