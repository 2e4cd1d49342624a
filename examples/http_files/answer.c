/*
 * answer.c - conditions, ranges and heads, as RFC 9110 has them.
 */
#include "answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "range.h"

const char *answer_reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 206:
		return "Partial Content";
	case 301:
		return "Moved Permanently";
	case 304:
		return "Not Modified";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 408:
		return "Request Timeout";
	case 413:
		return "Content Too Large";
	case 414:
		return "URI Too Long";
	case 416:
		return "Range Not Satisfiable";
	case 417:
		return "Expectation Failed";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Internal Server Error";
	}
}

void answer_init(struct answer *answer, int status, const struct request *request)
{
	answer->status = status;
	answer->keep_alive = request->keep_alive && !request->refusal;
	answer->has_no_body = request->method == METHOD_HEAD;
	answer->type = answer->location = NULL;
	answer->first = answer->count = answer->size = 0;
	answer->etag[0] = answer->modified[0] = '\0';
}

/* Finds the tag in a list such as `"a", W/"b"`. Weak comparison: W/ is left out. */
static bool lists_tag(const char *list, const char *tag)
{
	size_t size = strlen(tag);

	for (const char *at = list; *at;) {
		const char *end;

		at += strspn(at, " \t,");
		if (*at == '*')
			return true;
		if (at[0] == 'W' && at[1] == '/')
			at += 2;
		if (*at != '"')
			return false;
		end = strchr(at + 1, '"');
		if (!end)
			return false;
		end++;
		if ((size_t)(end - at) == size && memcmp(at, tag, size) == 0)
			return true;
		at = end;
	}
	return false;
}

static bool is_not_modified(const struct answer *answer, struct request *request, time_t modified)
{
	const char *tags = request_value(request, FIELD_IF_NONE_MATCH);
	time_t since;

	if (request->values[FIELD_IF_NONE_MATCH].count > 0)
		return tags && lists_tag(tags, answer->etag);
	return date_read(request_value(request, FIELD_IF_MODIFIED_SINCE), &since) && modified <= since;
}

/* A range counts only if the file is still the one of which the client has a part. */
static bool range_counts(const struct answer *answer, struct request *request)
{
	const char *condition = request_value(request, FIELD_IF_RANGE);

	if (request->values[FIELD_IF_RANGE].count == 0)
		return true;
	return condition && (strcmp(condition, answer->etag) == 0 ||
	                     (answer->modified[0] && strcmp(condition, answer->modified) == 0));
}

void answer_file(struct answer *answer, struct request *request, const struct stat *status)
{
	enum range range = RANGE_WHOLE;

	answer->status = 200;
	answer->size = answer->count = (uint64_t)status->st_size;
	snprintf(answer->etag, sizeof answer->etag, "\"%" PRIx64 ".%lx-%" PRIx64 "\"",
	         (uint64_t)status->st_mtim.tv_sec, (unsigned long)status->st_mtim.tv_nsec,
	         (uint64_t)status->st_size);
	date_write(status->st_mtim.tv_sec, answer->modified);
	if (is_not_modified(answer, request, status->st_mtim.tv_sec)) {
		answer->status = 304;
		answer->count = 0;
		return;
	}
	if (request->method == METHOD_GET && range_counts(answer, request))
		range = range_read(request_value(request, FIELD_RANGE), answer->size, &answer->first,
		                   &answer->count);
	if (range == RANGE_PART)
		answer->status = 206;
	if (range == RANGE_OUTSIDE) {
		answer->status = 416;
		answer->count = 0;
	}
}

size_t answer_text(struct answer *answer, char *to, size_t room)
{
	int size = snprintf(to, room, "%d %s\n", answer->status, answer_reason(answer->status));

	answer->type = "text/plain; charset=utf-8";
	answer->first = 0;
	answer->count = size > 0 && (size_t)size < room ? (size_t)size : 0;
	return (size_t)answer->count;
}

/* Text that grows in memory of fixed size. */
struct text {
	char *to;
	size_t room, size;
	bool is_cut;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list arguments;
	int size;

	if (text->is_cut)
		return;
	va_start(arguments, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is begun in the line above */
	size = vsnprintf(text->to + text->size, text->room - text->size, format, arguments);
	va_end(arguments);
	if (size < 0 || (size_t)size >= text->room - text->size)
		text->is_cut = true;
	else
		text->size += (size_t)size;
}

/* The date of now. It is written once a second in each thread. */
static const char *date_now(void)
{
	static __thread time_t last = -1;
	static __thread char date[DATE_ROOM_BYTES];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (now.tv_sec != last) {
		last = now.tv_sec;
		date_write(last, date);
	}
	return date;
}

size_t answer_head(const struct answer *answer, char *to, size_t room)
{
	struct text text = { .to = to, .room = room };

	add(&text, "HTTP/1.1 %d %s\r\nServer: bide\r\nDate: %s\r\nConnection: %s\r\n", answer->status,
	    answer_reason(answer->status), date_now(), answer->keep_alive ? "keep-alive" : "close");
	if (answer->status != 304)
		add(&text, "Content-Length: %" PRIu64 "\r\n", answer->count);
	if (answer->type && answer->status != 304)
		add(&text, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n", answer->type);
	if (answer->modified[0])
		add(&text, "Last-Modified: %s\r\n", answer->modified);
	if (answer->etag[0])
		add(&text, "ETag: %s\r\nAccept-Ranges: bytes\r\n", answer->etag);
	if (answer->status == 206)
		add(&text, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", answer->first,
		    answer->first + answer->count - 1, answer->size);
	if (answer->status == 416)
		add(&text, "Content-Range: bytes */%" PRIu64 "\r\n", answer->size);
	if (answer->status == 405)
		add(&text, "Allow: GET, HEAD\r\n");
	if (answer->status == 503)
		add(&text, "Retry-After: 1\r\n");
	if (answer->location)
		add(&text, "Location: %s\r\n", answer->location);
	add(&text, "\r\n");
	return text.is_cut ? 0 : text.size;
}
