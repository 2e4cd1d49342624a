/*
 * task_list.c - see task_list.h. One lock protects the table.
 */
#include "tasks/task_list.h"

#include "base/assert.h"
#include "base/spin.h"
#include "memory/allocator.h"
#include "tasks/subscription.h"

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

void bide_task_list_free_(bide_task_object *object)
{
	listed *l = (listed *)(void *)object;

	bide_spin_lock_(&lock);
	BIDE_ASSERT_(*l->link == l);
	*l->link = l->next;
	if (l->next)
		l->next->link = l->link;
	bide_spin_unlock_(&lock);
	bide_retire_(l, sizeof *l);
}

/* Under the lock, so that the task is not freed meanwhile. It may complete. */
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

static bool bucket_is_valid(listed **bucket)
{
	uint64_t before = count + 1;
	size_t subscriptions;

	for (listed **link = bucket; *link; link = &(*link)->next) {
		bide_source *task = &(*link)->object.source;

		BIDE_INVARIANT_((*link)->link == link);
		BIDE_INVARIANT_(bucket_of(*link) == bucket);
		BIDE_INVARIANT_((*link)->number < before); /* so it is no circle */
		BIDE_INVARIANT_(task->kind == BIDE_KIND_TASK_LISTED_);
		before = (*link)->number;
		if (!bide_subscriptions_are_valid_(task, &subscriptions))
			return false;
	}
	return true;
}

bool bide_task_list_is_valid_(void)
{
	bool valid = true;

	bide_spin_lock_(&lock);
	for (size_t i = 0; valid && i < BUCKETS; i++)
		valid = bucket_is_valid(&bide_listed_tasks_[i]);
	bide_spin_unlock_(&lock);
	return valid;
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
