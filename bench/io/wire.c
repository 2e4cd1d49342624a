/* The connections of the client; see wire.h. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { TRIES = 200, TRY_PAUSE_NS = 10 * 1000 * 1000 };

/* ---- TLS */

#ifdef BENCH_HAS_TLS

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

enum { VALID_S = 24 * 3600 };

static SSL_CTX *tls_client;

static bool write_pem(const char *folder, const char *name, X509 *certificate, EVP_PKEY *key)
{
	char path[256];
	FILE *file;
	bool good;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	if (file == NULL)
		return false;
	good = certificate != NULL ? PEM_write_X509(file, certificate) == 1
	                           : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1;
	return fclose(file) == 0 && good;
}

static bool make_certificate(const char *folder)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *made = X509_new();
	X509_NAME *name = made != NULL ? X509_get_subject_name(made) : NULL;
	bool good = key != NULL && made != NULL && X509_set_version(made, 2) == 1 &&
	            ASN1_INTEGER_set(X509_get_serialNumber(made), 1) == 1 &&
	            X509_gmtime_adj(X509_getm_notBefore(made), -VALID_S) != NULL &&
	            X509_gmtime_adj(X509_getm_notAfter(made), VALID_S) != NULL &&
	            X509_set_pubkey(made, key) == 1 &&
	            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	                                       (const unsigned char *)"localhost", -1, -1, 0) == 1 &&
	            X509_set_issuer_name(made, name) == 1 && X509_sign(made, key, EVP_sha256()) != 0 &&
	            write_pem(folder, "certificate.pem", made, NULL) &&
	            write_pem(folder, "key.pem", NULL, key);

	X509_free(made);
	EVP_PKEY_free(key);
	return good;
}

bool wire_prepare_tls(const char *folder)
{
	tls_client = SSL_CTX_new(TLS_client_method());
	return tls_client != NULL && SSL_CTX_set_min_proto_version(tls_client, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_ciphersuites(tls_client, "TLS_AES_128_GCM_SHA256") == 1 &&
	       make_certificate(folder);
}

static bool begin_tls(struct wire *wire)
{
	SSL *ssl = tls_client != NULL ? SSL_new(tls_client) : NULL;

	wire->tls = ssl;
	if (ssl != NULL && SSL_set_fd(ssl, wire->fd) == 1 && SSL_connect(ssl) == 1)
		return fcntl(wire->fd, F_SETFL, O_NONBLOCK) == 0;
	errno = EPROTO;
	return false;
}

static ssize_t tls_result(struct wire *wire, int result, size_t done)
{
	if (result > 0)
		return (ssize_t)done;
	switch (SSL_get_error(wire->tls, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		errno = EPROTO;
		return -1;
	}
}

static ssize_t tls_send(struct wire *wire, const char *from, size_t size_bytes)
{
	size_t done = 0;
	int result = SSL_write_ex(wire->tls, from, size_bytes, &done);

	return tls_result(wire, result, done);
}

static ssize_t tls_receive(struct wire *wire, char *to, size_t size_bytes)
{
	size_t done = 0;
	int result = SSL_read_ex(wire->tls, to, size_bytes, &done);

	return tls_result(wire, result, done);
}

static void end_tls(struct wire *wire)
{
	SSL_free(wire->tls);
}

#else

bool wire_prepare_tls(const char *folder)
{
	(void)folder;
	return false;
}

static bool begin_tls(struct wire *wire)
{
	(void)wire;
	errno = ENOTSUP;
	return false;
}

static ssize_t tls_send(struct wire *wire, const char *from, size_t size_bytes)
{
	(void)from;
	(void)size_bytes;
	return begin_tls(wire) ? 0 : -1;
}

static ssize_t tls_receive(struct wire *wire, char *to, size_t size_bytes)
{
	(void)to;
	(void)size_bytes;
	return begin_tls(wire) ? 0 : -1;
}

static void end_tls(struct wire *wire)
{
	(void)wire;
}

#endif

/* ---- a connection */

/* Comes from one of many addresses, so that the ports of closed ones do not run out. */
static int connect_once(int type, int port)
{
	static unsigned turn;
	struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	from.sin_addr.s_addr = htonl(0x7f000002u + turn++ % 200);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)port);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

bool wire_open(struct wire *wire, int type, int port, bool has_tls)
{
	struct timespec pause = { .tv_nsec = TRY_PAUSE_NS };

	*wire = (struct wire){ .fd = -1 };
	for (int tries = 0; wire->fd < 0 && tries < TRIES; tries++) {
		if (tries > 0)
			nanosleep(&pause, NULL);
		wire->fd = connect_once(type, port);
		if (wire->fd < 0 && errno != ECONNREFUSED)
			break;
	}
	if (wire->fd < 0 || !has_tls || begin_tls(wire))
		return wire->fd >= 0;
	wire_close(wire);
	errno = EPROTO;
	return false;
}

void wire_close(struct wire *wire)
{
	if (wire->tls != NULL)
		end_tls(wire);
	close(wire->fd);
}

ssize_t wire_send(struct wire *wire, const char *from, size_t size_bytes)
{
	if (wire->tls != NULL)
		return tls_send(wire, from, size_bytes);
	return send(wire->fd, from, size_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
}

ssize_t wire_receive(struct wire *wire, char *to, size_t size_bytes)
{
	if (wire->tls != NULL)
		return tls_receive(wire, to, size_bytes);
	return recv(wire->fd, to, size_bytes, MSG_DONTWAIT);
}

bool wire_wait(const struct wire *wire, int limit_s)
{
	struct pollfd what = { .fd = wire->fd, .events = POLLIN };
	int ready = poll(&what, 1, limit_s * 1000);

	if (ready == 0)
		errno = ETIMEDOUT;
	return ready > 0;
}
