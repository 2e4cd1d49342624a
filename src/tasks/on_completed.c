/*
 * on_completed.c - calls a function of the user's when a value task is over, without consuming it.
 *
 * The function is the body of a parked async function, which nothing consumes.
 */
#define BIDE_OWN_(name) &name##_own_
#include "async/parked.h"
#include "base/misuse.h"
#include "base/own.h"
#include "source/source.h"

/* Messages and dumps show the name. */
struct bide_value_task_on_completed {
	BIDE_PARKED_FRAME_;
	bide_completed_function *function;
	void *argument;
};

static const bide_own_ bide_value_task_on_completed_own_ = { .name = "bide_value_task_on_completed",
	                                                         .is_placed = true };

bide_async(bide_value_task_on_completed)
{
	bide_async_begin;
	my->function(my->argument);
bide_async_finally:
	bide_async_end;
}

/* Returns the parked call, or NULL if there is no memory. */
static bide_parked *call_new(bide_completed_function *function, void *argument,
                             const bide_place *place)
{
	struct bide_value_task_on_completed *call;
	bide_parked *parked =
		bide_parked_new_(sizeof *call, &bide_value_task_on_completed_async_, place);

	if (!parked)
		return NULL;
	call = (struct bide_value_task_on_completed *)(void *)parked;
	call->BIDE_FRAME_MEMBER_.source.word = BIDE_WORD_ABANDONED_;
	call->function = function;
	call->argument = argument;
	return parked;
}

int bide_value_task_on_completed_at_(bide_value_task value_task, bide_completed_function *function,
                                     void *argument, const bide_place *place)
{
	static const char what[] = "bide_value_task_on_completed";
	bide_source *source = (bide_source *)value_task.state;
	bool is_yield = source == &bide_yield_source_;
	bide_parked *parked;

	if (!function) {
		bide_misuse_at_(place, "%s: function is NULL", what);
		return BIDE_EINVAL_;
	}
	if (is_yield)
		value_task = bide_value_task_completed(); /* the call takes its turn in the queue anyway */
	if (bide_is_pending_(value_task) && !bide_check_fresh_(value_task, what, place))
		return BIDE_ESTALE;
	if (bide_is_pending_(value_task) && !bide_belongs_here_(source, what, place))
		return BIDE_EINVAL_;
	parked = call_new(function, argument, place);
	if (!parked)
		return BIDE_ENOMEM_;
	if (bide_parked_until_(parked, value_task, false, what, place))
		return 0;
	bide_parked_drop_(parked);
	return BIDE_ESTALE;
}
