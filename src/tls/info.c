/*
 * info.c - what a handshake has agreed on, and what was wrong with it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/x509.h>

#include "tls/connection.h"
#include "tls/names.h"

enum { SUBJECT_BYTES = 1024, NAMES_BYTES_MAX = 16384 };

static char *subject_of(X509 *certificate)
{
	char *text = OPENSSL_zalloc(SUBJECT_BYTES);
	BIO *bio = BIO_new(BIO_s_mem());
	bool is_there = false;

	/* RFC 2253: with what is not printable escaped. */
	if (text && bio &&
	    X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
		(void)BIO_read(bio, text, SUBJECT_BYTES - 1); /* It fails if the subject is empty. */
		is_there = true;
	}
	BIO_free(bio);
	if (is_there)
		return text;
	OPENSSL_free(text);
	return NULL;
}

static char *names_of(X509 *certificate)
{
	size_t size_bytes = bide_tls_names_text_(certificate, NULL, 0) + 1;
	char *text;

	if (size_bytes > NAMES_BYTES_MAX)
		size_bytes = NAMES_BYTES_MAX;
	text = OPENSSL_malloc(size_bytes);
	if (text)
		(void)bide_tls_names_text_(certificate, text, size_bytes);
	return text;
}

/* Under the lock. Returns false if there is no memory. */
static bool add_peer(bide_tls_connection *c, X509 *certificate, bide_tls_info *info)
{
	unsigned size = 0;

	if (!c->peer_subject)
		c->peer_subject = subject_of(certificate);
	if (!c->peer_names)
		c->peer_names = names_of(certificate);
	if (!c->peer_subject || !c->peer_names)
		return false;
	info->has_peer = true;
	info->peer_subject = c->peer_subject;
	info->peer_names = c->peer_names;
	return X509_digest(certificate, EVP_sha256(), info->peer_fingerprint, &size) == 1 &&
	       size == BIDE_TLS_FINGERPRINT_BYTES;
}

/* Under the lock. ALPN's text has no end of its own. */
static bool add_protocol(bide_tls_connection *c, bide_tls_info *info)
{
	const unsigned char *name = NULL;
	unsigned size = 0;

	if (!c->protocol) {
		SSL_get0_alpn_selected(c->ssl, &name, &size);
		c->protocol = OPENSSL_zalloc(size + 1);
		if (!c->protocol)
			return false;
		if (size)
			memcpy(c->protocol, name, size);
	}
	info->protocol = c->protocol;
	return true;
}

/* Under the lock. */
static bool fill(bide_tls_connection *c, bide_tls_info *info)
{
	const char *host = SSL_get_servername(c->ssl, TLSEXT_NAMETYPE_host_name);
	X509 *peer = SSL_get1_peer_certificate(c->ssl);
	bool is_filled;

	info->version = SSL_get_version(c->ssl);
	info->cipher = SSL_get_cipher_name(c->ssl);
	info->host = c->host ? c->host : host ? host : "";
	info->is_resumed = SSL_session_reused(c->ssl) == 1;
	is_filled = add_protocol(c, info) && (!peer || add_peer(c, peer, info));
	X509_free(peer);
	return is_filled;
}

#undef bide_tls_info_get
int bide_tls_info_get(const bide_stream *stream, bide_tls_info *info)
{
	static const bide_tls_info empty = { .version = "",
		                                 .cipher = "",
		                                 .protocol = "",
		                                 .host = "",
		                                 .peer_subject = "",
		                                 .peer_names = "" };
	bide_tls_connection *c;
	int error = EBADF;

	if (!info) {
		bide_misuse_("bide_tls_info_get: info is NULL");
		return EINVAL;
	}
	*info = empty;
	c = bide_stream_object_for_(stream, &bide_tls_stream_type_, "bide_tls_info_get");
	if (!c)
		return stream ? EBADF : EINVAL;
	bide_tls_lock_(c);
	if (c->is_open)
		error = fill(c, info) ? 0 : ENOMEM;
	bide_tls_unlock_(c);
	if (error)
		*info = empty;
	return error;
}

#undef bide_tls_error_text
const char *bide_tls_error_text(const bide_stream *stream)
{
	const bide_tls_connection *c =
		bide_stream_object_for_(stream, &bide_tls_stream_type_, "bide_tls_error_text");

	return c ? c->text : "";
}
