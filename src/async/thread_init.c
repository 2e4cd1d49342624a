/*
 * thread_init.c - see thread_init.h.
 */
#include "async/thread_init.h"

#include "async/deque.h"
#include "base/count.h"
#include "base/settings.h"
#include "memory/pool.h"

void bide_thread_init_(bide_thread *thread, uint32_t number, bool is_external)
{
	bide_thread_head *head = &thread->head;

	__builtin_memset(thread, 0, sizeof *thread);
	thread->is_external = is_external;
	thread->by_port = is_external || bide_shared_;
	thread->in_use = true;
	thread->completions_tail = &thread->completions;
	head->current = &thread->root;
	head->generation = (uint64_t)number << 48;
	head->frame_flags = is_external || bide_shared_ ? BIDE_FLAG_SYNC_ : 0;
	head->frame_tail = (uint64_t)head->frame_flags << BIDE_TAIL_FLAGS_;
	bide_pools_join_(thread);
	bide_deque_none_(head);
	head->deque.queues_forks = is_external && bide_shared_;
	bide_counts_join_(thread);
}
