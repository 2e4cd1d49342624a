/*
 * config.h - a config, as the ends of connections see it.
 */
#ifndef BIDE_TLS_CONFIG_H
#define BIDE_TLS_CONFIG_H

#include <pthread.h>

#include <openssl/ssl.h>

#include <bide/bide.h>

/* The library's own calls note no place. */
#undef bide_tls_config_ref
#undef bide_tls_config_unref

/* The protocols of ALPN as they go over the wire. */
typedef struct bide_tls_protocols {
	unsigned char *bytes;
	unsigned size_bytes;
} bide_tls_protocols;

enum { BIDE_TLS_SESSIONS_ = 64 };

/* What a client may resume: the last session of a host. */
typedef struct bide_tls_kept {
	char *host;
	SSL_SESSION *session;
} bide_tls_kept;

struct bide_tls_config {
	uint32_t references; /* atomic */
	SSL_CTX **contexts;  /* one for each identity, and one if there is none */
	size_t count;        /* of contexts */
	bool has_identity, verifies;
	bide_tls_client_certificate client_certificate;
	bide_tls_protocols protocols;
	pthread_mutex_t lock; /* of what follows */
	bide_tls_kept kept[BIDE_TLS_SESSIONS_];
	size_t next_kept; /* where the next one goes */
};

/* Returns false if it has ended: its memory is kept for a while. */
static inline bool bide_tls_config_is_there_(const bide_tls_config *config)
{
	return __atomic_load_n(&config->references, __ATOMIC_RELAXED) > 0;
}

/* The config of all defaults; NULL if there is no memory. Counted, and kept for the process. */
bide_tls_config *bide_tls_config_default_(void);

/* Has clients keep their sessions in the config. */
void bide_tls_sessions_begin_(SSL_CTX *context);
/* Takes the session of a host out, for one connection. Returns NULL if there is none. */
SSL_SESSION *bide_tls_session_take_(bide_tls_config *config, const char *host);
/* Frees all. */
void bide_tls_sessions_end_(bide_tls_config *config);

#endif
