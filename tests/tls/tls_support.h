/*
 * tls_support.h - shared by the tests of TLS: certificates, which are made here, and pairs of
 * streams that speak TLS with each other.
 */
#ifndef TLS_SUPPORT_H
#define TLS_SUPPORT_H

#include "support/io_support.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* A certificate with its key. */
typedef struct party {
	X509 *certificate;
	EVP_PKEY *key;
	char *certificate_text, *key_text;
} party;

typedef struct wish {
	const char *name;  /* the common name */
	const char *names; /* for X509v3: "DNS:a.test,IP:127.0.0.1"; may be NULL */
	int from_s, to_s;  /* valid, from now; 0 and 0: for a day */
	bool is_authority;
} wish;

BIDE_UNUSED static char *text_of(BIO *bio)
{
	char *data, *text;
	long size = BIO_get_mem_data(bio, &data);

	text = calloc(1, (size_t)size + 1);
	memcpy(text, data, (size_t)size);
	BIO_free(bio);
	return text;
}

static void extend(X509 *certificate, int what, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, what, value);

	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* Makes a certificate that the issuer signs. Without an issuer it signs itself. */
BIDE_UNUSED static party make_party(const party *issuer, wish w)
{
	static long number = 1;
	party p = { X509_new(), EVP_EC_gen("P-256"), NULL, NULL };
	X509_NAME *name = X509_get_subject_name(p.certificate);
	BIO *bio;

	assert_non_null(p.key);
	X509_set_version(p.certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(p.certificate), number++);
	X509_gmtime_adj(X509_getm_notBefore(p.certificate), w.from_s);
	X509_gmtime_adj(X509_getm_notAfter(p.certificate), w.to_s ? w.to_s : 86400);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)w.name, -1, -1, 0);
	X509_set_issuer_name(p.certificate, issuer ? X509_get_subject_name(issuer->certificate) : name);
	X509_set_pubkey(p.certificate, p.key);
	if (w.is_authority)
		extend(p.certificate, NID_basic_constraints, "critical,CA:TRUE");
	if (w.names)
		extend(p.certificate, NID_subject_alt_name, w.names);
	assert_true(X509_sign(p.certificate, issuer ? issuer->key : p.key, EVP_sha256()) > 0);
	bio = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_X509(bio, p.certificate), 1);
	p.certificate_text = text_of(bio);
	bio = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PrivateKey(bio, p.key, NULL, NULL, 0, NULL, NULL), 1);
	p.key_text = text_of(bio);
	return p;
}

BIDE_UNUSED static void free_party(party *p)
{
	X509_free(p->certificate);
	EVP_PKEY_free(p->key);
	free(p->certificate_text);
	free(p->key_text);
}

BIDE_UNUSED static bide_tls_identity identity_of(const party *p)
{
	return (bide_tls_identity){ .certificate_text = p->certificate_text, .key_text = p->key_text };
}

/* An authority, a server of a.test, and configs of both ends. */
typedef struct world {
	party authority, server;
	bide_tls_identity identity;
	bide_tls_config *server_config, *client_config;
} world;

BIDE_UNUSED static bide_tls_config *config_of(bide_tls_options options)
{
	char text[200];
	bide_tls_config *config;

	options.error_text = text;
	options.error_text_bytes = sizeof text;
	if (bide_tls_config_create(&config, &options))
		fail_msg("bide_tls_config_create: %s", text);
	return config;
}

BIDE_UNUSED static world make_world(void)
{
	world w = { .authority =
		            make_party(NULL, (wish){ .name = "the authority", .is_authority = true }) };

	w.server = make_party(&w.authority, (wish){ .name = "a.test",
	                                            .names = "DNS:a.test,DNS:*.b.test,IP:127.0.0.1" });
	w.identity = identity_of(&w.server);
	w.server_config =
		config_of((bide_tls_options){ .identities = &w.identity, .identity_count = 1 });
	w.client_config =
		config_of((bide_tls_options){ .authorities_text = w.authority.certificate_text });
	return w;
}

BIDE_UNUSED static void free_world(world *w)
{
	bide_tls_config_unref(w->server_config);
	bide_tls_config_unref(w->client_config);
	free_party(&w->authority);
	free_party(&w->server);
}

/* Two ends of a connection. */
typedef struct ends {
	bide_stream *client, *server;
	int client_error, server_error;
} ends;

BIDE_UNUSED static ends make_plain_ends(void)
{
	bide_stream *both[2];

	connect_streams(both, false);
	return (ends){ .client = both[0], .server = both[1] };
}

BIDE_UNUSED static void shake_hands(ends *e, bide_tls_config *client, bide_tls_config *server,
                                    const char *host)
{
	bide_value_task s = bide_tls_start_server(e->server, server);
	bide_value_task c = bide_tls_start_client(e->client, host, client);

	while (!bide_value_task_is_ready(c) && !bide_value_task_is_ready(s)) {
		run_on();
		sched_yield();
	}
	/* An end that has failed goes away, so that the other one does not wait for it. */
	if (bide_value_task_is_ready(s)) {
		e->server_error = bide_value_task_wait(s, NULL);
		if (e->server_error)
			bide_stream_abort(e->server, EIO);
		e->client_error = bide_value_task_wait(c, NULL);
		if (e->client_error)
			bide_stream_abort(e->client, EIO);
		return;
	}
	e->client_error = bide_value_task_wait(c, NULL);
	if (e->client_error)
		bide_stream_abort(e->client, EIO);
	e->server_error = bide_value_task_wait(s, NULL);
}

BIDE_UNUSED static ends try_ends(bide_tls_config *client, bide_tls_config *server, const char *host)
{
	ends e = make_plain_ends();

	shake_hands(&e, client, server, host);
	return e;
}

BIDE_UNUSED static ends make_ends(const world *w)
{
	ends e = try_ends(w->client_config, w->server_config, "a.test");

	if (e.client_error || e.server_error)
		fail_msg("client: %d %s, server: %d %s", e.client_error, bide_tls_error_text(e.client),
		         e.server_error, bide_tls_error_text(e.server));
	return e;
}

BIDE_UNUSED static void close_ends(ends *e)
{
	bide_stream_close(e->client);
	bide_stream_close(e->server);
	run_on();
}

BIDE_UNUSED static const char *line_of(bide_stream *s)
{
	bide_payload line = { .p = NULL };
	int error = bide_value_task_wait(bide_stream_read_line(s), &line);

	if (error)
		fail_msg("error %d: %s", error, bide_tls_error_text(s));
	return line.p;
}

#endif
