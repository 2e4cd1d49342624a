/*
 * start.c - TLS on a stream: the layer, its start as a client or as a server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls/connection.h"
#include "tls/operation.h"

enum { PUT_BYTES_MAX = 4 * BIDE_TLS_NEXT_BYTES_MAX_, HOST_BYTES_MAX = 253 };

/* --- the type --- */

static bide_value_task layer_read(void *object, void *to, size_t size_bytes)
{
	return bide_tls_read_(object, to, size_bytes);
}

static bide_value_task layer_write(void *object, const struct iovec *parts, size_t count)
{
	return bide_tls_write_(object, parts, count);
}

static bide_value_task layer_finish(void *object)
{
	return bide_tls_other_(object, BIDE_TLS_FINISH_);
}

static bide_value_task layer_wait(void *object)
{
	return bide_tls_other_(object, BIDE_TLS_WAIT_);
}

static bide_value_task layer_start(void *object)
{
	bide_tls_connection *c = object;

	bide_stream_split(c->below);
	(void)bide_stream_set_limits(c->below, 0, PUT_BYTES_MAX);
	return bide_tls_other_(c, BIDE_TLS_HANDSHAKE_);
}

static int layer_write_error(void *object)
{
	bide_tls_connection *c = object;
	int error;

	bide_tls_lock_(c);
	error = c->error ? c->error : c->write_error;
	bide_tls_unlock_(c);
	return error;
}

static void layer_abort(void *object, int error)
{
	bide_stream_abort(((bide_tls_connection *)object)->below, error);
}

static void layer_close(void *object)
{
	bide_tls_connection *c = object;

	bide_stream_close(c->below);
	bide_tls_connection_free_(c);
}

const bide_stream_type bide_tls_stream_type_ = {
	.name = "TLS",
	.read = layer_read,
	.write = layer_write,
	.finish = layer_finish,
	.abort = layer_abort,
	.close = layer_close,
	.wait = layer_wait,
	.start = layer_start,
	.write_error = layer_write_error,
};

/* --- the host --- */

static bool is_address(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static bool is_name(const char *host)
{
	size_t size_bytes = strlen(host);

	if (size_bytes == 0 || size_bytes > HOST_BYTES_MAX)
		return false;
	/* For OpenSSL a dot at the front stands for every name below it, and no name for no check. */
	if (host[0] == '.' || strstr(host, ".."))
		return false;
	for (size_t i = 0; i < size_bytes; i++)
		if ((unsigned char)host[i] <= ' ' || (unsigned char)host[i] >= 127 ||
		    strchr("/:@[]", host[i]))
			return false;
	return true;
}

/* Sets what the server is asked for, and what its certificate must have. */
static bool set_host(bide_tls_connection *c, const char *host)
{
	X509_VERIFY_PARAM *rules = SSL_get0_param(c->ssl);
	size_t size_bytes = strlen(host);
	SSL_SESSION *session;

	c->host = OPENSSL_strdup(host);
	if (!c->host)
		return false;
	if (is_address(host)) {
		if (X509_VERIFY_PARAM_set1_ip_asc(rules, host) != 1)
			return false;
	} else {
		if (c->host[size_bytes - 1] == '.') /* the root of names stands in no certificate */
			c->host[size_bytes - 1] = '\0';
		X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
		                                           X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
		if (X509_VERIFY_PARAM_set1_host(rules, c->host, 0) != 1 ||
		    SSL_set_tlsext_host_name(c->ssl, c->host) != 1)
			return false;
	}
	session = bide_tls_session_take_(c->config, c->host);
	if (session) {
		(void)SSL_set_session(c->ssl, session); /* Without it the handshake is a whole one. */
		SSL_SESSION_free(session);
	}
	ERR_clear_error();
	return true;
}

/* --- the starts --- */

/* what: the function of the caller */
static bide_value_task put_on(bide_stream *stream, bide_tls_connection *c, const char *what)
{
	return bide_stream_layer_for_(stream, &bide_tls_stream_type_, c, &c->below, what);
}

/* Nothing goes in the clear from now on. */
static bide_value_task no_memory(bide_stream *stream)
{
	bide_stream_abort(stream, ENOMEM);
	return bide_value_task_from_error(ENOMEM);
}

/* Returns what is wrong with the arguments of a client, or NULL. */
static const char *fault_of(const bide_tls_config *config, const char *host)
{
	if (config && !bide_tls_config_is_there_(config))
		return "the config has no reference any more";
	if (!host)
		return !config || config->verifies ? "host is NULL, so nothing can be verified" : NULL;
	return is_address(host) || is_name(host) ? NULL : "host is neither a name nor an IP address";
}

#undef bide_tls_start_client
bide_value_task bide_tls_start_client(bide_stream *stream, const char *host,
                                      bide_tls_config *config)
{
	const char *fault = fault_of(config, host);
	bide_tls_connection *c;

	if (fault) {
		bide_misuse_("bide_tls_start_client: %s", fault);
		return bide_value_task_from_error(EINVAL);
	}
	config = config ? bide_tls_config_ref(config) : bide_tls_config_default_();
	c = config ? bide_tls_connection_new_(config, false) : NULL;
	bide_tls_config_unref(config);
	if (!c)
		return no_memory(stream);
	if (host && !set_host(c, host)) {
		ERR_clear_error();
		bide_tls_connection_free_(c);
		return no_memory(stream);
	}
	return put_on(stream, c, "bide_tls_start_client");
}

#undef bide_tls_start_server
bide_value_task bide_tls_start_server(bide_stream *stream, bide_tls_config *config)
{
	bide_tls_connection *c;

	if (!config || !bide_tls_config_is_there_(config) || !config->has_identity) {
		bide_misuse_("bide_tls_start_server: %s", !config ? "config is NULL"
		                                          : bide_tls_config_is_there_(config)
		                                              ? "the config has no identity, which a "
		                                                "server needs"
		                                              : "the config has no reference any more");
		return bide_value_task_from_error(EINVAL);
	}
	c = bide_tls_connection_new_(config, true);
	if (!c)
		return no_memory(stream);
	return put_on(stream, c, "bide_tls_start_server");
}
