/*
 * user_source.c - sources of the user's own.
 *
 * A generation of a source goes through these steps. CLAIMED is a mark; the rest is in the word and
 * in the link of the post.
 *
 *     init, reset     word PENDING, no marks, link: the source's own address
 *     value_task      link: the address + 1, so that it is handed out once
 *     await           word: the waiter
 *     complete        CLAIMED, by exactly one of the callers; then the word is DONE
 *     consumed        a new generation, then word ABANDONED, which allows a reset (recycle.c)
 */
#include "source/user_source.h"

#include "base/generation.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/settings.h"
#include "memory/allocator.h"
#include "source/source.h"
#include "source/trace.h"

/* Returns the link of the post of a source that is initialised and not posted. */
static bide_post *user_mark(const bide_user_source *user, bool handed_out)
{
	return (bide_post *)((uintptr_t)user | handed_out);
}

bool bide_user_source_is_awaited_(const bide_user_source *user)
{
	uintptr_t word;

	if (user->post_.next != user_mark(user, true) || user->source.kind != BIDE_KIND_USER_ ||
	    BIDE_LOAD(&user->life_, RELAXED) != bide_era_())
		return false;
	word = BIDE_LOAD(&user->source.word, RELAXED);
	return bide_word_has_frame_(word) || bide_word_tag_(word) == BIDE_WORD_LISTENER_ ||
	       bide_word_tag_(word) == BIDE_WORD_WATCHED_;
}

static void user_init(bide_user_source *user, const bide_source_operations *operations,
                      unsigned flags, const char *what)
{
	bide_thread_head *head = bide_thread_();

	if (!user) {
		bide_misuse_("%s: source is NULL", what);
		return;
	}
	bide_memory_known_(user, sizeof *user);
	if (bide_user_source_is_awaited_(user)) {
		bide_misuse_("%s: the value task of this source is awaited, or its memory ended while it "
		             "was; complete the source first",
		             what);
		return;
	}
	user->post_.next = user_mark(user, false);
	user->source.word = BIDE_WORD_PENDING_;
	user->source.generation = head ? ++head->generation : 1;
	user->source.payload.i = 0;
	user->source.marks = 0;
	user->source.error = 0;
	user->source.kind = BIDE_KIND_USER_;
	user->source.flags = (uint8_t)flags;
	user->operations = operations;
	user->life_ = bide_era_();
}

void bide_user_source_init(bide_user_source *user, const bide_source_operations *operations)
{
	/* Any thread may complete it. */
	user_init(user, operations, BIDE_FLAG_SYNC_, "bide_user_source_init");
}

void bide_user_source_init_local(bide_user_source *user, const bide_source_operations *operations)
{
	/* With many workers there is no thread that all functions of the program run on. */
	user_init(user, operations, bide_shared_ ? BIDE_FLAG_SYNC_ : 0, "bide_user_source_init_local");
}

bide_value_task bide_user_source_value_task(bide_user_source *user)
{
	/*
	 * The last condition finds a source that was consumed. The load orders nothing, because a
	 * consumer must not be at work at the same time.
	 */
	if (!user || user->source.kind != BIDE_KIND_USER_ ||
	    user->post_.next != user_mark(user, false) ||
	    BIDE_LOAD(&user->source.word, RELAXED) == BIDE_WORD_ABANDONED_) {
		bide_misuse_("bide_user_source_value_task: %s",
		             !user ? "source is NULL"
		             : user->source.kind != BIDE_KIND_USER_
		                 ? "source is not initialised; bide_user_source_init comes first"
		                 : "the value task of this generation was handed out already; "
		                   "bide_user_source_reset makes a new one");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	user->post_.next = user_mark(user, true);
	return bide_source_value_(&user->source);
}

static void deliver_posted(bide_post *post)
{
	bide_user_source *user = BIDE_CONTAINER_(post, bide_user_source, post_);

	bide_source_deliver_(&user->source, user->waiter_);
}

/* Returns true for exactly one of the callers in each generation: that one completes the source. */
static bool user_claim(bide_user_source *user)
{
	if (bide_is_sync_(&user->source)) /* Pairs with bide_user_source_reset. */
		return !(BIDE_OR(&user->source.marks, (uint32_t)BIDE_MARK_CLAIMED_, ACQUIRE) &
		         BIDE_MARK_CLAIMED_);
	if (user->source.marks)
		return false;
	user->source.marks = BIDE_MARK_CLAIMED_;
	return true;
}

/*
 * Completes a source that the caller has claimed. A listener must run on the worker, so another
 * thread posts it there. A waiting frame needs no post, because the port itself sends it there.
 */
static void user_finish(bide_user_source *user, bide_payload payload, int error)
{
	uintptr_t seen;

	if (!bide_is_sync_(&user->source)) {
		bide_source_complete_(&user->source, payload, error);
		return;
	}
	user->source.payload = payload;
	user->source.error = (uint16_t)error;
	seen = bide_source_finish_(&user->source);
	if (seen == BIDE_WORD_PENDING_)
		return;
	if (bide_word_tag_(seen) == BIDE_WORD_PENDING_ || bide_port_on_worker_()) {
		bide_source_deliver_(&user->source, seen);
		return;
	}
	BIDE_STORE(&user->waiter_, seen, RELEASE); /* Pairs with was_awaited_before. */
	user->post_.run = deliver_posted;
	bide_port_post_(&user->post_);
}

static bool user_complete(bide_user_source *user, bide_payload payload)
{
	if (!user_claim(user))
		return false;
	user_finish(user, payload, 0);
	return true;
}

static bool user_fail(bide_user_source *user, int error, const bide_place *place)
{
	if (!user_claim(user))
		return false;
	user_finish(user, bide_trace_made_(error, place), error);
	return true;
}

/*
 * Returns true if the source was awaited in another era. What awaited it went with the shutdown, or
 * is in the parent.
 */
static bool was_awaited_before(const bide_user_source *user)
{
	uintptr_t word;

	/* Pairs with user_finish: if this is the waiter, the load below finds DONE. */
	if (BIDE_LIKELY(BIDE_LOAD(&user->life_, ACQUIRE) == bide_era_()))
		return false;
	word = BIDE_LOAD(&user->source.word, RELAXED);
	return word != BIDE_WORD_PENDING_ && word != BIDE_WORD_ABANDONED_ && !bide_word_is_done_(word);
}

static bool user_valid(const bide_user_source *user, const char *what)
{
	if (user && BIDE_UNLIKELY(was_awaited_before(user))) {
		bide_misuse_("%s: this source was awaited before %s; bide_user_source_reset makes it new",
		             what,
		             (uint32_t)user->life_ >> BIDE_ERA_LIFE_BITS_ == bide_fork_count_
		                 ? "bide_shutdown, which ended what awaited it"
		                 : "the fork, and what awaited it goes on in the parent only");
		return false;
	}
	if (user && !bide_is_sync_(&user->source) && !bide_port_on_worker_()) {
		bide_misuse_("%s: this source was made by bide_user_source_init_local, for the worker's "
		             "thread alone",
		             what);
		return false;
	}
	if (!user)
		bide_misuse_("%s: source is NULL", what);
	return user != NULL;
}

bool bide_user_source_try_complete(bide_user_source *user, bide_payload payload)
{
	return user_valid(user, "bide_user_source_try_complete") && user_complete(user, payload);
}

bool bide_user_source_try_fail_at_(bide_user_source *user, int error, const bide_place *place)
{
	return user_valid(user, "bide_user_source_try_fail") &&
	       bide_check_error_(error, "bide_user_source_try_fail") && user_fail(user, error, place);
}

/* Reports misuse if the call was not the one that completed the source. */
static void must(bool done, const char *what)
{
	if (!done)
		bide_misuse_("%s: completed already; bide_user_source_reset makes it new", what);
}

static void complete_must(bide_user_source *user, bide_payload payload, const char *what)
{
	if (user_valid(user, what))
		must(user_complete(user, payload), what);
}

void bide_user_source_complete(bide_user_source *user, bide_payload payload)
{
	complete_must(user, payload, "bide_user_source_complete");
}

void bide_user_source_complete_int(bide_user_source *user, int64_t result)
{
	complete_must(user, bide_payload_int_(result), "bide_user_source_complete_int");
}

void bide_user_source_complete_double(bide_user_source *user, double result)
{
	complete_must(user, bide_value_task_from_double(result).payload,
	              "bide_user_source_complete_double");
}

void bide_user_source_complete_pointer(bide_user_source *user, const void *result)
{
	complete_must(user, bide_value_task_from_pointer(result).payload,
	              "bide_user_source_complete_pointer");
}

void bide_user_source_cancel(bide_user_source *user)
{
	if (user_valid(user, "bide_user_source_cancel"))
		must(user_fail(user, BIDE_ECANCELED_, NULL), "bide_user_source_cancel");
}

bool bide_user_source_try_cancel(bide_user_source *user)
{
	return user_valid(user, "bide_user_source_try_cancel") &&
	       user_fail(user, BIDE_ECANCELED_, NULL);
}

void bide_user_source_fail_at_(bide_user_source *user, int error, const bide_place *place)
{
	if (user_valid(user, "bide_user_source_fail") &&
	    bide_check_error_(error, "bide_user_source_fail") && !user_fail(user, error, place))
		bide_misuse_(
			"bide_user_source_fail: completed already; bide_user_source_reset makes it new");
}

void bide_user_source_reset(bide_user_source *user)
{
	bide_thread_head *head = bide_thread_();
	uintptr_t word;

	if (!user) {
		bide_misuse_("bide_user_source_reset: source is NULL");
		return;
	}
	/* Pairs with the release by the consumer, which may be another thread. */
	word = BIDE_LOAD(&user->source.word, ACQUIRE);
	if (word != BIDE_WORD_ABANDONED_ && !was_awaited_before(user) &&
	    (word != BIDE_WORD_PENDING_ || user->source.marks & BIDE_MARK_CLAIMED_)) {
		bide_misuse_("bide_user_source_reset: the value task of this generation %s",
		             bide_word_is_done_(word) ? "has not been consumed yet" : "is being awaited");
		return;
	}
	user->source.generation = head ? ++head->generation : user->source.generation + 1;
	user->source.payload.i = 0;
	user->source.error = 0;
	user->post_.next = user_mark(user, false);
	BIDE_STORE(&user->life_, (uintptr_t)bide_era_(), RELAXED);
	/*
	 * The marks are cleared last, so a thread that claims the source finds all of the new
	 * generation. Pairs with user_claim.
	 */
	BIDE_STORE(&user->source.word, (uintptr_t)BIDE_WORD_PENDING_, RELAXED);
	BIDE_STORE(&user->source.marks, 0u, RELEASE);
}
