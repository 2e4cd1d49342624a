/*
 * advance.h - one call of OpenSSL for an operation of a connection.
 */
#ifndef BIDE_TLS_ADVANCE_H
#define BIDE_TLS_ADVANCE_H

#include <sys/uio.h>

#include "tls/connection.h"
#include "tls/operation.h"

/* What an operation asks of OpenSSL, and how far that has come. */
typedef struct bide_tls_call {
	bide_tls_what what;
	void *to;
	size_t size_bytes;
	const struct iovec *parts; /* those that are left */
	size_t count;
	size_t done_bytes; /* read, or written */
	size_t part_bytes; /* written, of the first part */
} bide_tls_call;

static inline bool bide_tls_reads_(const bide_tls_call *call)
{
	return call->what == BIDE_TLS_READ_ || call->what == BIDE_TLS_WAIT_;
}

/* Calls OpenSSL, under the lock of the connection. Returns one of SSL_ERROR_*. */
int bide_tls_advance_(bide_tls_connection *c, bide_tls_call *call);

#endif
