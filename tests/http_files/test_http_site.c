/*
 * The folder that is served: what is opened, what is not, with openat2 and without; and the lists
 * of folders.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "listing.h"
#include "site.h"
#include "support/test.h"

static char root[64];
static struct site site;

/* Makes a path below the folder of the test. */
static const char *below(const char *name)
{
	static char path[4][512];
	static unsigned turn;
	char *to = path[turn++ % 4];

	snprintf(to, sizeof path[0], "%s/%s", root, name);
	return to;
}

static void write_file(const char *name)
{
	int file = open(below(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	assert_true(file >= 0);
	assert_int_equal(write(file, "text", 4), 4);
	close(file);
}

/* Makes www with files, folders and links, and a secret beside it. */
static void make_folder(void)
{
	snprintf(root, sizeof root, "/tmp/bide-http-XXXXXX");
	assert_non_null(mkdtemp(root));
	assert_int_equal(mkdir(below("www"), 0777), 0);
	assert_int_equal(mkdir(below("www/sub"), 0777), 0);
	write_file("secret");
	write_file("www/a");
	write_file("www/sub/b");
	write_file("www/.hidden");
	assert_int_equal(symlink("a", below("www/inside")), 0);
	assert_int_equal(symlink("sub", below("www/folder")), 0);
	assert_int_equal(symlink("../secret", below("www/outside")), 0);
	assert_int_equal(symlink("/etc/passwd", below("www/absolute")), 0);
	assert_int_equal(symlink("loop", below("www/loop")), 0);
	assert_int_equal(mkfifo(below("www/pipe"), 0666), 0);
	assert_int_equal(site_open(&site, below("www")), 0);
}

static void remove_folder(void)
{
	static const char *const names[] = { "www/sub/b",  "www/sub",    "www/a",       "www/.hidden",
		                                 "www/inside", "www/folder", "www/outside", "www/absolute",
		                                 "www/loop",   "www/pipe",   "www",         "secret" };

	site_close(&site);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		remove(below(names[i]));
	assert_int_equal(rmdir(root), 0);
}

/* Returns the error, slowly and, if the names are known, quickly. */
static int opens(const char *path)
{
	int file = -1, error = site_open_file(&site, path, false, &file), quick;
	struct stat status;

	if (!error) {
		assert_int_equal(fstat(file, &status), 0);
		close(file);
	}
	quick = site_open_file(&site, path, true, &file);
	if (!quick)
		close(file);
	assert_true(quick == EAGAIN || quick == error);
	return error;
}

TEST(files_and_folders_below_are_opened)
{
	make_folder();
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(opens("a"), 0);
		assert_int_equal(opens(""), 0);
		assert_int_equal(opens("sub"), 0);
		assert_int_equal(opens("sub/b"), 0);
		assert_int_equal(opens("pipe"), 0); /* and it does not wait for a writer */
		assert_int_equal(opens("none"), ENOENT);
		assert_int_equal(opens("a/b"), ENOTDIR);
		assert_int_equal(site_status_of(opens("none")), 404);
		site.has_openat2 = false;
	}
	remove_folder();
}

TEST(no_link_leads_out_of_the_folder)
{
	make_folder();
	if (site.has_openat2) {
		assert_int_equal(opens("inside"), 0);
		assert_int_equal(opens("folder/b"), 0);
	}
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(site_status_of(opens("outside")), 404);
		assert_int_equal(site_status_of(opens("absolute")), 404);
		assert_int_equal(site_status_of(opens("loop")), 404);
		assert_int_equal(opens("../secret"), EXDEV);
		assert_int_equal(opens("sub/../../secret"), EXDEV);
		site.has_openat2 = false;
	}
	assert_int_not_equal(opens("inside"), 0);
	assert_int_not_equal(opens("folder/b"), 0);
	remove_folder();
}

TEST(names_that_are_too_long_are_not_found)
{
	char name[400];

	make_folder();
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = '\0';
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(site_status_of(opens(name)), 404);
		site.has_openat2 = false;
	}
	remove_folder();
}

static char *list(const char *path)
{
	size_t size = 0;
	char *page = NULL;
	int file;

	assert_int_equal(site_open_file(&site, path, false, &file), 0);
	assert_int_equal(listing_make(file, path, &page, &size), 0);
	close(file);
	assert_int_equal(strlen(page), size);
	return page;
}

TEST(a_list_has_what_is_served_in_order)
{
	char *page;

	make_folder();
	page = list("");
	assert_non_null(strstr(page, "<a href=\"./a\">a</a>"));
	assert_non_null(strstr(page, "<a href=\"./sub/\">sub/</a>"));
	assert_non_null(strstr(page, "<a href=\"./folder/\">folder/</a>"));
	assert_true(strstr(page, "sub/") < strstr(page, "./a\""));
	assert_null(strstr(page, "hidden"));
	assert_null(strstr(page, "pipe"));
	assert_null(strstr(page, "loop"));
	assert_null(strstr(page, "../"));
	free(page);
	page = list("sub");
	assert_non_null(strstr(page, "<a href=\"../\">"));
	free(page);
	remove_folder();
}

TEST(names_are_escaped_in_a_list)
{
	static const char *const names[] = { "www/<b>&\"'", "www/a:b", "www/new\nline", "www/%41?#" };
	char *page;

	make_folder();
	for (size_t i = 0; i < 4; i++)
		write_file(names[i]);
	page = list("");
	assert_null(strstr(page, "<b>"));
	assert_non_null(strstr(page, "<a href=\"./%3Cb%3E%26%22%27\">&lt;b&gt;&amp;&quot;'</a>"));
	assert_non_null(strstr(page, "<a href=\"./a%3Ab\">"));
	assert_non_null(strstr(page, "<a href=\"./new%0Aline\">"));
	assert_non_null(strstr(page, "<a href=\"./%2541%3F%23\">"));
	free(page);
	for (size_t i = 0; i < 4; i++)
		remove(below(names[i]));
	remove_folder();
}
