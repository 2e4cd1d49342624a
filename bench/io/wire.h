/*
 * A connection of the client, in the clear or with TLS. A call that would have to wait fails with
 * EAGAIN.
 */
#ifndef BENCH_IO_WIRE_H
#define BENCH_IO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct wire {
	int fd;
	void *tls; /* NULL if it is in the clear */
};

/*
 * Connects to a server of this machine, which may say its port before it listens. Returns false
 * with errno.
 */
bool wire_open(struct wire *wire, int type, int port, bool has_tls);
void wire_close(struct wire *wire);
ssize_t wire_send(struct wire *wire, const char *from, size_t size_bytes);
/* Returns 0 at the end. */
ssize_t wire_receive(struct wire *wire, char *to, size_t size_bytes);
/* Waits until there is something to receive. Returns false with errno. */
bool wire_wait(const struct wire *wire, int limit_s);

/*
 * Writes certificate.pem and key.pem into a folder, for all servers with TLS. The client decides
 * the version and the cipher, so these are the same for all. Returns false if that is not possible.
 */
bool wire_prepare_tls(const char *folder);

#endif
