/*
 * operation.h - an operation of input or output: what is tried on a handle, and the record of it
 * while it waits.
 *
 * The words of this room:
 *
 *     handle     a descriptor that a reactor knows, or may come to know (handle.h)
 *     side       reading or writing. Each side of a handle has at most one operation.
 *     kind       what an operation does: the function that tries it, its side, its name
 *     attempt    one try, by a system call that never blocks
 *     record     a bide_io from the pool: an operation that has to wait
 *     slot       where a handle keeps the record of a side (handle->io)
 *     event      what a reactor says of a descriptor
 *     busy       a side is in the hands of a thread, which makes an attempt, or starts a record
 *     over       the outcome of a record is decided: no thread will try it any more
 *
 * The flow: bide_io_start_ tries at once if the side may be ready. If the attempt has an outcome,
 * it returns a ready value task, and nothing was allocated. Else it makes a record and puts it into
 * the slot. An event takes the record over, tries, and ends it or lets it wait on. A cancellation,
 * an abort or a close takes it over and ends it. If a thread tries it at that moment, what the
 * attempt brings wins.
 *
 * The states of a record, all under the lock of its handle:
 *
 *     STARTING  made, and not in the slot yet; its side is busy
 *     WAITING   in the slot; its side is not busy
 *     TRYING    in the slot, and an event has it; its side is busy
 *     REQUESTED in the slot, and the engine does it; its side is busy
 *     OVER      its outcome is decided. Its side is busy until it has left the slot.
 *
 *     STARTING --starter--> WAITING, REQUESTED, TRYING or OVER
 *     WAITING  --event-->   TRYING
 *     WAITING  --cancellation, abort, close, a forgotten value task--> OVER
 *     TRYING   --the thread that tries--> OVER, WAITING or REQUESTED
 *     REQUESTED --its completion--> TRYING
 *
 * An engine that does requests takes a record in place of having it wait: then it is REQUESTED. The
 * completion of the request is like the end of an attempt: it is TRYING, and goes on from there.
 * What would end a record that WAITS asks the engine to cancel the request, and what that brings
 * wins. Each thread that asks is a party, so that the engine cannot find another operation at the
 * same address.
 *
 * The parties of a record (base/party.h) are its starter until it has published all, the slot or
 * the thread that has taken the record over, and the node of the cancellation. The last one
 * completes it.
 */
#ifndef BIDE_IO_OPERATION_H
#define BIDE_IO_OPERATION_H

#include "source/operation.h"

struct bide_handle;
struct bide_io;
struct bide_io_request;
struct iovec;

enum { BIDE_IO_IN_ = 0, BIDE_IO_OUT_ = 1 };

/* What an attempt needs besides the handle. At most 24 bytes. */
typedef union bide_io_arguments {
	struct {
		void *to;
		size_t size_bytes;
	} read;
	struct {
		const char *from;
		size_t left_bytes, size_bytes;
	} write;
	struct {
		const struct iovec *parts;
		size_t count;
		size_t done_bytes; /* of all parts together */
	} vector;
	struct {
		void *pointer;
		size_t size;
		uint64_t number;
	} any; /* for kinds of other files */
} bide_io_arguments;

typedef struct bide_io_kind {
	/*
	 * The name for dumps. `leave` is set to bide_io_leave_. If `unwanted` is set, a success at once
	 * is no ready value task either (bide_operation_succeeded_).
	 */
	bide_operation_type type;
	const char *object; /* what messages call its handle, or NULL for "stream" */
	uint8_t side;       /* BIDE_IO_IN_ or BIDE_IO_OUT_ */
	/*
	 * The kind keeps the memory of its handle until it is over, also if the handle is closed. So
	 * `failed` and `over` are called even if the handle was closed before the operation began.
	 */
	bool is_pinned;
	/*
	 * Tries it, without a lock, while the side is busy. Returns 0, with the result in
	 * io->operation.source.payload; or EAGAIN if it has to wait; or the error. It may change the
	 * arguments, so that the next attempt goes on where this one stopped. It sets io->is_short if
	 * the call brought less than there was room for (handle.h, SHORT_IS_EMPTY). If it sets
	 * io->is_later, and returns EAGAIN, it is called again behind all that is runnable now. The io
	 * is a record, or a copy on the stack.
	 */
	int (*attempt)(struct bide_io *io);
	/*
	 * Both may be NULL. request: stores what an engine is to do in place of the next attempt, but
	 * for fd, key and is_ready. done: takes what came of it, the result of the system call or an
	 * error below 0, and returns what an attempt would. They are called under the lock of the
	 * handle, while the side is busy.
	 */
	void (*request)(const struct bide_io *io, struct bide_io_request *to);
	int (*done)(struct bide_io *io, int32_t result);
	/*
	 * May be NULL. The reactor does not take the descriptor, and an operation of this kind waits.
	 * Returns EAGAIN if it has seen to it that the operation is kicked (handle.h) later, or the
	 * error that ends it. It is called without a lock, while the side is busy.
	 */
	int (*unwatched)(struct bide_io *io, int error);
	/*
	 * Both may be NULL. They are called when the outcome is decided, before the operation is
	 * completed, without a lock, and while the side is busy: the handle is there, and may be closed
	 * by them. failed: with an error, of an attempt or of another kind. over: always.
	 */
	void (*failed)(struct bide_io *io, int error);
	void (*over)(struct bide_io *io);
} bide_io_kind;

typedef enum bide_io_state {
	BIDE_IO_STARTING_,
	BIDE_IO_WAITING_,
	BIDE_IO_TRYING_,
	BIDE_IO_REQUESTED_,
	BIDE_IO_OVER_
} bide_io_state;

/*
 * 128 bytes. While it waits, the lower half of source.payload.i is the descriptor, for dumps. The
 * upper half is the place of the reactor whose engine has the request.
 */
typedef struct bide_io {
	bide_operation operation; /* its type is the `type` of a bide_io_kind */
	union {
		bide_cancel_node node;
		struct {
			bide_post post; /* from another thread to the one worker, before the node is linked */
			struct bide_cancel_core *core; /* with a reference */
			uint32_t generation;           /* of the handle */
		} sent;
	};
	struct bide_handle *handle;
	uint32_t parties;
	uint8_t state;     /* bide_io_state */
	bool is_short : 1; /* set by an attempt */
	/* It is ready, and lets others run first (turn.h). An attempt that has done much may set it. */
	bool is_later : 1;
	/*
	 * Set by an attempt that has no memory to receive into, and returns EAGAIN: a kick tries anew.
	 * The side stays ready, so that the next operation tries, too, if this one is canceled.
	 */
	bool is_starved : 1;
	bool is_unwatched : 1; /* it waits for a kick; the reactor does not know the descriptor */
	bool joins : 1;        /* it was ready at its start, and joins the next batch of requests */
	uint16_t canceled;     /* it is to end with this error, unless the present attempt succeeds */
	bide_io_arguments arguments;
} bide_io;
BIDE_STATIC_ASSERT(sizeof(bide_io) <= 128, "one size class");

static inline const bide_io_kind *bide_io_kind_(const bide_io *io)
{
	return BIDE_CONTAINER_(io->operation.type, const bide_io_kind, type);
}

/* Of a copy on the stack: all that an attempt at once needs, but the arguments. */
static inline void bide_io_prepare_(bide_io *copy, struct bide_handle *handle,
                                    const bide_io_kind *kind)
{
	copy->operation.type = &kind->type;
	copy->handle = handle;
	copy->canceled = 0;
	copy->is_starved = false;
}

/* bide_io_start_ with its parameters in a copy that was prepared. */
BIDE_INTERNAL bide_value_task bide_io_start_copy_(bide_io *copy);
/*
 * Starts an operation, in the current context. Returns a ready value task, or that of a record.
 *
 * Errors besides those of the attempts: the error of the context; that of an abort; EBADF: the
 * handle is closed; EBUSY: the side has an operation already, which is misuse; ENOMEM; what the
 * reactor says if it cannot take the descriptor.
 *
 * Any thread. With one worker, another thread sends the operation to the worker and makes no
 * attempt. The caller keeps the handle open while it calls.
 */
static inline bide_value_task bide_io_start_(struct bide_handle *handle, const bide_io_kind *kind,
                                             bide_io_arguments arguments)
{
	bide_io copy;

	bide_io_prepare_(&copy, handle, kind);
	copy.arguments = arguments;
	return bide_io_start_copy_(&copy);
}

/*
 * The same for a new handle that only this operation uses, and that the `over` of its kind closes:
 * `over` is called whatever happens. The context is looked at when the operation has to wait.
 */
BIDE_INTERNAL bide_value_task bide_io_start_owned_(struct bide_handle *handle,
                                                   const bide_io_kind *kind,
                                                   bide_io_arguments arguments);

/* The `describe` and the `leave` of all kinds. */
BIDE_INTERNAL void bide_io_describe_(const void *copy, char *to, size_t size_bytes);
BIDE_INTERNAL void bide_io_leave_(bide_operation *operation);
/* The `type` of a kind. */
#define BIDE_IO_TYPE_(name_)                                                    \
	{                                                                           \
		.name = (name_), .describe = bide_io_describe_, .leave = bide_io_leave_ \
	}

#endif
