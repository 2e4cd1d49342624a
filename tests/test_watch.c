/*
 * Loops without a descriptor, which look at the sources of the user's themselves, on a thread that
 * is no worker.
 */
/* threads */
#include <poll.h>
#include <sched.h>
#include <semaphore.h>

#include "support/executor_support.h"

enum { SOURCES = 3 };

static struct {
	bide_executor *loop;
	bide_user_source sources[SOURCES];
	turn_log log;
	sem_t waiting; /* all functions await their sources */
	sem_t opened;
	_Atomic int done;
	int count, fd;
	bool polls; /* the thread runs the loop only when the descriptor is readable */
} w;

struct watcher {
	ASYNC_FRAME;
	struct {
		int index;
	} in;
	int64_t value;
};

async(watcher)
{
	async_begin;
	await(my->value, bide_user_source_value_task(&w.sources[my->in.index]));
	assert_int_equal(my->value, my->in.index + 10);
	assert_ptr_equal(bide_executor_current(), w.loop);
	turn(&w.log, my->in.index);
async_finally:
	w.done++;
	async_end;
}

static void *watcher_thread(void *unused)
{
	(void)unused;
	w.loop = loop();
	for (int i = 0; i < w.count; i++)
		value_task_forget(with_executor(w.loop, async_start(watcher, .index = i)));
	assert_int_equal(run_loop_once(w.loop, 0), BIDE_FOREVER);
	sem_post(&w.waiting);
	if (w.polls)
		sem_wait(&w.opened);
	while (w.done < w.count) {
		if (w.polls) {
			struct pollfd p = { w.fd, POLLIN, 0 };

			assert_int_equal(poll(&p, 1, 15000), 1);
		}
		run_loop_once(w.loop, 0);
		sched_yield();
	}
	bide_executor_unref(w.loop);
	return NULL;
}

static pthread_t watcher_start(int count, bool polls)
{
	pthread_t thread;

	bide_now_ns(); /* makes this thread the first that uses bide */
	w.count = count;
	w.polls = polls;
	sem_init(&w.waiting, 0, 0);
	sem_init(&w.opened, 0, 0);
	for (int i = 0; i < SOURCES; i++)
		bide_user_source_init(&w.sources[i], NULL);
	assert_int_equal(pthread_create(&thread, NULL, watcher_thread, NULL), 0);
	return thread;
}

static void complete(int index)
{
	bide_user_source_complete(&w.sources[index], (bide_payload){ .i = index + 10 });
}

TEST(a_loop_finds_what_another_thread_completes)
{
	NOT_SEEDED("it needs a second thread");
	pthread_t thread = watcher_start(1, false);

	sem_wait(&w.waiting);
	complete(0);
	pthread_join(thread, NULL);
	ASSERT_TURNS(&w.log, 0);
}

TEST(functions_of_a_loop_resume_in_the_order_in_which_they_became_runnable)
{
	NOT_SEEDED("it needs a second thread");
	pthread_t thread = watcher_start(3, false);

	sem_wait(&w.waiting);
	complete(2); /* the last one that began to wait */
	complete(0);
	complete(1);
	pthread_join(thread, NULL);
	ASSERT_TURNS(&w.log, 2, 0, 1);
}

TEST(a_descriptor_that_is_opened_later_tells_of_what_already_waits)
{
	NOT_SEEDED("it needs a second thread");
	pthread_t thread = watcher_start(3, true);

	sem_wait(&w.waiting);
	assert_int_equal(bide_loop_fd(w.loop, &w.fd), 0);
	sem_post(&w.opened);
	complete(2);
	while (w.done < 1)
		sched_yield();
	complete(1);
	complete(0);
	pthread_join(thread, NULL);
	ASSERT_TURNS(&w.log, 2, 1, 0);
}
