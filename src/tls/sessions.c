/*
 * sessions.c - what clients may resume. A session is taken out by the connection that uses it, as
 * TLS 1.3 wants: two that use the same could be told to be of the same client.
 */
#include <string.h>

#include "tls/connection.h"

/* Under the lock. Returns the place of a host, or NULL. */
static bide_tls_kept *find(bide_tls_config *config, const char *host)
{
	for (size_t i = 0; i < BIDE_TLS_SESSIONS_; i++)
		if (config->kept[i].host && strcmp(config->kept[i].host, host) == 0)
			return &config->kept[i];
	return NULL;
}

/* OpenSSL calls it when a session has come, under the lock of the connection. */
static int keep(SSL *ssl, SSL_SESSION *session)
{
	bide_tls_connection *c = bide_tls_connection_of_(ssl);
	bide_tls_config *config = c->config;
	char *host = c->host && !SSL_is_server(ssl) ? OPENSSL_strdup(c->host) : NULL;
	SSL_SESSION *old;
	bide_tls_kept *kept;

	if (!host)
		return 0;
	pthread_mutex_lock(&config->lock);
	kept = find(config, host);
	if (!kept) {
		kept = &config->kept[config->next_kept];
		config->next_kept = (config->next_kept + 1) % BIDE_TLS_SESSIONS_;
	}
	OPENSSL_free(kept->host);
	kept->host = host;
	old = kept->session;
	kept->session = session;
	pthread_mutex_unlock(&config->lock);
	SSL_SESSION_free(old);
	return 1; /* the reference is kept */
}

void bide_tls_sessions_begin_(SSL_CTX *context)
{
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, keep);
}

SSL_SESSION *bide_tls_session_take_(bide_tls_config *config, const char *host)
{
	SSL_SESSION *session = NULL;
	bide_tls_kept *kept;

	pthread_mutex_lock(&config->lock);
	kept = find(config, host);
	if (kept) {
		session = kept->session;
		kept->session = NULL;
	}
	pthread_mutex_unlock(&config->lock);
	return session;
}

void bide_tls_sessions_end_(bide_tls_config *config)
{
	for (size_t i = 0; i < BIDE_TLS_SESSIONS_; i++) {
		OPENSSL_free(config->kept[i].host);
		SSL_SESSION_free(config->kept[i].session);
	}
}
