/*
 * connect_unix.c - connects to a UNIX socket.
 *
 * The kernel connects at once, or not at all: if the queue of the listener is full, it says EAGAIN,
 * and nothing tells when there is room. So the function tries again after a pause.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/own.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/opening.h"
#include "io/stream.h"

enum { FIRST_PAUSE_MS = 1, LAST_PAUSE_MS = 50 };

/* Returns 0 and stores the stream, EAGAIN if the queue is full, or the error. */
static int try_to_connect(const bide_address *address, bide_stream **stream)
{
	int fd, error = bide_socket_open_unix_(&fd);

	if (error)
		return error;
	if (connect(fd, bide_address_of_(address), bide_address_size_(address)))
		error = errno;
	if (!error) {
		*stream = bide_stream_new_(fd, BIDE_HANDLE_IS_SOCKET_ | BIDE_HANDLE_READY_OUT_);
		error = *stream ? 0 : ENOMEM;
	}
	if (error)
		close(fd);
	return error;
}

struct bide_unix_connect {
	BIDE_ASYNC_FRAME;
	struct {
		bide_opening *opening;
	} in;
	bide_stream *stream;
	int64_t pause_ms;
	int error;
};

static const bide_own_ bide_unix_connect_own_ = { .name = "bide_unix_connect" };

bide_async(bide_unix_connect)
{
	bide_async_begin;
	my->pause_ms = FIRST_PAUSE_MS;
	my->error = EAGAIN;
	while (my->error == EAGAIN) {
		my->error = 0;
		bide_await_or(bide_delay_ms(my->pause_ms), my->error = bide_await_error);
		if (!my->error)
			my->error = try_to_connect(&my->in.opening->request->address, &my->stream);
		my->pause_ms = my->pause_ms * 2 < LAST_PAUSE_MS ? my->pause_ms * 2 : LAST_PAUSE_MS;
	}
bide_async_finally:
	bide_opening_end_(my->in.opening, my->stream, my->error);
	bide_async_end;
}

static bide_value_task begin(bide_opening *opening)
{
	return bide_async_start(bide_unix_connect, .opening = opening);
}

static const bide_opening_kind connect_kind = {
	.type = { .name = "bide_unix_connect",
	          .leave = bide_opening_leave_,
	          .unwanted = bide_stream_unwanted_ },
	.begin = begin,
};

static bide_value_task connect_path(const char *path)
{
	bide_opening_request *request;
	bide_stream *stream = NULL;
	bide_address address;
	bide_payload result;
	int error;

	if (!path) {
		bide_misuse_("bide_unix_connect: path is NULL");
		return bide_value_task_from_error(EINVAL);
	}
	error = bide_thread_() ? bide_context_current_error() : ENOMEM;
	if (!error)
		error = bide_address_from_path_(&address, path);
	if (!error)
		error = try_to_connect(&address, &stream);
	if (!error) {
		result.p = stream;
		return bide_operation_succeeded_(&connect_kind.type, result);
	}
	if (error != EAGAIN)
		return bide_value_task_from_error(error);
	request = bide_opening_request_(NULL, NULL);
	if (request)
		request->address = address;
	return bide_opening_start_(&connect_kind, request);
}

bide_stream_task bide_unix_connect(const char *path)
{
	return BIDE_TYPED(bide_stream_task, connect_path(path));
}
