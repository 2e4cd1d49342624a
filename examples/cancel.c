/*
 * cancel.c - a time limit and a token. Neither is an argument of the function that they end: a
 * context carries both, and this function and all that it calls inherit it.
 */
#include <errno.h>
#include <stdio.h>

#include <bide/short.h>

struct read_sensor {
	ASYNC_FRAME;
	bool open;
};

async(read_sensor)
{
	async_begin;
	my->open = true;
	await(delay_ms(5000)); /* the limit applies without being passed */
	async_return(42);
async_finally:
	printf("  cleaned up after: %s\n", bide_strerror(async_error));
	my->open = false;
	async_end;
}

static value_task read_sensor(void)
{
	return async_start(read_sensor);
}

struct run {
	ASYNC_FRAME;
	cancel_source *user;
	int64_t value;
	int timed_out, canceled;
};

async(run)
{
	async_begin;
	printf("with a limit of 20 ms:\n");
	await_or(my->value, with_timeout_ms(20, read_sensor()), my->timed_out = await_error);

	printf("with a token that is canceled after 20 ms:\n");
	my->user = cancel_source_create();
	if (!my->user || cancel_source_cancel_after(my->user, BIDE_MS(20)) != 0)
		async_fail(ENOMEM);
	await_or(my->value, with_token(cancel_source_token(my->user), read_sensor()),
	         my->canceled = await_error);
	async_return(my->timed_out == ETIMEDOUT && my->canceled == ECANCELED);
async_finally:
	cancel_source_unref(my->user);
	async_end;
}

int main(void)
{
	int64_t start_ns = now_ns();
	payload good;
	int error = value_task_wait(async_start(run), &good);

	if (error || !good.i) {
		fprintf(stderr, "cancel: %s\n", error ? bide_strerror(error) : "wrong errors");
		return 1;
	}
	printf("both ended early: %d ms instead of 10 s\n", (int)((now_ns() - start_ns) / BIDE_MS(1)));
	return 0;
}
