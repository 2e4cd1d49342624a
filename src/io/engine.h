/*
 * engine.h - an engine: how a reactor waits for the kernel: by epoll (epoll.c), or by io_uring
 * (uring.c).
 *
 * An engine tells that a descriptor is ready (`add` and its relatives, then bide_io_event_). One
 * that does operations itself, as a ring or a simulation does, has `start`, `cancel`, `submit` and
 * `cancel_all`, too; in epoll they are NULL.
 */
#ifndef BIDE_IO_ENGINE_H
#define BIDE_IO_ENGINE_H

#include "base/library.h"
#include "io/uring_queues.h"

enum { BIDE_REACTOR_BATCH_ = 128 /* events fetched at a time */ };

typedef struct bide_reactor_event {
	uint64_t key;
	uint32_t events; /* those of epoll; or BIDE_EVENT_DONE_ */
	int32_t
		result; /* of a request: what its system call would have returned, or an error below 0 */
} bide_reactor_event;

/* Bits of `events` that epoll does not have: the request with this key is over. */
#define BIDE_EVENT_DONE_ (UINT32_C(1) << 26)
#define BIDE_EVENT_MORE_ (UINT32_C(1) << 25) /* with DONE: the socket has more to read */

/*
 * A reactor. Its worker alone uses `fetched` and what follows. It stays open from the first
 * operation that had to wait until the shutdown.
 */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what others write stands apart */
typedef struct bide_reactor {
	const struct bide_engine *engine;
	int fd;              /* of the engine: an epoll */
	int event;           /* an eventfd, which is never read: each write is one edge */
	uint32_t has_events; /* of the engine uring: 1 if the epoll may have some; atomic */
	bide_uring ring;     /* of the same */
	unsigned place;
	/* The reactor whose fetch tells of this one's events, too, or NULL. Atomic. */
	struct bide_reactor *part_of;
	/*
	 * The kernel orders what a thread did before it registered a descriptor before what the thread
	 * does that fetches the event. This repeats it for sanitizers: added to before (release),
	 * loaded after (acquire).
	 */
	uint32_t order;
	uint64_t seen_count; /* wait_count, when another worker last looked at it; atomic, as seen_ns */
	int64_t seen_ns;
	/* Of `fetched`, those before `next` are handed out. */
	_Alignas(64) unsigned next;
	unsigned count;
	uint64_t wait_count;    /* system calls that fetched; atomic, its worker writes it */
	uint64_t event_count;   /* events handed out; the same */
	uint64_t rescued_count; /* the same, by the worker that monitors; atomic, any thread */
	bide_reactor_event fetched[BIDE_REACTOR_BATCH_];
	_Alignas(64) uint64_t wake_count; /* writes to the eventfd; atomic, any thread */
} bide_reactor;

enum { BIDE_IO_RECEIVE_, BIDE_IO_SEND_ };

/* An operation that an engine does itself. */
typedef struct bide_io_request {
	uint8_t opcode;
	bool is_ready; /* a try at once is worth it; otherwise it waits for readiness first */
	int fd;
	void *data;
	size_t size_bytes;
	int64_t offset;
	uint64_t key; /* comes back with the outcome */
} bide_io_request;

typedef struct bide_engine {
	const char *name;
	/* Sets fd and event, and registers the eventfd. Returns 0 or the error: EMFILE, ENOMEM... */
	int (*open)(bide_reactor *reactor);
	/* Closes both. In the child of a fork, too: it does not change what the parent has. */
	void (*close)(bide_reactor *reactor);
	/* See reactor.h. They return 0 or the error of the kernel. Any thread. */
	int (*add)(bide_reactor *reactor, int fd, uint32_t events, uint64_t key);
	int (*change)(bide_reactor *reactor, int fd, uint32_t events, uint64_t key);
	void (*remove)(bide_reactor *reactor, int fd);
	/*
	 * Fetches at most `max` events into `to`. Sleeps until there is one, until `wake` or the
	 * deadline; 0 does not sleep. Returns how many: the wake does not count; it sets *woken, which
	 * may be NULL. Any thread, if it does not sleep.
	 */
	unsigned (*fetch)(bide_reactor *reactor, bide_reactor_event *to, unsigned max,
	                  int64_t deadline_ns, bool *woken);
	/*
	 * From now on `part` having events is an event with this key in `whole`; or no longer. Returns
	 * 0 or an error. On the worker of `whole`; leave on any thread.
	 */
	int (*join)(bide_reactor *whole, bide_reactor *part, uint64_t key);
	void (*leave)(bide_reactor *whole, bide_reactor *part);
	void (*wake)(bide_reactor *reactor); /* any thread */
	/*
	 * Queues a request. Its outcome comes from `fetch`, as an event with DONE. Returns false if
	 * there is no room. On the worker of the reactor, also with a lock held.
	 */
	bool (*start)(bide_reactor *reactor, const bide_io_request *request);
	/* Has a request end soon, with -ECANCELED unless it succeeds. Any thread. */
	void (*cancel)(bide_reactor *reactor, uint64_t key);
	/*
	 * The kernel begins with what is queued; unless `now` is set, only if that is much, or was
	 * queued some time ago. `fetch` of the worker does it, too. Any thread, if `now` is set.
	 */
	void (*submit)(bide_reactor *reactor, bool now);
	/* Returns true if something is queued. On the worker. */
	bool (*has_batch)(const bide_reactor *reactor);
	/* Before `close` at a shutdown. No other thread of the library runs. */
	void (*cancel_all)(bide_reactor *reactor);
	/* Stores another descriptor, besides fd, that is readable while there is something to fetch. */
	int (*second_fd)(const bide_reactor *reactor);
} bide_engine;

extern BIDE_INTERNAL const bide_engine bide_engine_epoll_, bide_engine_uring_;

#endif
