/*
 * handle.h - a handle: a descriptor, what is known of its readiness, and what waits for it.
 *
 * A handle lies in memory of a slab (slab.h), so it stays a handle for ever. It is open from
 * bide_handle_init_ until bide_handle_close_. The reactor learns of the descriptor when an
 * operation first has to wait: once, for both sides, edge-triggered. Its home, a worker, is dealt
 * at birth.
 *
 * `state`, all under the lock:
 *
 *     OPEN            between init and close
 *     READY_IN, _OUT  an attempt is worth it. Set at birth, and by events. Cleared by EAGAIN, and
 *                     by a short read, if that means that nothing is left.
 *     RDHUP, HUP, PRI the peer has ended its side; both sides have ended, or an error is there;
 *                     urgent data was there. Sticky: nothing clears them. No edge follows data that
 *                     came together with one of them, so a short read means nothing then.
 *     BUSY_IN, _OUT   a thread makes an attempt or starts a record
 *     EVENT_IN, _OUT  an event came while the side was busy. EAGAIN is then older than the event,
 *                     and the attempt is repeated.
 *     REGISTERING     a thread tells the reactor of the descriptor
 *     AGAIN           meanwhile an event has used up the registration of a LEVEL handle, and what
 *                     waits needs another one. The thread that is REGISTERING makes it, too: two of
 *                     them would share one pin.
 *     REGISTERED      the reactor knows it, or is being told
 *     CLOSING         close was called. The last of the threads that make the handle BUSY or
 *                     REGISTERING ends it; if there is none, close does.
 *
 *     closed and free --init--> OPEN --close--> CLOSING --the last pin goes--> closed and free
 *
 * A *pin* is one of BUSY_IN, BUSY_OUT, REGISTERING, ABORTING: while there is one, the descriptor is
 * not closed, so no system call gets a number that means another file by now.
 *
 * What is true under the lock: bide_handle_is_valid_.
 *
 * The lock is taken where several threads may be about, that is with many workers. With one, only
 * the worker touches handles; other threads send it what they want. No lock is held while a system
 * call is made, a record completed, the reactor called.
 */
#ifndef BIDE_IO_HANDLE_H
#define BIDE_IO_HANDLE_H

#include "base/settings.h"
#include "io/operation.h"

enum {
	BIDE_HANDLE_READY_IN_ = 1 << 0,
	BIDE_HANDLE_READY_OUT_ = 1 << 1,
	BIDE_HANDLE_EVENT_IN_ = 1 << 2,
	BIDE_HANDLE_EVENT_OUT_ = 1 << 3,
	BIDE_HANDLE_BUSY_IN_ = 1 << 4,
	BIDE_HANDLE_BUSY_OUT_ = 1 << 5,
	BIDE_HANDLE_RDHUP_ = 1 << 6,
	BIDE_HANDLE_HUP_ = 1 << 7,
	BIDE_HANDLE_PRI_ = 1 << 8,
	BIDE_HANDLE_REGISTERED_ = 1 << 9,
	BIDE_HANDLE_REGISTERING_ = 1 << 10,
	BIDE_HANDLE_OPEN_ = 1 << 11,
	BIDE_HANDLE_CLOSING_ = 1 << 12,
	BIDE_HANDLE_ABORTING_ = 1 << 13, /* a thread shuts the socket down */
	BIDE_HANDLE_AGAIN_ = 1 << 14,
	/* What follows stands in `flags`, which init sets and nothing changes. */
	BIDE_HANDLE_SHORT_IS_EMPTY_ = 1 << 16, /* a short read leaves nothing: TCP */
	BIDE_HANDLE_IS_SOCKET_ = 1 << 17,      /* an abort shuts it down */
	BIDE_HANDLE_KEEPS_FD_ = 1 << 18,       /* the descriptor is not closed with the handle */
	BIDE_HANDLE_LEVEL_ = 1 << 19,          /* one-shot and level-triggered, for bide_fd_wait */
	/* fd is a socket of the simulated network. Never with IS_SOCKET, and always with KEEPS_FD. */
	BIDE_HANDLE_SIMULATED_ = 1 << 20,

	BIDE_HANDLE_FLAGS_ = 0x1F << 16,
	BIDE_HANDLE_STICKY_ = BIDE_HANDLE_RDHUP_ | BIDE_HANDLE_HUP_ | BIDE_HANDLE_PRI_,
	BIDE_HANDLE_PINS_ = BIDE_HANDLE_BUSY_IN_ | BIDE_HANDLE_BUSY_OUT_ | BIDE_HANDLE_REGISTERING_ |
	                    BIDE_HANDLE_ABORTING_
};

typedef struct bide_handle {
	uint32_t lock;       /* goes on when the memory is used anew */
	uint32_t generation; /* the same; grows by one at each init and close */
	int fd;
	int watched_fd; /* what the reactor knows: fd, or a duplicate if fd is registered already */
	uint32_t state;
	uint32_t flags;
	uint32_t era; /* while it is open: that of bide_handle_era_; else 0. Atomic; the owner's. */
	struct bide_io *io[2]; /* the slots: the records, by side, or NULL */
	void (*closed)(struct bide_handle *handle);
	bide_post post;       /* to the one worker: `requests`, if they are not 0 */
	uint32_t requests;    /* atomic: abort and close, by other threads than the one worker */
	uint16_t abort_error; /* 0: none. What later operations fail with. */
	uint16_t asked_error; /* the error of an abort in `requests` */
	uint16_t home;
	uint16_t events, seen; /* of a LEVEL handle: what it waits for, and what has come */
} bide_handle;

/*
 * Makes a handle of memory of a slab. flags: READY_IN and READY_OUT if an attempt is worth it
 * before any event; and those from SHORT_IS_EMPTY on. It never fails. The descriptor must be
 * non-blocking, or the attempts must never block. From now on it belongs to the handle.
 */
BIDE_INTERNAL void bide_handle_init_(bide_handle *handle, int fd, uint32_t flags);

/* How often a process forked, down to this one. */
extern BIDE_INTERNAL uint32_t bide_handle_forks_;

/* Returns the present era, which stands for the life of the runtime and the process. Never 0. */
static inline uint32_t bide_handle_era_(void)
{
	return (bide_life_ + (bide_handle_forks_ << 20)) | UINT32_C(1) << 31;
}

/*
 * Returns true if the handle is open, and of this process and life of the runtime. For callers that
 * have a pointer to it; it tells nothing of the next moment.
 */
static inline bool bide_handle_is_live_(const bide_handle *handle)
{
	return BIDE_LOAD(&handle->era, RELAXED) == bide_handle_era_();
}

/*
 * Returns 0 for a handle that is live. Otherwise it reports misuse of `what`, and says that its
 * object, as "socket", is NULL or closed; it returns EINVAL or EBADF. Without a runtime it returns
 * ENOMEM. In the child of a fork it leaves the parent's runtime.
 */
BIDE_INTERNAL int bide_handle_check_(const bide_handle *handle, const char *what,
                                     const char *object);

/*
 * Pending and later operations fail with the error; a socket is shut down. The first abort counts.
 * Frees nothing. Any thread, while the owner has not closed the handle.
 */
BIDE_INTERNAL void bide_handle_abort_(bide_handle *handle, int error);
/*
 * Ends the operation that waits on a side, if there is one, with the error. If an attempt is made
 * at that moment, what it brings wins. Later operations are not concerned. Any thread; with one
 * worker the worker's.
 */
BIDE_INTERNAL void bide_handle_interrupt_(bide_handle *handle, unsigned side, int error);
/*
 * Takes the handle from its owner, for a close: no check finds it open any more. Returns its era.
 * Of two closes at the same moment one gets it. For a handle that is closed, this reports misuse of
 * `what`, which names the object, and returns 0: its number may mean another file by now. In the
 * child of a fork this leaves the parent's runtime.
 */
BIDE_INTERNAL uint32_t bide_handle_take_(bide_handle *handle, const char *what, const char *object);
/*
 * The era is that of bide_handle_take_. Pending operations fail with EBADF. The descriptor is
 * closed, and then closed(handle) called, by this function or by the last thread that makes an
 * attempt; with one worker by the worker. The caller must not use the handle any more. For a handle
 * of a process that forked this one, only the descriptor is closed, and `closed` is not called.
 */
BIDE_INTERNAL void bide_handle_close_taken_(bide_handle *handle, uint32_t era,
                                            void (*closed)(bide_handle *handle));
/* Both, for a handle that only the caller can close. */
BIDE_INTERNAL void bide_handle_close_(bide_handle *handle, void (*closed)(bide_handle *handle));

/*
 * If it is not NULL, it is called when a handle has ended and its descriptor is closed: something
 * waits for descriptors. Without a lock. Atomic.
 */
extern BIDE_INTERNAL void (*bide_handle_ended_)(void);

/* Has the record of a side tried anew, as an event would, if the handle is still that one. */
BIDE_INTERNAL void bide_handle_kick_(bide_handle *handle, uint32_t generation, unsigned side);

#endif
