/*
 * advance.c - see advance.h.
 */
#include "tls/advance.h"

#include <openssl/err.h>

/* A record of the first part. Returns what the call returned. */
static int write_some(SSL *ssl, bide_tls_call *call)
{
	const struct iovec *part = call->parts;
	size_t now = part->iov_len - call->part_bytes, written = 0;
	int result;

	if (now > BIDE_TLS_RECORD_BYTES_MAX_)
		now = BIDE_TLS_RECORD_BYTES_MAX_;
	result = SSL_write_ex(ssl, (const char *)part->iov_base + call->part_bytes, now, &written);
	if (result <= 0)
		return result;
	call->done_bytes += written;
	call->part_bytes += written;
	while (call->count > 0 && call->part_bytes == call->parts->iov_len) {
		call->parts++;
		call->count--;
		call->part_bytes = 0;
	}
	return result;
}

/* Returns what the call returned. */
static int call_ssl(bide_tls_connection *c, bide_tls_call *call)
{
	SSL *ssl = c->ssl;
	char byte;

	if (ERR_peek_error()) /* the clearing of nothing takes long */
		ERR_clear_error();
	c->is_reading = bide_tls_reads_(call);
	switch (call->what) {
	case BIDE_TLS_HANDSHAKE_:
		return SSL_do_handshake(ssl);
	case BIDE_TLS_READ_:
		return SSL_read_ex(ssl, call->to, call->size_bytes, &call->done_bytes);
	case BIDE_TLS_WAIT_:
		return SSL_peek_ex(ssl, &byte, 1, &call->done_bytes);
	case BIDE_TLS_WRITE_:
		return write_some(ssl, call);
	case BIDE_TLS_FINISH_:
		/* 0: it is sent, and the peer has not ended yet. */
		return SSL_shutdown(ssl) >= 0 ? 1 : -1;
	}
	return -1;
}

/*
 * Returns true if a reader needs bytes that have not come. OpenSSL says the same, after 1,000
 * instructions.
 */
static bool lacks_bytes(const bide_tls_connection *c, const bide_tls_call *call)
{
	return bide_tls_reads_(call) && c->left_bytes == 0 && !c->ended && !SSL_has_pending(c->ssl) &&
	       !SSL_in_init(c->ssl) && !SSL_want_write(c->ssl) && SSL_get_shutdown(c->ssl) == 0;
}

int bide_tls_advance_(bide_tls_connection *c, bide_tls_call *call)
{
	int result;

	if (lacks_bytes(c, call))
		return SSL_ERROR_WANT_READ;
	result = call_ssl(c, call);
	return result > 0 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, result);
}
