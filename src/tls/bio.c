/*
 * bio.c - the BIO between OpenSSL and the window and `next` of a connection. Under the lock.
 */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>

#include "tls/connection.h"

static int bio_read(BIO *bio, char *to, int size)
{
	bide_tls_connection *c = BIO_get_data(bio);
	size_t now = size > 0 ? (size_t)size : 0;

	BIO_clear_retry_flags(bio);
	if (now > c->left_bytes)
		now = c->left_bytes;
	if (now == 0) {
		if (c->ended)
			return 0;
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(to, c->at, now);
	c->at += now;
	c->left_bytes -= now;
	c->used_bytes += now;
	return (int)now;
}

/* Returns true if there is room for some bytes behind what is there. */
static bool has_room(bide_tls_bytes *next, size_t wanted_bytes, size_t most_bytes)
{
	size_t room = next->room_bytes ? next->room_bytes : 512;
	unsigned char *data;

	if (wanted_bytes > most_bytes - next->size_bytes)
		wanted_bytes = most_bytes - next->size_bytes;
	while (room < next->size_bytes + wanted_bytes)
		room *= 2;
	if (room == next->room_bytes)
		return true;
	data = OPENSSL_realloc(next->data, room);
	if (!data)
		return false;
	next->data = data;
	next->room_bytes = room;
	return true;
}

static int bio_write(BIO *bio, const char *from, int size)
{
	bide_tls_connection *c = BIO_get_data(bio);
	bide_tls_bytes *next = &c->next;
	size_t now = size > 0 ? (size_t)size : 0, most = BIDE_TLS_NEXT_BYTES_MAX_;

	BIO_clear_retry_flags(bio);
	if (c->is_reading)
		most += BIDE_TLS_READER_BYTES_MAX_;
	if (next->size_bytes >= most) {
		BIO_set_retry_write(bio);
		return -1;
	}
	if (!has_room(next, now, most))
		return -1;
	if (now > next->room_bytes - next->size_bytes)
		now = next->room_bytes - next->size_bytes;
	memcpy(next->data + next->size_bytes, from, now);
	next->size_bytes += now;
	return (int)now;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	const bide_tls_connection *c = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF: /* tells an end apart from an error */
		return c && c->ended && c->left_bytes == 0;
	default:
		return 0;
	}
}

/* Made once, and kept. Returns NULL if there is no memory. */
static BIO_METHOD *method_of_bios(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static BIO_METHOD *method;
	BIO_METHOD *made;

	pthread_mutex_lock(&lock);
	if (!method) {
		made = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "bide stream");
		if (made && BIO_meth_set_read(made, bio_read) && BIO_meth_set_write(made, bio_write) &&
		    BIO_meth_set_ctrl(made, bio_control))
			method = made;
		else
			BIO_meth_free(made);
	}
	made = method;
	pthread_mutex_unlock(&lock);
	return made;
}

BIO *bide_tls_bio_new_(bide_tls_connection *c)
{
	BIO_METHOD *method = method_of_bios();
	BIO *bio = method ? BIO_new(method) : NULL;
	if (!bio)
		return NULL;
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	return bio;
}
