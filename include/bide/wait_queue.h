/*
 * wait_queue.h - what all objects have that functions wait together on: a queue of those that wait.
 *
 * Semaphores, mutexes and events lie in your memory, and begin with one. All bits zero is an empty
 * queue. You never use it directly.
 */
#ifndef BIDE_WAIT_QUEUE_H
#define BIDE_WAIT_QUEUE_H

#include "abi.h"

struct bide_wait_link_;

/* The waiters, the longest wait first. src/sync/wait_queue.h says what the words mean. */
typedef struct bide_wait_queue_ {
	uint32_t lock;
	uint32_t count;
	struct bide_wait_link_ *first, *last;
} bide_wait_queue_;

#endif
