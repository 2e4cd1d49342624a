/*
 * Targets of requests: what is a path, what is refused, and that no path leaves the folder.
 */
#include <string.h>

#include "support/test.h"
#include "target.h"

static struct target target;

static int read_target(const char *text)
{
	memset(&target, 0x55, sizeof target);
	return target_read(&target, text, strlen(text));
}

static void assert_path(const char *text, const char *path, bool is_folder)
{
	assert_int_equal(read_target(text), 0);
	assert_string_equal(target.path, path);
	assert_int_equal(target.size, strlen(path));
	assert_int_equal(target.is_folder, is_folder);
}

TEST(a_path_is_decoded_and_loses_its_query)
{
	assert_path("/", "", true);
	assert_path("/a", "a", false);
	assert_path("/a/b.txt?c=/d", "a/b.txt", false);
	assert_path("/a#b", "a", false);
	assert_path("/a%20b%2Fc", "a b/c", false);
	assert_path("/%c3%a4", "\xc3\xa4", false);
	assert_path("/a%3Fb", "a?b", false);
	assert_path("/a+b", "a+b", false);
}

TEST(a_path_that_ends_with_a_slash_is_a_folder)
{
	assert_path("/a/", "a", true);
	assert_path("/a//", "a", true);
	assert_path("/a/.", "a", true);
	assert_path("/a/b/..", "a", true);
	assert_path("/a/..", "", true);
	assert_path("/a%2f", "a", true);
	assert_path("//a//b", "a/b", false);
}

TEST(a_path_may_come_with_scheme_and_host)
{
	assert_path("http://host/a", "a", false);
	assert_path("HTTPS://host:80/a/?b", "a", true);
	assert_path("http://host", "", true);
	assert_path("http://host?a/b", "", true);
	assert_int_equal(read_target("http:///a"), 400);
	assert_int_equal(read_target("http://"), 400);
}

TEST(a_path_that_leaves_the_folder_is_refused)
{
	static const char *const bad[] = { "/..",       "/../etc/passwd",  "/a/../..",
		                               "/%2e%2e/a", "/a/%2e%2e/..",    "/..%2fa",
		                               "/.%2E/",    "/a/b/../../../c", "/%2e./a",
		                               "//../a",    "/./../a",         "http://host/.." };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(read_target(bad[i]), 400);
	assert_path("/a/../b", "b", false);
}

TEST(what_is_no_path_is_refused)
{
	static const char *const bad[] = { "",    "a",    "*",     "host:80", "?a", "/%",
		                               "/%4", "/%zz", "/a%00", "/%0",     "#",  "/%%41" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(read_target(bad[i]), 400);
	assert_int_equal(target_read(&target, "/a\0b", 4), 400);
}

TEST(names_that_begin_with_a_dot_are_not_served)
{
	assert_int_equal(read_target("/.git/config"), 404);
	assert_int_equal(read_target("/a/.htpasswd"), 404);
	assert_int_equal(read_target("/%2egit"), 404);
	assert_int_equal(read_target("/..."), 404);
	assert_path("/.well-known/a", ".well-known/a", false);
	assert_int_equal(read_target("/.well-known2"), 404);
}

TEST(the_longest_target_fits)
{
	char text[TARGET_MAX_BYTES + 2];

	memset(text, 'a', sizeof text);
	text[0] = '/';
	assert_int_equal(target_read(&target, text, TARGET_MAX_BYTES), 0);
	assert_int_equal(target.size, TARGET_MAX_BYTES - 1);
	assert_int_equal(target_read(&target, text, TARGET_MAX_BYTES + 1), 414);
}

TEST(an_encoded_path_is_decoded_to_itself)
{
	char path[256], text[1024];
	size_t size = 0;

	for (int c = 1; c < 256; c++)
		if (c != '/')
			path[size++] = (char)c;
	text[0] = '/';
	text[1] = 'x'; /* the first name must not begin with a dot */
	assert_in_range(target_encode(path, size, text + 2, sizeof text - 2), size, 3 * size);
	assert_int_equal(read_target(text), 0);
	assert_int_equal(target.size, size + 1);
	assert_memory_equal(target.path + 1, path, size);
	assert_int_equal(target_encode("abc", 3, text, 3), 0);
	assert_int_equal(target_encode("//", 2, text, 8), 2);
}
