/*
 * Requests through the parser: whole, cut at every byte, in a row, too large, and broken.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser.h"
#include "support/test.h"

static struct parser parser;
static struct request request;

/* Feeds pieces of that size. Returns how many bytes were taken when the request was over. */
static size_t feed(const char *text, size_t size, size_t piece, enum progress *progress)
{
	size_t at = 0;

	parser_init(&parser, &request);
	*progress = PROGRESS_MORE;
	while (at < size && *progress == PROGRESS_MORE) {
		size_t count = size - at < piece ? size - at : piece;
		char *copy = malloc(count); /* a sanitizer sees an access beyond the piece */
		size_t taken;

		assert_non_null(copy);
		memcpy(copy, text + at, count);
		taken = parser_feed(&parser, copy, count, progress);
		free(copy);
		assert_true(taken <= count);
		assert_true(taken > 0 || *progress != PROGRESS_MORE);
		at += taken;
	}
	return at;
}

static void assert_refused(const char *text, int status)
{
	enum progress progress;

	feed(text, strlen(text), 1000000, &progress);
	assert_int_equal(progress, PROGRESS_REFUSED);
	assert_int_equal(request.refusal, status);
	feed(text, strlen(text), 1, &progress);
	assert_int_equal(progress, PROGRESS_REFUSED);
	assert_int_equal(request.refusal, status);
}

static void assert_complete(const char *text)
{
	enum progress progress;

	assert_int_equal(feed(text, strlen(text), 1000000, &progress), strlen(text));
	assert_int_equal(progress, PROGRESS_COMPLETE);
}

static const char get[] = "GET /a%20b?c HTTP/1.1\r\n"
						  "Host: here\r\n"
						  "rAnGe: bytes=1-2\r\n"
						  "X-Other: what\r\n"
						  "If-None-Match: \"a\", \"b\" \r\n"
						  "\r\n";

TEST(a_request_is_the_same_cut_into_pieces_of_any_size)
{
	enum progress progress;

	for (size_t piece = 1; piece <= sizeof get - 1; piece++) {
		assert_int_equal(feed(get, sizeof get - 1, piece, &progress), sizeof get - 1);
		assert_int_equal(progress, PROGRESS_COMPLETE);
		assert_int_equal(request.method, METHOD_GET);
		assert_int_equal(request.minor, 1);
		assert_true(request.keep_alive);
		assert_string_equal(request.target, "/a%20b?c");
		assert_string_equal(request_value(&request, FIELD_RANGE), "bytes=1-2");
		assert_string_equal(request_value(&request, FIELD_IF_NONE_MATCH), "\"a\", \"b\"");
		assert_null(request_value(&request, FIELD_IF_RANGE));
	}
}

TEST(an_unfinished_request_is_not_complete)
{
	enum progress progress;

	for (size_t size = 1; size < sizeof get - 1; size++) {
		assert_int_equal(feed(get, size, 1000000, &progress), size);
		assert_int_equal(progress, PROGRESS_MORE);
	}
}

TEST(the_next_request_is_not_taken)
{
	char two[2 * sizeof get];
	enum progress progress;

	snprintf(two, sizeof two, "%s%s", get, get);
	assert_int_equal(feed(two, strlen(two), 1000000, &progress), sizeof get - 1);
	assert_int_equal(progress, PROGRESS_COMPLETE);
}

TEST(a_body_belongs_to_its_request)
{
	assert_complete("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /");
	assert_int_equal(request.body_bytes, 5);
	assert_complete("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	                "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nRange: bytes=0-1\r\n\r\n");
	assert_int_equal(request.body_bytes, 5);
	assert_null(request_value(&request, FIELD_RANGE)); /* after the body fields mean nothing */
}

TEST(connections_are_kept_as_the_version_says)
{
	assert_complete("GET / HTTP/1.0\r\n\r\n");
	assert_false(request.keep_alive);
	assert_complete("HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	assert_true(request.keep_alive);
	assert_int_equal(request.method, METHOD_HEAD);
	assert_complete("DELETE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	assert_false(request.keep_alive);
	assert_int_equal(request.method, METHOD_OTHER);
	assert_complete("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
	assert_false(request.keep_alive);
}

TEST(a_broken_request_is_refused)
{
	assert_refused("garbage\r\n\r\n", 400);
	assert_refused("\x16\x03\x01\x02", 400);
	assert_refused("GET / HTTP/1.1\r\nHost a\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400);
	assert_refused("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
	               400);
	assert_refused("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
	               "Transfer-Encoding: chunked\r\n\r\n",
	               400);
	assert_refused("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505);
}

TEST(a_body_that_is_not_wanted_is_refused)
{
	assert_refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", 405);
	assert_refused("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 405);
	assert_refused("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 413);
	assert_refused("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
	               417);
}

/* Repeats a piece of text between two others. */
static char *repeat(const char *begin, const char *piece, size_t count, const char *end)
{
	size_t size = strlen(begin) + count * strlen(piece) + strlen(end) + 1;
	char *text = malloc(size), *at = text;

	assert_non_null(text);
	at = stpcpy(at, begin);
	while (count-- > 0)
		at = stpcpy(at, piece);
	stpcpy(at, end);
	return text;
}

TEST(what_is_too_large_is_refused)
{
	char *text = repeat("GET /", "a", TARGET_MAX_BYTES, " HTTP/1.1\r\nHost: a\r\n\r\n");

	assert_refused(text, 414);
	free(text);
	text = repeat("GET /", "a", TARGET_MAX_BYTES - 1, " HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_complete(text);
	free(text);
	text = repeat("GET / HTTP/1.1\r\nHost: a\r\n", "A: b\r\n", HEAD_MAX_BYTES / 6, "\r\n");
	assert_refused(text, 431);
	free(text);
	text = repeat("GET / HTTP/1.1\r\nHost: ", "a", HEAD_MAX_BYTES, "\r\n\r\n");
	assert_refused(text, 431);
	free(text);
	text = repeat("", "\r\n", HEAD_MAX_BYTES, "");
	assert_refused(text, 431);
	free(text);
	text = repeat("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n",
	              BODY_MAX_BYTES, "0\r\n\r\n");
	assert_refused(text, 413);
	free(text);
}

TEST(a_value_that_is_too_long_or_comes_twice_is_ignored)
{
	char *text =
		repeat("GET / HTTP/1.1\r\nHost: a\r\nRange: ", "a", VALUE_MAX_BYTES + 1, "\r\n\r\n");

	assert_complete(text);
	assert_null(request_value(&request, FIELD_RANGE));
	free(text);
	text = repeat("GET / HTTP/1.1\r\nHost: a\r\nRange: ", "a", VALUE_MAX_BYTES, "\r\n\r\n");
	assert_complete(text);
	assert_int_equal(strlen(request_value(&request, FIELD_RANGE)), VALUE_MAX_BYTES);
	free(text);
	assert_complete("GET / HTTP/1.1\r\nHost: a\r\nRange: a\r\nRange: b\r\n\r\n");
	assert_null(request_value(&request, FIELD_RANGE));
	assert_complete(
		"GET / HTTP/1.1\r\nHost: a\r\nRange:\r\nRangeRangeRangeRangeRangeRange: b\r\n\r\n");
	assert_string_equal(request_value(&request, FIELD_RANGE), "");
}
