/*
 * site.h - the folder that is served, and what all connections share.
 *
 * Nothing outside of the folder is opened. Where the system has openat2, symbolic links are
 * followed as long as they stay inside. Elsewhere no link is followed.
 */
#ifndef HTTP_FILES_SITE_H
#define HTTP_FILES_SITE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <bide/bide.h>

struct log;

/* A connection, as long as it is served. */
struct connection {
	struct connection *next, **previous_next;
	bide_stream *client;
	_Atomic bool is_idle; /* between two requests */
};

struct site {
	int folder; /* a descriptor */
	bool has_openat2;
	bool lists;           /* a folder without index.html is answered with a list of its names */
	int64_t request_ns;   /* the limit of a request, from its first byte to its last */
	int64_t send_ns;      /* the limit in which the client must take DATA_BYTES (exchange.h) */
	struct log *log;      /* or NULL */
	bide_tls_config *tls; /* NULL if there is no TLS */
	_Atomic bool is_ending;
	pthread_mutex_t lock;
	struct connection *connections; /* under the lock */
};

/* Opens the folder. Returns 0 or an error number. */
int site_open(struct site *site, const char *path);
void site_close(struct site *site);

/*
 * Opens a file or folder for reading, by a path that target_read has made. With is_quick it fails
 * with EAGAIN if the system would have to ask a disk for the names, and may do so otherwise.
 * Returns 0 or an error number.
 */
int site_open_file(const struct site *site, const char *path, bool is_quick, int *file);
/* Returns the status of the answer if a file could not be opened or read. */
int site_status_of(int error);

/* Notes a connection, and takes it out again before its stream is closed. */
void site_add(struct site *site, struct connection *connection);
void site_remove(struct site *site, struct connection *connection);
/*
 * From now on each answer ends its connection, and connections without a request are ended at once.
 * So the server is over as soon as the requests are that have begun.
 */
void site_end(struct site *site);

#endif
