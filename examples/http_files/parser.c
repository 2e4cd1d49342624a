/*
 * parser.c - connects llhttp or http-parser with request.h. The two have the same callbacks and
 * differ in how they stop.
 */
#include "parser.h"

#ifdef HTTP_FILES_LLHTTP
typedef llhttp_t library_parser;
typedef llhttp_settings_t library_settings;
#else
typedef http_parser library_parser;
typedef http_parser_settings library_settings;
#endif

enum { STOP = -1 }; /* 1 would mean: without a body */

static struct parser *parser_of(library_parser *state)
{
	return state->data;
}

static int on_target(library_parser *state, const char *at, size_t size)
{
	return request_on_target(parser_of(state)->request, at, size) ? 0 : STOP;
}

static int on_name(library_parser *state, const char *at, size_t size)
{
	return request_on_name(parser_of(state)->request, at, size) ? 0 : STOP;
}

static int on_value(library_parser *state, const char *at, size_t size)
{
	return request_on_value(parser_of(state)->request, at, size) ? 0 : STOP;
}

static int on_body(library_parser *state, const char *at, size_t size)
{
	(void)at;
	return request_on_body(parser_of(state)->request, size) ? 0 : STOP;
}

static enum method method_of(const library_parser *state)
{
	if (state->method == HTTP_GET)
		return METHOD_GET;
	return state->method == HTTP_HEAD ? METHOD_HEAD : METHOD_OTHER;
}

static int on_head(library_parser *state)
{
	struct request_head head = {
		.method = method_of(state),
		.major = state->http_major,
		.minor = state->http_minor,
	};
	bool is_chunked = (state->flags & F_CHUNKED) != 0;

#ifdef HTTP_FILES_LLHTTP
	head.keep_alive = llhttp_should_keep_alive(state) != 0;
	head.content_bytes = (state->flags & F_CONTENT_LENGTH) != 0 ? state->content_length : 0;
#else
	head.keep_alive = http_should_keep_alive(state) != 0;
	head.content_bytes = (state->flags & F_CONTENTLENGTH) != 0 ? state->content_length : 0;
#endif
	if (is_chunked)
		head.content_bytes = UINT64_MAX;
	/*
	 * Another protocol is never spoken here. Where its bytes would begin is for the client to say.
	 */
	if (state->upgrade)
		head.keep_alive = false;
	head.has_body = head.content_bytes > 0;
	return request_on_head(parser_of(state)->request, &head) ? 0 : STOP;
}

static int on_complete(library_parser *state)
{
	parser_of(state)->is_complete = true;
#ifdef HTTP_FILES_LLHTTP
	return HPE_PAUSED;
#else
	http_parser_pause(state, 1);
	return 0;
#endif
}

static const library_settings settings = {
	.on_url = on_target,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_headers_complete = on_head,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

void parser_init(struct parser *parser, struct request *request)
{
#ifdef HTTP_FILES_LLHTTP
	llhttp_init(&parser->state, HTTP_REQUEST, &settings);
#else
	http_parser_init(&parser->state, HTTP_REQUEST);
#endif
	parser->state.data = parser;
	parser->request = request;
	parser->is_complete = false;
	parser->taken_bytes = 0;
	request_init(request);
}

/* Runs the library. Returns how many bytes it took; *status is 0 or the status of the refusal. */
static size_t execute(struct parser *parser, const char *at, size_t size, int *status)
{
#ifdef HTTP_FILES_LLHTTP
	llhttp_errno_t error = llhttp_execute(&parser->state, at, size);

	*status = error == HPE_OK ? 0 : error == HPE_INVALID_VERSION ? 505 : 400;
	if (error == HPE_OK)
		return size;
	return (size_t)(llhttp_get_error_pos(&parser->state) - at);
#else
	size_t taken = http_parser_execute(&parser->state, &settings, at, size);

	switch (HTTP_PARSER_ERRNO(&parser->state)) {
	case HPE_OK:
		*status = taken == size ? 0 : 400;
		break;
	case HPE_INVALID_VERSION:
		*status = 505;
		break;
	case HPE_HEADER_OVERFLOW:
		*status = 431;
		break;
	default:
		*status = 400;
	}
	return taken;
#endif
}

size_t parser_feed(struct parser *parser, const char *at, size_t size, enum progress *progress)
{
	struct request *request = parser->request;
	bool is_head = !request->head_is_complete;
	size_t taken;
	int status;

	/* The rest of what is too large is never looked at. */
	if (is_head && size > HEAD_MAX_BYTES - request->head_bytes)
		size = HEAD_MAX_BYTES - request->head_bytes;
	if (size > MESSAGE_MAX_BYTES - parser->taken_bytes)
		size = MESSAGE_MAX_BYTES - parser->taken_bytes;
	taken = execute(parser, at, size, &status);
	if (is_head)
		request->head_bytes += taken;
	parser->taken_bytes += taken;
	*progress = PROGRESS_MORE;
	if (parser->is_complete) {
		*progress = PROGRESS_COMPLETE;
	} else if (request->refusal || status) {
		request->refusal = request->refusal ? request->refusal : status;
		*progress = PROGRESS_REFUSED;
	} else if (!request->head_is_complete && request->head_bytes >= HEAD_MAX_BYTES) {
		request->refusal = 431;
		*progress = PROGRESS_REFUSED;
	} else if (parser->taken_bytes >= MESSAGE_MAX_BYTES) {
		request->refusal = 413;
		*progress = PROGRESS_REFUSED;
	}
	return taken;
}

const char *parser_name(void)
{
#define TEXT_OF(number) TEXT_OF_(number)
#define TEXT_OF_(number) #number
#ifdef HTTP_FILES_LLHTTP
	return "llhttp " TEXT_OF(LLHTTP_VERSION_MAJOR) "." TEXT_OF(LLHTTP_VERSION_MINOR);
#else
	return "http-parser " TEXT_OF(HTTP_PARSER_VERSION_MAJOR) "." TEXT_OF(
		HTTP_PARSER_VERSION_MINOR) "." TEXT_OF(HTTP_PARSER_VERSION_PATCH);
#endif
}
