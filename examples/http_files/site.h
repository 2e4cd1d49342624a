/*
 * site.h - the folder that is served, and what all connections share.
 *
 * Nothing outside of the folder is opened. Where the system has openat2, symbolic links are followed
 * as long as they stay inside. Elsewhere no link is followed.
 */
#ifndef HTTP_FILES_SITE_H
#define HTTP_FILES_SITE_H

#include <stdbool.h>
#include <stdint.h>

struct log;

struct site {
	int folder; /* a descriptor */
	bool has_openat2;
	bool lists;         /* a folder without index.html is answered with a list of its names */
	int64_t request_ns; /* for all bytes of a request */
	struct log *log;    /* or NULL */
};

/* Opens the folder. Returns 0 or an error number. */
int site_open(struct site *site, const char *path);
void site_close(struct site *site);

/*
 * Opens a file or folder for reading, by a path that target_read has made. With is_quick it fails
 * with EAGAIN if the system would have to ask a disk for the names, and may do so otherwise. Returns
 * 0 or an error number.
 */
int site_open_file(const struct site *site, const char *path, bool is_quick, int *file);
/* Returns the status of the answer if a file could not be opened or read. */
int site_status_of(int error);

#endif
