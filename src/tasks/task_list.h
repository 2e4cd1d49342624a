/*
 * task_list.h - in debug mode: which completion sources there are, and where they were created.
 *
 * So a dump can name those that nothing awaits, and look at a task that another thread may free
 * meanwhile.
 */
#ifndef BIDE_TASKS_TASK_LIST_H
#define BIDE_TASKS_TASK_LIST_H

#include "tasks/task.h"

/* The kind of a task in the list, which is part of a bide_listed_task_. */
enum { BIDE_KIND_TASK_LISTED_ = BIDE_KIND_TASK_ | 1 };

typedef struct bide_listed_task_ {
	bide_task_object object;
	struct bide_listed_task_ *next, **link; /* *link points at this one */
	uint64_t number; /* falls along a bucket, so that a walk finds its place again */
	const bide_place *created;
} bide_listed_task_;

/* Buckets by the address of the task; in each the newest is first. */
enum { BIDE_TASK_BUCKETS_ = 512 };
extern BIDE_INTERNAL bide_listed_task_ *bide_listed_tasks_[BIDE_TASK_BUCKETS_];

typedef struct bide_task_seen {
	const void *task;
	const bide_place *created;
	uint64_t references;
	bool pending, awaited;
} bide_task_seen;

/* Returns the memory of a task that will be in the list, or NULL if there is none. */
BIDE_INTERNAL bide_task_object *bide_task_list_new_(const bide_place *place);
/* Adds a task that is set up. */
BIDE_INTERNAL void bide_task_list_add_(bide_task_object *object);
/* Takes a task out of the list and frees it. */
BIDE_INTERNAL void bide_task_list_free_(bide_task_object *object);

/*
 * Stores what is known of the task at this address. Returns false if no task of the list is there.
 */
BIDE_INTERNAL bool bide_task_list_find_(const void *task, bide_task_seen *seen);

/* A walk over the list that holds no lock between two steps. It begins zeroed. */
typedef struct bide_task_walk {
	uint64_t before; /* the number of the last task in this bucket; 0: none yet */
	unsigned bucket;
} bide_task_walk;
/* Stores what is known of the next task. Returns false if there are no more. */
BIDE_INTERNAL bool bide_task_list_next_(bide_task_walk *walk, bide_task_seen *seen);

/*
 * Returns true if the list is whole: the links go both ways, the numbers fall, each task is valid,
 * and so are its subscriptions. Locks the list, and each task.
 */
BIDE_INTERNAL bool bide_task_list_is_valid_(void);

/* fork(2) holds the lock. */
BIDE_INTERNAL void bide_task_list_lock_(void);
BIDE_INTERNAL void bide_task_list_unlock_(void);

#endif
