/*
 * The floor of TLS: echo over OpenSSL and epoll with nothing between, on one thread. The BIO reads
 * as much as is there, so that a record costs one call, and takes a short read for an empty socket.
 */
#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>

#include <openssl/ssl.h>

#include "io_peer.h"

enum { EVENTS = 256, READ_ROOM = 4096 + 256, ROOM = 4096 };

struct connection {
	int fd;
	bool is_empty, closing;
	SSL *ssl;
	size_t at, size; /* received, and not yet decrypted */
	char received[READ_ROOM];
	char data[ROOM];
	size_t unsent_size; /* of `data`: encrypted as soon as there is room */
};

static SSL_CTX *context;
static BIO_METHOD *method;

static int bio_read(BIO *bio, char *to, int size)
{
	struct connection *c = BIO_get_data(bio);
	size_t now;

	BIO_clear_retry_flags(bio);
	if (c->at == c->size && !c->is_empty) {
		ssize_t got = recv(c->fd, c->received, sizeof c->received, 0);

		if (got == 0 || (got < 0 && errno != EAGAIN))
			return (int)got;
		c->at = 0;
		c->size = got > 0 ? (size_t)got : 0;
		c->is_empty = c->size < sizeof c->received && !c->closing;
	}
	now = c->size - c->at < (size_t)size ? c->size - c->at : (size_t)size;
	if (now == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(to, c->received + c->at, now);
	c->at += now;
	return (int)now;
}

static int bio_write(BIO *bio, const char *from, int size)
{
	struct connection *c = BIO_get_data(bio);
	ssize_t sent = send(c->fd, from, (size_t)size, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (sent < 0 && errno == EAGAIN)
		BIO_set_retry_write(bio);
	return (int)sent;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static void set_up(void)
{
	char certificate[256], key[256];

	io_tls_files(certificate, key, sizeof key);
	context = SSL_CTX_new(TLS_server_method());
	method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket");
	if (context == NULL || method == NULL ||
	    SSL_CTX_use_certificate_file(context, certificate, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		io_fail(certificate);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_control);
}

static void close_connection(struct connection *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	free(c);
}

/* Returns 1, 0 if it has to wait, -1 if the connection is over. */
static int outcome(struct connection *c, int result)
{
	int why = result > 0 ? SSL_ERROR_NONE : SSL_get_error(c->ssl, result);

	if (why == SSL_ERROR_NONE)
		return 1;
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static void serve(struct connection *c, uint32_t events)
{
	int state = 1;

	c->is_empty = false;
	c->closing = c->closing || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	while (state > 0) {
		size_t done = 0;

		if (c->unsent_size == 0) {
			state = outcome(c, SSL_read_ex(c->ssl, c->data, sizeof c->data, &c->unsent_size));
			continue;
		}
		state = outcome(c, SSL_write_ex(c->ssl, c->data, c->unsent_size, &done));
		c->unsent_size -= done;
		memmove(c->data, c->data + done, c->unsent_size);
	}
	if (state < 0)
		close_connection(c);
}

static void accept_all(int listener, int poller)
{
	for (;;) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
		struct connection *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
		BIO *bio = c != NULL ? BIO_new(method) : NULL;

		if (fd < 0)
			return;
		if (bio == NULL || (c->ssl = SSL_new(context)) == NULL)
			io_fail("memory");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		BIO_set_data(bio, c);
		BIO_set_init(bio, 1);
		SSL_set_bio(c->ssl, bio, bio);
		SSL_set_accept_state(c->ssl);
		c->fd = fd;
		event.data.ptr = c;
		epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
	}
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS], event = { .events = EPOLLIN };
	int listener, poller, port;

	if (argc < 3 || strcmp(argv[1], "tls_echo") != 0 || strcmp(argv[2], "1") != 0)
		return io_not_offered();
	io_raise_limit();
	set_up();
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	poller = epoll_create1(EPOLL_CLOEXEC);
	port = io_bind(listener);
	if (listen(listener, 4096) != 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) != 0)
		io_fail("listen");
	io_say_port(port);
	for (;;) {
		int count = epoll_wait(poller, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == NULL)
				accept_all(listener, poller);
			else
				serve(events[i].data.ptr, events[i].events);
		}
	}
}
