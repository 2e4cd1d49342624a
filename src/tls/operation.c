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

#include <openssl/err.h>

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
		bide_tls_what what;
		void *to;
		size_t size_bytes;
		const struct iovec *parts;
		size_t count;
	} in;
	step step;
	bide_task *waiter;
	size_t done_bytes; /* read, or written */
	size_t part_bytes; /* written, of the first part */
	int64_t put_bytes;
	char *data;
	int error;
	bool called;        /* OpenSSL has done its part */
	bool pulls, pushes; /* this function has the role */
};

typedef struct bide_tls_operation operation;

static bool reads(const operation *my)
{
	return my->in.what == BIDE_TLS_READ_ || my->in.what == BIDE_TLS_WAIT_;
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

/* Under the lock. */
static step begin_pull(operation *my)
{
	bide_tls_connection *c = my->in.c;

	if (c->pulling)
		return wait_for_role(my);
	c->pulling = my->pulls = true;
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

/* Under the lock. A record of the first part. Returns what the call returned. */
static int write_some(operation *my)
{
	const struct iovec *part = my->in.parts;
	size_t now = part->iov_len - my->part_bytes, written = 0;
	int result;

	if (now > BIDE_TLS_RECORD_BYTES_MAX_)
		now = BIDE_TLS_RECORD_BYTES_MAX_;
	result =
		SSL_write_ex(my->in.c->ssl, (const char *)part->iov_base + my->part_bytes, now, &written);
	if (result <= 0)
		return result;
	my->done_bytes += written;
	my->part_bytes += written;
	while (my->in.count > 0 && my->part_bytes == my->in.parts->iov_len) {
		my->in.parts++;
		my->in.count--;
		my->part_bytes = 0;
	}
	return result;
}

/* Under the lock. Returns what the call returned. */
static int call_ssl(operation *my)
{
	SSL *ssl = my->in.c->ssl;
	char byte;

	ERR_clear_error();
	my->in.c->is_reading = reads(my);
	switch (my->in.what) {
	case BIDE_TLS_HANDSHAKE_:
		return SSL_do_handshake(ssl);
	case BIDE_TLS_READ_:
		return SSL_read_ex(ssl, my->in.to, my->in.size_bytes, &my->done_bytes);
	case BIDE_TLS_WAIT_:
		return SSL_peek_ex(ssl, &byte, 1, &my->done_bytes);
	case BIDE_TLS_WRITE_:
		return write_some(my);
	case BIDE_TLS_FINISH_:
		/* 0: it is sent, and the peer has not ended yet. */
		return SSL_shutdown(ssl) >= 0 ? 1 : -1;
	}
	return -1;
}

/* Under the lock. Returns true if a write has room for one more record before it sends. */
static bool goes_on(const operation *my)
{
	const size_t room =
		BIDE_TLS_NEXT_BYTES_MAX_ - BIDE_TLS_RECORD_BYTES_MAX_ - BIDE_TLS_RECORD_OVERHEAD_MAX_;

	return my->in.what == BIDE_TLS_WRITE_ && my->in.count > 0 && my->in.c->next.size_bytes <= room;
}

/* Under the lock. The call has failed for good. */
static step failed_call(operation *my)
{
	bide_tls_connection *c = my->in.c;

	my->error = bide_tls_failure_(c);
	if (my->in.what == BIDE_TLS_FINISH_ && my->error != ENOMEM) {
		my->error = 0; /* in the middle of a message: the stream below is finished anyhow */
		return STEP_DONE;
	}
	c->error = my->error; /* OpenSSL cannot go on, not even where there was no memory. */
	return STEP_FAILED;
}

/* Under the lock. */
static step step_after(operation *my, int result)
{
	bide_tls_connection *c = my->in.c;
	int why = result > 0 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, result);

	switch (why) {
	case SSL_ERROR_NONE:
		if (goes_on(my))
			return STEP_AGAIN;
		my->called = true;
		if (my->in.what == BIDE_TLS_HANDSHAKE_)
			c->is_open = true;
		if (my->in.what == BIDE_TLS_FINISH_)
			c->write_error = EPIPE;
		return STEP_DONE;
	case SSL_ERROR_ZERO_RETURN:
		my->done_bytes = 0;
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

/* Calls OpenSSL. Returns what to do next. */
static step next_step(operation *my)
{
	bide_tls_connection *c = my->in.c;
	step next;

	bide_tls_lock_(c);
	if (my->in.what == BIDE_TLS_FINISH_ && c->is_finished) {
		next = STEP_DONE; /* once more does nothing */
	} else if (c->error || (!reads(my) && c->write_error && !my->called)) {
		my->error = c->error ? c->error : c->write_error;
		next = STEP_FAILED;
	} else {
		next = my->called ? STEP_DONE : step_after(my, call_ssl(my));
		if (next == STEP_DONE)
			next = step_to_send(my);
	}
	bide_tls_unlock_(c);
	return next;
}

/* --- pulling --- */

/* The buffer below gets back what was used of it. With the role, without the lock. */
static void consume_used(bide_tls_connection *c)
{
	size_t used_bytes;

	bide_tls_lock_(c);
	used_bytes = c->used_bytes;
	c->used_bytes = 0;
	bide_tls_unlock_(c);
	if (used_bytes)
		bide_stream_consume(c->below, used_bytes);
}

/* data is where the bytes are, or NULL at the end. */
static void end_pull(operation *my, const char *data, bool is_failed)
{
	bide_tls_connection *c = my->in.c;
	bide_task *waiter;

	bide_tls_lock_(c);
	if (!is_failed) {
		c->at = data;
		c->left_bytes = data ? bide_stream_available(c->below) : 0;
		c->ended = !data;
	}
	c->pulling = my->pulls = false;
	waiter = take_waiter(c);
	bide_tls_unlock_(c);
	wake(waiter);
}

/* An operation that was served. A window that is used up gives its buffer back. */
static void give_window_back(operation *my)
{
	bide_tls_connection *c = my->in.c;
	bool is_used;

	bide_tls_lock_(c);
	is_used = !c->pulling && c->used_bytes && c->left_bytes == 0;
	if (is_used)
		c->pulling = my->pulls = true;
	bide_tls_unlock_(c);
	if (!is_used)
		return;
	consume_used(c);
	end_pull(my, NULL, true);
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
	}
	bide_tls_unlock_(c);
	wake(waiter);
	return goes_on;
}

/* Memory of records is kept while bytes go, and not while the connection waits for some. */
static void drop_memory(bide_tls_connection *c)
{
	bide_tls_bytes next = { NULL, 0, 0 }, sending = { NULL, 0, 0 };

	bide_tls_lock_(c);
	if (!c->pushing && c->next.size_bytes == 0 && c->sending.size_bytes == 0) {
		next = c->next;
		sending = c->sending;
		c->next = c->sending = (bide_tls_bytes){ NULL, 0, 0 };
	}
	bide_tls_unlock_(c);
	OPENSSL_free(next.data);
	OPENSSL_free(sending.data);
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
		end_pull(my, NULL, true);
	if (my->pushes)
		(void)end_push(my, error);
	if (!error)
		return;
	bide_tls_lock_(c);
	if (error == ECONNRESET)
		bide_tls_text_set_(c, "the peer has reset the connection");
	if (my->in.what == BIDE_TLS_HANDSHAKE_) {
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
	if (my->in.what == BIDE_TLS_HANDSHAKE_) /* It takes long: another worker may have it. */
		bide_await(bide_async_yield());
	while ((my->step = next_step(my)) != STEP_DONE) {
		if (my->step == STEP_PULL) {
			consume_used(my->in.c);
			drop_memory(my->in.c);
			bide_await(my->data, bide_stream_peek(my->in.c->below, 1));
			end_pull(my, my->data, false);
		} else if (my->step == STEP_PUSH) {
			do
				bide_await(write_sending(my->in.c));
			while (end_push(my, 0));
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
	give_window_back(my);
	if (my->in.what == BIDE_TLS_FINISH_ && !my->in.c->is_finished) {
		bide_await(bide_stream_finish(my->in.c->below));
		my->in.c->is_finished = true;
	}
	bide_async_return((int64_t)my->done_bytes);
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
	return started(bide_async_start(bide_tls_operation, .c = c, .what = BIDE_TLS_READ_, .to = to,
	                                .size_bytes = size_bytes));
}

bide_value_task bide_tls_write_(bide_tls_connection *c, const struct iovec *parts, size_t count)
{
	return started(bide_async_start(bide_tls_operation, .c = c, .what = BIDE_TLS_WRITE_,
	                                .parts = parts, .count = count));
}

bide_value_task bide_tls_other_(bide_tls_connection *c, bide_tls_what what)
{
	return started(bide_async_start(bide_tls_operation, .c = c, .what = what));
}
