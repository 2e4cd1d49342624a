/*
 * turn.c - see turn.h.
 */
#define BIDE_OWN_(name) &name##_own_
#include "io/turn.h"

#include "base/own.h"
#include "base/thread.h"
#include "io/upcalls.h"
#include "runtime/runtime.h"
#include "runtime/worker.h"

bool bide_turn_goes_on_(void)
{
	bide_thread *thread = bide_thread_of_(bide_thread_());
	const bide_worker *worker;
	uint32_t step;

	if (!bide_thread_is_inside_(&thread->head))
		return true;
	if (bide_shared_) {
		worker = bide_worker_this_();
		if (!worker)
			return true;
		step = worker->steps;
	} else {
		step = bide_runtime_.turn;
	}
	if (thread->io_step != step) {
		thread->io_step = step;
		thread->io_at_once = 0;
	}
	if (++thread->io_at_once < BIDE_TURN_MAX_)
		return true;
	thread->io_at_once = 0;
	return false;
}

/* Has the record tried. It begins in the queue. */
struct bide_io_later {
	BIDE_ASYNC_FRAME;
	struct {
		bide_handle *handle;
		uint32_t generation;
		unsigned side;
	} in;
};

static const bide_own_ bide_io_later_own_ = { .name = "bide_stream_read",
	                                          .kind = BIDE_OWN_HIDDEN_ };

bide_async(bide_io_later)
{
	bide_async_begin;
	bide_handle_kick_(my->in.handle, my->in.generation, my->in.side);
bide_async_finally:
	bide_async_end;
}

bool bide_turn_later_(bide_handle *handle, uint32_t generation, unsigned side)
{
	bide_value_task later = bide_async_start_cold(bide_io_later, .handle = handle,
	                                              .generation = generation, .side = side);

	if (later.state == BIDE_ENOFRAME)
		return false;
	bide_value_task_forget(later);
	return true;
}
