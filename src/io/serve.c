/*
 * serve.c - bide_serve: accepts clients until it is canceled, and then waits until they have ended.
 *
 * The frame has the server, which all clients use. So the frame ends only after the last client has
 * completed `over`: the cleanup awaits that task, and never decides by the count.
 */
#define BIDE_OWN_(name) &name##_own_
#include <errno.h>

#include "base/clock.h"
#include "base/misuse.h"
#include "base/own.h"
#include "base/text.h"
#include "io/listener.h"
#include "io/serve.h"

/*
 * ACCEPTS_MAX accepts in a row, and then the server yields. ABORT_NS: from the cancellation of the
 * clients until their streams are aborted. PAUSE_NS: between tries without memory.
 */
enum { ACCEPTS_MAX = 16, ABORT_NS = 1000000000, PAUSE_NS = 20000000 };

struct bide_serve { /* messages and dumps show the name */
	BIDE_ASYNC_FRAME;
	struct {
		bide_listener *listener;
		bide_serve_function *function;
		void *argument;
		bide_serve_options options;
		int fd; /* of the listener, for dumps */
	} in;
	bide_server server;
	bide_task *room;
	bide_stream *stream;
	unsigned accepted; /* since it last yielded */
	bool has_begun;
	bool has_paused; /* there was no memory */
};

BIDE_STATIC_ASSERT(offsetof(struct bide_serve, server.count) < BIDE_COPY_BYTES_ - sizeof(size_t),
                   "a dump copies no more of a frame");

BIDE_UNCHECKED_ static void describe(const void *copy, char *to, size_t size_bytes)
{
	const struct bide_serve *my = copy;

	bide_put_(to, size_bytes, "bide_serve of descriptor %d (clients: %zu)", my->in.fd,
	          my->server.count);
}

static const bide_own_ bide_serve_own_ = { .name = "bide_serve", .describe = describe };

static bool is_over(const bide_server *server)
{
	return bide_task_status(server->over) != BIDE_PENDING;
}

/* Hands over the stream that was accepted. */
static void welcome(struct bide_serve *my)
{
	bide_stream *stream = my->stream;

	my->stream = NULL;
	my->accepted++;
	if (my->in.options.idle_ns != BIDE_FOREVER)
		bide_stream_set_idle(stream, my->in.options.idle_ns);
	bide_serve_client_start_(&my->server, stream);
}

bide_async(bide_serve)
{
	bide_async_begin;
	my->has_begun =
		bide_server_begin_(&my->server, my->in.function, my->in.argument, &my->in.options);
	if (!my->has_begun)
		bide_async_fail(ENOMEM);
	for (;;) {
		if (bide_server_is_full_(&my->server, &my->room)) {
			bide_await_or(my->room ? bide_task_await(my->room) : bide_delay(PAUSE_NS), {
				if (bide_await_error != ENOMEM)
					bide_async_return(bide_await_failure);
				my->has_paused = true;
			});
			bide_server_room_drop_(&my->server, my->room);
			my->room = NULL;
		} else {
			bide_await_or(my->stream, bide_accept(my->in.listener), {
				if (bide_await_error != ENOMEM)
					bide_async_return(bide_await_failure);
				my->has_paused = true;
			});
			if (my->stream)
				welcome(my);
		}
		if (my->has_paused || my->accepted >= ACCEPTS_MAX) {
			my->has_paused = false;
			my->accepted = 0;
			bide_await(bide_async_yield());
		}
	}
bide_async_finally:
	if (my->has_begun) {
		bide_server_room_drop_(&my->server, my->room);
		if (bide_server_stop_(&my->server)) {
			bide_await_or(bide_task_await_for(my->server.over, my->in.options.drain_ns), (void)0);
			bide_context_cancel(my->server.clients, ECANCELED);
			bide_await_or(bide_task_await_for(my->server.over, ABORT_NS), (void)0);
			bide_server_abort_(&my->server);
			while (!is_over(&my->server)) {
				bide_await_or(bide_task_await(my->server.over), (void)0);
				bide_await(bide_async_yield()); /* if there was no memory to wait */
			}
		}
		bide_server_end_(&my->server);
	}
	bide_async_end;
}

static bool is_allowed(const bide_listener *listener, bide_serve_function *function,
                       const bide_serve_options *options)
{
	if (!listener || !function) {
		bide_misuse_("bide_serve: %s is NULL", listener ? "function" : "listener");
		return false;
	}
	return bide_time_allowed_(options->idle_ns, "bide_serve", "idle_ns", NULL) &&
	       bide_time_allowed_(options->drain_ns, "bide_serve", "drain_ns", NULL);
}

bide_value_task bide_serve(bide_listener *listener, bide_serve_function *function, void *argument,
                           const bide_serve_options *options)
{
	bide_serve_options all = { 0 };
	bide_value_task started;

	if (options)
		all = *options;
	if (!is_allowed(listener, function, &all))
		return bide_value_task_from_error(EINVAL);
	if (all.limit == 0)
		all.limit = 10000;
	if (all.idle_ns == 0)
		all.idle_ns = BIDE_SECONDS(60);
	if (all.drain_ns == 0)
		all.drain_ns = BIDE_SECONDS(5);
	started = bide_async_start(bide_serve, .listener = listener, .function = function,
	                           .argument = argument, .options = all, .fd = listener->handle.fd);
	/* BIDE_ENOFRAME is an error of functions of the user's. */
	if (BIDE_UNLIKELY(started.state == BIDE_ENOFRAME))
		started.state = ENOMEM;
	return started;
}
