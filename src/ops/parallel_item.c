/*
 * parallel_item.c - lanes over items, and the turn to ask for the next item.
 *
 * One lane at a time asks for the next item: the one that has the turn. It passes the turn on in
 * the order of the lanes that wait for it.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/assert.h"
#include "base/own.h"
#include "base/spin.h"
#include "ops/parallel_loop.h"
#include "source/source.h"

struct bide_parallel_item_lane {
	BIDE_ASYNC_FRAME;
	struct {
		parallel_loop *loop;
	} in;
	struct bide_parallel_item_lane *next; /* the lane that waits for the turn after this one */
	bide_user_source turn;                /* completed when this lane gets the turn */
	bide_payload item;
	unsigned ready_count;
	bool has_turn, has_waited;
};
BIDE_STATIC_ASSERT(offsetof(struct bide_parallel_item_lane, in) ==
                       offsetof(struct bide_lane_head_, in),
                   "a cold start fills it in");

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

/* Under the lock. */
static bool turn_is_valid(const parallel_loop *loop)
{
	struct bide_parallel_item_lane *const *end = &loop->waiting;
	size_t waiting = 0, lanes = BIDE_LOAD(&loop->lanes, RELAXED);

	BIDE_INVARIANT_(loop->busy || !loop->waiting);
	for (; *end; end = &(*end)->next) {
		BIDE_INVARIANT_(waiting++ < lanes); /* so it is no circle */
		BIDE_INVARIANT_((*end)->in.loop == loop);
	}
	BIDE_INVARIANT_(loop->waiting_tail == end);
	return true;
}

bool bide_loop_is_valid_(parallel_loop *loop)
{
	size_t lanes = BIDE_LOAD(&loop->lanes, RELAXED);
	bool valid;

	BIDE_INVARIANT_(lanes <= loop->limit);
	BIDE_INVARIANT_(loop->spread <= loop->limit);
	BIDE_INVARIANT_(!BIDE_LOAD(&loop->ended, RELAXED) || loop->kind == LOOP_ITEMS);
	turn_lock(loop);
	valid = turn_is_valid(loop);
	turn_unlock(loop);
	return valid;
}

/* Returns a value task that is ready when this lane has the turn. */
static bide_value_task turn_await(struct bide_parallel_item_lane *my)
{
	parallel_loop *loop = my->in.loop;
	bide_value_task wait = bide_value_task_completed();

	if (my->has_turn)
		return wait;
	my->has_turn = true; /* true when the await returns */
	turn_lock(loop);
	if (loop->busy) {
		/* The lane gets into the list afterwards, so `turn` is not completed before it is reset. */
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

/* Gives the turn of this lane to the first lane that waits, if there is one. */
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

bool bide_loop_turn_is_free_(parallel_loop *loop)
{
	bool is_free;

	turn_lock(loop);
	is_free = !loop->busy && !loop->ended;
	turn_unlock(loop);
	return is_free;
}

/* Called by the lane that has the turn. */
static bool items_are_over(parallel_loop *loop)
{
	int error;

	if (loop->ended)
		return true;
	error = bide_context_current_error();
	if (error) {
		(void)bide_loop_keep_error_(loop, error, 0);
		BIDE_STORE(&loop->ended, true, RELAXED);
	}
	return loop->ended;
}

static void next_failed(parallel_loop *loop, bide_value_task by)
{
	BIDE_STORE(&loop->ended, true, RELAXED);
	if (by.state != BIDE_EEND)
		bide_loop_failed_(loop, by);
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
		if (bide_loop_turn_is_free_(loop))
			bide_lane_more_(loop, my->BIDE_FRAME_MEMBER_.async);
	}
	return called;
}

static bool item_lane_gives_way(struct bide_parallel_item_lane *my)
{
	if (my->ready_count < BIDE_BODIES_READY_MAX_)
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
	bide_lane_spread_(my->in.loop, my->BIDE_FRAME_MEMBER_.async);
	for (;;) {
		bide_await(turn_await(my));
		if (items_are_over(my->in.loop))
			break;
		bide_await_or(my->item.i, my->in.loop->next(my->in.loop->argument),
		              next_failed(my->in.loop, bide_await_failure);
		              break);
		bide_await_or(item_call(my), bide_loop_failed_(my->in.loop, bide_await_failure));
		if (item_lane_gives_way(my))
			bide_await(bide_async_yield());
	}
bide_async_finally:
	if (my->has_turn)
		turn_pass(my);
	bide_async_end;
}

bide_value_task bide_item_lane_start_(parallel_loop *loop)
{
	return bide_async_start(bide_parallel_item_lane, .loop = loop);
}
