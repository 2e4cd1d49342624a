/*
 * The names in a directory.
 */
/* threads */
#define _GNU_SOURCE
#include <stdio.h>

#include "support/file_support.h"

static bide_directory *opened_directory(const char *path)
{
	bide_payload got = { .p = NULL };

	assert_int_equal(bide_value_task_wait(bide_directory_open(path).untyped, &got), 0);
	assert_non_null(got.p);
	return got.p;
}

static const bide_directory_entry *next_of(bide_directory *d)
{
	bide_payload got = { .p = NULL };

	assert_int_equal(bide_value_task_wait(bide_directory_next(d).untyped, &got), 0);
	return got.p;
}

TEST(each_name_comes_once_with_what_it_is)
{
	const bide_directory_entry *entry;
	bide_directory *d;
	char seen[5] = "";

	make_file("a", "");
	assert_int_equal(mkdir(path_of("b"), 0700), 0);
	assert_int_equal(symlink("none", path_of("c")), 0);
	assert_int_equal(mkfifo(path_of("d"), 0600), 0);
	d = opened_directory(folder);
	for (int i = 0; i < 4; i++) {
		entry = next_of(d);
		assert_non_null(entry);
		assert_int_equal(strlen(entry->name), 1);
		switch (entry->name[0]) {
		case 'a':
			assert_true(S_ISREG(entry->type));
			break;
		case 'b':
			assert_true(S_ISDIR(entry->type));
			break;
		case 'c':
			assert_true(S_ISLNK(entry->type));
			break;
		default:
			assert_true(S_ISFIFO(entry->type));
		}
		assert_in_range(entry->name[0], 'a', 'd');
		seen[entry->name[0] - 'a']++;
	}
	assert_memory_equal(seen, "\1\1\1\1", 4);
	assert_null(next_of(d));
	assert_null(next_of(d));
	bide_directory_close(d);
}

/* Their records do not fit into one buffer. */
TEST(many_names)
{
	enum { COUNT = 1500 };
	static bool seen[COUNT];
	const bide_directory_entry *entry;
	bide_directory *d;
	int count = 0;

	for (int i = 0; i < COUNT; i++) {
		char name[64];

		snprintf(name, sizeof name, "a_name_that_is_not_so_short_%d", i);
		make_file(name, "");
	}
	d = opened_directory(folder);
	while ((entry = next_of(d)) != NULL) {
		int i = atoi(entry->name + strlen("a_name_that_is_not_so_short_"));

		assert_in_range(i, 0, COUNT - 1);
		assert_false(seen[i]);
		seen[i] = true;
		count++;
	}
	assert_int_equal(count, COUNT);
	bide_directory_close(d);
}

TEST(an_empty_directory)
{
	bide_directory *d;

	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	d = opened_directory(path_of("d"));
	assert_null(next_of(d));
	bide_directory_close(d);
	bide_directory_close(NULL);
}

TEST(errors_of_open)
{
	assert_int_equal(error_of(bide_directory_open(path_of("none")).untyped), ENOENT);
	assert_int_equal(error_of(bide_directory_open(make_file("a", "")).untyped), ENOTDIR);
	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	if (geteuid() != 0) {
		assert_int_equal(chmod(path_of("d"), 0), 0);
		assert_int_equal(error_of(bide_directory_open(path_of("d")).untyped), EACCES);
	}
}

TEST(a_directory_that_nobody_takes_is_closed)
{
	size_t before = 0;

	(void)path_of("a");
	for (int i = 0; i < 20; i++) {
		bide_value_task_forget(bide_directory_open(folder).untyped);
		assert_int_equal(bide_drain(BIDE_FOREVER), 0);
		if (i == 0)
			before = descriptor_count();
	}
	await_descriptors(before);
}

TEST(a_canceled_context_is_met_and_nothing_is_lost)
{
	bide_context *scope = bide_context_create(NULL);
	bide_directory *d;

	make_file("a", "");
	d = opened_directory(folder);
	(void)bide_context_cancel(scope, ECANCELED);
	assert_int_equal(error_of(bide_in_context(scope, bide_directory_next(d).untyped)), ECANCELED);
	assert_string_equal(next_of(d)->name, "a");
	assert_null(next_of(d));
	bide_context_unref(scope);
	bide_directory_close(d);
}

static bide_value_task read_byte(void *fd)
{
	char byte;

	return bide_value_task_from_int(read(*(int *)fd, &byte, 1));
}

TEST(a_close_cancels_a_pending_call)
{
	bide_value_task next, holds;
	bide_directory *d;
	int fd[2];

	NOT_SEEDED("a simulation has no other thread");
	assert_int_equal(bide_configure(&(bide_config){ .blocking_threads_max = 1 }), 0);
	make_file("a", "");
	d = opened_directory(folder);
	assert_int_equal(pipe(fd), 0);
	holds = bide_run_blocking(read_byte, fd); /* the only thread */
	next = bide_directory_next(d).untyped;
	bide_directory_close(d);
	assert_pending(next);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(result_of(holds), 1);
	assert_int_equal(error_of(next), ECANCELED);
	close(fd[0]);
	close(fd[1]);
}

TEST(misuse)
{
	bide_value_task next;
	bide_directory *d;

	make_file("a", "");
	d = opened_directory(folder);
	expect_misuse();
	MISUSE(error_of(bide_directory_open(NULL).untyped), "bide_directory_open", "path is NULL");
	MISUSE(error_of(bide_directory_next(NULL).untyped), "bide_directory_next", "NULL");
	if (test_seeded()) { /* elsewhere the first call may be over by then */
		next = bide_directory_next(d).untyped;
		MISUSE(assert_int_equal(error_of(bide_directory_next(d).untyped), EBUSY),
		       "bide_directory_next", "pending already");
		assert_int_equal(error_of(next), 0);
	}
	bide_directory_close(d);
	MISUSE(assert_int_equal(error_of(bide_directory_next(d).untyped), EBADF), "bide_directory_next",
	       "it is closed, by bide_directory_close");
}

static int use_a_directory(void)
{
	bide_payload got = { .p = NULL };
	int error = bide_value_task_wait(bide_directory_open(folder).untyped, &got);

	if (error)
		return error;
	error = error_of(bide_directory_next(got.p).untyped);
	bide_directory_close(got.p);
	return error;
}

TEST(each_allocation_may_fail)
{
	bool done = false;

	make_file("a", "");
	limit_objects();
	for (long count = 0; !done; count++) {
		int error;

		allowed_allocations = count;
		error = use_a_directory();
		allowed_allocations = -1;
		done = error == 0;
		if (!done)
			assert_int_equal(error, ENOMEM);
		(void)bide_drain(BIDE_FOREVER);
		assert_nothing_in_use();
		assert_true(count < 1000);
	}
}
