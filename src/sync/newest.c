/*
 * newest.c - watches: the newest value, and those that wait for another one.
 *
 * Under the lock of the queue: each link in it waits for the version behind the present one, so a
 * new value and a close take all of them out.
 */
#include "base/misuse.h"
#include "base/thread.h"
#include "context/context.h"
#include "memory/allocator.h"
#include "source/source.h"
#include "sync/grant.h"

struct bide_watch {
	bide_wait_queue_ queue;
	uint32_t alive; /* atomic */
	uint32_t references;
	uint64_t version;
	uint32_t value_bytes;
	uint16_t error;           /* 0: it is open */
	const bide_call *created; /* where; may be NULL */
	_Alignas(16) char value[];
};

enum { ALIVE = 0x3A7C11E5 };

/* The watch of a waiter may be gone. So the waiter itself holds where that was made, behind it. */
static void describe(const void *copy, char *to, size_t size_bytes)
{
	const bide_waiter_ *w = copy;
	const void *extra = bide_waiter_copied_extra_(w);
	const bide_call *created = NULL;

	if (extra)
		__builtin_memcpy(&created, extra, sizeof created);
	bide_waiter_describe_("a change of watch",
	                      (const void *)(w->link.queue & ~(uintptr_t)BIDE_LINK_TAGS_), created, to,
	                      size_bytes);
}

static const bide_wait_kind_ changed_kind = {
	.type = { .name = "bide_watch_changed", .describe = describe, .leave = bide_waiter_leave_ },
};

static bool check(const bide_watch *w, const char *what)
{
	uint32_t alive = w ? BIDE_LOAD(&w->alive, RELAXED) : 0;

	if (BIDE_LIKELY(w && alive == ALIVE + bide_life_))
		return true;
	bide_misuse_("%s: watch %s", what,
	             !w                               ? "is NULL"
	             : alive - ALIVE - 1 < bide_life_ ? BIDE_OF_BEFORE_
	                                              : "was released");
	return false;
}

bide_watch *bide_watch_create(size_t value_bytes, const void *value)
{
	bide_watch *w;

	if (value_bytes == 0 || value_bytes > BIDE_WATCH_VALUE_BYTES_MAX) {
		bide_misuse_("bide_watch_create: value_bytes is %zu; 1 to %d are allowed", value_bytes,
		             BIDE_WATCH_VALUE_BYTES_MAX);
		return NULL;
	}
	if (!value) {
		bide_misuse_("bide_watch_create: value is NULL");
		return NULL;
	}
	w = bide_thread_() ? bide_allocate_(sizeof *w + value_bytes, 16) : NULL;
	if (!w)
		return NULL;
	*w = (bide_watch){ .alive = ALIVE + bide_life_,
		               .references = 1,
		               .version = 1,
		               .value_bytes = (uint32_t)value_bytes,
		               .created = bide_call_of_("bide_watch_create") };
	__builtin_memcpy(w->value, value, value_bytes);
	return w;
}

bide_watch *bide_watch_ref(bide_watch *w)
{
	if (check(w, "bide_watch_ref"))
		(void)BIDE_ADD(&w->references, 1u, RELAXED);
	return w;
}

/* Takes all waits out, with this outcome. Under the lock, which it gives back. */
static void end_all(bide_watch *w, bide_payload result, int error)
{
	bide_granted_ granted;

	bide_granted_init_(&granted);
	bide_waiters_take_all_(&w->queue, result, error, &granted);
	bide_wait_unlock_(&w->queue);
	bide_granted_end_(&granted);
}

void bide_watch_unref(bide_watch *w)
{
	/* Releases what this party wrote; the last one acquires all of it. */
	if (!w || !check(w, "bide_watch_unref") || BIDE_SUB(&w->references, 1u, ACQ_REL) != 1)
		return;
	BIDE_STORE(&w->alive, 0u, RELAXED);
	bide_wait_lock_(&w->queue);
	end_all(w, bide_payload_int_(0), BIDE_EBROKEN);
	bide_retire_(w, sizeof *w + w->value_bytes);
}

int bide_watch_set_(bide_watch *w, const void *value, size_t value_bytes)
{
	int error;

	if (!check(w, "bide_watch_set"))
		return BIDE_EINVAL_;
	if (value_bytes != w->value_bytes) {
		bide_misuse_("bide_watch_set: the value has %zu bytes; those of the watch have %u",
		             value_bytes, (unsigned)w->value_bytes);
		return BIDE_EINVAL_;
	}
	bide_wait_lock_(&w->queue);
	error = w->error ? BIDE_EPIPE_ : 0;
	if (error) {
		bide_wait_unlock_(&w->queue);
		return error;
	}
	__builtin_memcpy(w->value, value, value_bytes);
	w->version++;
	end_all(w, bide_payload_int_((int64_t)w->version), 0);
	return 0;
}

uint64_t bide_watch_get(bide_watch *w, void *value)
{
	uint64_t version;

	if (!check(w, "bide_watch_get"))
		return 0;
	bide_wait_lock_(&w->queue);
	version = w->version;
	if (value)
		__builtin_memcpy(value, w->value, w->value_bytes);
	bide_wait_unlock_(&w->queue);
	return version;
}

/* Waits with `waiter`, unless there is an outcome. */
static bide_value_task wait_with(bide_watch *w, bide_waiter_ *waiter, uint64_t seen)
{
	bide_value_task v = bide_source_value_(&waiter->operation.source);
	bool waits = false;
	uint64_t version;
	int error = 0;

	bide_wait_lock_(&w->queue);
	version = w->version;
	if (version == seen) {
		error = w->error;
		waits = !error;
		if (waits)
			error = bide_waiter_append_(&w->queue, waiter);
	}
	bide_wait_unlock_(&w->queue);
	if (waits && !error)
		return v;
	bide_waiter_discard_(waiter);
	return error ? bide_value_task_from_error(error) : bide_value_task_from_int((int64_t)version);
}

bide_value_task bide_watch_changed(bide_watch *w, uint64_t seen)
{
	uint64_t version;
	bide_waiter_ *waiter;
	int error;

	if (!check(w, "bide_watch_changed"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	error = bide_context_error_now_();
	if (error)
		return bide_value_task_from_error(error);
	version = bide_watch_get(w, NULL);
	if (version != seen)
		return bide_value_task_from_int((int64_t)version);
	waiter = bide_waiter_new_(&changed_kind, sizeof w->created);
	if (!waiter)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	__builtin_memcpy(bide_waiter_extra_(waiter), &w->created, sizeof w->created);
	return wait_with(w, waiter, seen);
}

bool bide_watch_close(bide_watch *w, int error)
{
	if (!check(w, "bide_watch_close"))
		return false;
	if (error < 0 || error > BIDE_ERROR_MAX) {
		bide_misuse_("bide_watch_close: error is %d; 0 to %d are allowed", error, BIDE_ERROR_MAX);
		return false;
	}
	bide_wait_lock_(&w->queue);
	if (w->error) {
		bide_wait_unlock_(&w->queue);
		return false;
	}
	w->error = (uint16_t)(error == 0 ? BIDE_EEND : error == BIDE_ECANCELED_ ? BIDE_EPIPE_ : error);
	end_all(w, bide_payload_int_(0), w->error);
	return true;
}
