/*
 * stop_by_signal.c - SIGTERM ends a program in an orderly way: the signal cancels what runs, and
 * that cleans up. A further signal, a second later, would end the process at once. This example
 * needs real signals: in a simulation bide_until_signal fails.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <bide/short.h>

struct work {
	ASYNC_FRAME;
	int count;
};

async(work)
{
	async_begin;
	for (;;) {
		await(delay_ms(1));
		if (++my->count == 10)
			kill(getpid(), SIGTERM); /* for the example; usually another process does this */
	}
async_finally:
	await(delay_ms(1)); /* says goodbye: here the cancellation is masked */
	printf("worked %s\n", my->count >= 10 ? "enough" : "too little");
	async_end;
}

int main(void)
{
	payload signal_number;
	uint64_t leak_count;
	int error = value_task_wait(until_signal(async_start(work), SIGTERM, SIGINT), &signal_number);

	if (error) {
		fprintf(stderr, "stop_by_signal: %s\n", bide_strerror(error));
		return 1;
	}
	return bide_shutdown(&leak_count) != 0 || leak_count != 0 || signal_number.i != SIGTERM;
}
