/*
 * connection.h - one end of a TLS connection: the object of the layer on a stream.
 *
 * OpenSSL works on memory alone. Its BIO reads from a *window*, bytes that lie in the buffer of the
 * stream below, and writes into `next`. Functions carry bytes between these and the stream below:
 *
 *     stream below --pull--> window --BIO--> OpenSSL --BIO--> next --push--> stream below
 *
 * A function *pulls* or *pushes* while it has that role, one function at a time each:
 *   pulling   it alone uses the reading side of the stream below. What the window has used of the
 *             buffer is consumed when the role is taken.
 *   pushing   it alone uses the writing side. `sending` is what it writes, and belongs to it.
 *
 * Each use of the SSL object, the window, `next` and the roles is under the lock. No function waits
 * with the lock held, and none of another party is called under it: OpenSSL calls only what is in
 * this folder.
 *
 * Both ends may have to write because they read: keys are updated. So a reader never waits for its
 * bytes to go while it could read; else two ends that only write to each other would wait for ever.
 * It puts them into the buffer of the stream below, or leaves them to the function that pushes.
 * `next` has room for that besides what a writer may fill (NEXT_BYTES_MAX and READER_BYTES_MAX). A
 * peer that makes a reader write more than that without reading any of it, has to read first.
 *
 * A writer may have to read, too: if a message that is not data has come by half. If the role that
 * a function needs is taken, it waits for a task, `waiter`; the function that gives the role up
 * completes that. There is one waiter at most: a reader waits for the role of pushing only without
 * that of pulling, and the writer the other way round.
 *
 * Before the handshake is over, one function has the object to itself.
 */
#ifndef BIDE_TLS_CONNECTION_H
#define BIDE_TLS_CONNECTION_H

#include <pthread.h>

#include <openssl/ssl.h>

#include "tls/config.h"

enum {
	BIDE_TLS_NEXT_BYTES_MAX_ = 65536,   /* a writer fills no more */
	BIDE_TLS_READER_BYTES_MAX_ = 16384, /* what a reader may add */
	BIDE_TLS_RECORD_BYTES_MAX_ = 16384, /* of data, in a record */
	BIDE_TLS_RECORD_OVERHEAD_MAX_ = 256,
	BIDE_TLS_KEPT_BYTES_MAX_ = 1024, /* memory of records that a connection keeps while it waits */
	BIDE_TLS_TEXT_BYTES_ = 320
};

/* Bytes of records. data is from OPENSSL_malloc, or NULL. */
typedef struct bide_tls_bytes {
	unsigned char *data;
	size_t size_bytes, room_bytes;
} bide_tls_bytes;

typedef struct bide_tls_connection {
	bide_stream *below;
	bide_tls_config *config;
	SSL *ssl;
	pthread_mutex_t lock;
	const char *at; /* the window: what is left of it */
	size_t left_bytes;
	size_t used_bytes; /* of the window, and not consumed yet */
	bool ended;        /* the stream below has ended */
	bool is_reading;   /* the function in OpenSSL is a reader */
	bool is_open;      /* the handshake is over */
	bool is_finished;  /* and the stream below, too; of the function that finishes */
	bool pulling, pushing;
	bide_task *waiter; /* for a role; counted */
	bide_tls_bytes next, sending;
	bool has_put;    /* a reader has put bytes into the stream below; of the one that pushes */
	int error;       /* of the handshake, or of a record that was wrong. It stays. */
	int write_error; /* EPIPE: a write has stopped in the middle */
	char *host;      /* the one that a client asks for; or NULL */
	char *peer_subject, *peer_names, *protocol; /* made when they are asked for */
	char text[BIDE_TLS_TEXT_BYTES_];
} bide_tls_connection;

extern const bide_stream_type bide_tls_stream_type_;

/* Returns NULL if there is no memory. Takes a reference to the config. */
bide_tls_connection *bide_tls_connection_new_(bide_tls_config *config, bool is_server);
void bide_tls_connection_free_(bide_tls_connection *c);

/* The BIO of a connection; NULL if there is no memory. */
BIO *bide_tls_bio_new_(bide_tls_connection *c);

/* Sets the text, once; later calls do nothing. */
void bide_tls_text_set_(bide_tls_connection *c, const char *format, ...) BIDE_PRINTF(2, 3);
/*
 * An SSL call has failed for good. Sets the text from OpenSSL's errors, which it clears, and
 * returns the error number.
 */
int bide_tls_failure_(bide_tls_connection *c);
/* The callback of the verification: notes what is wrong. */
int bide_tls_verify_(int is_right, X509_STORE_CTX *store);
/* The index of the connection in the data of an SSL object. */
bide_tls_connection *bide_tls_connection_of_(const SSL *ssl);

static inline void bide_tls_lock_(bide_tls_connection *c)
{
	pthread_mutex_lock(&c->lock);
}
static inline void bide_tls_unlock_(bide_tls_connection *c)
{
	pthread_mutex_unlock(&c->lock);
}

#endif
