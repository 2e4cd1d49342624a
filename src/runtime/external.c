/*
 * external.c - see external.h.
 */
#include "runtime/external.h"

#include "async/thread_init.h"
#include "base/assert.h"
#include "base/count.h"
#include "base/settings.h"
#include "base/thread.h"
#include "memory/allocator.h"
#include "memory/pool.h"
#include "os/os.h"
#include "runtime/orphan.h"
#include "runtime/runtime.h"
#include "runtime/thread.h"
#include "runtime/work.h"
#include "runtime/workers.h"

static void external_leave(void *argument)
{
	bide_thread *thread = argument;
	bool is_last = true;

	if (bide_current_thread_) /* otherwise it never began */
		bide_thread_died_(thread, "its");
	bide_current_thread_ = NULL;
	bide_pools_leave_(thread);
	bide_os_lock_(&bide_runtime_.setup);
	thread->in_use = false;
	for (const bide_thread *t = bide_runtime_.externals; t; t = t->next)
		is_last = is_last && !t->in_use;
	bide_orphan_check_(is_last);
	bide_os_unlock_(&bide_runtime_.setup);
}

/* Returns a record that is in use from now on, or NULL if there is no memory. Under setup. */
static bide_thread *record_take(bide_runtime *r)
{
	bide_thread *thread = r->externals;

	while (thread && thread->in_use)
		thread = thread->next;
	if (thread) {
		thread->in_use = true; /* its generations go on where they stopped */
		return thread;
	}
	thread = bide_allocate_(sizeof *thread, 64);
	if (thread) {
		bide_thread_init_(thread, bide_thread_number_(), true);
		thread->home = bide_shared_ ? bide_workers_home_() : 0;
		thread->next = r->externals;
		r->externals = thread;
	}
	return thread;
}

bide_thread_head *bide_external_attach_(bool *gone)
{
	bide_runtime *r = &bide_runtime_;
	bide_thread *thread = NULL;

	bide_os_lock_(&r->setup);
	*gone = r->state != BIDE_RUNTIME_ON;
	if (!*gone)
		thread = record_take(r);
	bide_os_unlock_(&r->setup);
	if (!thread)
		return NULL;
	/* With one worker every start is queued for it; otherwise a body runs here until it waits. */
	thread->head.stack_limit = bide_shared_ ? bide_thread_stack_limit_() : UINTPTR_MAX;
	if (bide_os_at_thread_exit_(external_leave, thread) != 0) {
		external_leave(thread);
		return NULL;
	}
	thread->wait_trace = 0; /* the record's last thread left it */
	bide_current_thread_ = &thread->head;
	return &thread->head;
}

void bide_external_detach_(void)
{
	bide_thread_head *head = bide_current_thread_;
	if (!head || !bide_thread_of_(head)->is_external)
		return;
	bide_thread_forget_exit_();
	external_leave(bide_thread_of_(head));
}

bool bide_external_is_valid_(void)
{
	const bide_runtime *r = &bide_runtime_;
	uint32_t count = 0;

	for (const bide_thread *t = r->externals; t; t = t->next) {
		BIDE_INVARIANT_(++count <= r->thread_count);
		BIDE_INVARIANT_(t->is_external && !t->is_nowhere);
		BIDE_INVARIANT_(bide_shared_ ? t->home < bide_workers_count_() : t->home == 0);
		BIDE_INVARIANT_(t->in_use || !bide_thread_is_inside_(&t->head));
	}
	return true;
}

unsigned bide_external_others_(void)
{
	unsigned count = 0;

	for (const bide_thread *t = bide_runtime_.externals; t; t = t->next)
		count += t->in_use && &t->head != bide_current_thread_;
	return count;
}

void bide_external_release_(void)
{
	bide_runtime *r = &bide_runtime_;

	while (r->externals) {
		bide_thread *next = r->externals->next;

		bide_counts_leave_(r->externals);
		bide_deallocate_(r->externals, sizeof *r->externals);
		r->externals = next;
	}
}
