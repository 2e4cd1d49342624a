/*
 * read_write.c - reading and writing at an offset: at once, or in a call that may wait.
 *
 * A function whose reads are all done at once would keep its worker for itself. So one in 64 lets
 * the other functions run first (io/turn.h).
 */
#define BIDE_OWN_(name) &name##_own_
#include <errno.h>

#include "base/count.h"
#include "base/misuse.h"
#include "base/own.h"
#include "file/call.h"
#include "file/transfer.h"
#include "io/stream.h"
#include "io/turn.h"
#include "runtime/simulation.h"

typedef enum transfer_kind { READ, READ_VECTOR, WRITE, WRITE_VECTOR, WRITE_SOME } transfer_kind;

static const bide_operation_type types[] = { BIDE_FILE_CALL_TYPE_("bide_file_read_at"),
	                                         BIDE_FILE_CALL_TYPE_("bide_file_read_vector_at"),
	                                         BIDE_FILE_CALL_TYPE_("bide_file_write_at"),
	                                         BIDE_FILE_CALL_TYPE_("bide_file_write_vector_at"),
	                                         BIDE_FILE_CALL_TYPE_("bide_stream_write") };

/* --- a call that may wait --- */

typedef struct transfer_call {
	bide_file_call call;
	bide_transfer transfer;
	struct iovec only;
} transfer_call;

static bide_value_task finish_now(void *argument)
{
	transfer_call *c = argument;
	int error = bide_transfer_finish_(&c->transfer);

	return bide_file_outcome_((int64_t)c->transfer.done_bytes, error);
}

/* A part has gone, so that is the result, whatever ended the rest. */
static void some_over(bide_job *job)
{
	const transfer_call *c = BIDE_CONTAINER_(job, const transfer_call, call.record.job);

	if (job->outcome.state != 0 && c->transfer.done_bytes > 0)
		job->outcome = bide_file_outcome_((int64_t)c->transfer.done_bytes, 0);
	bide_descriptor_leave_(c->call.descriptor);
}

/* The caller is a party of the descriptor, and no more then. A single part is copied. */
static bide_value_task finish_later(const bide_transfer *t, transfer_kind kind)
{
	bool is_some = kind == WRITE_SOME && t->done_bytes > 0;
	bide_descriptor *descriptor = &t->file->descriptor;
	transfer_call *c =
		(transfer_call *)(void *)bide_file_call_new_(sizeof *c, &types[kind], descriptor);

	if (!c) {
		bide_descriptor_leave_(descriptor);
		return bide_file_outcome_((int64_t)t->done_bytes, is_some ? 0 : ENOMEM);
	}
	if (kind == WRITE_SOME)
		c->call.record.job.over = some_over;
	c->transfer = *t;
	if (t->count == 1) {
		c->only = *t->parts;
		c->transfer.parts = &c->only;
	}
	bide_count_(BIDE_COUNT_IO_WAITED_, 1);
	return bide_file_call_begin_(&c->call, finish_now);
}

/* --- at once --- */

/* What is tried has this outcome. The caller is a party of the descriptor, and no more then. */
static bide_value_task tried(const bide_transfer *t, transfer_kind kind, int error)
{
	if (error == EAGAIN)
		return finish_later(t, kind);
	bide_descriptor_leave_(&t->file->descriptor);
	bide_count_(BIDE_COUNT_IO_AT_ONCE_, 1);
	return bide_file_outcome_((int64_t)t->done_bytes, error);
}

/* The caller is a party of the descriptor, and no more then. */
static bide_value_task begin(bide_transfer *t, transfer_kind kind)
{
	const bide_descriptor *d = &t->file->descriptor;
	int error = EAGAIN;

	/* In a simulation: what is in memory differs from run to run. */
	if (BIDE_LIKELY(!bide_simulating_ && (t->writes ? d->tries_writes : d->tries_reads)))
		error = bide_transfer_try_(t);
	return tried(t, kind, error);
}

/* Lets other functions run before it begins. */
struct bide_file_turn {
	BIDE_ASYNC_FRAME;
	struct {
		bide_transfer transfer;
		struct iovec only;
		transfer_kind kind;
	} in;
};

static const bide_own_ bide_file_turn_own_ = { .name = "bide_file_read_at" };

bide_async(bide_file_turn)
{
	bide_async_begin;
	bide_await(bide_async_yield());
	if (my->in.transfer.count == 1)
		my->in.transfer.parts = &my->in.only;
	bide_async_return(begin(&my->in.transfer, my->in.kind));
bide_async_finally:
	bide_async_end;
}

static BIDE_COLD bide_value_task begin_in_turn(const bide_transfer *t, transfer_kind kind)
{
	bide_value_task started =
		bide_async_start(bide_file_turn, .transfer = *t, .only = t->parts[0], .kind = kind);

	if (started.state != BIDE_ENOFRAME)
		return started;
	bide_descriptor_leave_(&t->file->descriptor);
	return bide_value_task_from_error(ENOMEM);
}

/* --- the public functions --- */

static bide_value_task start(bide_transfer *t, transfer_kind kind)
{
	const char *what = types[kind].name;
	bide_file *file = t->file;
	int error;

	if (BIDE_UNLIKELY(t->offset < 0)) {
		bide_misuse_("%s: the offset is %lld; it is 0 or more", what, (long long)t->offset);
		return bide_value_task_from_error(EINVAL);
	}
	error = bide_descriptor_join_(bide_file_descriptor_(file), what);
	if (BIDE_UNLIKELY(error != 0))
		return bide_value_task_from_error(error);
	error = bide_context_error_now_();
	if (BIDE_UNLIKELY(error || t->size_bytes == 0)) {
		bide_descriptor_leave_(&file->descriptor);
		return bide_file_outcome_(0, error);
	}
	t->writes = kind >= WRITE;
	return BIDE_LIKELY(bide_simulating_ || bide_turn_goes_on_()) ? begin(t, kind)
	                                                             : begin_in_turn(t, kind);
}

static bide_value_task start_part(bide_file *file, const void *bytes, size_t size_bytes,
                                  int64_t offset, transfer_kind kind)
{
	const struct iovec part = { (void *)(uintptr_t)bytes, size_bytes };
	bide_transfer t = { file, &part, 1, size_bytes, 0, offset, false };

	if (BIDE_UNLIKELY((!bytes && size_bytes > 0) || size_bytes > INT64_MAX)) {
		bide_misuse_("%s: %s", types[kind].name,
		             bytes ? "size_bytes is above INT64_MAX" : "the memory is NULL");
		return bide_value_task_from_error(EINVAL);
	}
	return start(&t, kind);
}

static bide_value_task start_parts(bide_file *file, const struct iovec *parts, size_t count,
                                   int64_t offset, transfer_kind kind)
{
	bide_transfer t = { file, NULL, 0, 0, 0, offset, false };
	int error = bide_stream_parts_skip_(&parts, &count, types[kind].name);

	if (error)
		return bide_value_task_from_error(error);
	for (size_t i = 0; i < count; i++)
		t.size_bytes += parts[i].iov_len;
	t.parts = parts;
	t.count = count;
	return start(&t, kind);
}

/* How far a read has come: another function is to run first; a try was made, or none can be. */
typedef enum reading { TURN, TRIED, UNTRIED } reading;

/* The caller is a party of the descriptor, and no more then. */
static __attribute__((noinline)) bide_value_task read_slowly(bide_file *file,
                                                             const struct iovec *part,
                                                             int64_t offset, reading how,
                                                             ssize_t done)
{
	bide_transfer t = { file, part, 1, part->iov_len, 0, offset, false };

	if (how == TURN)
		return begin_in_turn(&t, READ);
	return how == TRIED ? tried(&t, READ, bide_transfer_go_on_(&t, done)) : begin(&t, READ);
}

/* Most reads find all that they want in memory. So they have no transfer, and take this way. */
bide_value_task bide_file_read_at(bide_file *file, void *to, size_t size_bytes, int64_t offset)
{
	const struct iovec part = { to, size_bytes };
	reading how = UNTRIED;
	ssize_t done = 0;
	int error;

	if (BIDE_UNLIKELY(!file || !to || offset < 0 || bide_simulating_ ||
	                  size_bytes - 1 >= BIDE_TRANSFER_TRY_MAX_))
		return start_part(file, to, size_bytes, offset, READ);
	error = bide_descriptor_join_(&file->descriptor, types[READ].name);
	if (BIDE_UNLIKELY(error != 0))
		return bide_value_task_from_error(error);
	error = bide_context_error_now_();
	if (BIDE_UNLIKELY(error != 0)) {
		bide_descriptor_leave_(&file->descriptor);
		return bide_value_task_from_error(error);
	}
	if (BIDE_UNLIKELY(!bide_turn_goes_on_())) {
		how = TURN;
	} else if (BIDE_LIKELY(file->descriptor.tries_reads)) {
		done = bide_transfer_try_read_(&file->descriptor, &part, offset);
		how = TRIED;
	}
	if (BIDE_UNLIKELY(done != (ssize_t)size_bytes))
		return read_slowly(file, &part, offset, how, done);
	bide_descriptor_is_local_(&file->descriptor);
	bide_descriptor_leave_(&file->descriptor);
	bide_count_(BIDE_COUNT_IO_AT_ONCE_, 1);
	return bide_file_outcome_((int64_t)done, 0);
}

bide_value_task bide_file_read_vector_at(bide_file *file, const struct iovec *parts, size_t count,
                                         int64_t offset)
{
	return start_parts(file, parts, count, offset, READ_VECTOR);
}

bide_value_task bide_file_write_at(bide_file *file, const void *from, size_t size_bytes,
                                   int64_t offset)
{
	return start_part(file, from, size_bytes, offset, WRITE);
}

bide_value_task bide_file_write_vector_at(bide_file *file, const struct iovec *parts, size_t count,
                                          int64_t offset)
{
	return start_parts(file, parts, count, offset, WRITE_VECTOR);
}

bide_value_task bide_file_write_some_(bide_file *file, const struct iovec *parts, size_t count,
                                      int64_t offset)
{
	return start_parts(file, parts, count, offset, WRITE_SOME);
}
