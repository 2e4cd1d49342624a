/*
 * exchange.c - finds what a request asks for. Nothing here waits for a client.
 */
#include "exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listing.h"
#include "mime.h"

struct exchange *exchange_create(const struct site *site)
{
	struct exchange *exchange = malloc(sizeof *exchange);

	if (!exchange)
		return NULL;
	exchange->site = site;
	exchange->file = -1;
	exchange->sent = NULL;
	exchange->page = exchange->location = NULL;
	exchange_begin(exchange);
	return exchange;
}

static void drop(struct exchange *exchange)
{
	if (exchange->file >= 0)
		close(exchange->file);
	exchange->file = -1;
	bide_file_close(exchange->sent);
	exchange->sent = NULL;
	free(exchange->page);
	free(exchange->location);
	exchange->page = exchange->location = NULL;
	exchange->body = NULL;
	exchange->left = exchange->at = exchange->used = 0;
}

void exchange_begin(struct exchange *exchange)
{
	drop(exchange);
	parser_init(&exchange->parser, &exchange->request);
	exchange->progress = PROGRESS_MORE;
}

void exchange_destroy(struct exchange *exchange)
{
	if (!exchange)
		return;
	drop(exchange);
	free(exchange);
}

/* The answer is its status, in words. */
static void answer_status(struct exchange *exchange, int status)
{
	answer_init(&exchange->answer, status, &exchange->request);
	answer_text(&exchange->answer, exchange->text, sizeof exchange->text);
	exchange->body = exchange->text;
}

/* A folder without the slash at its end: links in its page would lead to the wrong place. */
static int answer_moved(struct exchange *exchange)
{
	const struct target *target = &exchange->target;
	size_t room = 3 * target->size + 8, size;
	char *to = malloc(room);

	if (!to)
		return ENOMEM;
	to[0] = '/';
	size = target_encode(target->path, target->size, to + 1, room - 2);
	to[1 + size] = '/';
	to[2 + size] = '\0';
	exchange->location = to;
	answer_status(exchange, 301);
	exchange->answer.location = to;
	return 0;
}

static int answer_list(struct exchange *exchange)
{
	size_t size = 0;
	int error = listing_make(exchange->file, exchange->target.path, &exchange->page, &size);

	if (error)
		return error;
	answer_init(&exchange->answer, 200, &exchange->request);
	exchange->answer.type = "text/html; charset=utf-8";
	exchange->answer.count = exchange->answer.size = size;
	exchange->body = exchange->page;
	return 0;
}

/* Opens path and looks at what it is. */
static int look_at(struct exchange *exchange, const char *path, bool is_quick, struct stat *status)
{
	int error = site_open_file(exchange->site, path, is_quick, &exchange->file);

	if (error)
		return error;
	return fstat(exchange->file, status) == 0 ? 0 : errno;
}

static int answer_folder(struct exchange *exchange, bool is_quick)
{
	struct stat status;
	int error;

	if (!exchange->site->lists)
		return EACCES;
	if (is_quick)
		return EAGAIN;
	error = look_at(exchange, exchange->target.path, is_quick, &status);
	if (!error && !S_ISDIR(status.st_mode))
		error = ENOTDIR;
	return error ? error : answer_list(exchange);
}

static int answer_path(struct exchange *exchange, bool is_quick)
{
	const struct target *target = &exchange->target;
	struct stat status;
	int error;

	snprintf(exchange->path, sizeof exchange->path, "%s%s%s", target->path,
	         target->is_folder && target->size ? "/" : "", target->is_folder ? "index.html" : "");
	error = look_at(exchange, exchange->path, is_quick, &status);
	if (error == ENOENT && target->is_folder)
		return answer_folder(exchange, is_quick);
	if (error)
		return error;
	if (S_ISDIR(status.st_mode) && !target->is_folder)
		return answer_moved(exchange);
	if (!S_ISREG(status.st_mode))
		return EACCES;
	answer_init(&exchange->answer, 200, &exchange->request);
	exchange->answer.type = mime_of(exchange->path);
	answer_file(&exchange->answer, &exchange->request, &status);
	return 0;
}

static int answer_request(struct exchange *exchange, bool is_quick)
{
	struct request *request = &exchange->request;
	int status = request->refusal;

	if (!status && request->method == METHOD_OTHER)
		status = 405;
	if (!status)
		status = target_read(&exchange->target, request->target, request->target_bytes);
	if (!status)
		return answer_path(exchange, is_quick);
	answer_status(exchange, status);
	return 0;
}

bool exchange_answer(struct exchange *exchange, bool is_quick)
{
	struct answer *answer = &exchange->answer;
	int error;

	drop(exchange);
	error = answer_request(exchange, is_quick);
	if (error == EAGAIN && is_quick)
		return false;
	if (error) {
		drop(exchange);
		answer_status(exchange, site_status_of(error));
	}
	if (exchange->site->is_ending)
		answer->keep_alive = false;
	exchange->used = answer_head(answer, exchange->data, sizeof exchange->data);
	if (exchange->body && exchange->file >= 0) { /* a folder, which has been read */
		close(exchange->file);
		exchange->file = -1;
	}
	exchange->at = answer->first;
	exchange->left = answer->has_no_body ? 0 : answer->count;
	return true;
}

int exchange_open_sent(struct exchange *exchange)
{
	int error = bide_file_take_fd(&exchange->sent, exchange->file);

	if (!error)
		exchange->file = -1;
	return error;
}

bide_value_task exchange_read(struct exchange *exchange)
{
	size_t room = sizeof exchange->data - exchange->used;

	if (room > exchange->left)
		room = (size_t)exchange->left;
	return bide_file_read_at(exchange->sent, exchange->data + exchange->used, room,
	                         (int64_t)exchange->at);
}

int exchange_note_read(struct exchange *exchange, int64_t count)
{
	if (count == 0)
		return EIO;
	exchange->at += (uint64_t)count;
	exchange->left -= (uint64_t)count;
	exchange->used += (size_t)count;
	return 0;
}
