/*
 * config.c - configs: what options say, put into contexts of OpenSSL, one for each identity.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls/config.h"

/* A config that is being made. */
typedef struct making {
	bide_tls_config *config;
	const bide_tls_options *options;
} making;

static int wrong(const making *m, int error, const char *format, ...) BIDE_PRINTF(3, 4);

/* Tells what is wrong, and returns the error. */
static int wrong(const making *m, int error, const char *format, ...)
{
	va_list arguments;

	ERR_clear_error();
	if (!m->options->error_text || m->options->error_text_bytes == 0)
		return error;
	va_start(arguments, format);
	(void)vsnprintf(m->options->error_text, m->options->error_text_bytes, format, arguments);
	va_end(arguments);
	return error;
}

static int no_memory(const making *m)
{
	return wrong(m, ENOMEM, "there is no memory");
}

/* Returns true if OpenSSL's last call found no memory. */
static bool lacks_memory(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
}

/* --- PEM --- */

/* There is no terminal to ask for a password. */
static int no_password(char *to, int size, int writes, void *argument)
{
	(void)to;
	(void)size;
	(void)writes;
	(void)argument;
	return -1;
}

/* Opens a file or a text. Stores what to call it. */
static int open_pem(const making *m, const char *file, const char *text, const char *what,
                    BIO **bio, const char **name)
{
	int error;

	*name = file ? file : what;
	errno = 0;
	*bio = file ? BIO_new_file(file, "r") : BIO_new_mem_buf(text, -1);
	if (*bio)
		return 0;
	error = errno;
	if (!file || !error || lacks_memory())
		return no_memory(m);
	return wrong(m, error, "%s: %s", file, strerror(error));
}

static int bad_pem(const making *m, const char *name, const char *what)
{
	if (lacks_memory())
		return no_memory(m);
	return wrong(m, EBADMSG, "%s: %s", name, what);
}

/* Returns true if the PEM had no more, which is no fault. */
static bool is_end(void)
{
	unsigned long code = ERR_peek_last_error();

	return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

static int use_chain(const making *m, SSL_CTX *context, BIO *bio, const char *name)
{
	X509 *certificate = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL);
	int is_used;

	if (!certificate)
		return bad_pem(m, name, "there is no certificate in it, in PEM");
	is_used = SSL_CTX_use_certificate(context, certificate);
	X509_free(certificate);
	if (is_used != 1)
		return bad_pem(m, name, "the certificate cannot be used");
	ERR_clear_error();
	while ((certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL)
		if (SSL_CTX_add0_chain_cert(context, certificate) != 1) {
			X509_free(certificate);
			return bad_pem(m, name, "a certificate of the chain cannot be used");
		}
	if (!is_end())
		return bad_pem(m, name, "a certificate of the chain is damaged");
	ERR_clear_error();
	return 0;
}

static int use_key(const making *m, SSL_CTX *context, BIO *bio, const char *name)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	int is_used;

	if (!key)
		return bad_pem(m, name, "there is no key in it, in PEM and without a password");
	is_used = SSL_CTX_use_PrivateKey(context, key);
	EVP_PKEY_free(key);
	if (is_used == 1 && SSL_CTX_check_private_key(context) == 1)
		return 0;
	if (lacks_memory())
		return no_memory(m);
	return wrong(m, EKEYREJECTED, "%s: the key is not that of the certificate", name);
}

static int use_identity(const making *m, SSL_CTX *context, const bide_tls_identity *id)
{
	const char *name;
	BIO *bio;
	int error =
		open_pem(m, id->certificate_file, id->certificate_text, "the certificate", &bio, &name);

	if (error)
		return error;
	error = use_chain(m, context, bio, name);
	BIO_free(bio);
	if (!error)
		error = open_pem(m, id->key_file, id->key_text, "the key", &bio, &name);
	if (error)
		return error;
	error = use_key(m, context, bio, name);
	BIO_free(bio);
	return error;
}

/* --- authorities --- */

static int read_authorities(const making *m, SSL_CTX *context, BIO *bio, const char *name)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	bool is_asked = m->options->client_certificate != BIDE_TLS_NOT_ASKED;
	size_t count = 0;
	X509 *authority;

	while ((authority = PEM_read_bio_X509_AUX(bio, NULL, no_password, NULL)) != NULL) {
		bool is_there = X509_STORE_add_cert(store, authority) == 1 &&
		                (!is_asked || SSL_CTX_add_client_CA(context, authority) == 1);

		X509_free(authority);
		if (!is_there)
			return bad_pem(m, name, "an authority cannot be used");
		count++;
	}
	if (!is_end() || count == 0)
		return bad_pem(m, name, "there are no certificates in it, in PEM, or one is damaged");
	ERR_clear_error();
	return 0;
}

static int use_authorities(const making *m, SSL_CTX *context)
{
	const bide_tls_options *o = m->options;
	const char *name;
	BIO *bio;
	int error;

	if (!o->authorities_file && !o->authorities_text) {
		/* What is missing there is not a fault: then no peer is trusted. */
		bool is_set = SSL_CTX_set_default_verify_paths(context) == 1;

		if (!is_set && lacks_memory())
			return no_memory(m);
		ERR_clear_error();
		return 0;
	}
	error = open_pem(m, o->authorities_file, o->authorities_text, "the authorities", &bio, &name);
	if (error)
		return error;
	error = read_authorities(m, context, bio, name);
	BIO_free(bio);
	return error;
}

/* --- protocols --- */

/* "h2,http/1.1" becomes 2 h2 8 http/1.1, with lengths of a byte. */
static int read_protocols(const making *m)
{
	bide_tls_protocols *p = &m->config->protocols;
	const char *at = m->options->protocols;

	if (!at)
		return 0;
	p->bytes = OPENSSL_malloc(strlen(at) + 2);
	if (!p->bytes)
		return no_memory(m);
	for (size_t size_bytes; p->size_bytes == 0 || *at; at += size_bytes) {
		at += p->size_bytes > 0; /* the comma */
		size_bytes = strcspn(at, ",");
		if (size_bytes == 0 || size_bytes > 255 || p->size_bytes + size_bytes > 65000) {
			bide_misuse_("bide_tls_config_create: protocols is \"%s\"; allowed are names of 1 to "
			             "255 bytes, with commas between them",
			             m->options->protocols);
			return wrong(m, EINVAL, "protocols: a name is empty or too long");
		}
		p->bytes[p->size_bytes++] = (unsigned char)size_bytes;
		memcpy(p->bytes + p->size_bytes, at, size_bytes);
		p->size_bytes += (unsigned)size_bytes;
	}
	return 0;
}

static int choose_protocol(SSL *ssl, const unsigned char **to, unsigned char *to_bytes,
                           const unsigned char *from, unsigned from_bytes, void *argument)
{
	const bide_tls_protocols *p = argument;

	(void)ssl;
	/* It does not write into what it returns. */
	return SSL_select_next_proto((unsigned char **)(uintptr_t)to, to_bytes, p->bytes, p->size_bytes,
	                             from, from_bytes) == OPENSSL_NPN_NEGOTIATED
	           ? SSL_TLSEXT_ERR_OK
	           : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* --- names --- */

static int choose_identity(SSL *ssl, int *alert, void *argument)
{
	const bide_tls_config *config = argument;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	for (size_t i = 0; name && i < config->count; i++)
		if (X509_check_host(SSL_CTX_get0_certificate(config->contexts[i]), name, 0, 0, NULL) == 1) {
			SSL_set_SSL_CTX(ssl, config->contexts[i]);
			break;
		}
	ERR_clear_error();
	return SSL_TLSEXT_ERR_OK;
}

/* --- contexts --- */

static int set_up(const making *m, SSL_CTX *context)
{
	static const unsigned char sessions_of[] = "bide";
	const bide_tls_options *o = m->options;
	int version_min = o->version_min ? (int)o->version_min : TLS1_2_VERSION;

	/* A peer that goes away without a word must not look as if it had ended. */
	SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_default_passwd_cb(context, no_password);
	bide_tls_sessions_begin_(context);
	if (SSL_CTX_set_min_proto_version(context, version_min) != 1)
		return wrong(m, EINVAL, "this OpenSSL does not do that version of TLS");
	if (SSL_CTX_set_session_id_context(context, sessions_of, sizeof sessions_of) != 1)
		return no_memory(m);
	if (m->config->protocols.bytes) {
		if (SSL_CTX_set_alpn_protos(context, m->config->protocols.bytes,
		                            m->config->protocols.size_bytes) != 0)
			return no_memory(m);
		SSL_CTX_set_alpn_select_cb(context, choose_protocol, &m->config->protocols);
	}
	if (o->identity_count > 1) {
		SSL_CTX_set_tlsext_servername_callback(context, choose_identity);
		SSL_CTX_set_tlsext_servername_arg(context, m->config);
	}
	return m->config->verifies ? use_authorities(m, context) : 0;
}

static int make_contexts(const making *m)
{
	bide_tls_config *config = m->config;
	size_t count = m->options->identity_count ? m->options->identity_count : 1;
	int error = 0;

	config->contexts = OPENSSL_zalloc(count * sizeof *config->contexts);
	if (!config->contexts)
		return no_memory(m);
	for (; config->count < count && !error; config->count++) {
		SSL_CTX *context = SSL_CTX_new(TLS_method());

		if (!context)
			return no_memory(m);
		config->contexts[config->count] = context;
		error = set_up(m, context);
		if (!error && m->options->identity_count)
			error = use_identity(m, context, &m->options->identities[config->count]);
	}
	return error;
}

/* Returns what is wrong with the options, or NULL. */
static const char *fault_of(const bide_tls_options *o)
{
	if (o->identity_count && !o->identities)
		return "identities is NULL";
	for (size_t i = 0; i < o->identity_count; i++) {
		const bide_tls_identity *id = &o->identities[i];

		if (!id->certificate_file == !id->certificate_text || !id->key_file == !id->key_text)
			return "an identity has a certificate and a key, each as a file or as a text";
	}
	if (o->authorities_file && o->authorities_text)
		return "the authorities are a file or a text";
	if (o->version_min != BIDE_TLS_DEFAULT && o->version_min != BIDE_TLS_1_2 &&
	    o->version_min != BIDE_TLS_1_3)
		return "version_min is none of BIDE_TLS_1_2, BIDE_TLS_1_3";
	if ((unsigned)o->client_certificate > BIDE_TLS_REQUIRED)
		return "client_certificate is none of BIDE_TLS_NOT_ASKED, BIDE_TLS_ASKED, "
			   "BIDE_TLS_REQUIRED";
	return NULL;
}

int bide_tls_config_create(bide_tls_config **config, const bide_tls_options *options)
{
	static const bide_tls_options defaults;
	making m = { NULL, options ? options : &defaults };
	const char *fault = config ? fault_of(m.options) : "config is NULL";
	int error;

	if (config)
		*config = NULL;
	(void)wrong(&m, 0, "%s", "");
	if (fault) {
		bide_misuse_("bide_tls_config_create: %s", fault);
		return wrong(&m, EINVAL, "%s", fault);
	}
	m.config = OPENSSL_zalloc(sizeof *m.config);
	if (!m.config)
		return no_memory(&m);
	m.config->references = 1;
	m.config->has_identity = m.options->identity_count > 0;
	m.config->verifies = !m.options->do_not_verify;
	m.config->client_certificate = m.options->client_certificate;
	pthread_mutex_init(&m.config->lock, NULL);
	error = read_protocols(&m);
	if (!error)
		error = make_contexts(&m);
	if (error)
		bide_tls_config_unref(m.config);
	else
		*config = m.config;
	return error;
}

/* Reports misuse of `what` and returns false if the config has ended. */
static bool has_reference(const bide_tls_config *config, const char *what)
{
	if (bide_tls_config_is_there_(config))
		return true;
	bide_misuse_("%s: the config has no reference any more", what);
	return false;
}

bide_tls_config *bide_tls_config_ref(bide_tls_config *config)
{
	if (config && has_reference(config, "bide_tls_config_ref"))
		(void)__atomic_add_fetch(&config->references, 1, __ATOMIC_RELAXED);
	return config;
}

/*
 * The memory of the newest configs that have ended is kept: so one unref too many finds no
 * reference, and not memory of something else.
 */
static void keep(bide_tls_config *ended)
{
	enum { KEPT = 16 };
	static bide_tls_config *kept[KEPT]; /* a ring; atomic */
	static unsigned next;               /* atomic */
	unsigned at = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) % KEPT;

	OPENSSL_free(__atomic_exchange_n(&kept[at], ended, __ATOMIC_ACQ_REL)); /* pairs with itself */
}

void bide_tls_config_unref(bide_tls_config *config)
{
	if (!config || !has_reference(config, "bide_tls_config_unref"))
		return;
	/* The release and the acquire order all uses before the end. */
	if (__atomic_sub_fetch(&config->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	bide_tls_sessions_end_(config);
	for (size_t i = 0; i < config->count; i++)
		SSL_CTX_free(config->contexts[i]);
	OPENSSL_free(config->contexts);
	OPENSSL_free(config->protocols.bytes);
	pthread_mutex_destroy(&config->lock);
	config->contexts = NULL;
	config->count = 0;
	config->has_identity = false;
	keep(config);
}

bide_tls_config *bide_tls_config_default_(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static bide_tls_config *config;

	pthread_mutex_lock(&lock);
	if (!config)
		(void)!bide_tls_config_create(&config, NULL);
	pthread_mutex_unlock(&lock);
	return bide_tls_config_ref(config);
}
