/*
 * when_each.c - the items one by one, as they complete.
 *
 * Any thread pushes what has completed; one at a time takes. The taker is the caller of
 * bide_when_each_next while no wait is pending, and then the thread that swaps `waiting` out, until
 * it has completed it. So all but `arrived`, `waiting` and `live` is plain memory.
 */
#include "base/settings.h"
#include "ops/combine.h"
#include "source/operation.h"
#include "source/source.h"

/* A child in the tree: the number of an item and 1; 0: none. In the memory of payloads. */
typedef uint32_t __attribute__((may_alias)) each_link;

/*
 * The part that the items' sources know. It outlives the caller's struct where it has to: it goes
 * with the last registration, or as the value task of bide_when_each_end.
 */
struct bide_each_ {
	bide_operation operation;
	bide_listener listener;
	size_t live; /* registrations, and the caller's struct */
	bide_value_task *items;
	size_t count;
	size_t left;        /* registered and not given yet; as all below, the taker's */
	size_t last;        /* the item that was found last */
	size_t steps;       /* of all searches */
	each_link root;     /* of the tree of what is not given; 0: there is no tree */
	bide_source *ready; /* oldest first */
	uintptr_t arrived;  /* a stack of sources, linked through their words; pushed by any thread */
	bide_operation *waiting; /* the thread that takes it is the taker until it has completed it */
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
	/* Releases the source to each_take. In one order with `waiting`: see each_wait. */
	do
		BIDE_STORE(&done->word, newest | BIDE_WORD_DONE_, RELAXED);
	while (!BIDE_CAS(&core->arrived, &newest, (uintptr_t)done, SEQ_CST, RELAXED));
}

/* By the taker: the oldest that has arrived; NULL: none. */
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

static bide_operation *each_take_waiting(struct bide_each_ *core)
{
	bide_operation *waiting;

	if (bide_is_sync_(&core->operation.source)) /* acquires what the taker before wrote */
		return BIDE_SWAP(&core->waiting, (bide_operation *)NULL, SEQ_CST);
	waiting = core->waiting;
	core->waiting = NULL;
	return waiting;
}

/*
 * Where completions come in no order a search is long. Then the items that were not given become a
 * tree by the addresses of their sources: a treap, whose priorities are hashes of the addresses. An
 * item's payload, which is its generation while it is pending, holds its two children instead; the
 * source has the generation too, and each_close puts it back.
 */
static each_link *each_children(const struct bide_each_ *core, each_link node)
{
	return (each_link *)(void *)&core->items[node - 1].payload;
}

static uintptr_t each_key(const struct bide_each_ *core, each_link node)
{
	return core->items[node - 1].state;
}

static uint64_t each_priority(const struct bide_each_ *core, each_link node)
{
	uint64_t hash = (uint64_t)each_key(core, node) * UINT64_C(0x9E3779B97F4A7C15);

	return (hash ^ hash >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
}

static void each_tree_add(struct bide_each_ *core, each_link node)
{
	uint64_t priority = each_priority(core, node);
	uintptr_t key = each_key(core, node);
	each_link *link = &core->root, *lower, *higher, rest;

	while (*link && each_priority(core, *link) >= priority)
		link = &each_children(core, *link)[each_key(core, *link) < key];
	rest = *link;
	*link = node;
	lower = &each_children(core, node)[0];
	higher = &each_children(core, node)[1];
	while (rest) {
		each_link **side = each_key(core, rest) < key ? &lower : &higher;

		**side = rest;
		*side = &each_children(core, rest)[side == &lower];
		rest = **side;
	}
	*lower = *higher = 0;
}

/* Takes out the item of the source; its index. */
static size_t each_tree_take(struct bide_each_ *core, const bide_source *source)
{
	each_link *link = &core->root, node, lower, higher;

	while (*link && each_key(core, *link) != (uintptr_t)source)
		link = &each_children(core, *link)[each_key(core, *link) < (uintptr_t)source];
	node = *link;
	if (!node)
		return 0; /* not reached, as in each_find */
	lower = each_children(core, node)[0];
	higher = each_children(core, node)[1];
	while (lower && higher) {
		if (each_priority(core, lower) > each_priority(core, higher)) {
			*link = lower;
			link = &each_children(core, lower)[1];
			lower = *link;
		} else {
			*link = higher;
			link = &each_children(core, higher)[0];
			higher = *link;
		}
	}
	*link = lower ? lower : higher;
	return node - 1;
}

/* By the taker, once: searches have taken more steps than this takes. */
static void each_tree_make(struct bide_each_ *core)
{
	for (size_t i = 0; i < core->count; i++)
		if (bide_is_pending_(core->items[i]))
			each_tree_add(core, (each_link)(i + 1));
}

enum { EACH_STEPS_AN_ITEM = 16 };

/* Looks outwards from where the last was found: completions tend to come in some order. */
static size_t each_find(struct bide_each_ *core, const bide_source *source)
{
	if (core->root)
		return each_tree_take(core, source);
	if (core->steps / EACH_STEPS_AN_ITEM > core->count && core->count < UINT32_MAX) {
		each_tree_make(core);
		return each_tree_take(core, source);
	}
	for (size_t distance = 0; distance < core->count; distance++) {
		core->steps++;
		if (core->last + distance < core->count &&
		    core->items[core->last + distance].state == (uintptr_t)source)
			return core->last + distance;
		if (distance <= core->last && core->items[core->last - distance].state == (uintptr_t)source)
			return core->last - distance;
	}
	return 0; /* not reached while the caller leaves the items that were not given alone */
}

/* By the taker: consumes it into its item, whose index is the result. */
static int64_t each_give(struct bide_each_ *core, bide_source *source)
{
	core->last = each_find(core, source);
	core->items[core->last] = bide_consume_(source, &each_by);
	core->left--;
	return (int64_t)core->last;
}

/*
 * If a wait is pending and an item has arrived: the wait's object, to be completed with *index. A
 * late one may find that what it pushed was given by an earlier call; then it puts the waiting one
 * back and looks again, as in each_wait, for what was pushed meanwhile.
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

/* The caller has let go and all have reported: a wait that was forgotten ends too. */
static void each_close(struct bide_each_ *core)
{
	bide_operation *waiting = each_take_waiting(core);

	while (each_take(core)) /* the caller's again, whose next consumer finds no link in the word */
		;
	/* If all were given the array may be gone. */
	for (size_t i = 0; core->root && core->left > 0 && i < core->count; i++)
		if (bide_is_pending_(core->items[i]))
			core->items[i].payload.generation = bide_source_of_(core->items[i])->generation;
	if (waiting)
		bide_operation_complete_(waiting, bide_payload_int_(0), BIDE_ECANCELED_);
}

static void each_run(bide_listener *listener, bide_source *done)
{
	struct bide_each_ *core = BIDE_CONTAINER_(listener, struct bide_each_, listener);
	bide_operation *waiting;
	int64_t index = 0;

	each_push(core, done);
	waiting = each_serve(core, &index);
	if (bide_live_down_(&core->operation, &core->live) == 0) {
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
		(bide_when_each){ .items_ = items, .count_ = count, .life_ = bide_life_, .failed_ = true };
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
	core->live = 1;
	core->items = items;
	core->count = count;
	for (size_t i = 0; i < count; i++)
		if (bide_is_pending_(items[i]) &&
		    bide_item_listen_(&core->operation, &core->listener, &core->live, &items[i], &each_by))
			core->left++; /* only a taker looks at it, and no wait is pending yet */
	return 0;
}

/* The caller's struct lets go of the core; what reports still gives it back. */
static void each_let_go(bide_when_each *each)
{
	struct bide_each_ *core = each->core_;
	bide_value_task value;

	each->core_ = NULL;
	if (!core)
		return;
	value = bide_source_value_(&core->operation.source);
	if (bide_live_down_(&core->operation, &core->live) == 0)
		bide_operation_discard_(&core->operation.source);
	else
		bide_value_task_forget_at_(value, &each_by);
}

/* Nothing has arrived: the value task that the next arrival completes. */
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
	 * Either the pusher sees `waiting`, or this sees what was pushed: all four accesses are in one
	 * order (SEQ_CST). If both see, the swap of `waiting` decides who takes.
	 */
	BIDE_STORE(&core->waiting, waiting, SEQ_CST);
	if (!BIDE_LOAD(&core->arrived, SEQ_CST) || !each_serve(core, &index))
		return value;
	bide_operation_discard_(&waiting->source);
	return bide_value_task_from_int(index);
}

/* What it registered went with a shutdown. */
static bool is_of_before(const bide_when_each *each)
{
	return each->core_ && each->life_ != bide_life_;
}

bide_value_task bide_when_each_next(bide_when_each *each)
{
	struct bide_each_ *core;
	bide_source *source;

	if (!each || each->failed_ || each->ended_ || is_of_before(each)) {
		bide_misuse_("bide_when_each_next: %s",
		             !each           ? "each is NULL"
		             : each->failed_ ? "bide_when_each_init has failed"
		             : !each->ended_
		                 ? "each " BIDE_OF_BEFORE_
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
	/* What was ready at the start, in its order; what is registered is pending until given. */
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
		bide_misuse_("bide_when_each_end: each %s", each ? BIDE_OF_BEFORE_ : "is NULL");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	each->next_ = each->count_;
	each->core_ = NULL;
	each->ended_ = true;
	if (!core)
		return bide_value_task_completed();
	value = bide_source_value_(&core->operation.source);
	for (size_t i = 0; i < core->count; i++)
		if (bide_is_pending_(core->items[i]) &&
		    bide_unlisten_(bide_source_of_(core->items[i]), &core->listener))
			bide_live_down_(&core->operation, &core->live);
	if (bide_live_down_(&core->operation, &core->live) != 0)
		return value;
	each_close(core);
	bide_operation_discard_(&core->operation.source);
	return bide_value_task_completed();
}
