/*
 * target.h - from the target of a request to a path below the folder that is served.
 */
#ifndef HTTP_FILES_TARGET_H
#define HTTP_FILES_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "request.h"

struct target {
	bool is_folder; /* the path in the target ends with a slash */
	size_t size;
	/* Relative, without "." and ".." and empty names; "" is the folder itself. */
	char path[TARGET_MAX_BYTES + 1];
};

/*
 * Takes the path out of a target ("/a/b%20c?query", "http://host/a") and decodes it. Returns 0 or
 * the status of the answer: 400 for what is no path, and for one that leaves the folder; 404 for
 * names that begin with a dot, which are not served (".well-known" is).
 */
int target_read(struct target *target, const char *text, size_t size);

/* Writes a path so that it can stand in a Location field or a link. Returns the size, or 0. */
size_t target_encode(const char *path, size_t size, char *to, size_t room);

#endif
