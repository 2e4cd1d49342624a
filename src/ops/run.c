/*
 * run.c - bide_run: a function of the user's is the body of an async function that begins in the
 * queue.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/own.h"
#include "memory/pool.h"

/* Messages and dumps show the name. */
struct bide_run {
	BIDE_ASYNC_FRAME;
	struct {
		bide_run_function *function;
		void *argument;
	} in;
	int error;
};

static const bide_own_ bide_run_own_ = { .name = "bide_run" };

bide_async(bide_run)
{
	bide_async_begin;
	my->error = bide_context_current_error();
	if (my->error) /* canceled while it was queued */
		bide_async_fail(my->error);
	bide_async_return(my->in.function(my->in.argument));
bide_async_finally:
	bide_async_end;
}

static bide_value_task run(bide_run_function *function, void *argument)
{
	int error = bide_context_current_error();

	if (error)
		return bide_value_task_from_error(error);
	/* Where another thread runs the functions, their memory comes back from its core. */
	if (bide_current_thread_)
		bide_pool_fetch_(bide_current_thread_, bide_class_of_(sizeof(struct bide_run)));
	return bide_async_start_cold(bide_run, .function = function, .argument = argument);
}

bide_value_task bide_run(bide_run_function *function, void *argument)
{
	bide_value_task started;

	if (!function) {
		bide_misuse_("bide_run: function is NULL");
		return bide_value_task_from_error(BIDE_EINVAL_);
	}
	started = run(function, argument);
	/* BIDE_ENOFRAME is an error of functions of the user's. */
	if (BIDE_UNLIKELY(started.state == BIDE_ENOFRAME))
		started.state = BIDE_ENOMEM_;
	return started;
}

bide_task *bide_task_run(bide_run_function *function, void *argument)
{
	bide_value_task started;

	if (!function) {
		bide_misuse_("bide_task_run: function is NULL");
		return NULL;
	}
	started = run(function, argument);
	return started.state == BIDE_ENOFRAME ? NULL : bide_value_task_as_task(started);
}
