/*
 * serve.h - the clients of a server, for the sources of bide_serve.
 *
 * Words of these sources:
 *
 *     server      what bide_serve has in its frame: the options, and which clients are there
 *     client      a connection that the server has accepted, with the function that serves it
 *     count       of clients: each from its accept until its stream is closed
 *     list        of clients whose function may run. A client is in the list from the begin of its
 *                 frame until its stream is about to be closed.
 *     pinned      of a client in the list: its stream is being aborted, and must not be closed
 *     room        a task that the server awaits at its limit; the next client that leaves ends it
 *     over        a task that the last client ends, after the server has stopped
 *
 * The lock guards the list, the counts and the two tasks. Nothing else is called while it is held.
 */
#ifndef BIDE_IO_SERVE_H
#define BIDE_IO_SERVE_H

#include <bide/serve.h>

#include "base/library.h"

typedef struct bide_serve_entry {
	struct bide_serve_entry *next, *previous;
	bide_stream *stream;
	bool is_pinned;
} bide_serve_entry;

typedef struct bide_server {
	bide_serve_function *function;
	void *argument;
	bide_serve_options options; /* without zeroes */
	bide_context *clients;      /* the contexts of all clients are below it */
	bide_task *room, *over;     /* room: NULL while the server does not wait for it */
	bide_serve_entry *first;
	size_t count;
	uint32_t lock;
	bool has_stopped;
	int64_t report_at_ns; /* no failure is reported before */
	uint64_t unreported_count;
} bide_server;

/* --- for the server --- */

/* Sets up a zeroed server. Returns false if there is no memory; then nothing is left to end. */
BIDE_INTERNAL bool bide_server_begin_(bide_server *server, bide_serve_function *function,
                                      void *argument, const bide_serve_options *options);
/* Frees what the server has. No client is left, or none came. */
BIDE_INTERNAL void bide_server_end_(bide_server *server);
/*
 * Returns false if another client may come. Otherwise stores a task with a reference in *room,
 * which is over when a client has left; NULL if there is no memory for it.
 */
BIDE_INTERNAL bool bide_server_is_full_(bide_server *server, bide_task **room);
/* Gives up a task of bide_server_is_full_. NULL does nothing. */
BIDE_INTERNAL void bide_server_room_drop_(bide_server *server, bide_task *room);
/*
 * Stops the server: no client comes any more. Returns true if clients are left; the last of them
 * completes `over`.
 */
BIDE_INTERNAL bool bide_server_stop_(bide_server *server);
/* Aborts the streams of all clients in the list. The server has stopped. */
BIDE_INTERNAL void bide_server_abort_(bide_server *server);

/* --- for a client, in this order --- */

/* Counts a client that is about to begin. */
BIDE_INTERNAL void bide_server_come_(bide_server *server);
/* Puts the client into the list. */
BIDE_INTERNAL void bide_server_enter_(bide_server *server, bide_serve_entry *entry);
/* Reports that the client's function, or the end of its stream, has failed. */
BIDE_INTERNAL void bide_server_failed_(bide_server *server, bide_stream *stream, int error,
                                       uint64_t trace);
/*
 * Takes the client out of the list. Returns false if its stream is being aborted: the caller asks
 * again, a little later.
 */
BIDE_INTERNAL bool bide_server_leave_(bide_server *server, bide_serve_entry *entry);
/* Counts down for a client whose stream is closed. The server may be gone when this returns. */
BIDE_INTERNAL void bide_server_gone_(bide_server *server);

/* --- a client (serve_client.c) --- */

/*
 * Begins to serve a stream, which belongs to the client from now on. The function of the client
 * begins in the queue. Without memory for it the stream is closed.
 */
BIDE_INTERNAL void bide_serve_client_start_(bide_server *server, bide_stream *stream);

#endif
