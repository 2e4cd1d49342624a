/*
 * cancel_async.c - cancels a source now, and runs its callbacks on a worker.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/library.h"
#include "base/own.h"
#include "cancel/cancel_source.h"

struct bide_cancel_source_cancel_async { /* The name is what messages and dumps say. */
	BIDE_ASYNC_FRAME;
	struct {
		bide_cancel_source *source; /* Marked, with a reference. */
	} in;
};

static const bide_own_ bide_cancel_source_cancel_async_own_ = {
	.name = "bide_cancel_source_cancel_async"
};

bide_async(bide_cancel_source_cancel_async)
{
	bide_async_begin;
	bide_cancel_source_fire_(my->in.source);
bide_async_finally:
	bide_async_end;
}

bide_value_task bide_cancel_source_cancel_async(bide_cancel_source *source)
{
	bide_value_task v;

	if (!bide_cancel_source_check_(source, "bide_cancel_source_cancel_async"))
		return bide_value_task_from_error(BIDE_EINVAL_);
	if (!bide_cancel_source_mark_(source))
		return bide_value_task_completed();
	v = bide_in_detached(bide_async_start_cold(bide_cancel_source_cancel_async, .source = source));
	if (v.state != BIDE_ENOFRAME)
		return v;
	bide_cancel_source_fire_(source); /* Without memory for a frame, better here than never. */
	return bide_value_task_completed();
}
