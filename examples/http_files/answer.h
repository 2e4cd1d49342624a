/*
 * answer.h - what is answered to a request: the status, the fields, and which bytes of the file.
 */
#ifndef HTTP_FILES_ANSWER_H
#define HTTP_FILES_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "date.h"
#include "request.h"

/* Enough for a head whose Location is as long as a target can be, with each byte encoded. */
enum { ANSWER_HEAD_ROOM_BYTES = 3 * TARGET_MAX_BYTES + 1024, ETAG_ROOM_BYTES = 64 };

struct answer {
	int status;
	bool keep_alive;
	bool has_no_body; /* the head describes a body that is not sent: HEAD */
	const char *type; /* or NULL */
	const char *location;
	/* The body is [first, first + count) of something that has size bytes. */
	uint64_t first, count, size;
	char etag[ETAG_ROOM_BYTES], modified[DATE_ROOM_BYTES]; /* "": none */
};

void answer_init(struct answer *answer, int status, const struct request *request);
/* Decides about a file: 200, 206, 304 or 416. */
void answer_file(struct answer *answer, struct request *request, const struct stat *status);
/* Writes a body that says what the status means. Returns its size, which is also answer->count. */
size_t answer_text(struct answer *answer, char *to, size_t room);
/* Writes the head with the empty line. Returns its size, 0 if there is no room. */
size_t answer_head(const struct answer *answer, char *to, size_t room);
/* Returns "Not Found" for 404. */
const char *answer_reason(int status);

#endif
