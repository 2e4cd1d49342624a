/*
 * operation.h - what functions do with a connection, each an async function that may wait for the
 * stream below.
 */
#ifndef BIDE_TLS_OPERATION_H
#define BIDE_TLS_OPERATION_H

#include "tls/connection.h"

typedef enum bide_tls_what {
	BIDE_TLS_HANDSHAKE_,
	BIDE_TLS_READ_,
	BIDE_TLS_WAIT_, /* until a read need not wait */
	BIDE_TLS_WRITE_,
	BIDE_TLS_FINISH_
} bide_tls_what;

/* They do what the functions of a stream's type do; parts has no empty part. */
bide_value_task bide_tls_read_(bide_tls_connection *c, void *to, size_t size_bytes);
bide_value_task bide_tls_write_(bide_tls_connection *c, const struct iovec *parts, size_t count);
/* HANDSHAKE, WAIT or FINISH. */
bide_value_task bide_tls_other_(bide_tls_connection *c, bide_tls_what what);

#endif
