/*
 * request.c - collects one request; refuses what is too large and what HTTP/1.1 forbids.
 */
#include "request.h"

#include <string.h>
#include <strings.h>

void request_init(struct request *request)
{
	request->refusal = 0;
	request->method = METHOD_OTHER;
	request->minor = 1;
	request->keep_alive = false;
	request->head_is_complete = false;
	request->head_bytes = request->body_bytes = 0;
	request->target_bytes = 0;
	request->target[0] = '\0';
	request->field = FIELD_COUNT;
	request->name_is_open = false;
	request->name_bytes = 0;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		request->values[i].count = 0;
		request->values[i].size = 0;
		request->values[i].is_long = false;
	}
}

const char *request_value(struct request *request, enum field field)
{
	struct value *value = &request->values[field];
	size_t size = value->size;

	if (value->count != 1 || value->is_long)
		return NULL;
	while (size > 0 && (value->text[size - 1] == ' ' || value->text[size - 1] == '\t'))
		size--;
	value->text[size] = '\0';
	return value->text;
}

static bool refuse(struct request *request, int status)
{
	request->refusal = status;
	return false;
}

bool request_on_target(struct request *request, const char *at, size_t size)
{
	if (size > TARGET_MAX_BYTES - request->target_bytes)
		return refuse(request, 414);
	memcpy(request->target + request->target_bytes, at, size);
	request->target_bytes += size;
	request->target[request->target_bytes] = '\0';
	return true;
}

/* Returns the field with this name. Names are compared without regard to case. */
static enum field field_of(const char *name, size_t size)
{
	static const char *const names[FIELD_COUNT] = {
		[FIELD_HOST] = "host",
		[FIELD_EXPECT] = "expect",
		[FIELD_RANGE] = "range",
		[FIELD_IF_RANGE] = "if-range",
		[FIELD_IF_NONE_MATCH] = "if-none-match",
		[FIELD_IF_MODIFIED_SINCE] = "if-modified-since",
	};

	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (strlen(names[i]) == size && strncasecmp(names[i], name, size) == 0)
			return (enum field)i;
	return FIELD_COUNT;
}

bool request_on_name(struct request *request, const char *at, size_t size)
{
	size_t room;

	if (request->head_is_complete) /* fields after the last chunk change nothing */
		return true;
	if (!request->name_is_open) {
		request->name_is_open = true;
		request->name_bytes = 0;
	}
	room = sizeof request->name - request->name_bytes;
	if (size > room) /* longer than all names that matter: the size alone tells it apart */
		size = room;
	memcpy(request->name + request->name_bytes, at, size);
	request->name_bytes += size;
	return true;
}

bool request_on_value(struct request *request, const char *at, size_t size)
{
	struct value *value;

	if (request->head_is_complete)
		return true;
	if (request->name_is_open) {
		request->name_is_open = false;
		request->field = field_of(request->name, request->name_bytes);
		if (request->field != FIELD_COUNT && request->values[request->field].count < 2)
			request->values[request->field].count++;
	}
	if (request->field == FIELD_COUNT)
		return true;
	value = &request->values[request->field];
	if (value->count > 1 || value->is_long)
		return true;
	if (size > (size_t)(VALUE_MAX_BYTES - value->size)) {
		value->is_long = true;
		return true;
	}
	memcpy(value->text + value->size, at, size);
	value->size = (unsigned char)(value->size + size);
	return true;
}

/*
 * A body that comes with another method is not read: the answer closes the connection. So nothing
 * of it is ever taken for a request.
 */
bool request_on_head(struct request *request, const struct request_head *head)
{
	request->head_is_complete = true;
	request->method = head->method;
	request->minor = head->minor;
	request->keep_alive = head->keep_alive;
	if (head->major != 1)
		return refuse(request, 505);
	if (request->values[FIELD_HOST].count > 1 ||
	    (head->minor >= 1 && request->values[FIELD_HOST].count == 0))
		return refuse(request, 400);
	if (!head->has_body)
		return true;
	if (head->method == METHOD_OTHER)
		return refuse(request, 405);
	if (head->content_bytes != UINT64_MAX && head->content_bytes > BODY_MAX_BYTES)
		return refuse(request, 413);
	if (request->values[FIELD_EXPECT].count > 0)
		return refuse(request, 417);
	return true;
}

bool request_on_body(struct request *request, size_t size)
{
	if (size > BODY_MAX_BYTES - request->body_bytes)
		return refuse(request, 413);
	request->body_bytes += size;
	return true;
}
