/*
 * stop_by_signal.c - SIGTERM ends a server in order. A thread of its own waits for the signal and
 * looks now and then whether the wait itself shall end; what serves is canceled, and cleans up.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <bide/short.h>

/* On a thread of its own, in the context of the call. */
static value_task wait_for_signal(void *set)
{
	const struct timespec moment = { .tv_nsec = 20000000 };
	int signal_number, error = 0;

	while ((signal_number = sigtimedwait(set, NULL, &moment)) < 0 && error == 0)
		error = errno == EAGAIN || errno == EINTR ? context_current_error() : errno;
	return error ? value_task_from_error(error) : value_task_from(signal_number);
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
			kill(getpid(), SIGTERM); /* for the example; else somebody else does */
	}
async_finally:
	await(delay_ms(1)); /* says goodbye to its clients: the cancellation is hidden here */
	printf("served %s\n", my->served >= 10 ? "enough" : "too little");
	async_end;
}

struct run {
	ASYNC_FRAME;
	struct {
		sigset_t *signals;
	} in;
	context *scope;
	value_task items[2];
	int64_t first;
};

async(run)
{
	async_begin;
	my->scope = context_create(NULL);
	if (!my->scope)
		async_fail(ENOMEM);
	my->items[0] = in_context(my->scope, run_on_new_thread(wait_for_signal, my->in.signals));
	my->items[1] = in_context(my->scope, async_start(serve));
	await(my->first, race(my->scope, my->items, 2)); /* whoever ends stops the other */
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

	/* Before bide starts threads: they inherit it, and nobody is ended by the signal. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	error = value_task_wait(async_start(run, .signals = &signals), &signal_number);
	if (error) {
		fprintf(stderr, "stop_by_signal: %s\n", bide_strerror(error));
		return 1;
	}
	return bide_shutdown(&leak_count) != 0 || leak_count != 0 || signal_number.i != SIGTERM;
}
