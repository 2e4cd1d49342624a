/*
 * request.h - one request of HTTP/1, as far as a server of files needs it.
 *
 * The parser (parser.h) calls the request_on functions with pieces of the message. They copy what
 * the server uses into memory of fixed size. A function that returns false has written the status
 * of the answer into `refusal`; the parser stops there.
 */
#ifndef HTTP_FILES_REQUEST_H
#define HTTP_FILES_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TARGET_MAX_BYTES = 4096,
	HEAD_MAX_BYTES = 16384, /* the request line and all fields */
	BODY_MAX_BYTES = 65536, /* a body is read and dropped */
	/* The sizes of chunks and the fields after the last one are bytes of the message, too. */
	MESSAGE_MAX_BYTES = HEAD_MAX_BYTES + 2 * BODY_MAX_BYTES,
	VALUE_MAX_BYTES = 255,
};

enum method { METHOD_GET, METHOD_HEAD, METHOD_OTHER };

/* The fields that the server uses. */
enum field {
	FIELD_HOST,
	FIELD_EXPECT,
	FIELD_RANGE,
	FIELD_IF_RANGE,
	FIELD_IF_NONE_MATCH,
	FIELD_IF_MODIFIED_SINCE,
	FIELD_COUNT, /* any other field */
};

struct value {
	unsigned count;     /* how often the field came */
	bool is_long;       /* it does not fit */
	unsigned char size; /* bytes in text */
	char text[VALUE_MAX_BYTES + 1];
};

struct request {
	int refusal; /* 0, or the status of an answer that ends the connection */
	enum method method;
	unsigned minor; /* HTTP/1.minor */
	bool keep_alive;
	bool head_is_complete;
	size_t head_bytes, body_bytes;

	size_t target_bytes;
	char target[TARGET_MAX_BYTES + 1];

	enum field field; /* the field whose value comes */
	bool name_is_open;
	size_t name_bytes;
	char name[24];
	struct value values[FIELD_COUNT];
};

/* What the parser knows when the fields are complete. */
struct request_head {
	enum method method;
	unsigned major, minor;
	bool keep_alive, has_body;
	uint64_t content_bytes; /* UINT64_MAX: the body comes in chunks */
};

void request_init(struct request *request);
/* Returns the value of a field as a string, or NULL if it is missing, came twice or is too long. */
const char *request_value(struct request *request, enum field field);

bool request_on_target(struct request *request, const char *at, size_t size);
bool request_on_name(struct request *request, const char *at, size_t size);
bool request_on_value(struct request *request, const char *at, size_t size);
bool request_on_head(struct request *request, const struct request_head *head);
bool request_on_body(struct request *request, size_t size);

#endif
