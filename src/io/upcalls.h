/*
 * upcalls.h - the arrows up within io: a reactor tells handles of events, and handles use reactors;
 * the last pin of a stream frees it, and streams use their buffers.
 */
#ifndef BIDE_IO_UPCALLS_H
#define BIDE_IO_UPCALLS_H

#include <bide/stream.h>

#include "base/library.h"

struct bide_reactor_event;

/*
 * The descriptor that was registered with this key is ready (handle_end.c). On any worker, without
 * a lock held. An event that was fetched before bide_reactor_remove_ may come after it, so the key
 * has a generation.
 */
BIDE_INTERNAL void bide_io_event_(uint64_t key, uint32_t events);

/*
 * A request is over (operation_request.c): an event with BIDE_EVENT_DONE_, and with the address of
 * the record as its key. On any worker, without a lock held.
 */
BIDE_INTERNAL void bide_io_done_(const struct bide_reactor_event *event);

/*
 * Where many descriptors are ready, most of what belongs to them is in no cache. Events with the
 * keys of next[0], next[1] and next[2] follow the one that is about to be handed out: what they
 * touch comes while the calls of the ones before are made. On the worker of the reactor.
 */
enum { BIDE_IO_EXPECTED_ = 3 };
BIDE_INTERNAL void bide_io_expect_(const struct bide_reactor_event *next);

/* The stream is closed, and nothing uses it any more (stream.c). */
BIDE_INTERNAL void bide_stream_free_(bide_stream *stream);

struct bide_handle;
struct bide_io;

/*
 * Hands a record to the engine of this worker (request.c). Under the lock of the handle, while the
 * side is busy, and the record in this thread's hands. It gives the lock back, or returns false if
 * the engine does not take the record.
 */
BIDE_INTERNAL bool bide_io_request_(struct bide_io *io);

/*
 * Has the record of a side tried behind all that is runnable now (turn.c). Returns false if there
 * is no memory for that. Without a lock held.
 */
BIDE_INTERNAL bool bide_turn_later_(struct bide_handle *handle, uint32_t generation, unsigned side);

#endif
