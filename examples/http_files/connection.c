/*
 * connection.c - the async functions of a connection.
 *
 * Time limits: the stream's idle limit ends a wait for a request, and for a client that takes
 * nothing of an answer. A request that has begun must be complete in request_ns. A client that
 * takes little of an answer, byte by byte, is ended by send_ns.
 *
 * Files: what lies in the page cache is opened at once, by calls that do not wait for a disk; else
 * bide_run_blocking opens it. The opening is this program's, because it never leaves the folder;
 * what is open is read as a bide_file.
 */
#include "connection.h"

#include <errno.h>
#include <string.h>

#include "exchange.h"
#include "log.h"

/* Small answers are copied, so that the answers to requests that came together go together. */
enum { COPIED_MAX_BYTES = 8192 };

/* --- reading a request --- */

static void feed(bide_stream *client, struct exchange *exchange, const char *at)
{
	size_t available = bide_stream_available(client);

	bide_stream_consume(client, parser_feed(&exchange->parser, at, available, &exchange->progress));
}

static int64_t left_ns(int64_t until_ns)
{
	int64_t left = until_ns - bide_now_ns();

	return left > 0 ? left : 0;
}

struct read_request {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *client;
		struct exchange *exchange;
	} in;
	char *at;
	int64_t until_ns;
};

/*
 * Begins with bytes in the buffer of the stream. The result is false if the client ended the
 * connection before the request was complete.
 */
bide_async(read_request)
{
	bide_async_in(client, exchange);
	my->until_ns = bide_now_ns() + exchange->site->request_ns;
	bide_await(my->at, bide_stream_peek(client, 1));
	while (my->at) {
		feed(client, exchange, my->at);
		if (exchange->progress != PROGRESS_MORE)
			bide_async_return(true);
		bide_await_or(my->at, bide_with_timeout(left_ns(my->until_ns), bide_stream_peek(client, 1)),
		              {
						  if (bide_await_error != ETIMEDOUT)
							  bide_async_return(bide_await_failure);
						  exchange->request.refusal = 408;
						  bide_async_return(true);
					  });
	}
	bide_async_return(false);
bide_async_finally:
	bide_async_end;
}

/* --- the answer --- */

/* It runs on a thread for calls that wait. */
static bide_value_task answer_slowly(void *argument)
{
	exchange_answer(argument, false);
	return bide_value_task_from(0);
}

struct send_file {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *client;
		struct exchange *exchange;
	} in;
	int64_t count;
	int error;
};

/* Sends what is in data, and the file behind it. The next piece is read when this one has gone. */
bide_async(send_file)
{
	bide_async_in(client, exchange);
	my->error = exchange_open_sent(exchange);
	if (my->error)
		bide_async_fail(my->error);
	while (exchange->left > 0) {
		bide_await(my->count, exchange_read(exchange));
		my->error = exchange_note_read(exchange, my->count);
		if (my->error)
			bide_async_fail(my->error);
		if (exchange->left == 0 && exchange->used <= COPIED_MAX_BYTES)
			bide_await(bide_stream_put(client, exchange->data, exchange->used));
		else
			bide_await(
				bide_with_timeout(exchange->site->send_ns,
			                      bide_stream_write(client, exchange->data, exchange->used)));
		exchange->used = 0;
	}
bide_async_finally:
	bide_async_end;
}

struct send_answer {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *client;
		struct exchange *exchange;
	} in;
};

bide_async(send_answer)
{
	bide_async_in(client, exchange);
	if (!exchange_answer(exchange, true))
		bide_await(bide_run_blocking(answer_slowly, exchange));
	if (exchange->file >= 0 && exchange->left > 0)
		bide_async_return(bide_async_start(send_file, .client = client, .exchange = exchange));
	bide_await(bide_stream_put(client, exchange->data, exchange->used));
	if (exchange->left > COPIED_MAX_BYTES)
		bide_await(bide_stream_write(client, exchange->body, (size_t)exchange->left));
	else if (exchange->left > 0)
		bide_await(bide_stream_put(client, exchange->body, (size_t)exchange->left));
bide_async_finally:
	bide_async_end;
}

/* --- the connection --- */

struct connection_frame {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *client;
		struct site *site;
	} in;
	struct connection connection;
	struct exchange *exchange;
	char *at;
	bool is_complete, keep_alive, is_refused;
	char peer[BIDE_ADDRESS_TEXT_BYTES]; /* not zeroed */
};

static void note_peer(struct connection_frame *my)
{
	bide_address peer;

	strcpy(my->peer, "-");
	if (my->in.site->log && bide_stream_peer(my->in.client, &peer) == 0)
		bide_address_text(&peer, my->peer, sizeof my->peer);
}

static void note_answer(const struct connection_frame *my)
{
	const struct exchange *exchange = my->exchange;

	log_answer(my->in.site->log, my->peer, &exchange->request, exchange->answer.status,
	           exchange->answer.has_no_body ? 0 : exchange->answer.count);
}

/* Returns the exchange for the next request. One that has just ended is used again. */
static struct exchange *next_exchange(struct connection_frame *my)
{
	if (my->exchange)
		exchange_begin(my->exchange);
	else
		my->exchange = exchange_create(my->in.site);
	return my->exchange;
}

/* Prepares the wait for a request. Returns false if the server ends. */
static bool becomes_idle(struct connection_frame *my)
{
	if (bide_stream_available(my->in.client) == 0) {
		exchange_destroy(my->exchange);
		my->exchange = NULL;
	}
	my->connection.is_idle = true;
	return !my->in.site->is_ending; /* read after the store: site_end does it the other way round */
}

/* HTTPS: the handshake has the time of a request. */
static bide_value_task protect(const struct site *site, bide_stream *client)
{
#ifdef HTTP_FILES_HAS_TLS
	if (site->tls)
		return bide_with_timeout(site->request_ns, bide_tls_start_server(client, site->tls));
#endif
	(void)site;
	(void)client;
	return bide_value_task_completed();
}

bide_async(connection_frame, peer)
{
	bide_async_in(client, site);
	my->connection.client = client;
	site_add(site, &my->connection);
	note_peer(my);
	/* A client that does not trust the server is no fault of the server's: it is not reported. */
	bide_await_or(protect(site, client), my->is_refused = true);
	if (my->is_refused)
		bide_async_fail(ECONNRESET);
	while (becomes_idle(my)) {
		bide_await_or(my->at, bide_stream_peek(client, 1), break);
		my->connection.is_idle = false;
		if (!my->at)
			break;
		if (!next_exchange(my))
			bide_async_fail(ENOMEM);
		bide_await(my->is_complete,
		           bide_async_start(read_request, .client = client, .exchange = my->exchange));
		if (!my->is_complete)
			break;
		bide_await(bide_async_start(send_answer, .client = client, .exchange = my->exchange));
		note_answer(my);
		if (!my->exchange->answer.keep_alive)
			break;
	}
bide_async_finally:
	site_remove(site, &my->connection);
	exchange_destroy(my->exchange);
	bide_async_end;
}

bide_value_task connection_serve(bide_stream *client, void *argument)
{
	return bide_async_start(connection_frame, .client = client, .site = argument);
}
