/*
 * completion_source.c - wraps an interface with callbacks: the callback completes a task. Another
 * thread calls it, so this program cannot run as a simulation.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include <bide/short.h>

/* --- another library, which calls back on a thread of its own --- */

struct measurement {
	void (*callback)(int status, double celsius, void *argument);
	void *argument;
};

static void *measure(void *argument)
{
	struct measurement *m = argument;

	m->callback(0, 21.5, m->argument);
	return NULL;
}

static int measure_start(pthread_t *thread, struct measurement *m)
{
	return pthread_create(thread, NULL, measure, m);
}

/* --- the wrapper --- */

/* The callback owns one reference to the task. */
static void measured(int status, double celsius, void *argument)
{
	task *t = argument;

	if (status == 0)
		task_complete(t, (payload){ .d = celsius });
	else
		task_fail(t, status);
	task_unref(t);
}

int main(void)
{
	task *temperature = task_create(NULL);
	struct measurement m = { measured, temperature };
	payload celsius;
	pthread_t thread;
	int error = temperature ? 0 : ENOMEM;

	if (!error) {
		task_ref(temperature); /* for the callback */
		error = measure_start(&thread, &m);
		if (error) {
			task_unref(temperature);
		} else {
			error = task_wait(temperature, &celsius); /* in an async function: await */
			pthread_join(thread, NULL);
		}
	}
	task_unref(temperature);
	if (error) {
		fprintf(stderr, "completion_source: %s\n", bide_strerror(error));
		return 1;
	}
	printf("%.1f degrees\n", celsius.d);
	return celsius.d == 21.5 ? 0 : 1;
}
