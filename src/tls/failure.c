/*
 * failure.c - what is wrong, in words: with a certificate, or with what the peer sent.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls/connection.h"
#include "tls/names.h"

void bide_tls_text_set_(bide_tls_connection *c, const char *format, ...)
{
	va_list arguments;

	if (c->text[0])
		return;
	va_start(arguments, format);
	(void)vsnprintf(c->text, sizeof c->text, format, arguments);
	va_end(arguments);
}

/* --- certificates --- */

enum { NAME_BYTES = 100, NAMES_BYTES = 160, TIME_BYTES = 40 };

static const char *time_text(const ASN1_TIME *when, char to[TIME_BYTES])
{
	struct tm tm;

	if (!when || ASN1_TIME_to_tm(when, &tm) != 1)
		return "a time that cannot be read";
	(void)strftime(to, TIME_BYTES, "%Y-%m-%d %H:%M:%S UTC", &tm);
	return to;
}

/* Tells what is wrong with one certificate. */
static void tell_of(bide_tls_connection *c, X509 *certificate, int error)
{
	char name[NAME_BYTES], issuer[NAME_BYTES], names[NAMES_BYTES], when[TIME_BYTES];

	bide_tls_name_text_(X509_get_subject_name(certificate), name, sizeof name);
	bide_tls_name_text_(X509_get_issuer_name(certificate), issuer, sizeof issuer);
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		bide_tls_text_set_(c, "the certificate of %s expired on %s", name,
		                   time_text(X509_get0_notAfter(certificate), when));
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		bide_tls_text_set_(c, "the certificate of %s is not valid before %s", name,
		                   time_text(X509_get0_notBefore(certificate), when));
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		bide_tls_text_set_(c,
		                   "the certificate of %s is signed by itself, and not one of the "
		                   "authorities",
		                   name);
		break;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		bide_tls_text_set_(c, "%s, which the certificate leads to, is not one of the authorities",
		                   name);
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		bide_tls_text_set_(c,
		                   "the certificate of %s is issued by %s, which is not one of the "
		                   "authorities",
		                   name, issuer);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		bide_tls_names_text_(certificate, names, sizeof names);
		bide_tls_text_set_(c, "%s is not among the names of the certificate: %s",
		                   c->host ? c->host : "the host", names[0] ? names : "it has none");
		break;
	default:
		bide_tls_text_set_(c, "the certificate of %s: %s", name,
		                   X509_verify_cert_error_string(error));
	}
}

int bide_tls_verify_(int is_right, X509_STORE_CTX *store)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *certificate = X509_STORE_CTX_get_current_cert(store);
	bide_tls_connection *c = ssl ? bide_tls_connection_of_(ssl) : NULL;

	if (!is_right && c && certificate)
		tell_of(c, certificate, X509_STORE_CTX_get_error(store));
	return is_right;
}

static int error_of_verification(long result)
{
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return EKEYEXPIRED;
	case X509_V_ERR_CERT_REVOKED:
		return EKEYREVOKED;
	case X509_V_ERR_OUT_OF_MEM:
		return ENOMEM;
	default:
		return EKEYREJECTED;
	}
}

/* --- OpenSSL's errors --- */

/* The errors of what is no TLS at all. */
static bool is_garbage(int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_UNKNOWN_PROTOCOL:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
		return true;
	default:
		return false;
	}
}

/* An error of OpenSSL's. Returns the error number, and tells. */
static int failure_of(bide_tls_connection *c, unsigned long code)
{
	int reason = ERR_GET_REASON(code);
	const char *text = ERR_reason_error_string(code);

	if (reason == ERR_R_MALLOC_FAILURE)
		return ENOMEM;
	if (ERR_GET_LIB(code) != ERR_LIB_SSL) {
		bide_tls_text_set_(c, "%s", text ? text : "an error without a text");
		return EPROTO;
	}
	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		long result = SSL_get_verify_result(c->ssl);

		bide_tls_text_set_(c, "the certificate: %s", X509_verify_cert_error_string(result));
		return error_of_verification(result);
	}
	if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
		bide_tls_text_set_(c, "the client has shown no certificate");
		return EKEYREJECTED;
	}
	if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
		bide_tls_text_set_(c, c->is_open ? "the connection ended without a word (close_notify): "
		                                   "something may be missing"
		                                 : "the connection ended during the handshake");
		return ECONNRESET;
	}
	if (is_garbage(reason))
		bide_tls_text_set_(c, "what the peer sends is not TLS (%s)", text ? text : "no text");
	else if (reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255)
		bide_tls_text_set_(c, "the peer refused: %s",
		                   SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	else
		bide_tls_text_set_(c, "%s", text ? text : "an error without a text");
	return EPROTO;
}

int bide_tls_failure_(bide_tls_connection *c)
{
	unsigned long code = ERR_peek_error(), next = code;
	int error = ENOMEM; /* so it is, too, if the BIO has failed, which has no errors of its own */

	/* The first one says most; a lack of memory may stand anywhere. */
	while (next && ERR_GET_REASON(next) != ERR_R_MALLOC_FAILURE) {
		(void)ERR_get_error();
		next = ERR_peek_error();
	}
	if (!next && code)
		error = failure_of(c, code);
	else if (!next && c->ended)
		error = failure_of(c, ERR_PACK(ERR_LIB_SSL, 0, SSL_R_UNEXPECTED_EOF_WHILE_READING));
	ERR_clear_error();
	return error;
}
