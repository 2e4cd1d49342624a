/*
 * parallel.c - loops whose bodies run several at once: an async function for the loop, and lanes.
 *
 * A lane is an async function that takes an index (or part, or item) and runs its body to the end,
 * again and again; so there are never more bodies than lanes, and a body costs no object. The loop
 * starts the first lane on its own stack. Further lanes are started only if there is work for them:
 *
 *   - With several workers each lane begins by starting two more, cold, until there is one for each
 *     worker. They run where a worker is free, so a loop in the midst of others costs two at most.
 *   - Whenever a body turns out to be pending, until there are `limit`. With one worker the loop
 *     starts those of its first turn itself, one after the other: hot, but not nested.
 *
 * Parts of a range are taken from a counter as indexes are, not by halving the range over forks: a
 * fork may be taken by any worker, whatever the limit; and a lane that gives way after each part
 * would do so with the whole spine of halves suspended. A part is large, so the counter is no
 * bottleneck.
 *
 * Lanes are members of a group that the loop waits for; they never fail. What went wrong is kept
 * here, because a loop's rules are not a group's: the ambient cancellation has priority, and a body
 * that fails with ECANCELED of its own accord counts as a failure.
 *
 * Items come from a source that is asked by one lane at a time: the one that has the turn. It is
 * passed on in the order of the lanes that wait for it.
 *
 * Relies on: adding to a group by a running member of it is safe, also while a function waits for
 * the group.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/everything.h"

enum {
	READY_MAX = 64,     /* bodies in a row that were ready, before a lane gives way */
	GRAIN_MAX = 1 << 14 /* indexes in a part, if the grain was not given */
};

typedef enum loop_kind { LOOP_PARTS, LOOP_INDEXES, LOOP_ITEMS } loop_kind;

struct bide_parallel_item_lane;

/* What the lanes of a loop share; in the loop's frame. */
typedef struct parallel_loop {
	loop_kind kind;
	bool keep_going;
	bool shared;    /* lanes run on several threads */
	bool launching; /* one worker: the loop is starting lanes and goes on with them if... */
	bool go_on;     /* ...the last one stands in a pending body */
	union {
		bide_parallel_body *part;
		bide_each_body *index;
		bide_each_item_body *item;
	} body;
	bide_next_function *next;
	void *argument;
	int64_t begin;
	uint64_t index_count, grain; /* of items: none */
	uint64_t count, taken;       /* of parts or indexes; taken may pass count, once for each lane */
	size_t limit, spread, lanes; /* spread: lanes that are wanted even if no body is pending */
	int error;
	bide_trace trace; /* of an error that is no cancellation */
	/* The turn to ask the source; under the lock, if shared. */
	uint32_t lock;
	bool busy;  /* a lane has the turn */
	bool ended; /* nothing more will come; written by the lane with the turn; atomic */
	struct bide_parallel_item_lane *waiting, **waiting_tail;
	bide_group group;
} parallel_loop;

/* --- how it ends --- */

/*
 * Keeps the first error that is no cancellation, else the cancellation. true: this one was kept, or
 * is a cancellation.
 */
static bool keep_error(parallel_loop *loop, int error, bide_trace trace)
{
	int seen = BIDE_LOAD(&loop->error, RELAXED);

	/* RELAXED: the group's counter orders it before the loop reads it. */
	while (seen == 0 || (seen == BIDE_ECANCELED_ && error != BIDE_ECANCELED_)) {
		if (!BIDE_CAS(&loop->error, &seen, error, RELAXED, RELAXED))
			continue;
		if (error != BIDE_ECANCELED_)
			loop->trace = trace;
		return true;
	}
	return error == BIDE_ECANCELED_;
}

/* Of a body or source; in a lane, so the group's context is there. */
static void failed(parallel_loop *loop, bide_value_task by)
{
	if (!keep_error(loop, (int)by.state, by.payload.trace))
		bide_lost_(by, loop->group.context_);
	if (!loop->keep_going)
		bide_context_cancel(loop->group.context_, BIDE_ECANCELED_);
}

/* --- taking indexes --- */

static bool work_is_left(const parallel_loop *loop)
{
	return BIDE_LOAD(&loop->taken, RELAXED) < loop->count;
}

/* The next part or index, in a lane. false: there is none, or the loop was canceled. */
static bool take(parallel_loop *loop, uint64_t *number)
{
	int error;

	if (!work_is_left(loop))
		return false;
	error = bide_context_current_error();
	if (error) {
		(void)keep_error(loop, error, 0); /* if it was by a failure, that is kept already */
		return false;
	}
	if (!loop->shared) {
		*number = loop->taken++;
		return true;
	}
	*number = BIDE_ADD(&loop->taken, 1, RELAXED); /* what it leads to was there before the lanes */
	return *number < loop->count;
}

static bide_value_task call_part(const parallel_loop *loop, uint64_t number)
{
	uint64_t offset = number * loop->grain, left = loop->index_count - offset;
	/* Unsigned, for a range may be longer than INT64_MAX. */
	uint64_t begin = (uint64_t)loop->begin + offset;
	uint64_t end = begin + (left < loop->grain ? left : loop->grain);
	int error = loop->body.part((int64_t)begin, (int64_t)end, loop->argument);

	if (error == 0)
		return bide_value_task_completed();
	return bide_value_task_from_error(
		bide_check_error_(error, "the body of bide_parallel_for") ? error : BIDE_EINVAL_);
}

/* --- the lanes --- */

/* One lane more, if there are less than `most`. */
static bool lane_reserve(parallel_loop *loop, size_t most)
{
	size_t seen = BIDE_LOAD(&loop->lanes, RELAXED);

	while (seen < most)
		if (BIDE_CAS(&loop->lanes, &seen, seen + 1, RELAXED, RELAXED))
			return true;
	return false;
}

static bool lane_start_cold(parallel_loop *loop, size_t most);

/* A body is pending: if there is more to do, another lane does it. */
static void lane_more(parallel_loop *loop)
{
	if (loop->launching)
		loop->go_on = true;
	else
		lane_start_cold(loop, loop->limit);
}

/*
 * The beginning of a lane: the work spreads over the workers. Where there are items it does so also
 * while a lane asks for the next: lanes begin only once.
 */
static void lane_spread(parallel_loop *loop)
{
	for (int i = 0; loop->shared && i < 2; i++)
		if (loop->kind == LOOP_ITEMS ? !BIDE_LOAD(&loop->ended, RELAXED) : work_is_left(loop))
			lane_start_cold(loop, loop->spread);
}

struct bide_parallel_lane {
	BIDE_ASYNC_FRAME;
	struct {
		parallel_loop *loop;
	} in;
	uint64_t number;
	unsigned ready_count; /* bodies in a row that were ready */
};

static bide_value_task lane_call(struct bide_parallel_lane *my)
{
	parallel_loop *loop = my->in.loop;
	bide_value_task called;

	my->ready_count++;
	if (loop->kind == LOOP_PARTS)
		return call_part(loop, my->number);
	called = loop->body.index((int64_t)((uint64_t)loop->begin + my->number), loop->argument);
	if (bide_is_pending_(called)) {
		my->ready_count = 0;
		if (work_is_left(loop))
			lane_more(loop);
	}
	return called;
}

static bool lane_gives_way(struct bide_parallel_lane *my)
{
	if (my->in.loop->kind != LOOP_PARTS && my->ready_count < READY_MAX)
		return false;
	my->ready_count = 0;
	return work_is_left(my->in.loop);
}

static const bide_own_ bide_parallel_lane_own_ = {
	.name = "bide_for_each", /* a part of bide_parallel_for never waits */
	.kind = BIDE_OWN_BODY_
};

bide_async(bide_parallel_lane)
{
	bide_async_begin;
	lane_spread(my->in.loop);
	while (take(my->in.loop, &my->number)) {
		bide_await_or(lane_call(my), failed(my->in.loop, bide_await_failure));
		if (lane_gives_way(my))
			bide_await(bide_async_yield());
	}
bide_async_finally:
	bide_async_end;
}

/* --- the lanes of a source: the turn --- */

struct bide_parallel_item_lane {
	BIDE_ASYNC_FRAME;
	struct {
		parallel_loop *loop;
	} in;
	struct bide_parallel_item_lane *next; /* waits for the turn after this one */
	bide_user_source turn;                /* completed when it has come */
	bide_payload item;
	unsigned ready_count;
	bool has_turn, has_waited;
};

static void turn_lock(parallel_loop *loop)
{
	if (loop->shared)
		bide_spin_lock_(&loop->lock);
}

static void turn_unlock(parallel_loop *loop)
{
	if (loop->shared)
		bide_spin_unlock_(&loop->lock);
}

/* Ready if the turn is free; else when it has come. */
static bide_value_task turn_await(struct bide_parallel_item_lane *my)
{
	parallel_loop *loop = my->in.loop;
	bide_value_task wait = bide_value_task_completed();

	if (my->has_turn)
		return wait;
	my->has_turn = true; /* when the await returns */
	turn_lock(loop);
	if (loop->busy) {
		/* In the list only now, so it is not completed before it is reset. */
		if (my->has_waited)
			bide_user_source_reset(&my->turn);
		else if (loop->shared)
			bide_user_source_init(&my->turn, NULL);
		else
			bide_user_source_init_local(&my->turn, NULL);
		my->has_waited = true;
		my->next = NULL;
		*loop->waiting_tail = my;
		loop->waiting_tail = &my->next;
		wait = bide_user_source_value_task(&my->turn);
	}
	loop->busy = true;
	turn_unlock(loop);
	return wait;
}

/* The lane that has the turn gives it to the first lane that waits, if there is one. */
static void turn_pass(struct bide_parallel_item_lane *my)
{
	parallel_loop *loop = my->in.loop;
	struct bide_parallel_item_lane *first;

	my->has_turn = false;
	turn_lock(loop);
	first = loop->waiting;
	if (first) {
		loop->waiting = first->next;
		if (!first->next)
			loop->waiting_tail = &loop->waiting;
	} else {
		loop->busy = false;
	}
	turn_unlock(loop);
	if (first)
		bide_user_source_complete(&first->turn, bide_payload_int_(0));
}

/* Nobody asks the source, though it may have more. */
static bool turn_is_free(parallel_loop *loop)
{
	bool is_free;

	turn_lock(loop);
	is_free = !loop->busy && !loop->ended;
	turn_unlock(loop);
	return is_free;
}

/* Asked by the lane that has the turn. */
static bool source_is_over(parallel_loop *loop)
{
	int error;

	if (loop->ended)
		return true;
	error = bide_context_current_error();
	if (error) {
		(void)keep_error(loop, error, 0);
		BIDE_STORE(&loop->ended, true, RELAXED);
	}
	return loop->ended;
}

static void source_failed(parallel_loop *loop, bide_value_task by)
{
	BIDE_STORE(&loop->ended, true, RELAXED);
	if (by.state != BIDE_EEND)
		failed(loop, by);
}

static bide_value_task item_call(struct bide_parallel_item_lane *my)
{
	parallel_loop *loop = my->in.loop;
	bide_value_task called;

	if (loop->shared)
		turn_pass(my); /* other workers go on while the body computes */
	called = loop->body.item(my->item, loop->argument);
	my->ready_count++;
	if (bide_is_pending_(called)) {
		my->ready_count = 0;
		if (my->has_turn)
			turn_pass(my);
		if (turn_is_free(loop))
			lane_more(loop);
	}
	return called;
}

static bool item_lane_gives_way(struct bide_parallel_item_lane *my)
{
	if (my->ready_count < READY_MAX)
		return false;
	my->ready_count = 0;
	if (my->has_turn)
		turn_pass(my);
	return true;
}

static const bide_own_ bide_parallel_item_lane_own_ = { .name = "bide_for_each_of",
	                                                    .kind = BIDE_OWN_BODY_ };

bide_async(bide_parallel_item_lane)
{
	bide_async_begin;
	lane_spread(my->in.loop);
	for (;;) {
		bide_await(turn_await(my));
		if (source_is_over(my->in.loop))
			break;
		bide_await_or(my->item.i, my->in.loop->next(my->in.loop->argument),
		              source_failed(my->in.loop, bide_await_failure);
		              break);
		bide_await_or(item_call(my), failed(my->in.loop, bide_await_failure));
		if (item_lane_gives_way(my))
			bide_await(bide_async_yield());
	}
bide_async_finally:
	if (my->has_turn)
		turn_pass(my);
	bide_async_end;
}

/* --- starting lanes --- */

/* Runnable, for any worker to take. */
static bide_value_task start_cold(parallel_loop *loop)
{
	const bool items = loop->kind == LOOP_ITEMS;
	const bide_function_info *async =
		items ? &bide_parallel_item_lane_async_ : &bide_parallel_lane_async_;
	size_t in_offset = items ? offsetof(struct bide_parallel_item_lane, in)
	                         : offsetof(struct bide_parallel_lane, in);
	bide_thread_head *head = bide_thread_();
	bide_frame *frame = bide_frame_new_(head, async->frame_bytes, async, NULL);

	if (!frame)
		return bide_start_failed_(async);
	bide_frame_fill_(frame, async->frame_bytes, &loop, in_offset, sizeof loop);
	return bide_start_cold_(head, frame);
}

/* Adds what was started for a lane that had been reserved. false: no memory, so one lane less. */
static bool lane_add(parallel_loop *loop, bide_value_task started)
{
	if (started.state == BIDE_ENOFRAME) {
		BIDE_SUB(&loop->lanes, 1, RELAXED);
		return false;
	}
	bide_group_add(&loop->group, started);
	return true;
}

static bool lane_start_cold(parallel_loop *loop, size_t most)
{
	return lane_reserve(loop, most) && lane_add(loop, start_cold(loop));
}

static bool lane_start_hot(parallel_loop *loop)
{
	if (!lane_reserve(loop, loop->limit))
		return false;
	if (loop->kind == LOOP_ITEMS)
		return lane_add(loop, bide_async_start(bide_parallel_item_lane, .loop = loop));
	return lane_add(loop, bide_async_start(bide_parallel_lane, .loop = loop));
}

static bool lane_is_useful(parallel_loop *loop)
{
	return loop->kind == LOOP_ITEMS ? turn_is_free(loop) : work_is_left(loop);
}

/* In the group's context. */
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
	if (!loop->shared) /* else it is read by lanes on other workers */
		loop->launching = false;
	if (!any)
		(void)keep_error(loop, BIDE_ENOMEM_, 0);
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
	/* More lanes than workers have nothing to do where no body waits. */
	if (loop.kind == LOOP_PARTS && loop.limit > bide_port_worker_count_())
		loop.limit = bide_port_worker_count_();
	started = bide_parallel_loop_begin_(&loop, offsetof(struct bide_parallel_loop, in), sizeof loop,
	                                    BIDE_CALLED_AT_(name_of(loop.kind)));
	if (BIDE_UNLIKELY(started.state == BIDE_ENOFRAME)) /* that is said of the user's functions */
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
