/*
 * What is done with files by their names.
 */
/* threads */
#define _GNU_SOURCE
#include <stdio.h>

#include "support/file_support.h"

static char room[5000];

TEST(stat_follows_links_and_stat_link_does_not)
{
	struct stat status;

	make_file("a", "0123");
	assert_int_equal(error_of(bide_path_symlink("a", path_of("link"))), 0);
	assert_int_equal(error_of(bide_path_stat(path_of("link"), &status)), 0);
	assert_true(S_ISREG(status.st_mode));
	assert_int_equal(status.st_size, 4);
	assert_int_equal(error_of(bide_path_stat_link(path_of("link"), &status)), 0);
	assert_true(S_ISLNK(status.st_mode));
	assert_int_equal(error_of(bide_path_stat(path_of("none"), &status)), ENOENT);
	assert_int_equal(error_of(bide_path_stat(path_of("a/b"), &status)), ENOTDIR);
}

TEST(names_are_changed_and_removed)
{
	make_file("a", "aa");
	make_file("b", "bb");
	assert_int_equal(error_of(bide_path_rename(path_of("a"), path_of("b"), RENAME_NOREPLACE)),
	                 EEXIST);
	assert_int_equal(error_of(bide_path_rename(path_of("a"), path_of("b"), RENAME_EXCHANGE)), 0);
	assert_file(path_of("a"), "bb");
	assert_int_equal(error_of(bide_path_rename(path_of("a"), path_of("b"), 0)), 0);
	assert_file(path_of("b"), "bb");
	assert_int_equal(error_of(bide_path_rename(path_of("a"), path_of("c"), 0)), ENOENT);
	assert_int_equal(error_of(bide_path_link(path_of("b"), path_of("c"))), 0);
	assert_int_equal(error_of(bide_path_link(path_of("b"), path_of("c"))), EEXIST);
	assert_int_equal(error_of(bide_path_unlink(path_of("b"))), 0);
	assert_int_equal(error_of(bide_path_unlink(path_of("b"))), ENOENT);
	assert_file(path_of("c"), "bb");
}

TEST(directories_are_made_and_removed)
{
	assert_int_equal(error_of(bide_path_make_directory(path_of("d"), 0700)), 0);
	assert_int_equal(error_of(bide_path_make_directory(path_of("d"), 0700)), EEXIST);
	assert_int_equal(error_of(bide_path_unlink(path_of("d"))), EISDIR);
	make_file("d/a", "");
	assert_int_equal(error_of(bide_path_remove_directory(path_of("d"))), ENOTEMPTY);
	assert_int_equal(error_of(bide_path_unlink(path_of("d/a"))), 0);
	assert_int_equal(error_of(bide_path_remove_directory(path_of("d"))), 0);
	assert_int_equal(error_of(bide_path_remove_directory(path_of("d"))), ENOENT);
}

TEST(the_text_of_a_link_fits_or_it_is_refused)
{
	assert_int_equal(error_of(bide_path_symlink("0123456789", path_of("link"))), 0);
	assert_int_equal(result_of(bide_path_read_link(path_of("link"), room, 11)), 10);
	assert_string_equal(room, "0123456789");
	assert_int_equal(error_of(bide_path_read_link(path_of("link"), room, 10)), ERANGE);
	assert_int_equal(error_of(bide_path_read_link(path_of("link"), room, 0)), ERANGE);
	assert_int_equal(error_of(bide_path_read_link(make_file("a", ""), room, 10)), EINVAL);
}

TEST(the_real_path_has_no_links)
{
	char expected[600];

	make_file("a", "");
	assert_int_equal(error_of(bide_path_symlink("none/./a", path_of("link"))), 0);
	assert_int_equal(error_of(bide_path_real(path_of("link"), room, sizeof room)), ENOENT);
	assert_int_equal(unlink(path_of("link")), 0);
	assert_int_equal(error_of(bide_path_symlink("./a", path_of("link"))), 0);
	assert_non_null(realpath(folder, expected));
	strcat(expected, "/a");
	assert_int_equal(result_of(bide_path_real(path_of("link"), room, sizeof room)),
	                 strlen(expected));
	assert_string_equal(room, expected);
	assert_int_equal(error_of(bide_path_real(path_of("link"), room, strlen(expected))), ERANGE);
}

TEST(modes_and_times)
{
	struct timespec times[2] = { { 1000, 5 }, { 2000000000, 999999999 } };
	struct stat status;

	make_file("a", "");
	assert_int_equal(error_of(bide_path_set_mode(path_of("a"), 0640)), 0);
	assert_int_equal(error_of(bide_path_set_times(path_of("a"), times)), 0);
	assert_int_equal(error_of(bide_path_stat(path_of("a"), &status)), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(status.st_atim.tv_sec, 1000);
	assert_int_equal(status.st_mtim.tv_sec, 2000000000);
	assert_int_equal(error_of(bide_path_set_times(path_of("a"), NULL)), 0);
	assert_int_equal(error_of(bide_path_stat(path_of("a"), &status)), 0);
	assert_true(status.st_atim.tv_sec > 1000);
	assert_int_equal(error_of(bide_path_set_mode(path_of("none"), 0)), ENOENT);
}

/* The call copies them, also where it is queued. */
TEST(paths_and_times_are_copied)
{
	char path[512], to[512];
	struct timespec times[2] = { { 1000, 0 }, { 1000, 0 } };
	bide_value_task renamed, set;
	struct stat status;

	make_file("a", "");
	make_file("c", "");
	strcpy(path, path_of("a"));
	strcpy(to, path_of("b"));
	renamed = bide_path_rename(path, to, 0);
	strcpy(path, path_of("c"));
	set = bide_path_set_times(path, times);
	memset(path, 'x', sizeof path);
	memset(to, 'x', sizeof to);
	memset(times, 'x', sizeof times);
	assert_int_equal(error_of(renamed), 0);
	assert_int_equal(error_of(set), 0);
	assert_int_equal(stat(path_of("b"), &status), 0);
	assert_int_equal(stat(path_of("c"), &status), 0);
	assert_int_equal(status.st_mtim.tv_sec, 1000);
}

TEST(a_forgotten_call_goes_on)
{
	make_file("a", "");
	bide_value_task_forget(bide_path_unlink(path_of("a")));
	assert_int_equal(bide_drain(BIDE_FOREVER), 0);
	assert_int_equal(access(path_of("a"), F_OK), -1);
}

TEST(a_canceled_context_is_met)
{
	bide_context *scope = bide_context_create(NULL);

	make_file("a", "");
	(void)bide_context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(bide_in_context(scope, bide_path_unlink(path_of("a")))), ECANCELED);
	assert_int_equal(access(path_of("a"), F_OK), 0);
	bide_context_unref(scope);
}

TEST(arguments_that_are_wrong)
{
	expect_misuse();
	MISUSE(error_of(bide_path_unlink(NULL)), "bide_path_unlink", "the first path is NULL");
	MISUSE(error_of(bide_path_rename("a", NULL, 0)), "bide_path_rename", "the second path is NULL");
	MISUSE(error_of(bide_path_stat("a", NULL)), "bide_path_stat", "is NULL");
	MISUSE(error_of(bide_path_read_link("a", NULL, 5)), "bide_path_read_link", "is NULL");
	MISUSE(error_of(bide_path_set_times(NULL, NULL)), "bide_path_set_times", "path is NULL");
}

TEST(each_allocation_may_fail)
{
	struct stat status;
	bool done = false;

	(void)path_of("a");
	limit_objects();
	for (long count = 0; !done; count++) {
		int error;

		allowed_allocations = count;
		error = error_of(bide_path_stat(folder, &status));
		allowed_allocations = -1;
		done = error == 0;
		if (!done)
			assert_int_equal(error, ENOMEM);
		assert_nothing_in_use();
		assert_true(count < 1000);
	}
}
