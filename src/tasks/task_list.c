/*
 * task_list.c - see task_list.h. A table of lists by address, newest first; all under one lock.
 */
#include "tasks/task_list.h"

#include "base/spin.h"
#include "memory/allocator.h"

typedef bide_listed_task_ listed;

enum { BUCKETS = BIDE_TASK_BUCKETS_ };

bide_listed_task_ *bide_listed_tasks_[BIDE_TASK_BUCKETS_];
static uint64_t count;
static uint32_t lock;

void bide_task_list_lock_(void)
{
	bide_spin_lock_(&lock);
}

void bide_task_list_unlock_(void)
{
	bide_spin_unlock_(&lock);
}

static listed **bucket_of(const void *task)
{
	return &bide_listed_tasks_[((uintptr_t)task >> 4) % BUCKETS];
}

bide_task_object *bide_task_list_new_(const bide_place *place)
{
	listed *l = bide_allocate_(sizeof *l, 16);

	if (!l)
		return NULL;
	l->created = place;
	return &l->object;
}

void bide_task_list_add_(bide_task_object *object)
{
	listed *l = (listed *)(void *)object, **first = bucket_of(l);

	bide_spin_lock_(&lock);
	l->number = ++count;
	l->next = *first;
	l->link = first;
	if (l->next)
		l->next->link = &l->next;
	*first = l;
	bide_spin_unlock_(&lock);
}

void bide_task_list_give_(bide_task_object *object)
{
	listed *l = (listed *)(void *)object;

	bide_spin_lock_(&lock);
	*l->link = l->next;
	if (l->next)
		l->next->link = l->link;
	bide_spin_unlock_(&lock);
	bide_retire_(l, sizeof *l);
}

/* Under the lock: the task cannot be given back, all else goes on. */
static void look(const listed *l, bide_task_seen *seen)
{
	const bide_source *task = &l->object.source;
	uintptr_t word = BIDE_LOAD(&task->word, ACQUIRE); /* pairs with DONE and the list's changes */

	seen->task = task;
	seen->created = l->created;
	seen->references = bide_task_references_(BIDE_LOAD(&task->generation, RELAXED));
	seen->pending = !bide_word_is_done_(word);
	seen->awaited = seen->pending && bide_word_upper_(word) != 0;
}

bool bide_task_list_find_(const void *task, bide_task_seen *seen)
{
	const listed *l;

	bide_spin_lock_(&lock);
	for (l = *bucket_of(task); l && (const void *)l != task; l = l->next)
		;
	if (l)
		look(l, seen);
	bide_spin_unlock_(&lock);
	return l != NULL;
}

bool bide_task_list_next_(bide_task_walk *walk, bide_task_seen *seen)
{
	const listed *l = NULL;

	bide_spin_lock_(&lock);
	for (; walk->bucket < BUCKETS; walk->bucket++, walk->before = 0) {
		for (l = bide_listed_tasks_[walk->bucket]; l && walk->before && l->number >= walk->before;
		     l = l->next)
			;
		if (l)
			break;
	}
	if (l) {
		walk->before = l->number;
		look(l, seen);
	}
	bide_spin_unlock_(&lock);
	return l != NULL;
}
