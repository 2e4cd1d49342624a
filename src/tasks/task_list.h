/*
 * task_list.h (core) - in debug mode: which completion sources there are, and where they were
 * created. So a dump can name those that nobody waits for, and look at a task that may be given
 * back meanwhile.
 */
#ifndef BIDE_TASKS_TASK_LIST_H
#define BIDE_TASKS_TASK_LIST_H

#include "tasks/task.h"

/* The kind of a task that is in the list: it has the size that the list gave it. */
enum { BIDE_KIND_TASK_LISTED_ = BIDE_KIND_TASK_ | 1 };

/* A task of the list, which begins with it. */
typedef struct bide_listed_task_ {
	bide_task_object object;
	struct bide_listed_task_ *next, **link;
	uint64_t number; /* falls along a list, so that a walk finds its place again */
	const bide_place *created;
} bide_listed_task_;

/* By address; each newest first. */
enum { BIDE_TASK_BUCKETS_ = 512 };
extern BIDE_INTERNAL bide_listed_task_ *bide_listed_tasks_[BIDE_TASK_BUCKETS_];

typedef struct bide_task_seen {
	const void *task;
	const bide_place *created;
	uint64_t references;
	bool pending, awaited;
} bide_task_seen;

/* The memory of a task that will be in the list. NULL: no memory. */
BIDE_INTERNAL bide_task_object *bide_task_list_new_(const bide_place *place);
/* Puts it there, once it is set up. */
BIDE_INTERNAL void bide_task_list_add_(bide_task_object *object);
/* Takes it out and gives its memory back. */
BIDE_INTERNAL void bide_task_list_give_(bide_task_object *object);

/* What is known of this address; false: it is no task of the list. */
BIDE_INTERNAL bool bide_task_list_find_(const void *task, bide_task_seen *seen);

/* A walk over the list that holds no lock between two steps. Begins zeroed. */
typedef struct bide_task_walk {
	uint64_t before; /* the number of the last one in this bucket; 0: none yet */
	unsigned bucket;
} bide_task_walk;
/* false: there are no more. */
BIDE_INTERNAL bool bide_task_list_next_(bide_task_walk *walk, bide_task_seen *seen);

/* During a fork. */
BIDE_INTERNAL void bide_task_list_lock_(void);
BIDE_INTERNAL void bide_task_list_unlock_(void);

#endif
