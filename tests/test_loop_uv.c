/*
 * A loop under libuv, with one descriptor polled and one call made. There are timers of bide and of
 * libuv, threads that send, and functions that start and end.
 */
/* threads */
#include <uv.h>

#include "support/loop_support.h"

static void ready(uv_poll_t *poll, int status, int events)
{
	(void)events;
	assert_int_equal(status, 0);
	run_loop_once(poll->data, 0);
}

static void tick(uv_timer_t *timer)
{
	++*(int *)timer->data;
}

static void quit(void *argument)
{
	uv_stop(argument);
}

TEST_SLOW(functions_run_in_a_libuv_loop, 60)
{
	uv_loop_t uv;
	uv_poll_t poll;
	uv_timer_t timer;
	bide_executor *loop = bide_loop_create();
	int ticks = 0;

	assert_non_null(loop);
	assert_int_equal(uv_loop_init(&uv), 0);
	assert_int_equal(uv_poll_init(&uv, &poll, fd_of_loop(loop)), 0);
	poll.data = loop;
	assert_int_equal(uv_poll_start(&poll, UV_READABLE, ready), 0);
	assert_int_equal(uv_timer_init(&uv, &timer), 0);
	timer.data = &ticks;
	assert_int_equal(uv_timer_start(&timer, tick, 1, 1), 0);
	workload_start(loop, quit, &uv);
	uv_run(&uv, UV_RUN_DEFAULT);
	workload_end();
	assert_true(ticks > 0); /* bide left time for libuv's own handles */
	uv_close((uv_handle_t *)&poll, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	assert_int_equal(uv_run(&uv, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&uv), 0);
	uv_library_shutdown(); /* frees the pipe that libuv keeps for signals */
	bide_executor_unref(loop);
}
