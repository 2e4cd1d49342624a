/*
 * user_source.c - sources of the user's own.
 */
#include "source/user_source.h"

#include "base/generation.h"
#include "base/misuse.h"
#include "base/port.h"
#include "base/settings.h"
#include "memory/allocator.h"
#include "source/source.h"
#include "source/trace.h"

/* What stands in the link of a source that is initialised and not posted. */
static bide_post *user_mark(const bide_user_source *user, bool handed_out)
{
	return (bide_post *)((uintptr_t)user | handed_out);
}

bool bide_user_source_is_awaited_(const bide_user_source *user)
{
	uintptr_t word;

	if (user->post_.next != user_mark(user, true) || user->source.kind != BIDE_KIND_USER_ ||
	    BIDE_LOAD(&user->life_, RELAXED) != bide_life_)
		return false;
	word = BIDE_LOAD(&user->source.word, RELAXED);
	return bide_word_has_frame_(word) || bide_word_tag_(word) == BIDE_WORD_NOTIFY_;
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
	user->life_ = bide_life_;
}

void bide_user_source_init(bide_user_source *user, const bide_source_operations *operations)
{
	/* any thread may complete it */
	user_init(user, operations, BIDE_FLAG_SYNC_, "bide_user_source_init");
}

void bide_user_source_init_local(bide_user_source *user, const bide_source_operations *operations)
{
	/* With many workers no thread is the one that all of its functions run on. */
	user_init(user, operations, bide_shared_ ? BIDE_FLAG_SYNC_ : 0, "bide_user_source_init_local");
}

bide_value_task bide_user_source_value_task(bide_user_source *user)
{
	/* The word of one that was consumed: no order is needed: to ask at the same time is wrong. */
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

/* Who completes it is the only one. */
static bool user_claim(bide_user_source *user)
{
	if (bide_is_sync_(&user->source)) /* pairs with a reset */
		return !(BIDE_OR(&user->source.marks, (uint32_t)BIDE_MARK_CLAIMED_, ACQUIRE) &
		         BIDE_MARK_CLAIMED_);
	if (user->source.marks)
		return false;
	user->source.marks = BIDE_MARK_CLAIMED_;
	return true;
}

/*
 * Claimed by the caller. A listener runs on the worker; a waiting frame is sent there by the port
 * itself.
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
	BIDE_STORE(&user->waiter_, seen, RELEASE); /* pairs with was_awaited_before */
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

/* In an earlier life of the runtime: what awaited it went with the shutdown. */
static bool was_awaited_before(const bide_user_source *user)
{
	uintptr_t word;

	/* pairs with user_finish: if the waiter stands there, the word says DONE */
	if (BIDE_LIKELY(BIDE_LOAD(&user->life_, ACQUIRE) == bide_life_))
		return false;
	word = BIDE_LOAD(&user->source.word, RELAXED);
	return word != BIDE_WORD_PENDING_ && word != BIDE_WORD_ABANDONED_ && !bide_word_is_done_(word);
}

static bool user_valid(const bide_user_source *user, const char *what)
{
	if (user && BIDE_UNLIKELY(was_awaited_before(user))) {
		bide_misuse_(
			"%s: this source was awaited before bide_shutdown, which ended what awaited it; "
			"bide_user_source_reset makes it new",
			what);
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

/* It has to be the one that completes it. */
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
	/* pairs with the consumer's release, if it is another thread */
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
	BIDE_STORE(&user->life_, (uintptr_t)bide_life_, RELAXED);
	/*
	 * The claim opens last: a claim finds all of the new generation. Pairs with user_complete.
	 */
	BIDE_STORE(&user->source.word, (uintptr_t)BIDE_WORD_PENDING_, RELAXED);
	BIDE_STORE(&user->source.marks, 0u, RELEASE);
}
