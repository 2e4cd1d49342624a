/*
 * fork.c - fork and join off the fast path: forks that a thief took, joins out of turn, contexts,
 * full deques, and forks that a function leaves unjoined.
 *
 * The live forks of a frame are a list through `older`, newest first, which belongs to the frame
 * alone. A join takes its slot out of the list. If the join hands out a value task that is pending,
 * the slot stays instead, marked JOINED, before all slots that are not joined, and the frame is
 * marked BIDE_FORKS_SWEEP_. Consuming that value task sets the generation of the slot to 0, with
 * release, on any thread. The next slow step of the frame, which the mark forces, finds the 0, with
 * acquire, and takes the slot out.
 *
 *     the list == joined slots, then live slots
 *     a slot is joined  =>  frame->newest has BIDE_FORKS_SWEEP_
 *
 * A slot in a deque belongs to the worker that takes it from there. That worker runs the child, and
 * completes the source of the slot.
 */
#include "async/fork.h"

#include "async/deque.h"
#include "async/frame.h"
#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/settings.h"
#include "context/context.h"
#include "source/source.h"
#include "source/upcalls.h"

/* The low bits of bide_fork.older. */
enum {
	JOINED = 1,   /* The value task of its join may be pending. */
	REPORTED = 2, /* Misuse of it was reported. */
	MARKS = 3
};

static const bide_function_info fork_async = { .name = "fork",
	                                           .file = "?",
	                                           .points_are_lines = false };

/* Returns the slot that a link points at. A link is bide_fork.older, or newest of the frame. */
static bide_fork *pointer(uintptr_t link)
{
	return (bide_fork *)(link & ~(uintptr_t)MARKS);
}

/*
 * Takes the slot that *link points at out of the list. The marks in *link stay, because they are of
 * what the link is in.
 */
static void unlink_at(uintptr_t *link)
{
	bide_fork *fork = pointer(*link);

	*link = (*link & MARKS) | (fork->older & ~(uintptr_t)MARKS);
}

/* Puts a slot into the list, before the slot that *link points at. */
static void link_at(uintptr_t *link, bide_fork *fork)
{
	fork->older = (fork->older & MARKS) | (*link & ~(uintptr_t)MARKS);
	*link = (*link & MARKS) | (uintptr_t)fork;
}

/*
 * Returns true if the list of a frame is as above, and no circle. Otherwise names what is broken.
 */
static bool forks_are_valid(const bide_forking_frame *frame)
{
	const bide_fork *fork = pointer(frame->newest), *behind = fork;
	bool joined = true;

	BIDE_INVARIANT_(!fork || !(fork->older & JOINED) || frame->newest & BIDE_FORKS_SWEEP_);
	for (size_t steps = 0; fork; steps++) {
		BIDE_INVARIANT_(bide_kind_of_(fork->source.kind) == BIDE_KIND_FORK_);
		BIDE_INVARIANT_(joined || !(fork->older & JOINED));
		joined = fork->older & JOINED;
		fork = pointer(fork->older);
		/* `behind` goes half as fast, so in a circle the two meet. */
		if (steps % 2 == 1)
			behind = pointer(behind->older);
		BIDE_INVARIANT_(!fork || fork != behind);
	}
	return true;
}

/*
 * Takes out the joined slots whose value tasks were consumed. Returns the link behind the joined
 * slots that remain.
 */
static uintptr_t *sweep(bide_forking_frame *frame)
{
	uintptr_t *link = &frame->newest;
	bide_fork *fork;

	if (!(*link & BIDE_FORKS_SWEEP_))
		return link;
	while ((fork = pointer(*link)) != NULL && fork->older & JOINED) {
		/* Pairs with bide_fork_consumed_. */
		if (BIDE_LOAD(&fork->source.generation, ACQUIRE) == 0)
			unlink_at(link);
		else
			link = &fork->older;
	}
	if (link == &frame->newest)
		frame->newest &= ~(uintptr_t)BIDE_FORKS_SWEEP_;
	return link;
}

/* Reverses the slots from *link on to the one before `end`. */
static void reverse(uintptr_t *link, const bide_fork *end)
{
	bide_fork *fork = pointer(*link), *before = pointer((uintptr_t)end), *next;

	for (; fork != end; fork = next) {
		next = pointer(fork->older);
		fork->older = (fork->older & MARKS) | (uintptr_t)before;
		before = fork;
	}
	*link = (*link & MARKS) | (uintptr_t)before;
}

enum { SEARCH_SHORT = 16 };

/*
 * Returns the link to the slot, searched from *first on, or NULL. After a long search the slot
 * comes first, and the slots that stood before it follow in reverse order. So a function that joins
 * in the order of forking searches once.
 */
static uintptr_t *find(uintptr_t *first, bide_fork *fork)
{
	uintptr_t *link = first;
	unsigned steps = 0;

	for (; pointer(*link) && pointer(*link) != fork; steps++)
		link = &pointer(*link)->older;
	if (!pointer(*link))
		return NULL;
	if (steps <= SEARCH_SHORT)
		return link;
	unlink_at(link);
	reverse(first, pointer(*link));
	link_at(first, fork);
	return first;
}

/*
 * Calls the child outside of the function that runs here, so that it inherits the context of the
 * fork.
 */
static bide_value_task call_apart(bide_thread_head *head, bide_fork *fork)
{
	bide_frame apart = { .async = &fork_async, .context = fork->context };
	bide_frame *outer = head->current;
	bide_value_task v;

	head->current = &apart;
	v = fork->call(fork);
	head->current = outer;
	/* A child that goes on has its own reference. */
	bide_context_unref(bide_context_of_(fork->context));
	return v;
}

/* --- forks that were taken from a deque --- */

static void child_done(bide_observer *listener, bide_source *done)
{
	bide_fork *fork = BIDE_CONTAINER_(listener, bide_fork, listener);
	bide_value_task v = bide_consume_(done, NULL);

	bide_source_complete_(&fork->source, v.payload, (int)v.state);
}

void bide_fork_run_(bide_thread_head *head, bide_fork *fork)
{
	bide_value_task v = bide_yield_to_operation_(call_apart(head, fork));

	if (bide_is_pending_(v)) {
		fork->listener.run = child_done;
		switch (bide_listen_(v, &fork->listener, "a forked function", NULL)) {
		case BIDE_REGISTERED_:
			return;
		case BIDE_ALREADY_DONE_:
			v = bide_consume_((bide_source *)v.state, NULL);
			break;
		default:
			v = bide_value_task_from_error(BIDE_ESTALE);
		}
	}
	bide_source_complete_(&fork->source, v.payload, (int)v.state);
}

void bide_fork_consumed_(bide_source *source)
{
	BIDE_STORE(&source->generation, (uint64_t)0, RELEASE); /* Pairs with sweep. */
}

/* --- fork --- */

void bide_fork_offer_(void)
{
	bide_port_offer_(bide_current_thread_);
}

void bide_fork_slow_(bide_forking_frame *frame, bide_fork *fork)
{
	bide_thread_head *head = bide_current_thread_;
	uintptr_t entry = (uintptr_t)fork, *link = sweep(frame);
	const bide_fork *live = pointer(frame->newest);

	BIDE_ASSERT_IN_DEBUG_(!bide_debug_ || forks_are_valid(frame)); /* walks over all forks */
	/* Debug mode looks through the list, other modes at joined slots and the first live one. */
	while (live && live != fork && (bide_debug_ || live->older & JOINED))
		live = pointer(live->older);
	if (live == fork) {
		bide_misuse_in_(&frame->frame, 0,
		                "bide_async_fork: the slot is live; join it before it is forked again");
		return;
	}
	fork->source.word = BIDE_WORD_PENDING_;
	bide_fork_tail_(fork, head->deque.bottom);
	fork->older = 0;
	link_at(link, fork);
	fork->context = frame->frame.context;
	if (bide_context_of_(fork->context))
		bide_context_ref(bide_context_of_(fork->context));
	if (fork->context || head->deque.no_membarrier || bide_debug_)
		entry |= BIDE_ENTRY_SLOW_;
	/* With one worker the first fork makes the deque, so programs that never fork have none. */
	if (!head->deque.mask && !(head->frame_flags & BIDE_FLAG_SYNC_))
		(void)bide_deque_init_(head);
	/* A worker that is idle must not take a fork that belongs to an executor. */
	if (frame->frame.context & BIDE_CONTEXT_EXECUTOR_ || !bide_deque_owner_push_(head, entry))
		bide_fork_run_(head, fork);
}

/* --- join --- */

static bide_value_task outcome(const bide_fork *fork)
{
	bide_value_task v;

	v.payload = fork->source.payload;
	v.state = fork->source.error;
	return v;
}

/* Calls the child of a slot that the join took back. */
static bide_value_task call_here(bide_thread_head *head, bide_forking_frame *frame, bide_fork *fork)
{
	if (fork->context != frame->frame.context)
		return call_apart(head, fork);
	bide_context_unref(bide_context_of_(fork->context)); /* The frame keeps its own reference. */
	return fork->call(fork);
}

/* Another worker runs the child, or has run it. Returns the value task of the slot. */
static bide_value_task pending(bide_thread_head *head, bide_fork *fork)
{
	BIDE_STORE(&fork->source.generation, ++head->generation, RELAXED);
	return bide_source_value_(&fork->source);
}

bide_value_task bide_join_slow_(bide_forking_frame *frame, bide_fork *fork)
{
	bide_thread_head *head = bide_current_thread_;
	uintptr_t *link;

	link = find(sweep(frame), fork);
	if (!link) {
		const bide_fork *live = pointer(frame->newest);

		while (live && live != fork)
			live = pointer(live->older);
		bide_misuse_in_(&frame->frame, 0, "bide_async_join: %s; each fork is joined once",
		                live ? "the slot has been joined already, and that is still pending"
		                     : "nothing was forked into the slot since it was joined last");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	if (bide_deque_owner_remove_(head, fork)) {
		unlink_at(link);
		return call_here(head, frame, fork);
	}
	if (bide_is_done_(&fork->source)) {
		unlink_at(link);
		return outcome(fork);
	}
	unlink_at(link);
	fork->older |= JOINED;
	link_at(&frame->newest, fork);
	frame->newest |= BIDE_FORKS_SWEEP_;
	return pending(head, fork);
}

/* --- the end of a function --- */

/* Takes the outcome of a fork over into the frame: a failure replaces a success. */
static void settled(bide_frame *frame, bide_value_task v)
{
	if (v.state == 0)
		return;
	if (frame->source.error != 0) {
		bide_lost_(v, bide_context_of_(frame->context));
		return;
	}
	bide_flags_drop_(&frame->source, BIDE_FLAG_LARGE_);
	frame->source.error = bide_frame_error_(v.state);
	/* The trace. It gets no entry, because no await stands here. */
	frame->source.payload = v.payload;
}

/*
 * The fork was joined, and another waiter has not consumed the value task yet. The memory has to
 * stay until it has, so the frame yields and looks again.
 */
static bide_value_task settle_borrowed(bide_forking_frame *frame, bide_fork *fork)
{
	bide_value_task again = { .state = (uintptr_t)&bide_yield_source_ };

	if (!(fork->older & REPORTED)) {
		fork->older |= REPORTED;
		bide_misuse_in_(
			&frame->frame, 0,
			"bide_async_join: the function ends while the value task of one of its joins "
			"is in use; await it");
	}
	return again;
}

/* Settles a fork that was not joined, or whose value task was not consumed. */
static bide_value_task settle_one(bide_thread_head *head, bide_forking_frame *frame,
                                  bide_fork *fork)
{
	bool failed = frame->frame.source.error != 0;
	uintptr_t word;

	if (!(fork->older & JOINED) && bide_deque_owner_remove_(head, fork)) {
		unlink_at(&frame->newest);
		if (!failed || frame->frame.source.flags & BIDE_FLAG_FINISHING_)
			return call_here(head, frame, fork);
		bide_context_unref(bide_context_of_(fork->context));
		return bide_value_task_completed();
	}
	word = BIDE_LOAD(&fork->source.word, ACQUIRE); /* Pairs with bide_source_finish_. */
	if (word == BIDE_WORD_PENDING_) {
		unlink_at(&frame->newest);
		return pending(head, fork);
	}
	if (!bide_word_is_done_(word))
		return settle_borrowed(frame, fork);
	unlink_at(&frame->newest);
	return outcome(fork);
}

bool bide_fork_settle_(bide_frame *frame_, uint32_t point)
{
	bide_forking_frame *frame = (bide_forking_frame *)(void *)frame_;
	bide_value_task v;

	BIDE_ASSERT_IN_DEBUG_(!bide_debug_ || forks_are_valid(frame)); /* walks over all forks */
	if (frame->newest & BIDE_FORKS_SETTLING_) {
		frame->newest &= ~(uintptr_t)BIDE_FORKS_SETTLING_;
		settled(frame_, bide_await_take_(frame_));
	}
	for (;;) {
		sweep(frame);
		if (!pointer(frame->newest))
			break;
		v = settle_one(bide_current_thread_, frame, pointer(frame->newest));
		if (bide_is_pending_(v)) {
			frame->newest |= BIDE_FORKS_SETTLING_;
			v = bide_await_pending_(frame_, v, point);
			if (v.state == BIDE_SUSPENDED_)
				return true; /* The frame may run on another worker by now. */
			frame->newest &= ~(uintptr_t)BIDE_FORKS_SETTLING_;
		}
		settled(frame_, v);
	}
	frame->newest = 0;
	return false;
}

bide_body_result bide_fork_end_(bide_frame *frame, uint32_t point)
{
	if (bide_fork_settle_(frame, point))
		return (bide_body_result){ .state = BIDE_SUSPENDED_ };
	return bide_frame_step_(frame);
}

bide_body_result bide_fork_late_return_(bide_frame *frame, uint32_t point)
{
	bide_misuse_in_(frame, 0,
	                "bide_async_return: it stands in the cleanup of %s; a return belongs before "
	                "bide_async_finally",
	                frame->async->name);
	return bide_fork_end_(frame, point);
}
