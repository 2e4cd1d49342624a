/*
 * exchange.h - one request and its answer: the memory that they take while they are under way. A
 * connection that waits for a request has none.
 */
#ifndef HTTP_FILES_EXCHANGE_H
#define HTTP_FILES_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "answer.h"
#include "parser.h"
#include "site.h"
#include "target.h"

enum { DATA_BYTES = 32768 };

struct exchange {
	const struct site *site;
	struct parser parser;
	struct request request;
	enum progress progress;
	struct target target;
	struct answer answer;
	char path[TARGET_MAX_BYTES + 32]; /* of the file that is opened */

	/* The body comes from the file, if there is one, else from memory. */
	int file;        /* or -1 */
	bide_file *sent; /* it, once it is read; or NULL */
	const char *body;
	char text[64];
	char *page, *location; /* freed at the end, or NULL */

	uint64_t at,
		left;    /* of the file: where the next bytes are read, and how many have to be sent */
	size_t used; /* bytes in data */
	char data[ANSWER_HEAD_ROOM_BYTES + DATA_BYTES];
};

/* Returns NULL if there is no memory. */
struct exchange *exchange_create(const struct site *site);
/* Closes and frees what the last request left, and begins another one. */
void exchange_begin(struct exchange *exchange);
/* NULL does nothing. */
void exchange_destroy(struct exchange *exchange);

/*
 * Decides what the answer is and writes its head into data. With is_quick it returns false if it
 * would have to wait for a disk: then it has to be called again, without is_quick, where waiting is
 * allowed.
 */
bool exchange_answer(struct exchange *exchange, bool is_quick);
/* Begins to send the file. Returns 0 or an error number. */
int exchange_open_sent(struct exchange *exchange);
/* Reads the next bytes of the file into data, behind what is there. The result is how many. */
bide_value_task exchange_read(struct exchange *exchange);
/*
 * Notes that these were read. Returns 0; or EIO for none: the file has become shorter than the
 * answer has said.
 */
int exchange_note_read(struct exchange *exchange, int64_t count);

#endif
