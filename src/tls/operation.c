/*
 * operation.c - one operation of a connection: calls of OpenSSL, and between them what these want.
 *
 *     call --its result, or an error for good--> done
 *          --it wants bytes--> have the role of pulling, or wait for it --> call
 *          --it wants room---> have the role of pushing, or wait for it --> call
 *
 * A write is done when its bytes have gone to the kernel; a reader does not wait for that.
 */
#include "tls/operation.h"

#include <errno.h>

#include "tls/advance.h"

/* What to do next. */
typedef enum step {
	STEP_DONE,
	STEP_FAILED,
	STEP_PULL, /* this function has the role */
	STEP_PUSH, /* the same */
	STEP_PUT,  /* the same: a reader hands its bytes on */
	STEP_ROLE, /* it waits for a role: my->waiter */
	STEP_AGAIN
} step;

struct bide_tls_operation {
	BIDE_ASYNC_FRAME;
	struct {
		bide_tls_connection *c;
		bide_tls_call call;
	} in;
	step step;
	bide_task *waiter;
	int64_t put_bytes;
	char *data;
	int error;
	bool called;        /* OpenSSL has done its part */
	bool pulls, pushes; /* this function has the role */
	bool has_pulled;    /* the same, and `data` is what it has got: NULL at the end */
	size_t used_bytes;  /* of the window, which the one that pulls gives back */
};

typedef struct bide_tls_operation operation;

static bool reads(const operation *my)
{
	return bide_tls_reads_(&my->in.call);
}

/* --- roles --- */

/* Under the lock. A function waits until a role is free. */
static step wait_for_role(operation *my)
{
	bide_tls_connection *c = my->in.c;
	bide_task *task = bide_task_create(NULL);

	if (!task) {
		my->error = ENOMEM;
		return STEP_FAILED;
	}
	my->waiter = task;
	c->waiter = bide_task_ref(task);
	return STEP_ROLE;
}

/* Under the lock. Returns the task that the caller completes without the lock. */
static bide_task *take_waiter(bide_tls_connection *c)
{
	bide_task *waiter = c->waiter;

	c->waiter = NULL;
	return waiter;
}

static void wake(bide_task *waiter)
{
	if (!waiter)
		return;
	(void)bide_task_try_complete(waiter, (bide_payload){ .i = 0 });
	bide_task_unref(waiter);
}

/* The wait is over, in whichever way. */
static void leave_role(operation *my)
{
	bide_tls_connection *c = my->in.c;
	bide_task *waiter = NULL;

	bide_tls_lock_(c);
	if (c->waiter == my->waiter)
		waiter = take_waiter(c);
	bide_tls_unlock_(c);
	bide_task_unref(waiter);
	bide_task_unref(my->waiter);
	my->waiter = NULL;
}

/* Under the lock. No function pulls. */
static void take_pull(operation *my)
{
	bide_tls_connection *c = my->in.c;

	c->pulling = my->pulls = true;
	my->used_bytes = c->used_bytes;
	c->used_bytes = 0;
}

/* Under the lock. The function is through: a window that is used up gives its buffer back. */
static void take_used_window(operation *my)
{
	const bide_tls_connection *c = my->in.c;

	if (!c->pulling && c->used_bytes && c->left_bytes == 0)
		take_pull(my);
}

/* Under the lock. Empty memory that is small stays. */
static void drop(bide_tls_bytes *bytes)
{
	if (bytes->size_bytes == 0 && bytes->room_bytes > BIDE_TLS_KEPT_BYTES_MAX_) {
		OPENSSL_free(bytes->data);
		*bytes = (bide_tls_bytes){ NULL, 0, 0 };
	}
}

/* Under the lock. The function is going to wait for bytes. */
static step begin_pull(operation *my)
{
	bide_tls_connection *c = my->in.c;

	if (c->pulling)
		return wait_for_role(my);
	take_pull(my);
	if (!c->pushing) {
		drop(&c->next);
		drop(&c->sending);
	}
	return STEP_PULL;
}

/* Under the lock. Returns `how`, or what the function has to wait for. */
static step begin_push(operation *my, step how)
{
	bide_tls_connection *c = my->in.c;
	bide_tls_bytes empty = c->sending;

	if (c->pushing)
		return wait_for_role(my);
	c->pushing = my->pushes = true;
	if (c->sending.size_bytes == 0) {
		c->sending = c->next;
		c->next = empty;
	}
	return how;
}

/* --- OpenSSL --- */

/* Under the lock. Returns true if a write has room for one more record before it sends. */
static bool goes_on(const operation *my)
{
	const size_t room =
		BIDE_TLS_NEXT_BYTES_MAX_ - BIDE_TLS_RECORD_BYTES_MAX_ - BIDE_TLS_RECORD_OVERHEAD_MAX_;

	return my->in.call.what == BIDE_TLS_WRITE_ && my->in.call.count > 0 &&
	       my->in.c->next.size_bytes <= room;
}

/* Under the lock. The call has failed for good. */
static step failed_call(operation *my)
{
	bide_tls_connection *c = my->in.c;

	my->error = bide_tls_failure_(c);
	if (my->in.call.what == BIDE_TLS_FINISH_ && my->error != ENOMEM) {
		my->error = 0; /* in the middle of a message: the stream below is finished anyhow */
		return STEP_DONE;
	}
	c->error = my->error; /* OpenSSL cannot go on, not even where there was no memory. */
	return STEP_FAILED;
}

/* Under the lock. */
static step step_after(operation *my, int why)
{
	bide_tls_connection *c = my->in.c;

	switch (why) {
	case SSL_ERROR_NONE:
		if (goes_on(my))
			return STEP_AGAIN;
		my->called = true;
		if (my->in.call.what == BIDE_TLS_HANDSHAKE_)
			c->is_open = true;
		if (my->in.call.what == BIDE_TLS_FINISH_)
			c->write_error = EPIPE;
		return STEP_DONE;
	case SSL_ERROR_ZERO_RETURN:
		my->in.call.done_bytes = 0;
		if (reads(my))
			return STEP_DONE;
		my->error = c->write_error = EPIPE;
		return STEP_FAILED;
	case SSL_ERROR_WANT_READ:
		/* Before it waits, what is there goes. A reader does not wait for the way of that. */
		if (c->next.size_bytes && !c->pushing)
			return begin_push(my, reads(my) ? STEP_PUT : STEP_PUSH);
		return begin_pull(my);
	case SSL_ERROR_WANT_WRITE:
		return begin_push(my, STEP_PUSH);
	default:
		return failed_call(my);
	}
}

/* Under the lock. What was encrypted goes, before the operation is done. */
static step step_to_send(operation *my)
{
	bide_tls_connection *c = my->in.c;

	if (reads(my) || (c->next.size_bytes == 0 && c->sending.size_bytes == 0))
		return STEP_DONE;
	return begin_push(my, STEP_PUSH);
}

/* Under the lock. Ends a pull, whose bytes are the window now. Returns a task to be completed. */
static bide_task *end_pull_locked(operation *my)
{
	bide_tls_connection *c = my->in.c;

	if (my->has_pulled) {
		c->at = my->data;
		c->left_bytes = my->data ? bide_stream_available(c->below) : 0;
		c->ended = !my->data;
	}
	c->pulling = my->pulls = my->has_pulled = false;
	return take_waiter(c);
}

static void end_pull(operation *my)
{
	bide_task *waiter;

	bide_tls_lock_(my->in.c);
	waiter = end_pull_locked(my);
	bide_tls_unlock_(my->in.c);
	wake(waiter);
}

/* Under the lock. */
static step step_now(operation *my)
{
	bide_tls_connection *c = my->in.c;
	step next = STEP_DONE;

	if (my->in.call.what == BIDE_TLS_FINISH_ && c->is_finished)
		return STEP_DONE; /* once more does nothing */
	if (c->error || (!reads(my) && c->write_error && !my->called)) {
		my->error = c->error ? c->error : c->write_error;
		return STEP_FAILED;
	}
	if (!my->called)
		next = step_after(my, bide_tls_advance_(c, &my->in.call));
	return next == STEP_DONE ? step_to_send(my) : next;
}

/* Ends the pull before, if there was one, and calls OpenSSL. Returns what to do next. */
static step next_step(operation *my)
{
	bide_tls_connection *c = my->in.c;
	bide_task *waiter = NULL;
	step next;

	bide_tls_lock_(c);
	if (my->has_pulled)
		waiter = end_pull_locked(my);
	next = step_now(my);
	if (next == STEP_DONE)
		take_used_window(my);
	bide_tls_unlock_(c);
	wake(waiter);
	return next;
}

/* With the role of pulling. The buffer below gets back what was used of it. */
static void consume_used(const operation *my)
{
	if (my->used_bytes)
		bide_stream_consume(my->in.c->below, my->used_bytes);
}

/* --- pushing --- */

/*
 * A push is over. Returns true if there is more to send, which the role goes on with. error: what
 * the stream below said.
 */
static bool end_push(operation *my, int error)
{
	bide_tls_connection *c = my->in.c;
	bide_tls_bytes sent;
	bide_task *waiter = NULL;
	bool goes_on = false;

	bide_tls_lock_(c);
	c->sending.size_bytes = 0;
	if (error) {
		c->write_error = EPIPE;
		c->next.size_bytes = 0;
	} else if (c->next.size_bytes) {
		sent = c->sending;
		c->sending = c->next;
		c->next = sent;
		goes_on = true;
	}
	if (!goes_on) {
		c->pushing = my->pushes = false;
		waiter = take_waiter(c);
		if (my->called && !error)
			take_used_window(my);
	}
	bide_tls_unlock_(c);
	wake(waiter);
	return goes_on;
}

static bide_value_task put_sending(bide_tls_connection *c)
{
	c->has_put = true; /* It belongs to the function that pushes. */
	return bide_stream_put(c->below, c->sending.data, c->sending.size_bytes);
}

static bide_value_task write_sending(const bide_tls_connection *c)
{
	return bide_stream_write(c->below, c->sending.data, c->sending.size_bytes);
}

/* With the role. What was put goes by itself. If it does not, the next write tells. */
static void send_put(bide_tls_connection *c)
{
	bide_value_task_forget(bide_stream_flush(c->below));
}

/*
 * OpenSSL has failed, and has an alert for the peer. It goes if that needs no wait: if nothing else
 * is on its way.
 */
static void send_alert(operation *my)
{
	bide_tls_connection *c = my->in.c;
	bool goes;

	bide_tls_lock_(c);
	goes = c->error && !c->pushing && !c->has_put && c->next.size_bytes > 0;
	if (goes)
		(void)begin_push(my, STEP_PUT);
	bide_tls_unlock_(c);
	if (!goes)
		return;
	bide_value_task_forget(put_sending(c)); /* It is ready. */
	send_put(c);
	(void)end_push(my, EPIPE);
}

/* --- the operation --- */

/* In the cleanup of an operation: it may have failed or been canceled anywhere. */
static void clean_up(operation *my, int error)
{
	bide_tls_connection *c = my->in.c;

	if (my->waiter)
		leave_role(my);
	if (my->pulls)
		end_pull(my);
	if (my->pushes)
		(void)end_push(my, error);
	if (!error)
		return;
	bide_tls_lock_(c);
	if (error == ECONNRESET)
		bide_tls_text_set_(c, "the peer has reset the connection");
	if (my->in.call.what == BIDE_TLS_HANDSHAKE_) {
		c->error = c->error ? c->error : error;
		bide_tls_text_set_(c, "%s", bide_strerror(error));
	} else if (!reads(my)) {
		c->write_error = EPIPE; /* A part may have been encrypted. */
	}
	bide_tls_unlock_(c);
	if (my->step == STEP_FAILED)
		send_alert(my);
}

bide_async(bide_tls_operation)
{
	bide_async_begin;
	if (my->in.call.what == BIDE_TLS_HANDSHAKE_) /* It takes long: another worker may have it. */
		bide_await(bide_async_yield());
	while ((my->step = next_step(my)) != STEP_DONE) {
		if (my->step == STEP_PULL) {
			consume_used(my);
			bide_await(my->data, bide_stream_peek(my->in.c->below, 1));
			my->has_pulled = true;
		} else if (my->step == STEP_PUSH) {
			do
				bide_await(write_sending(my->in.c));
			while (end_push(my, 0));
			if (my->called)
				break; /* All that it had has gone. */
		} else if (my->step == STEP_PUT) {
			do {
				bide_await_or(my->put_bytes, put_sending(my->in.c), my->error = bide_await_error);
				send_put(my->in.c);
			} while (end_push(my, my->error));
			my->error = 0;
		} else if (my->step == STEP_ROLE) {
			bide_await(bide_task_await(my->waiter));
			leave_role(my);
		} else if (my->step == STEP_FAILED) {
			bide_async_fail(my->error);
		}
	}
	if (my->pulls) {
		consume_used(my);
		end_pull(my);
	}
	if (my->in.call.what == BIDE_TLS_FINISH_ && !my->in.c->is_finished) {
		bide_await(bide_stream_finish(my->in.c->below));
		my->in.c->is_finished = true;
	}
	bide_async_return((int64_t)my->in.call.done_bytes);
bide_async_finally:
	clean_up(my, bide_async_error);
	bide_async_end;
}

static bide_value_task started(bide_value_task v)
{
	/* That is an error of functions of the user's. */
	return v.state == BIDE_ENOFRAME ? bide_value_task_from_error(ENOMEM) : v;
}

bide_value_task bide_tls_read_(bide_tls_connection *c, void *to, size_t size_bytes)
{
	return started(
		bide_async_start(bide_tls_operation, .c = c,
	                     .call = { .what = BIDE_TLS_READ_, .to = to, .size_bytes = size_bytes }));
}

bide_value_task bide_tls_write_(bide_tls_connection *c, const struct iovec *parts, size_t count)
{
	return started(
		bide_async_start(bide_tls_operation, .c = c,
	                     .call = { .what = BIDE_TLS_WRITE_, .parts = parts, .count = count }));
}

bide_value_task bide_tls_other_(bide_tls_connection *c, bide_tls_what what)
{
	return started(bide_async_start(bide_tls_operation, .c = c, .call = { .what = what }));
}
