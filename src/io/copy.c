/*
 * copy.c - copies from one stream to another.
 *
 * What a file has in memory goes to a socket by sendfile(2) (send_file.h). All else is read and
 * written. Each piece decides anew, because a layer may be put on a stream between two.
 */
#define BIDE_OWN_(name) &name##_own_
#include <errno.h>

#include "base/own.h"
#include "context/context.h"
#include "io/buffer.h"
#include "io/send_file.h"
#include "io/side.h"
#include "io/stream.h"

struct bide_stream_copy {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *from, *to;
		size_t max_bytes;
	} in;
	bide_sent_file file;
	char *data;
	size_t size_bytes;
	size_t done_bytes;
	int64_t sent_bytes;
	int error;
	bool writes;
	bool has_side; /* of `from`, for reading */
};

static const bide_own_ bide_stream_copy_own_ = { .name = "bide_stream_copy" };

enum { READS = -1 };

/*
 * Returns 0 if the next piece goes by sendfile: then the reading side of `from` is kept. READS if
 * it is read and written; or an error.
 */
static int begin_piece(struct bide_stream_copy *my)
{
	const bide_stream *from = my->in.from;
	int error;

	if (my->file.is_refused || from->head.at_ != from->head.end_ || from->buffer.ended ||
	    !bide_send_file_is_possible_(from, my->in.to, &my->file))
		return READS;
	error = bide_side_begin_(&my->in.from->handle, BIDE_IO_IN_, "bide_stream_copy");
	my->has_side = error == 0;
	my->file.max_bytes = my->in.max_bytes - my->done_bytes;
	return error;
}

static void end_piece(struct bide_stream_copy *my)
{
	if (my->has_side)
		bide_side_end_(&my->in.from->handle, BIDE_IO_IN_);
	my->has_side = false;
}

bide_async(bide_stream_copy)
{
	bide_async_begin;
	while (my->done_bytes < my->in.max_bytes) {
		my->error = begin_piece(my);
		if (my->error > 0)
			bide_async_fail(my->error);
		if (my->error == 0) {
			bide_await(my->sent_bytes, bide_send_file_(my->in.to, &my->file));
			end_piece(my);
			my->done_bytes += (size_t)my->sent_bytes;
			if (my->sent_bytes > 0)
				continue;
		}
		bide_await(my->data, bide_stream_peek(my->in.from, 1));
		if (!my->data)
			break;
		my->size_bytes = bide_stream_available(my->in.from);
		if (my->size_bytes > my->in.max_bytes - my->done_bytes)
			my->size_bytes = my->in.max_bytes - my->done_bytes;
		my->writes = true;
		bide_await(bide_stream_write(my->in.to, my->data, my->size_bytes));
		my->writes = false;
		bide_stream_consume(my->in.from, my->size_bytes);
		my->done_bytes += my->size_bytes;
	}
	bide_async_return((int64_t)my->done_bytes);
bide_async_finally:
	end_piece(my);
	if (my->writes) /* what has gone to the peer is not there for a second time */
		bide_stream_consume(my->in.from, bide_stream_written(my->in.to));
	bide_buffer_unpin_(my->in.to, BIDE_BUFFER_PIN_);
	bide_buffer_unpin_(my->in.from, BIDE_BUFFER_PIN_);
	bide_async_end;
}

bide_value_task bide_stream_copy(bide_stream *from, bide_stream *to, size_t max_bytes)
{
	int error = bide_stream_begin_(from, BIDE_IO_IN_, "bide_stream_copy");
	bide_value_task v;

	if (!error)
		error = bide_stream_begin_(to, BIDE_IO_OUT_, "bide_stream_copy");
	if (error)
		return bide_value_task_from_error(error);
	bide_buffer_pin_(from);
	bide_buffer_pin_(to);
	v = bide_async_start(bide_stream_copy, .from = from, .to = to, .max_bytes = max_bytes);
	if (v.state != BIDE_ENOFRAME)
		return v;
	bide_buffer_unpin_(to, BIDE_BUFFER_PIN_);
	bide_buffer_unpin_(from, BIDE_BUFFER_PIN_);
	return bide_value_task_from_error(ENOMEM);
}
