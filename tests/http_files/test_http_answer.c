/*
 * Answers: conditions, ranges, and what the head says.
 */
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "parser.h"
#include "support/test.h"

static struct parser parser;
static struct request request;
static struct answer answer;
static char head[ANSWER_HEAD_ROOM_BYTES];
static const struct stat file = { .st_size = 1000, .st_mtim = { 784111777, 5 } };
static const char tag[] = "\"2ebc98a1.5-3e8\"", date[] = "Sun, 06 Nov 1994 08:49:37 GMT";

/* Asks for the file with these fields. Returns the status. */
static int ask(const char *method, const char *fields)
{
	char text[1024];
	enum progress progress;
	int size = snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);

	parser_init(&parser, &request);
	parser_feed(&parser, text, (size_t)size, &progress);
	assert_int_equal(progress, PROGRESS_COMPLETE);
	answer_init(&answer, 200, &request);
	answer_file(&answer, &request, &file);
	assert_true(answer_head(&answer, head, sizeof head) > 0);
	return answer.status;
}

static bool says(const char *line)
{
	char text[256];

	snprintf(text, sizeof text, "\r\n%s\r\n", line);
	return strstr(head, text) != NULL;
}

TEST(a_file_is_answered_whole)
{
	assert_int_equal(ask("GET", ""), 200);
	assert_int_equal(answer.count, 1000);
	assert_true(strncmp(head, "HTTP/1.1 200 OK\r\n", 17) == 0);
	assert_true(says("Content-Length: 1000"));
	assert_true(says("Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"));
	assert_true(says("ETag: \"2ebc98a1.5-3e8\""));
	assert_true(says("Connection: keep-alive"));
	assert_string_equal(head + strlen(head) - 4, "\r\n\r\n");
	assert_int_equal(ask("HEAD", "Connection: close\r\n"), 200);
	assert_true(answer.has_no_body);
	assert_true(says("Content-Length: 1000"));
	assert_true(says("Connection: close"));
}

TEST(a_part_is_answered_with_its_place)
{
	assert_int_equal(ask("GET", "Range: bytes=10-19\r\n"), 206);
	assert_int_equal(answer.first, 10);
	assert_true(says("Content-Length: 10"));
	assert_true(says("Content-Range: bytes 10-19/1000"));
	assert_int_equal(ask("GET", "Range: bytes=1000-\r\n"), 416);
	assert_true(says("Content-Range: bytes */1000"));
	assert_true(says("Content-Length: 0"));
	assert_int_equal(ask("GET", "Range: bytes=0-1,3-4\r\n"), 200);
	assert_int_equal(ask("HEAD", "Range: bytes=0-1\r\n"), 200);
}

TEST(a_range_counts_only_for_the_file_that_the_client_knows)
{
	char fields[256];

	snprintf(fields, sizeof fields, "Range: bytes=0-1\r\nIf-Range: %s\r\n", tag);
	assert_int_equal(ask("GET", fields), 206);
	snprintf(fields, sizeof fields, "Range: bytes=0-1\r\nIf-Range: %s\r\n", date);
	assert_int_equal(ask("GET", fields), 206);
	snprintf(fields, sizeof fields, "Range: bytes=0-1\r\nIf-Range: W/%s\r\n", tag);
	assert_int_equal(ask("GET", fields), 200);
	assert_int_equal(ask("GET", "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n"), 200);
	assert_int_equal(ask("GET", "Range: bytes=0-1\r\nIf-Range:\r\n"), 200);
}

TEST(what_the_client_has_is_not_sent_again)
{
	char fields[256];

	snprintf(fields, sizeof fields, "If-None-Match: \"x\", W/%s\r\n", tag);
	assert_int_equal(ask("GET", fields), 304);
	assert_int_equal(answer.count, 0);
	assert_null(strstr(head, "Content-Length"));
	assert_int_equal(ask("GET", "If-None-Match: *\r\n"), 304);
	assert_int_equal(ask("GET", "If-None-Match: \"2ebc98a1.5\"\r\n"), 200);
	assert_int_equal(ask("GET", "If-None-Match: garbage\r\n"), 200);
	assert_int_equal(ask("GET", "If-None-Match: \"open\r\n"), 200);
	snprintf(fields, sizeof fields, "If-Modified-Since: %s\r\n", date);
	assert_int_equal(ask("GET", fields), 304);
	assert_int_equal(ask("GET", "If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n"), 200);
	/* The tag decides if both are there. */
	snprintf(fields, sizeof fields, "If-None-Match: \"x\"\r\nIf-Modified-Since: %s\r\n", date);
	assert_int_equal(ask("GET", fields), 200);
}

TEST(each_status_has_a_reason_and_a_text)
{
	static const int statuses[] = { 301, 400, 403, 404, 405, 408, 413,
		                            414, 416, 417, 431, 500, 503, 505 };
	char text[128];
	size_t size;

	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
		answer_init(&answer, statuses[i], &request);
		size = answer_text(&answer, text, sizeof text);
		assert_true(size > 0 && size == answer.count);
		assert_true(strstr(text, answer_reason(statuses[i])));
		assert_true(answer_head(&answer, head, sizeof head) > 0);
		assert_true(statuses[i] == 500 ||
		            strcmp(answer_reason(statuses[i]), answer_reason(500)) != 0);
	}
	answer_init(&answer, 405, &request);
	answer_head(&answer, head, sizeof head);
	assert_true(says("Allow: GET, HEAD"));
}

TEST(a_head_without_room_is_none)
{
	size_t size;

	ask("GET", "");
	size = answer_head(&answer, head, sizeof head);
	assert_int_equal(answer_head(&answer, head, size + 1), size);
	for (size_t room = 1; room <= size; room++)
		assert_int_equal(answer_head(&answer, head, room), 0);
}
