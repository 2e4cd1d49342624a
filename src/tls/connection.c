/*
 * connection.c - the life of a connection.
 */
#include "tls/connection.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

/* The index of SSL's data; below 0: there was no memory for it. */
static int data_index(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static int index = -1;
	int now;

	pthread_mutex_lock(&lock);
	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	now = index;
	pthread_mutex_unlock(&lock);
	return now;
}

bide_tls_connection *bide_tls_connection_of_(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, data_index());
}

/* The peer is verified by the callback, whose errors end the handshake. */
static int verify_mode(const bide_tls_config *config, bool is_server)
{
	if (!is_server)
		return config->verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
	switch (config->client_certificate) {
	case BIDE_TLS_ASKED:
		return SSL_VERIFY_PEER;
	case BIDE_TLS_REQUIRED:
		return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	case BIDE_TLS_NOT_ASKED:
		break;
	}
	return SSL_VERIFY_NONE;
}

static bool begin(bide_tls_connection *c, bool is_server)
{
	int index = data_index();
	BIO *bio;

	c->ssl = index < 0 ? NULL : SSL_new(c->config->contexts[0]);
	if (!c->ssl || SSL_set_ex_data(c->ssl, index, c) != 1)
		return false;
	bio = bide_tls_bio_new_(c);
	if (!bio)
		return false;
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_verify(c->ssl, verify_mode(c->config, is_server), bide_tls_verify_);
	if (is_server)
		SSL_set_accept_state(c->ssl);
	else
		SSL_set_connect_state(c->ssl);
	return true;
}

bide_tls_connection *bide_tls_connection_new_(bide_tls_config *config, bool is_server)
{
	bide_tls_connection *c = OPENSSL_zalloc(sizeof *c);

	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	c->config = bide_tls_config_ref(config);
	if (begin(c, is_server))
		return c;
	ERR_clear_error();
	bide_tls_connection_free_(c);
	return NULL;
}

void bide_tls_connection_free_(bide_tls_connection *c)
{
	/* Its session can be resumed, even if no close_notify was sent. */
	if (c->ssl)
		SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->ssl);
	bide_tls_config_unref(c->config);
	OPENSSL_free(c->next.data);
	OPENSSL_free(c->sending.data);
	OPENSSL_free(c->host);
	OPENSSL_free(c->peer_subject);
	OPENSSL_free(c->peer_names);
	OPENSSL_free(c->protocol);
	pthread_mutex_destroy(&c->lock);
	OPENSSL_free(c);
}
