/*
 * serve.h - a server: one function for each client, with limits, and an orderly end.
 *
 *     async(echo)                                              // struct echo has in.client
 *     {
 *             async_in(client);
 *             for (;;) {
 *                     await(my->line, stream_read_line(client));
 *                     if (!my->line)
 *                             break;
 *                     await(stream_print(client, "%s\n", my->line));
 *             }
 *     async_finally:
 *             async_end;                                       // the server closes the stream
 *     }
 *
 *     static value_task serve_client(stream *client, void *argument)
 *     {
 *             return async_start(echo, .client = client);
 *     }
 *     ...
 *     await(serve(my->listener, serve_client, NULL, NULL));    // until it is canceled
 *
 * The life of a client. The server accepts a connection if fewer than `limit` clients are there;
 * otherwise the connection waits in the kernel's queue. The function begins in the queue of a
 * worker, in a context of its own below that of the server. When the function has ended without an
 * error, the server ends the stream as bide_stream_end does: it sends what was put, tells the peer
 * that no more comes, and reads and drops the rest for a moment, so that the last answer arrives.
 * After an error the server closes the stream at once. The function never closes its stream.
 *
 * The end of the server. When the context of bide_serve is canceled, the server accepts no more.
 * Clients may go on for drain_ns. Then the contexts of those that are left are canceled with
 * ECANCELED, and their functions clean up. One second later their streams are aborted
 * (bide_stream_abort): what they still wait for on the stream fails. bide_serve is over when every
 * function has ended and every stream is closed; a function that ignores all this holds it up.
 */
#ifndef BIDE_SERVE_H
#define BIDE_SERVE_H

#include "net.h"

/*
 * Serves one client, and returns a value task that is over when the client is served. The stream
 * belongs to the server. argument is that of bide_serve. The function runs in the client's context.
 */
typedef bide_value_task bide_serve_function(bide_stream *client, void *argument);

typedef struct bide_serve_options {
	/* How many clients there may be at one time. 0: 10,000. */
	size_t limit;
	/*
	 * An operation on a client's stream that waits longer fails with BIDE_EIDLE. 0: 60 seconds.
	 * BIDE_FOREVER: no limit. The function may set another limit (bide_stream_set_idle).
	 */
	int64_t idle_ns;
	/* How long clients may go on after the server was canceled. 0: 5 seconds. */
	int64_t drain_ns;
	/*
	 * Called when a client's function, or the end of its stream, has failed, before the stream is
	 * closed. It must not wait, and may be called on several threads at a time. argument is that of
	 * bide_serve. NULL: failures go to the report hook (misuse.h), at most one line a second. What
	 * a peer causes (ECONNRESET, EPIPE, ETIMEDOUT, BIDE_EIDLE, BIDE_EEND) and what the end of the
	 * server causes is not reported.
	 */
	void (*failed)(bide_stream *client, int error, void *argument);
} bide_serve_options;

BIDE_BEGIN_DECLS

/*
 * Serves the clients of a listener until it is canceled. options may be NULL, and is copied. The
 * listener stays the caller's. It, and what argument points at, must live until the value task is
 * over: do not close the listener before.
 *
 * The value task never succeeds, because a server does not end by itself. It fails with the error
 * of its context, once all clients are over: ECANCELED, or ETIMEDOUT after a deadline. If the
 * listener fails, it fails with that error, in the same orderly way; bide_listener_abort makes it
 * fail. It fails with ENOMEM at once if there is no memory to begin with. A connection for which
 * there is no memory is closed, and counts as a failure with ENOMEM. A lack of descriptors is no
 * failure: connections wait in the kernel's queue.
 *
 * Misuse: EINVAL if listener or function is NULL, or a time is negative. Any thread. Cost: for each
 * client a frame, a context and the stream.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_serve(bide_listener *listener,
                                                    bide_serve_function *function, void *argument,
                                                    const bide_serve_options *options);

BIDE_END_DECLS
#endif
