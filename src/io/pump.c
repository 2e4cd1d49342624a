/*
 * pump.c - see pump.h.
 */
#define BIDE_OWN_(name) &name##_own_
#include "io/pump.h"

#include <errno.h>
#include <sys/uio.h>

#include "base/own.h"
#include "context/context.h"
#include "io/buffer_queue.h"
#include "io/stream_user.h"
#include "source/source.h"

enum { PARTS_MAX = 4 };

struct bide_pump {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *stream;
	} in;
	struct iovec parts[PARTS_MAX];
	size_t count;
	int64_t sent_bytes;
	int error;
};

static const bide_own_ bide_pump_own_ = { .name = "a send of what was put" };

bide_async(bide_pump)
{
	bide_async_begin;
	do {
		while ((my->count = bide_buffer_parts_(my->in.stream, my->parts, PARTS_MAX)) > 0) {
			bide_await_or(my->sent_bytes,
			              bide_stream_user_write_vector_(my->in.stream, my->parts, my->count),
			              my->error = bide_await_error);
			if (my->error)
				break;
			bide_buffer_advance_(my->in.stream, (size_t)my->sent_bytes);
		}
	} while (!bide_buffer_sent_(my->in.stream, my->error));
	bide_async_return(my->error);
bide_async_finally:
	bide_async_end;
}

int bide_pump_start_(bide_stream *stream)
{
	bide_value_task v = bide_in_detached(bide_async_start(bide_pump, .stream = stream));

	if (bide_is_pending_(v)) {
		bide_value_task_forget_at_(v, NULL);
		return EAGAIN;
	}
	if (v.state == BIDE_ENOFRAME) {
		(void)bide_buffer_sent_(stream, ENOMEM);
		return ENOMEM;
	}
	return (int)v.payload.i;
}
