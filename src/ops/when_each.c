/*
 * when_each.c - gives the items to the caller one by one, in the order in which they complete.
 *
 * Any thread pushes a source that has completed; one thread at a time, the taker, takes them. While
 * no wait is pending the taker is the caller of bide_when_each_next. While one is, it is the thread
 * that swaps `waiting` out, until that has completed the wait. So only `arrived`, `waiting` and
 * `parties` are atomic.
 */
#include "base/assert.h"
#include "base/settings.h"
#include "ops/combine.h"
#include "ops/item_tree.h"
#include "source/operation.h"
#include "source/source.h"

/*
 * The part that the sources of the items know. It may outlive the struct of the caller: it goes
 * with the last registration, or as the value task of bide_when_each_end.
 */
struct bide_each_ {
	bide_operation operation;
	bide_observer listener;
	size_t parties; /* registrations, and the struct of the caller */
	bide_value_task *items;
	size_t count;
	/* Only the taker uses the five that follow. */
	size_t left;             /* registered items that were not given yet */
	size_t last;             /* the item that was found last */
	size_t steps;            /* of all searches */
	bide_item_link_ root;    /* of the tree of the items that are left; 0: there is no tree */
	bide_source *ready;      /* sources that were taken from `arrived`, oldest first */
	uintptr_t arrived;       /* a stack of sources, linked through their words; any thread pushes */
	bide_operation *waiting; /* the pending wait */
};

static const bide_operation_type each_type = { .name = "bide_when_each" };
static const bide_operation_type next_type = { .name = "bide_when_each_next" };
static const bide_place each_by = { __FILE__, __LINE__, "bide_when_each_next" };

static void each_push(struct bide_each_ *core, bide_source *done)
{
	uintptr_t newest = BIDE_LOAD(&core->arrived, RELAXED);

	if (!bide_is_sync_(&core->operation.source)) {
		done->word = newest | BIDE_WORD_DONE_;
		core->arrived = (uintptr_t)done;
		return;
	}
	/* Releases the source to each_take. SEQ_CST: in one order with `waiting`; see each_wait. */
	do
		BIDE_STORE(&done->word, newest | BIDE_WORD_DONE_, RELAXED);
	while (!BIDE_CAS(&core->arrived, &newest, (uintptr_t)done, SEQ_CST, RELAXED));
}

/* Returns the oldest source that has arrived, or NULL. Called by the taker. */
static bide_source *each_take(struct bide_each_ *core)
{
	bide_source *source;
	uintptr_t newest;

	if (!core->ready && BIDE_LOAD(&core->arrived, RELAXED)) {
		newest = BIDE_SWAP(&core->arrived, (uintptr_t)0, ACQUIRE); /* pairs with each_push */
		while (newest) {
			source = (bide_source *)newest;
			newest = bide_word_upper_(source->word);
			source->word = (uintptr_t)core->ready | BIDE_WORD_DONE_;
			core->ready = source;
		}
	}
	source = core->ready;
	if (source) {
		core->ready = (bide_source *)bide_word_upper_(source->word);
		source->word = BIDE_WORD_DONE_;
	}
	return source;
}

/* Takes the pending wait, which makes the caller the taker. Returns NULL if there is none. */
static bide_operation *each_take_waiting(struct bide_each_ *core)
{
	bide_operation *waiting;

	if (bide_is_sync_(&core->operation.source)) /* acquires what the previous taker wrote */
		return BIDE_SWAP(&core->waiting, (bide_operation *)NULL, SEQ_CST);
	waiting = core->waiting;
	core->waiting = NULL;
	return waiting;
}

/* Called by the taker. If all items were given, the array may be gone. */
static bool each_is_valid(struct bide_each_ *core)
{
	size_t pending = 0;

	if (core->left == 0)
		return true;
	for (size_t i = 0; i < core->count; i++)
		pending += bide_is_pending_(core->items[i]);
	BIDE_INVARIANT_(pending == core->left);
	BIDE_INVARIANT_(core->last < core->count);
	return !core->root ||
	       bide_item_tree_is_valid_(core->root, core->items, core->count, core->left);
}

/* When searches have taken more steps than this for each item, a tree is made. */
enum { STEPS_AN_ITEM = 16 };

/*
 * Searches outwards from where the last item was found, because completions tend to come in order.
 */
static size_t each_find(struct bide_each_ *core, const bide_source *source)
{
	if (!core->root && core->steps / STEPS_AN_ITEM > core->count && core->count < UINT32_MAX) {
		bide_item_tree_make_(&core->root, core->items, core->count);
		BIDE_ASSERT_UNEXPLORED_(each_is_valid(core));
	}
	if (core->root)
		return bide_item_tree_take_(&core->root, core->items, source);
	for (size_t distance = 0; distance < core->count; distance++) {
		core->steps++;
		if (core->last + distance < core->count &&
		    core->items[core->last + distance].state == (uintptr_t)source)
			return core->last + distance;
		if (distance <= core->last && core->items[core->last - distance].state == (uintptr_t)source)
			return core->last - distance;
	}
	return 0; /* not reached unless the caller has changed an item that was not given */
}

/* Consumes the source into its item, and returns the index. Called by the taker. */
static int64_t each_give(struct bide_each_ *core, bide_source *source)
{
	core->last = each_find(core, source);
	core->items[core->last] = bide_consume_(source, &each_by);
	core->left--;
	return (int64_t)core->last;
}

/*
 * If a wait is pending and an item has arrived, returns the wait, which the caller completes with
 * *index; otherwise NULL. A late caller may find that an earlier call has given what it pushed.
 * Then it puts the wait back and looks again, as each_wait does, for what was pushed meanwhile.
 */
static bide_operation *each_serve(struct bide_each_ *core, int64_t *index)
{
	bide_operation *waiting;
	bide_source *source;

	while ((waiting = each_take_waiting(core)) != NULL) {
		source = each_take(core);
		if (source) {
			*index = each_give(core, source);
			return waiting;
		}
		BIDE_STORE(&core->waiting, waiting, SEQ_CST);
		if (!BIDE_LOAD(&core->arrived, SEQ_CST))
			break;
	}
	return NULL;
}

/* All parties have left. Ends also a wait that the caller has forgotten. */
static void each_close(struct bide_each_ *core)
{
	bide_operation *waiting = each_take_waiting(core);

	while (each_take(core)) /* takes the link out of the word, for the next consumer */
		;
	/* If all items were given, the array may be gone. */
	for (size_t i = 0; core->root && core->left > 0 && i < core->count; i++)
		if (bide_is_pending_(core->items[i]))
			core->items[i].payload.generation = bide_source_of_(core->items[i])->generation;
	if (waiting)
		bide_operation_complete_(waiting, bide_payload_int_(0), BIDE_ECANCELED_);
}

static void each_run(bide_observer *listener, bide_source *done)
{
	struct bide_each_ *core = BIDE_CONTAINER_(listener, struct bide_each_, listener);
	bide_operation *waiting;
	int64_t index = 0;

	each_push(core, done);
	waiting = each_serve(core, &index);
	if (bide_combine_leave_(&core->operation, &core->parties) == 0) {
		each_close(core);
		bide_operation_complete_(&core->operation, bide_payload_int_(0), 0);
	}
	if (waiting)
		bide_operation_complete_(waiting, bide_payload_int_(index), 0);
}

int bide_when_each_init(bide_when_each *each, bide_value_task *items, size_t count)
{
	struct bide_each_ *core;

	if (!each) {
		bide_misuse_("bide_when_each_init: each is NULL");
		return BIDE_EINVAL_;
	}
	*each =
		(bide_when_each){ .items_ = items, .count_ = count, .life_ = bide_era_(), .failed_ = true };
	if (!items && count > 0) {
		bide_misuse_("bide_when_each_init: items is NULL, an array of count value tasks is needed");
		return BIDE_EINVAL_;
	}
	if (bide_items_ready_(items, count, &each_by)) {
		each->failed_ = false;
		return 0;
	}
	core = (struct bide_each_ *)(void *)bide_operation_new_(sizeof *core, &each_type);
	if (!core)
		return BIDE_ENOMEM_;
	each->failed_ = false;
	each->core_ = core;
	core->listener.run = each_run;
	core->parties = 1;
	core->items = items;
	core->count = count;
	for (size_t i = 0; i < count; i++)
		if (bide_is_pending_(items[i]) && bide_item_listen_(&core->operation, &core->listener,
		                                                    &core->parties, &items[i], &each_by))
			core->left++; /* no wait is pending yet, so this function is the taker */
	BIDE_ASSERT_UNEXPLORED_(each_is_valid(core));
	BIDE_ASSERT_UNEXPLORED_(
		bide_registrations_are_valid_(&core->parties, &core->listener, items, count));
	return 0;
}

/* The struct of the caller leaves the core. A source that still reports gives the core back. */
static void each_let_go(bide_when_each *each)
{
	struct bide_each_ *core = each->core_;
	bide_value_task value;

	each->core_ = NULL;
	if (!core)
		return;
	value = bide_source_value_(&core->operation.source);
	if (bide_combine_leave_(&core->operation, &core->parties) == 0)
		bide_operation_discard_(&core->operation.source);
	else
		bide_value_task_forget_at_(value, &each_by);
}

/* Nothing has arrived. Returns a value task that the next arrival completes. */
static bide_value_task each_wait(struct bide_each_ *core)
{
	bide_operation *waiting = bide_operation_new_(sizeof *waiting, &next_type);
	bide_value_task value;
	int64_t index;

	if (!waiting)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	value = bide_source_value_(&waiting->source);
	if (!bide_is_sync_(&core->operation.source)) {
		core->waiting = waiting;
		return value;
	}
	/*
	 * Either the pusher sees `waiting`, or this function sees what was pushed: all four accesses
	 * are in one order (SEQ_CST). If both see it, the swap of `waiting` decides which one takes.
	 */
	BIDE_STORE(&core->waiting, waiting, SEQ_CST);
	if (!BIDE_LOAD(&core->arrived, SEQ_CST) || !each_serve(core, &index))
		return value;
	bide_operation_discard_(&waiting->source);
	return bide_value_task_from_int(index);
}

/* Returns true if a shutdown or a fork has ended what it registered. */
static bool is_of_before(const bide_when_each *each)
{
	return each->core_ && each->life_ != bide_era_();
}

bide_value_task bide_when_each_next(bide_when_each *each)
{
	struct bide_each_ *core;
	bide_source *source;

	if (!each || each->failed_ || each->ended_ || is_of_before(each)) {
		bide_misuse_("bide_when_each_next: %s%s", each && is_of_before(each) ? "each " : "",
		             !each           ? "each is NULL"
		             : each->failed_ ? "bide_when_each_init has failed"
		             : !each->ended_
		                 ? bide_why_before_(each->life_, BIDE_OF_BEFORE_)
		                 : "bide_when_each_end has ended it; bide_when_each_init begins anew");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	core = each->core_;
	if (core && BIDE_LOAD(&core->waiting, ACQUIRE)) { /* pairs with the taker's swap */
		bide_misuse_(
			"bide_when_each_next: the value task of the call before is pending still, one at a "
			"time is allowed");
		return bide_value_task_from_error(BIDE_EBUSY_);
	}
	/*
	 * First the items that were ready at the start, in their order. An item that is registered
	 * stays pending until it is given.
	 */
	while (each->next_ < each->count_) {
		size_t i = each->next_++;
		if (core && bide_is_pending_(each->items_[i]))
			continue;
		bide_item_settle_(&each->items_[i], &each_by);
		return bide_value_task_from_int((int64_t)i);
	}
	if (!core || core->left == 0) {
		each_let_go(each);
		return bide_value_task_from_error(BIDE_EEND);
	}
	source = each_take(core);
	return source ? bide_value_task_from_int(each_give(core, source)) : each_wait(core);
}

bide_value_task bide_when_each_end(bide_when_each *each)
{
	struct bide_each_ *core = each ? each->core_ : NULL;
	bide_value_task value;

	if (!each || is_of_before(each)) {
		bide_misuse_("bide_when_each_end: each %s",
		             each ? bide_why_before_(each->life_, BIDE_OF_BEFORE_) : "is NULL");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	each->next_ = each->count_;
	each->core_ = NULL;
	each->ended_ = true;
	if (!core)
		return bide_value_task_completed();
	value = bide_source_value_(&core->operation.source);
	/* If sync, another thread may be the taker still: it has swapped `waiting` out. */
	BIDE_ASSERT_UNEXPLORED_(bide_is_sync_(&core->operation.source) || core->waiting ||
	                        each_is_valid(core));
	for (size_t i = 0; i < core->count; i++)
		if (bide_is_pending_(core->items[i]) &&
		    bide_unlisten_(bide_source_of_(core->items[i]), &core->listener))
			bide_combine_leave_(&core->operation, &core->parties);
	if (bide_combine_leave_(&core->operation, &core->parties) != 0)
		return value;
	each_close(core);
	bide_operation_discard_(&core->operation.source);
	return bide_value_task_completed();
}
