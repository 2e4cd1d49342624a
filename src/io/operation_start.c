/*
 * operation_start.c - how an operation starts: an attempt at once, or a record. Also how a record
 * is canceled and forgotten.
 *
 * With one worker a thread that is not the worker makes the record and posts it. The worker then
 * does what a start does. The post lies where the node of the cancellation will be.
 */
#include <errno.h>

#include "base/assert.h"
#include "base/count.h"
#include "base/misuse.h"
#include "base/party.h"
#include "base/port.h"
#include "base/text.h"
#include "cancel/cancel_core.h"
#include "context/context.h"
#include "io/handle.h"
#include "io/handle_parts.h"
#include "io/operation.h"
#include "io/reactor.h"
#include "io/request.h"
#include "io/turn.h"
#include "source/source.h"

/* Its starter, its slot, and its node. */
enum { PARTIES = 3 };

static void canceled(bide_cancel_node *node, int error)
{
	bide_io *io = BIDE_CONTAINER_(node, bide_io, node), *mine = NULL;
	bide_handle *handle = io->handle;
	bide_io_asked asked;

	bide_handle_lock_(handle);
	if (io->state == BIDE_IO_WAITING_)
		mine = bide_io_take_over_(handle, bide_io_kind_(io)->side, error);
	else if (!io->canceled)
		io->canceled = (uint16_t)error;
	asked = bide_io_ask_(io);
	bide_handle_unlock_(handle);
	BIDE_ASSERT_(!mine || mine == io);
	if (mine || asked.io)
		bide_count_(BIDE_COUNT_IO_CANCELED_, 1);
	bide_io_cancel_request_(asked);
	if (mine)
		bide_io_end_(io, error, 2);
	else
		bide_io_leave_party_(io, 1);
}

/* --- a forgotten value task --- */

/*
 * With one worker, another thread forgets. It is a party of the record until this has arrived, so
 * that the record is not in use anew by then.
 */
typedef struct sent_leave {
	bide_operation operation;
	bide_post post;
	bide_io *io;
} sent_leave;

static const bide_operation_type leave_type = { .name = "bide_value_task_forget" };

static void leave_now(bide_io *io)
{
	bide_handle *handle = io->handle;
	bide_io *mine = NULL;
	bide_io_asked asked;
	unsigned side = bide_io_kind_(io)->side, tries = 0;

	bide_handle_lock_(handle);
	if (io->state == BIDE_IO_WAITING_)
		mine = bide_io_take_over_(handle, side, BIDE_ECANCELED_);
	else if (!io->canceled)
		io->canceled = BIDE_ECANCELED_;
	asked = bide_io_ask_(io);
	bide_handle_unlock_(handle);
	bide_io_cancel_request_(asked);
	if (asked.io) /* mostly it is over by now, and so the side is free */
		(void)bide_io_reap_(handle, side, &tries);
	if (mine)
		bide_io_end_(mine, BIDE_ECANCELED_, 1);
}

static void leave_posted(bide_post *post)
{
	sent_leave *sent = BIDE_CONTAINER_(post, sent_leave, post);

	leave_now(sent->io);
	bide_io_leave_party_(sent->io, 1);
	bide_operation_discard_(&sent->operation.source);
}

void bide_io_leave_(bide_operation *operation)
{
	bide_io *io = (bide_io *)operation;
	sent_leave *sent;

	if (bide_port_on_worker_()) {
		leave_now(io);
		return;
	}
	if (!bide_party_try_join_(&io->operation.source, &io->parties))
		return; /* it is over */
	sent = (sent_leave *)(void *)bide_operation_new_(sizeof *sent, &leave_type);
	if (!sent) { /* Then the operation goes on, and its result is dropped. */
		bide_io_leave_party_(io, 1);
		return;
	}
	sent->io = io;
	sent->post.run = leave_posted;
	bide_port_post_(&sent->post);
}

/* --- starting --- */

static bide_io *record_new(bide_handle *handle, const bide_io_kind *kind,
                           const bide_io_arguments *arguments)
{
	bide_io *io =
		(bide_io *)(void *)bide_operation_new_bare_(bide_class_of_(sizeof *io), &kind->type);

	if (!io)
		return NULL;
	io->operation.source.payload.i = handle->fd;
	io->handle = handle;
	io->parties = PARTIES;
	io->state = BIDE_IO_STARTING_;
	io->is_short = io->is_later = io->is_starved = io->is_unwatched = false;
	io->joins = false;
	io->canceled = 0;
	io->arguments = *arguments;
	return io;
}

/* The side is busy, and there is no record. io: a copy on the stack. */
static __attribute__((noinline)) bide_value_task over_at_once(bide_io *io, int error)
{
	bide_handle *handle = io->handle;
	const bide_operation_type *type = io->operation.type;

	bide_io_hooks_(io, error);
	bide_handle_lock_(handle);
	bide_io_release_and_unlock_(handle, io);
	bide_count_(BIDE_COUNT_IO_AT_ONCE_, 1);
	if (error)
		return bide_value_task_from_error(error);
	if (type->unwanted)
		return bide_operation_succeeded_(type, io->operation.source.payload);
	return (bide_value_task){ .payload = io->operation.source.payload };
}

/*
 * Publishes a record that only waits for an event, as almost all do: without the party of its
 * starter, which does not touch it any more. Until here the lock keeps off all but `canceled`, and
 * that has stored its error, or comes later. Returns false, and has done nothing, if there is more
 * to do.
 */
static inline bool wait_at_once(bide_handle *handle, bide_io *io, unsigned side)
{
	uint32_t state;
	bool waits;

	bide_handle_lock_(handle);
	state = handle->state;
	waits = state & BIDE_HANDLE_REGISTERED_ && !(state & bide_event_bit_(side)) &&
	        !(handle->flags & BIDE_HANDLE_LEVEL_) && !handle->abort_error && !io->canceled;
	if (BIDE_LIKELY(waits)) {
		io->parties = PARTIES - 1;
		io->state = BIDE_IO_WAITING_;
		handle->io[side] = io;
		handle->state = state & ~(bide_busy_bit_(side) | bide_ready_bit_(side));
	}
	bide_handle_unlock_(handle);
	return waits;
}

/* The side is busy. is_later: it is ready, but others come first. joins: it is ready, see below. */
static inline __attribute__((always_inline)) bide_value_task start_record(bide_io *copy,
                                                                          bool is_later, bool joins)
{
	bide_handle *handle = copy->handle;
	const bide_io_kind *kind = bide_io_kind_(copy);
	bide_io *io = record_new(handle, kind, &copy->arguments);
	bide_value_task value;
	unsigned home;
	int error;

	copy->is_short = false;
	if (!io)
		return over_at_once(copy, BIDE_ENOMEM_);
	value = bide_source_value_(&io->operation.source);
	error = bide_cancel_link_(bide_context_core_(), &io->node, canceled);
	if (error) {
		bide_operation_discard_(&io->operation.source);
		return over_at_once(copy, error);
	}
	bide_count_(BIDE_COUNT_IO_WAITED_, 1);
	home = handle->home;
	if (BIDE_LIKELY(!is_later && !joins && !copy->is_starved && !bide_io_requests_on_()) &&
	    BIDE_LIKELY(wait_at_once(handle, io, kind->side))) {
		bide_reactor_expects_(home);
		return value;
	}
	io->is_later = is_later;
	io->joins = joins;
	io->is_starved = copy->is_starved;
	bide_io_settle_(io, BIDE_IO_AGAIN_);
	bide_io_leave_party_(io, 1);
	return value;
}

static __attribute__((noinline)) bide_value_task start_joined(bide_io *copy)
{
	return start_record(copy, false, true);
}

/* The error of an abort may be EBUSY, too. */
enum { SIDE_IS_BUSY = -1 };

/* Under the lock. Returns 0 and makes the side busy, or returns the error. */
static int begin(bide_handle *handle, const bide_io_kind *kind)
{
	if (handle->abort_error)
		return handle->abort_error;
	if (handle->state & bide_busy_bit_(kind->side) || handle->io[kind->side])
		return SIDE_IS_BUSY;
	handle->state |= bide_busy_bit_(kind->side);
	return 0;
}

/* Returns the error, and reports misuse if the side was busy. Without a lock. */
static int refused(const bide_io_kind *kind, int error)
{
	if (error != SIDE_IS_BUSY)
		return error;
	bide_misuse_("%s: another operation %s the same %s; wait until it is over", kind->type.name,
	             kind->side == BIDE_IO_IN_ ? "reads from" : "writes to",
	             kind->object ? kind->object : "stream");
	return EBUSY;
}

static void begin_posted(bide_post *post)
{
	bide_io *io = BIDE_CONTAINER_(post, bide_io, sent.post);
	bide_cancel_core *core = io->sent.core;
	const bide_io_kind *kind = bide_io_kind_(io);
	bide_handle *handle = io->handle;
	bool is_there = io->sent.generation == handle->generation;
	int error = bide_cancel_link_(core, &io->node, canceled);

	if (core)
		bide_cancel_core_unref_(core);
	if (!error)
		error = io->canceled; /* forgotten */
	if (!error)
		error = is_there ? begin(handle, kind) : EBADF;
	if (error) {
		bide_io_fail_unstarted_(io, refused(kind, error), is_there);
		return;
	}
	bide_count_(BIDE_COUNT_IO_WAITED_, 1);
	bide_io_settle_(io, bide_handle_is_ready_(handle, kind->side) ? bide_io_attempt_(io)
	                                                              : BIDE_IO_AGAIN_);
	bide_io_leave_party_(io, 1);
}

/* io: a copy on the stack. Any error is returned, not handled. */
static bide_value_task start_sent(const bide_io *copy)
{
	bide_io *io = record_new(copy->handle, bide_io_kind_(copy), &copy->arguments);
	bide_cancel_core *core = bide_context_core_();
	bide_value_task value;

	if (!io)
		return bide_value_task_from_error(BIDE_ENOMEM_);
	value = bide_source_value_(&io->operation.source);
	io->sent.core = core;
	if (core)
		bide_cancel_core_ref_(core);
	io->sent.generation = io->handle->generation;
	io->sent.post.run = begin_posted;
	bide_port_post_(&io->sent.post);
	return value;
}

/* On a thread that may touch the handle. */
static inline __attribute__((always_inline)) bide_value_task start_here(bide_io *copy)
{
	bide_handle *handle = copy->handle;
	const bide_io_kind *kind = bide_io_kind_(copy);
	unsigned tries = 0;
	int error, result;
	bool is_ready;

	do {
		bide_handle_lock_(handle);
		error = begin(handle, kind);
		is_ready = bide_handle_is_ready_(handle, kind->side);
		bide_handle_unlock_(handle);
	} while (BIDE_UNLIKELY(error == SIDE_IS_BUSY) && bide_io_requests_on_() &&
	         bide_io_reap_(handle, kind->side, &tries));
	if (error)
		return bide_value_task_from_error(refused(kind, error));
	if (is_ready && bide_turn_goes_on_()) {
		if (bide_io_requests_on_() && bide_io_joins_(copy))
			return start_joined(copy);
		result = bide_io_attempt_(copy);
		if (BIDE_LIKELY(result == 0 && !kind->over && !kind->type.unwanted)) {
			bide_handle_lock_(handle);
			bide_io_release_and_unlock_(handle, copy);
			bide_count_(BIDE_COUNT_IO_AT_ONCE_, 1);
			return (bide_value_task){ .payload = copy->operation.source.payload };
		}
		if (result != BIDE_IO_AGAIN_)
			return over_at_once(copy, result);
		is_ready = copy->is_later;
	}
	return start_record(copy, is_ready, false);
}

bide_value_task bide_io_start_copy_(bide_io *copy)
{
	int error = bide_context_error_now_();

	if (error)
		return bide_value_task_from_error(error);
	return bide_port_on_worker_() ? start_here(copy) : start_sent(copy);
}

bide_value_task bide_io_start_owned_(bide_handle *handle, const bide_io_kind *kind,
                                     bide_io_arguments arguments)
{
	bide_value_task started;
	bide_io copy;

	bide_io_prepare_(&copy, handle, kind);
	copy.arguments = arguments;
	if (bide_port_on_worker_())
		return start_here(&copy);
	started = start_sent(&copy);
	if (!bide_is_pending_(started))
		bide_io_hooks_(&copy, (int)started.state);
	return started;
}

/* --- dumps --- */

void bide_io_describe_(const void *copy, char *to, size_t size_bytes)
{
	const bide_operation *operation = copy;

	bide_put_(to, size_bytes, "%s of descriptor %d", operation->type->name,
	          (int)operation->source.payload.i);
}
