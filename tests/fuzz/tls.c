/*
 * tls.c - fuzzes the layer of TLS (src/tls/operation.c, bio.c): two ends in memory speak with each
 * other, in pieces of all sizes, and the wire between them may be changed or cut.
 *
 * An input says in what pieces each end reads and writes below, how much each sends in what pieces,
 * when keys are updated, and what happens to the wire. What an end receives is the beginning of
 * what the other one sent; all of it, and the end in order, if nothing happened to the wire.
 * Nothing hangs: when nothing is left to run, an end waits only for what a changed wire has lost.
 */
#include "fuzz.h"

#include <errno.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <bide/bide.h>
#include <bide/tls.h>

#include "io/chunk.h"
#include "tls/connection.h"

enum { WIRE_MAX_BYTES = 1 << 19, SENT_MAX_BYTES = 40000 };

/* --- the wire --- */

/* One direction. */
static struct wire {
	uint8_t bytes[WIRE_MAX_BYTES];
	size_t size, taken;
	size_t piece_read, piece_write; /* at most, at a time */
	size_t change_at, cut_at;       /* SIZE_MAX: never */
	uint8_t change;
	bool ended;
	bide_task *waiter;
} wires[2];

/* What happened to either of them. */
static bool is_harmed;

/* An end reads from one wire, and writes to the other. */
struct end {
	struct wire *in, *out;
};

static void wake(struct wire *w)
{
	bide_task *waiter = w->waiter;

	w->waiter = NULL;
	if (!waiter)
		return;
	(void)bide_task_try_complete(waiter, (bide_payload){ .i = 0 });
	bide_task_unref(waiter);
}

static void end_wire(struct wire *w)
{
	w->ended = true;
	wake(w);
}

struct take_some {
	BIDE_ASYNC_FRAME;
	struct {
		struct wire *from;
		void *to;
		size_t size_bytes;
	} in;
	size_t count;
	bide_task *waiter;
};

bide_async(take_some)
{
	bide_async_begin;
	my->waiter = NULL;
	while (my->in.from->taken == my->in.from->size && !my->in.from->ended) {
		my->waiter = bide_task_create(NULL);
		FUZZ_CHECK(my->waiter && !my->in.from->waiter);
		my->in.from->waiter = bide_task_ref(my->waiter);
		bide_await(bide_task_await(my->waiter));
		bide_task_unref(my->waiter);
		my->waiter = NULL;
	}
	my->count = my->in.from->size - my->in.from->taken;
	if (my->count > my->in.from->piece_read)
		my->count = my->in.from->piece_read;
	if (my->count > my->in.size_bytes)
		my->count = my->in.size_bytes;
	if (my->count)
		memcpy(my->in.to, my->in.from->bytes + my->in.from->taken, my->count);
	my->in.from->taken += my->count;
	bide_async_return((int64_t)my->count);
bide_async_finally:
	bide_task_unref(my->waiter);
	bide_async_end;
}

static bide_value_task end_read(void *object, void *to, size_t size_bytes)
{
	return bide_async_start(take_some, .from = ((struct end *)object)->in, .to = to,
	                        .size_bytes = size_bytes);
}

static void put_byte(struct wire *w, uint8_t byte)
{
	if (w->size == w->cut_at) {
		is_harmed = true;
		end_wire(w);
	}
	if (w->ended)
		return;
	if (w->size == w->change_at) {
		is_harmed = true;
		byte ^= w->change;
	}
	FUZZ_CHECK(w->size < WIRE_MAX_BYTES);
	w->bytes[w->size++] = byte;
}

static bide_value_task end_write(void *object, const struct iovec *parts, size_t count)
{
	struct wire *out = ((struct end *)object)->out;
	size_t taken = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < parts[i].iov_len && taken < out->piece_write; j++, taken++)
			put_byte(out, ((const uint8_t *)parts[i].iov_base)[j]);
	wake(out);
	return bide_value_task_from((int64_t)taken);
}

static bide_value_task end_finish(void *object)
{
	end_wire(((struct end *)object)->out);
	return bide_value_task_from(0);
}

static const bide_stream_type end_type = {
	.name = "end", .read = end_read, .write = end_write, .finish = end_finish
};

/* --- what goes over it --- */

static uint8_t byte_at(size_t n, unsigned salt)
{
	return (uint8_t)(n * 31 + (n >> 8) * 7 + salt);
}

struct send_all {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *to;
		size_t size_bytes, piece_bytes;
		unsigned salt, update_every; /* 0: keys are not updated */
		bool puts;
	} in;
	size_t sent, now;
	unsigned round;
	uint8_t bytes[SENT_MAX_BYTES];
};

static void update_keys(bide_stream *stream)
{
	bide_tls_connection *c = bide_stream_object(stream, &bide_tls_stream_type_);

	bide_tls_lock_(c);
	if (!c->error && !c->write_error)
		(void)SSL_key_update(c->ssl, SSL_KEY_UPDATE_REQUESTED);
	ERR_clear_error();
	bide_tls_unlock_(c);
}

bide_async(send_all, bytes)
{
	bide_async_begin;
	my->sent = my->round = 0;
	for (size_t i = 0; i < my->in.size_bytes; i++)
		my->bytes[i] = byte_at(i, my->in.salt);
	while (my->sent < my->in.size_bytes) {
		my->now = my->in.size_bytes - my->sent;
		if (my->now > my->in.piece_bytes)
			my->now = my->in.piece_bytes;
		my->round++;
		if (my->in.update_every && my->round % my->in.update_every == 0)
			update_keys(my->in.to);
		if (my->in.puts)
			bide_await(bide_stream_put(my->in.to, my->bytes + my->sent, my->now));
		else
			bide_await(bide_stream_write(my->in.to, my->bytes + my->sent, my->now));
		my->sent += my->now;
	}
	bide_await(bide_stream_finish(my->in.to));
bide_async_finally:
	bide_async_end;
}

struct take_all {
	BIDE_ASYNC_FRAME;
	struct {
		bide_stream *from;
		size_t most; /* that the other end sends */
		unsigned salt;
	} in;
	char *data;
	size_t taken, now;
};

bide_async(take_all)
{
	bide_async_begin;
	my->taken = 0;
	for (;;) {
		bide_await(my->data, bide_stream_peek(my->in.from, 1));
		if (!my->data)
			break;
		my->now = bide_stream_available(my->in.from);
		FUZZ_CHECK(my->now > 0 && my->taken + my->now <= my->in.most);
		for (size_t i = 0; i < my->now; i++)
			FUZZ_CHECK((uint8_t)my->data[i] == byte_at(my->taken + i, my->in.salt));
		my->taken += my->now;
		bide_stream_consume(my->in.from, my->now);
	}
	FUZZ_CHECK(my->taken == my->in.most); /* an end in order is never a cut */
bide_async_finally:
	bide_async_end;
}

/* --- the ends --- */

static bide_tls_config *server_config, *client_config;

static char *text_of(BIO *bio)
{
	char *data;
	long size_bytes = BIO_get_mem_data(bio, &data);
	char *text = strndup(data, (size_t)size_bytes);

	BIO_free(bio);
	return text;
}

/* A certificate that signs itself, which the client takes for its authority. */
static void make_configs(void)
{
	X509 *certificate = X509_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:a.test");
	BIO *certificate_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
	bide_tls_identity identity = { 0 };
	char *certificate_text, *key_text;

	X509_set_version(certificate, 2);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 7 * 86400);
	X509_set_pubkey(certificate, key);
	X509_add_ext(certificate, names, -1);
	FUZZ_CHECK(X509_sign(certificate, key, EVP_sha256()) > 0);
	PEM_write_bio_X509(certificate_bio, certificate);
	PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
	identity.certificate_text = certificate_text = text_of(certificate_bio);
	identity.key_text = key_text = text_of(key_bio);
	FUZZ_CHECK(
		bide_tls_config_create(&server_config, &(bide_tls_options){ .identities = &identity,
	                                                                .identity_count = 1,
	                                                                .protocols = "one,two" }) == 0);
	FUZZ_CHECK(
		bide_tls_config_create(&client_config,
	                           &(bide_tls_options){ .authorities_text = identity.certificate_text,
	                                                .protocols = "two" }) == 0);
	X509_EXTENSION_free(names);
	X509_free(certificate);
	EVP_PKEY_free(key);
	free(certificate_text);
	free(key_text);
}

static void take_wire(struct wire *w, fuzz_input *input)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 2, 5, 100, 1000, 16384, 17000 };
	unsigned how = fuzz_below(input, 64), harm = fuzz_below(input, 8);

	w->size = w->taken = 0;
	w->ended = false;
	w->piece_read = pieces[how % 8];
	w->piece_write = pieces[how / 8];
	w->change_at = harm == 1 ? fuzz_take(input, 2) : SIZE_MAX;
	w->change = (uint8_t)(1 + fuzz_below(input, 255));
	w->cut_at = harm == 2 ? fuzz_take(input, 2) : SIZE_MAX;
}

/* Lets all run. What still waits then has lost something, and learns of the end. */
static void run_all(const bide_value_task *tasks, size_t count)
{
	for (int way = 0; way <= 2; way++) {
		FUZZ_CHECK(bide_run_ready(0, NULL) == 0);
		for (size_t i = 0; i < count; i++)
			if (!bide_value_task_is_ready(tasks[i])) {
				FUZZ_CHECK(is_harmed && way < 2);
				end_wire(&wires[way]);
				break;
			}
	}
}

static int outcome(bide_value_task v, bide_stream *stream)
{
	int error = bide_value_task_wait(v, NULL);

	if (!is_harmed && error)
		fprintf(stderr, "%d: %s\n", error, bide_tls_error_text(stream));
	FUZZ_CHECK(is_harmed || error == 0);
	FUZZ_CHECK(error == 0 || error == EPROTO || error == ECONNRESET || error == EKEYREJECTED ||
	           error == EKEYEXPIRED || error == EPIPE);
	return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static struct end ends[2] = { { &wires[0], &wires[1] }, { &wires[1], &wires[0] } };
	fuzz_input input = { bytes, bytes + size_bytes };
	bide_stream *streams[2];
	bide_value_task tasks[4];
	size_t sizes[2];
	int errors[4];

	if (!server_config) {
		FUZZ_CHECK(bide_configure(&(bide_config){ .workers = 1 }) == 0);
		make_configs();
	}
	is_harmed = false;
	for (int i = 0; i < 2; i++) {
		take_wire(&wires[i], &input);
		sizes[i] = fuzz_below(&input, SENT_MAX_BYTES + 1);
		streams[i] = bide_stream_create(&end_type, &ends[i]);
		FUZZ_CHECK(streams[i]);
	}
	tasks[0] = bide_tls_start_client(streams[0], "a.test", client_config);
	tasks[1] = bide_tls_start_server(streams[1], server_config);
	run_all(tasks, 2);
	for (int i = 0; i < 2; i++)
		errors[i] = outcome(tasks[i], streams[i]);
	if (!errors[0] && !errors[1]) {
		for (int i = 0; i < 2; i++) {
			unsigned how = fuzz_below(&input, 256);

			bide_stream_split(streams[i]);
			tasks[i] =
				bide_async_start(send_all, .to = streams[i], .size_bytes = sizes[i],
			                     .piece_bytes = 1 + sizes[i] / 256 + fuzz_below(&input, 20000),
			                     .salt = (unsigned)i, .update_every = how % 4, .puts = how & 4);
			tasks[2 + i] =
				bide_async_start(take_all, .from = streams[i], .most = sizes[!i], .salt = !i);
		}
		run_all(tasks, 4);
		for (int i = 0; i < 4; i++)
			errors[i] = outcome(tasks[i], streams[i % 2]);
	}
	for (int i = 0; i < 2; i++) {
		bide_stream_close(streams[i]);
		end_wire(&wires[i]);
	}
	FUZZ_CHECK(bide_run_ready(0, NULL) == 0);
	FUZZ_CHECK(bide_chunks_bytes_() == 0 && bide_chunks_are_valid_());
	return 0;
}
