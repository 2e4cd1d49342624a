/*
 * mailbox.c - see mailbox.h.
 */
#include "runtime/mailbox.h"

#include "os/os.h"
#include "runtime/poll.h"
#include "runtime/reactor.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"
#include "source/run_queue.h"

/*
 * An item is a bide_post, or a frame with bit 0 set. A frame keeps the link in `awaiting`, or in
 * the word of the source that it awaited. The three low bits of that word are its tags, so the mark
 * of the linked item stands in bit 2 there.
 */
static void frame_link_set(bide_frame *frame, uintptr_t link, unsigned flags)
{
	if (flags & BIDE_FLAG_SELF_LINKED_)
		frame->awaiting = (bide_source *)link;
	else
		frame->awaiting->word = (link & ~(uintptr_t)1) | (link & 1) << 2 | BIDE_WORD_DONE_;
}

static uintptr_t frame_link(const bide_frame *frame)
{
	uintptr_t word;

	if (frame->source.flags & BIDE_FLAG_SELF_LINKED_)
		return (uintptr_t)frame->awaiting;
	word = frame->awaiting->word;
	return (word & ~(uintptr_t)BIDE_WORD_TAGS_) | (word >> 2 & 1);
}

static bide_frame *frame_of(uintptr_t item)
{
	return (bide_frame *)(item & ~(uintptr_t)1);
}

static void wake(bide_runtime *r)
{
	uint32_t how = BIDE_SWAP(&r->parked, 0u, SEQ_CST);

	if (how == BIDE_PARKED_POLLING)
		bide_poll_signal_();
	else if (how == BIDE_PARKED_IN_REACTOR)
		bide_reactor_hooks_->wake(r->reactor);
	else if (how)
		bide_os_wake_(&r->parked, 1);
}

static void send(uintptr_t item)
{
	bide_runtime *r = &bide_runtime_;
	uintptr_t newest = BIDE_LOAD(&r->mailbox, RELAXED);

	if (BIDE_UNLIKELY(BIDE_LOAD(&r->state, RELAXED) > BIDE_RUNTIME_ON))
		return;
	if (BIDE_UNLIKELY(bide_simulating_) && !bide_runtime_on_worker_())
		bide_misuse_(
			"bide_configure: virtual_clock or BIDE_SEED: a simulation is one thread: another "
			"one started, completed or canceled something in it");
	do {
		if (!(item & 1))
			((bide_post *)item)->next = (bide_post *)newest;
		else /* atomic, because the worker may add SYNC to the flags meanwhile */
			frame_link_set(frame_of(item), newest,
			               BIDE_LOAD(&frame_of(item)->source.flags, RELAXED));
		/* pairs with bide_mailbox_take_; the order is that of mailbox.h */
	} while (!BIDE_CAS(&r->mailbox, &newest, item, SEQ_CST, RELAXED));
	if (BIDE_LOAD(&r->parked, SEQ_CST))
		wake(r);
}

void bide_mailbox_send_frame_(bide_frame *frame)
{
	send((uintptr_t)frame | 1);
}

void bide_mailbox_send_post_(bide_post *post)
{
	send((uintptr_t)post);
}

/* Reverses the list in place, so that the oldest item comes first. */
static uintptr_t reverse(uintptr_t item)
{
	uintptr_t oldest = 0, next;

	for (; item; item = next) {
		if (item & 1) {
			next = frame_link(frame_of(item));
			frame_link_set(frame_of(item), oldest, frame_of(item)->source.flags);
		} else {
			next = (uintptr_t)((bide_post *)item)->next;
			((bide_post *)item)->next = (bide_post *)oldest;
		}
		oldest = item;
	}
	return oldest;
}

bool bide_mailbox_take_(void)
{
	uintptr_t item = BIDE_LOAD(&bide_runtime_.mailbox, RELAXED), next;

	if (!item)
		return false;
	item = BIDE_SWAP(&bide_runtime_.mailbox, (uintptr_t)0, ACQUIRE); /* pairs with send */
	for (item = reverse(item); item; item = next) {
		if (item & 1) {
			next = frame_link(frame_of(item));
			bide_queue_push_(&bide_runtime_.main.head, frame_of(item));
		} else {
			bide_post *post = (bide_post *)item;

			next = (uintptr_t)post->next;
			post->run(post);
		}
	}
	return true;
}
