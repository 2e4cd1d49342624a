/*
 * small_stack.h - runs a function on a thread with a small stack, where a recursion as deep as the
 * data would crash. If that thread was the worker, the worker has ended afterwards.
 */
#ifndef BIDE_TEST_SMALL_STACK_H
#define BIDE_TEST_SMALL_STACK_H

#include <pthread.h>

#include "test.h"

static inline void on_small_stack(void *(*run)(void *), void *argument)
{
	enum { STACK_BYTES = 256 * 1024 };
	pthread_attr_t attributes;
	pthread_t thread;

	assert_int_equal(pthread_attr_init(&attributes), 0);
	assert_int_equal(pthread_attr_setstacksize(&attributes, STACK_BYTES), 0);
	assert_int_equal(pthread_create(&thread, &attributes, run, argument), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	pthread_attr_destroy(&attributes);
}

#endif
