/*
 * thread.c - results between threads. Tasks may be completed, awaited and waited for on any thread.
 * A value task belongs to the thread that made it, so tasks are used between threads. This example
 * needs threads, and a simulation has only one.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include <bide/short.h>

struct exchange {
	task *question; /* completed here, waited for by the other thread */
	task *answer;   /* the reverse */
};

static void *other_thread(void *argument)
{
	struct exchange *e = argument;
	payload question;
	int error = task_wait(e->question, &question); /* blocks this thread only */

	if (error)
		task_fail(e->answer, error);
	else
		task_complete_int(e->answer, question.i * question.i);
	return NULL;
}

struct ask {
	ASYNC_FRAME;
	struct {
		struct exchange *exchange;
	} in;
	int64_t answer;
};

async(ask)
{
	async_in(exchange);
	await(delay_ms(10));
	task_complete_int(exchange->question, 12);
	await(my->answer, exchange->answer); /* a task can be awaited directly */
	async_return(my->answer);
async_finally:
	async_end;
}

int main(void)
{
	struct exchange e = { task_create(NULL), task_create(NULL) };
	payload answer = { .i = 0 };
	pthread_t thread;
	int error = e.question && e.answer ? 0 : ENOMEM;

	if (!error)
		error = pthread_create(&thread, NULL, other_thread, &e);
	if (!error) {
		error = value_task_wait(async_start(ask, .exchange = &e), &answer);
		task_try_fail(e.question, ECANCELED); /* if asking failed, the thread must not wait */
		pthread_join(thread, NULL);
	}
	task_unref(e.question);
	task_unref(e.answer);
	if (error) {
		fprintf(stderr, "thread: %s\n", bide_strerror(error));
		return 1;
	}
	printf("the other thread answered %lld\n", (long long)answer.i);
	return answer.i == 144 ? 0 : 1;
}
