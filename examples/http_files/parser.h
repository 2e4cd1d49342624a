/*
 * parser.h - the parser of HTTP/1: llhttp, or http-parser where a system has no llhttp yet.
 *
 * A parser takes one request. It stops at the end of the request, so that the next one stays in
 * the buffer of the stream. Pieces may be cut anywhere.
 */
#ifndef HTTP_FILES_PARSER_H
#define HTTP_FILES_PARSER_H

#ifdef HTTP_FILES_LLHTTP
#include <llhttp.h>
#else
#include <http_parser.h>
#endif

#include "request.h"

enum progress {
	PROGRESS_MORE,     /* the request goes on */
	PROGRESS_COMPLETE, /* the request is complete */
	PROGRESS_REFUSED,  /* request->refusal has the status; nothing after this can be understood */
};

struct parser {
#ifdef HTTP_FILES_LLHTTP
	llhttp_t state;
#else
	http_parser state;
#endif
	struct request *request;
	bool is_complete;
	size_t taken_bytes;
};

/* Begins a request. */
void parser_init(struct parser *parser, struct request *request);
/* Takes bytes, at least one. Returns how many belong to this request. */
size_t parser_feed(struct parser *parser, const char *at, size_t size, enum progress *progress);
/* Returns the name and version of the library. */
const char *parser_name(void);

#endif
