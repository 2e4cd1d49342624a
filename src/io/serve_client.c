/*
 * serve_client.c - serves one client: calls the user's function, then ends and closes the stream.
 */
#define BIDE_OWN_(name) &name##_own_
#include "base/own.h"
#include "io/serve.h"
#include "io/stream.h"

struct bide_serve_client {
	BIDE_ASYNC_FRAME;
	struct {
		bide_server *server;
		bide_stream *stream;
	} in;
	bide_serve_entry entry;
	int error;
};

static const bide_own_ bide_serve_client_own_ = { .name = "bide_serve", .kind = BIDE_OWN_BODY_ };

/*
 * The function begins in the client's context. The cleanup is masked, so the last answer is sent
 * although that context may have been canceled. An abort ends it. A stream that was aborted before
 * has no last answer, and that is no failure of the function.
 */
bide_async(bide_serve_client)
{
	bide_async_begin;
	my->entry.stream = my->in.stream;
	bide_server_enter_(my->in.server, &my->entry);
	my->error = bide_context_current_error(); /* canceled while it was queued */
	if (my->error)
		bide_async_return(0);
	bide_await_or(my->in.server->function(my->in.stream, my->in.server->argument), {
		my->error = bide_await_error;
		bide_server_failed_(my->in.server, my->in.stream, my->error,
		                    bide_await_failure.payload.trace);
	});
bide_async_finally:
	if (!my->error && !bide_stream_failed_(my->in.stream, BIDE_IO_IN_))
		bide_await_or(bide_stream_end(my->in.stream),
		              { bide_server_failed_(my->in.server, my->in.stream, bide_await_error, 0); });
	while (!bide_server_leave_(my->in.server, &my->entry))
		bide_await(bide_async_yield());
	bide_stream_close(my->in.stream);
	bide_server_gone_(my->in.server);
	bide_async_end;
}

/* Returns 0 or ENOMEM. */
static int begin(bide_server *server, bide_stream *stream)
{
	bide_context_options below = { .parent = server->clients };
	bide_context *context = bide_context_create(&below);
	bide_value_task started;

	if (!context)
		return BIDE_ENOMEM_;
	started = bide_in_context(context, bide_async_start_cold(bide_serve_client, .server = server,
	                                                         .stream = stream));
	bide_context_unref(context);
	if (started.state == BIDE_ENOFRAME)
		return BIDE_ENOMEM_;
	bide_value_task_forget_at_(started, NULL);
	return 0;
}

void bide_serve_client_start_(bide_server *server, bide_stream *stream)
{
	int error;

	bide_server_come_(server);
	error = begin(server, stream);
	if (!error)
		return;
	bide_server_failed_(server, stream, error, 0);
	bide_stream_close(stream);
	bide_server_gone_(server);
}
