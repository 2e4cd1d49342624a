/*
 * stop_by_signal.c - SIGTERM ends a server in an orderly way. A thread sleeps until the signal
 * comes. Then the server is canceled and cleans up. If the server ends first, it wakes the thread
 * by another signal. This example needs threads: in a simulation bide_run_on_new_thread is misuse.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <bide/short.h>

enum { WAKE_UP = SIGUSR1 }; /* blocked like the others, so it is never lost */

/* Runs on a thread of its own, in the context of the call. */
static value_task wait_for_signal(void *set)
{
	int number;

	do
		number = sigwaitinfo(set, NULL);
	while ((number < 0 && errno == EINTR) || (number == WAKE_UP && !context_current_error()));
	if (number < 0)
		return value_task_from_error(errno);
	return number == WAKE_UP ? value_task_from_error(ECANCELED) : value_task_from(number);
}

/* Sleeps until its context is canceled; its cleanup wakes the thread above. */
struct wake_up {
	ASYNC_FRAME;
};

async(wake_up)
{
	async_begin;
	await(delay(BIDE_FOREVER));
async_finally:
	kill(getpid(), WAKE_UP);
	async_end;
}

struct serve {
	ASYNC_FRAME;
	int served;
};

async(serve)
{
	async_begin;
	for (;;) {
		await(delay_ms(1));
		if (++my->served == 10)
			kill(getpid(), SIGTERM); /* for the example; usually another process does this */
	}
async_finally:
	await(delay_ms(1)); /* says goodbye to its clients: here the cancellation is masked */
	printf("served %s\n", my->served >= 10 ? "enough" : "too little");
	async_end;
}

struct run {
	ASYNC_FRAME;
	struct {
		sigset_t *signals;
	} in;
	context *scope;
	value_task items[3];
	int64_t first;
};

async(run)
{
	async_in(signals);
	my->scope = context_create(NULL);
	if (!my->scope)
		async_fail(ENOMEM);
	my->items[0] = in_context(my->scope, run_on_new_thread(wait_for_signal, signals));
	my->items[1] = in_context(my->scope, async_start(serve));
	my->items[2] = in_context(my->scope, async_start(wake_up));
	await(my->first, race(my->scope, my->items, 3)); /* the first to end stops the others */
	if (my->first != 0)
		async_fail(value_task_error(my->items[1]));
	async_return(my->items[0]);
async_finally:
	context_unref(my->scope);
	async_end;
}

int main(void)
{
	payload signal_number;
	uint64_t leak_count;
	sigset_t signals;
	int error;

	/*
	 * The signals are blocked before bide starts threads, which inherit this, so that no thread is
	 * ended by the signal.
	 */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, WAKE_UP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	error = value_task_wait(async_start(run, .signals = &signals), &signal_number);
	if (error) {
		fprintf(stderr, "stop_by_signal: %s\n", bide_strerror(error));
		return 1;
	}
	return bide_shutdown(&leak_count) != 0 || leak_count != 0 || signal_number.i != SIGTERM;
}
