/*
 * loop_support.h - the workload for an external loop: functions that stay on its thread through
 * delays, yields and blocking calls, functions that come from the workers for one step, and threads
 * that send. The last one ends the external loop.
 */
#ifndef LOOP_SUPPORT_H
#define LOOP_SUPPORT_H

#include "task_support.h"

enum { WORKLOAD_STAY = 20, WORKLOAD_COME = 20, WORKLOAD_SEND = 200, WORKLOAD_SENDERS = 2 };

static struct workload {
	bide_executor *loop;
	pthread_t thread; /* of the loop */
	void (*quit)(void *argument);
	void *argument;
	int left;  /* plain; the loop's thread only */
	int steps; /* plain; the loop's thread only */
	value_task stay[WORKLOAD_STAY], come[WORKLOAD_COME];
	pthread_t senders[WORKLOAD_SENDERS];
} workload;

static void workload_step(void)
{
	assert_true(pthread_equal(pthread_self(), workload.thread));
	assert_ptr_equal(bide_executor_current(), workload.loop);
	workload.steps++;
}

static void workload_one_less(void)
{
	workload_step();
	if (--workload.left == 0)
		workload.quit(workload.argument);
}

static value_task workload_block(void *argument)
{
	(void)argument;
	sleep_ms(1);
	return value_task_from(3);
}

struct workload_stay {
	ASYNC_FRAME;
	int64_t value;
	int i;
};

async(workload_stay)
{
	async_begin;
	for (my->i = 0; my->i < 5; my->i++) {
		workload_step();
		await(delay_ms(1 + my->i % 2));
		workload_step();
		await(bide_async_yield());
		await(my->value, run_blocking(workload_block, NULL));
		assert_int_equal(my->value, 3);
	}
async_finally:
	workload_one_less();
	async_end;
}

struct workload_come {
	ASYNC_FRAME;
	int i;
};

async(workload_come)
{
	async_begin;
	for (my->i = 0; my->i < 10; my->i++) {
		await(bide_async_yield());
		async_switch_to(workload.loop);
		workload_step();
		async_switch_back;
		assert_null(bide_executor_current());
		await(delay(100000));
	}
	async_switch_to(workload.loop);
async_finally:
	workload_one_less();
	async_end;
}

struct workload_sent {
	ASYNC_FRAME;
};

async(workload_sent)
{
	async_begin;
	workload_step();
async_finally:
	workload_one_less();
	async_end;
}

static void *workload_send(void *argument)
{
	(void)argument;
	for (int i = 0; i < WORKLOAD_SEND; i++) {
		value_task_forget(with_executor(workload.loop, async_start(workload_sent)));
		if (i % 50 == 0)
			sleep_ms(1);
	}
	return NULL;
}

/* Call it on the loop's thread, which calls quit when all is done. */
static void workload_start(bide_executor *loop, void (*quit)(void *argument), void *argument)
{
	workload.loop = loop;
	workload.thread = pthread_self();
	workload.quit = quit;
	workload.argument = argument;
	workload.left = WORKLOAD_STAY + WORKLOAD_COME + WORKLOAD_SENDERS * WORKLOAD_SEND;
	for (int i = 0; i < WORKLOAD_STAY; i++)
		workload.stay[i] = with_executor(loop, async_start(workload_stay));
	for (int i = 0; i < WORKLOAD_COME; i++)
		workload.come[i] = async_start(workload_come);
	for (int i = 0; i < WORKLOAD_SENDERS; i++)
		assert_int_equal(pthread_create(&workload.senders[i], NULL, workload_send, NULL), 0);
}

static void workload_end(void)
{
	for (int i = 0; i < WORKLOAD_SENDERS; i++)
		pthread_join(workload.senders[i], NULL);
	while (run_loop_once(workload.loop, 0) == 0)
		;
	for (int i = 0; i < WORKLOAD_STAY; i++)
		assert_int_equal(bide_value_task_wait(workload.stay[i], NULL), 0);
	for (int i = 0; i < WORKLOAD_COME; i++)
		assert_int_equal(bide_value_task_wait(workload.come[i], NULL), 0);
	assert_int_equal(workload.left, 0);
	assert_int_equal(workload.steps, WORKLOAD_STAY * 11 + WORKLOAD_COME * 11 +
	                                     2 * WORKLOAD_SENDERS * WORKLOAD_SEND);
}

#endif
