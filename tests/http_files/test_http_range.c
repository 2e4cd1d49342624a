/*
 * Ranges, dates and media types: the fields of a request for a part, and the fields of its answer.
 */
#include <string.h>

#include "date.h"
#include "mime.h"
#include "range.h"
#include "support/test.h"

static uint64_t first, count;

static enum range range_of(const char *text, uint64_t size)
{
	first = count = 77;
	return range_read(text, size, &first, &count);
}

static void assert_part(const char *text, uint64_t size, uint64_t from, uint64_t bytes)
{
	assert_int_equal(range_of(text, size), RANGE_PART);
	assert_true(first == from && count == bytes);
}

TEST(a_range_is_cut_to_the_file)
{
	assert_part("bytes=0-0", 10, 0, 1);
	assert_part("bytes=2-4", 10, 2, 3);
	assert_part("bytes=2-", 10, 2, 8);
	assert_part("bytes=-3", 10, 7, 3);
	assert_part("bytes=-30", 10, 0, 10);
	assert_part("bytes=9-9", 10, 9, 1);
	assert_part("bytes=3-100", 10, 3, 7);
	assert_part("Bytes=1-18446744073709551615", 10, 1, 9);
	assert_part("bytes=0-99999999999999999999999", UINT64_MAX, 0, UINT64_MAX);
}

TEST(a_range_outside_of_the_file_is_not_satisfiable)
{
	assert_int_equal(range_of("bytes=10-", 10), RANGE_OUTSIDE);
	assert_int_equal(range_of("bytes=10-12", 10), RANGE_OUTSIDE);
	assert_int_equal(range_of("bytes=-0", 10), RANGE_OUTSIDE);
	assert_int_equal(range_of("bytes=0-0", 0), RANGE_OUTSIDE);
	assert_int_equal(range_of("bytes=-5", 0), RANGE_OUTSIDE);
	assert_int_equal(range_of("bytes=99999999999999999999999-", 10), RANGE_OUTSIDE);
}

TEST(what_is_no_single_range_means_the_whole_file)
{
	static const char *const texts[] = { "",          "bytes",         "bytes=",     "bytes=-",
		                                 "bytes=4-2", "bytes=1-2,4-5", "lines=1-2",  "bytes=a-b",
		                                 "bytes=1",   "bytes=1-2x",    "bytes= 1-2", "bytes=--1" };

	assert_int_equal(range_of(NULL, 10), RANGE_WHOLE);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_int_equal(range_of(texts[i], 10), RANGE_WHOLE);
}

TEST(a_date_is_read_in_its_three_forms)
{
	static const char *const texts[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
		                                 "Sunday, 06-Nov-94 08:49:37 GMT",
		                                 "Sun Nov  6 08:49:37 1994" };
	char text[DATE_ROOM_BYTES];
	time_t time;

	for (size_t i = 0; i < 3; i++) {
		time = 0;
		assert_true(date_read(texts[i], &time));
		assert_int_equal(time, 784111777);
	}
	date_write(784111777, text);
	assert_string_equal(text, texts[0]);
	date_write((time_t)1 << 60, text);
	assert_string_equal(text, "");
}

TEST(what_is_no_date_is_refused)
{
	static const char *const texts[] = { "",
		                                 "yesterday",
		                                 "Sun, 06 Nov 1994 08:49:37",
		                                 "Sun, 06 Nov 1994 08:49:37 GMT and more",
		                                 "Sun, 06 Abc 1994 08:49:37 GMT",
		                                 "Sun, 32 Nov 1994 08:49:37 GMT",
		                                 "Sun, 06 Nov 1994 24:49:37 GMT",
		                                 "Sun, -6 Nov 1994 08:49:37 GMT" };
	time_t time;

	assert_false(date_read(NULL, &time));
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		assert_false(date_read(texts[i], &time));
}

TEST(the_media_type_is_that_of_the_last_ending)
{
	assert_string_equal(mime_of("a.html"), "text/html; charset=utf-8");
	assert_string_equal(mime_of("a.b/c.PNG"), "image/png");
	assert_string_equal(mime_of("a.tar.gz"), "application/gzip");
	assert_string_equal(mime_of("a.7z"), "application/x-7z-compressed");
	assert_string_equal(mime_of("a.zst"), "application/zstd");
	assert_string_equal(mime_of("a.html/b"), "application/octet-stream");
	assert_string_equal(mime_of(".html"), "application/octet-stream");
	assert_string_equal(mime_of("a."), "application/octet-stream");
	assert_string_equal(mime_of(""), "application/octet-stream");
}
