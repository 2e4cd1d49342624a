/*
 * A loop under GLib's main loop, with one descriptor watched and one call made. There are timers of
 * bide and of GLib, threads that send, events of descriptors, and functions that start and end.
 */
/* threads */
#include <glib-unix.h>
#include <sys/eventfd.h>

#include "support/loop_support.h"

static gboolean ready(gint fd, GIOCondition condition, gpointer argument)
{
	(void)fd, (void)condition;
	run_loop_once(argument, 0);
	return G_SOURCE_CONTINUE;
}

static gboolean tick(gpointer argument)
{
	++*(int *)argument;
	return G_SOURCE_CONTINUE;
}

static void quit(void *argument)
{
	g_main_loop_quit(argument);
}

static void attach(GMainContext *context, GSource *source, GSourceFunc call, gpointer argument)
{
	g_source_set_callback(source, call, argument, NULL);
	g_source_attach(source, context);
	g_source_unref(source);
}

TEST_SLOW(functions_run_in_a_glib_main_loop, 60)
{
	/* The test makes its own context because the default one is never freed. */
	GMainContext *context = g_main_context_new();
	GMainLoop *main_loop = g_main_loop_new(context, FALSE);
	bide_executor *loop = bide_loop_create();
	int ticks = 0;

	assert_non_null(loop);
	attach(context, g_unix_fd_source_new(fd_of_loop(loop), G_IO_IN), G_SOURCE_FUNC(ready), loop);
	attach(context, g_timeout_source_new(1), tick, &ticks);
	workload_start(loop, quit, main_loop);
	g_main_loop_run(main_loop);
	workload_end();
	assert_true(ticks > 0); /* bide left time for GLib's own sources */
	g_main_loop_unref(main_loop);
	g_main_context_unref(context);
	bide_executor_unref(loop);
}

/* Waits for a counter on the loop's thread, for each tick of GLib's timer. */
struct counts {
	ASYNC_FRAME;
	struct {
		int fd, times;
		GMainLoop *main_loop;
	} in;
	int64_t events;
	int i;
};

async(counts)
{
	eventfd_t value;

	async_begin;
	for (my->i = 0; my->i < my->in.times; my->i++) {
		await(my->events, fd_wait(my->in.fd, BIDE_FD_IN));
		assert_int_equal(my->events, BIDE_FD_IN);
		assert_int_equal(eventfd_read(my->in.fd, &value), 0);
	}
	g_main_loop_quit(my->in.main_loop);
async_finally:
	async_end;
}

static gboolean count_up(gpointer argument)
{
	assert_int_equal(eventfd_write(*(int *)argument, 1), 0);
	return G_SOURCE_CONTINUE;
}

TEST_SLOW(events_of_descriptors_come_in_a_glib_main_loop, 60)
{
	GMainContext *context = g_main_context_new();
	GMainLoop *main_loop = g_main_loop_new(context, FALSE);
	bide_executor *loop = bide_loop_create();
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	value_task v;

	NOT_SEEDED("input and output are not simulated");
	assert_non_null(loop);
	v = with_executor(loop, async_start(counts, .fd = fd, .times = 50, .main_loop = main_loop));
	attach(context, g_unix_fd_source_new(fd_of_loop(loop), G_IO_IN), G_SOURCE_FUNC(ready), loop);
	attach(context, g_timeout_source_new(1), count_up, &fd);
	g_main_loop_run(main_loop);
	assert_int_equal(bide_value_task_wait(v, NULL), 0);
	g_main_loop_unref(main_loop);
	g_main_context_unref(context);
	bide_executor_unref(loop);
	close(fd);
}
