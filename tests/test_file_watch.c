/*
 * Watching files: what is told of a directory and of a file, moves, overflow, and how a watch ends.
 */
/* threads */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "support/file_support.h"
#include "support/limits_of_tools.h"

/*
 * The library calls this one. When the system has said that the path is watched already, the file
 * there is replaced by another one.
 */
static const char *replaced;

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	int id = (int)syscall(SYS_inotify_add_watch, fd, path, mask), error = errno;

	if (id < 0 && error == EEXIST && replaced) {
		assert_int_equal(unlink(replaced), 0);
		close(open(replaced, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		replaced = NULL;
	}
	errno = error;
	return id;
}

static bide_file_watch *opened_watch(void)
{
	bide_file_watch *w = NULL;
	int error;

	NOT_SEEDED("files are not watched in a simulation");
	error = bide_file_watch_open(&w);
	if (error == ENOSYS || error == EMFILE)
		SKIP("no inotify: %s", bide_strerror(error));
	assert_int_equal(error, 0);
	return w;
}

static int64_t added(bide_file_watch *w, const char *path, unsigned what)
{
	return result_of(bide_file_watch_add(w, path, what));
}

static const bide_file_watch_event *next_of(bide_file_watch *w)
{
	bide_payload got = { .p = NULL };

	assert_int_equal(bide_value_task_wait(bide_file_watch_next(w).untyped, &got), 0);
	assert_non_null(got.p);
	return got.p;
}

/* Compares the next event, and returns it. */
static const bide_file_watch_event *expect(bide_file_watch *w, int64_t id, unsigned what,
                                           const char *name)
{
	const bide_file_watch_event *event = next_of(w);

	assert_int_equal(event->id, id);
	assert_int_equal(event->what, what);
	assert_string_equal(event->name, name);
	return event;
}

static int error_of_next(bide_file_watch *w)
{
	return error_of(bide_file_watch_next(w).untyped);
}

TEST(a_directory_tells_of_its_entries)
{
	bide_file_watch *w = opened_watch();
	int64_t id;

	(void)path_of("a");
	id = added(w, folder, 0);
	make_file("a", "text");
	assert_false(expect(w, id, BIDE_FILE_WATCH_CREATED, "a")->is_directory);
	expect(w, id, BIDE_FILE_WATCH_WRITTEN, "a");
	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	assert_true(expect(w, id, BIDE_FILE_WATCH_CREATED, "d")->is_directory);
	make_file("d/below", "");
	assert_int_equal(chmod(path_of("a"), 0600), 0);
	assert_int_equal(unlink(path_of("a")), 0);
	expect(w, id, BIDE_FILE_WATCH_DELETED, "a");
	bide_file_watch_close(w);
}

TEST(a_rename_is_a_pair)
{
	bide_file_watch *w = opened_watch();
	const bide_file_watch_event *event;
	int64_t id, other;
	uint32_t pair;

	make_file("a", "");
	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	id = added(w, folder, 0);
	other = added(w, path_of("d"), 0);
	assert_int_not_equal(id, other);
	assert_int_equal(rename(path_of("a"), path_of("d/b")), 0);
	pair = expect(w, id, BIDE_FILE_WATCH_MOVED_FROM, "a")->pair;
	event = expect(w, other, BIDE_FILE_WATCH_MOVED_TO, "b");
	assert_int_not_equal(pair, 0);
	assert_int_equal(event->pair, pair);
	bide_file_watch_close(w);
}

/* Else the end of the old file would count as the end of all. */
TEST(a_path_whose_file_goes_while_it_is_added_again_is_counted)
{
	bide_file_watch *w = opened_watch();
	static char path[4096];
	int64_t old, new;
	bide_value_task next;
	bide_payload got;

	make_file("a", "");
	snprintf(path, sizeof path, "%s", path_of("a"));
	old = added(w, path, BIDE_FILE_WATCH_MODIFIED);
	replaced = path;
	new = added(w, path, BIDE_FILE_WATCH_MODIFIED);
	if (replaced)
		SKIP("the system does not tell that a path is watched already");
	assert_true(new > old);
	while (next_of(w)->what != BIDE_FILE_WATCH_ENDED)
		;
	next = bide_file_watch_next(w).untyped;
	settle(0);
	assert_pending(next);
	make_file("a", "text");
	assert_int_equal(bide_value_task_wait(next, &got), 0);
	assert_int_equal(((const bide_file_watch_event *)got.p)->id, new);
	bide_file_watch_close(w);
}

TEST(only_what_was_asked_is_told)
{
	bide_file_watch *w = opened_watch();
	int64_t id, again;

	make_file("a", "");
	id = added(w, folder, BIDE_FILE_WATCH_ATTRIBUTES);
	make_file("a", "text");
	assert_int_equal(chmod(path_of("a"), 0600), 0);
	expect(w, id, BIDE_FILE_WATCH_ATTRIBUTES, "a");
	again = added(w, folder, BIDE_FILE_WATCH_MODIFIED);
	assert_int_equal(again, id);
	assert_int_equal(chmod(path_of("a"), 0644), 0);
	assert_int_equal(truncate(path_of("a"), 1), 0);
	expect(w, id, BIDE_FILE_WATCH_MODIFIED, "a");
	assert_int_equal(bide_file_watch_remove(w, id), 0); /* it counts as one path */
	expect(w, id, BIDE_FILE_WATCH_ENDED, "");
	assert_int_equal(error_of_next(w), BIDE_EEND);
	bide_file_watch_close(w);
}

/* The buffer has room for some 60 of these events. */
TEST(many_events_with_long_names_come_in_order)
{
	enum { COUNT = 500 };
	bide_file_watch *w = opened_watch();
	char name[256];
	int64_t id;

	(void)path_of("a");
	id = added(w, folder, BIDE_FILE_WATCH_CREATED);
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof name, "%d%0*d", i, i % 2 ? 10 : 240, 0);
		make_file(name, "");
	}
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof name, "%d%0*d", i, i % 2 ? 10 : 240, 0);
		expect(w, id, BIDE_FILE_WATCH_CREATED, name);
	}
	bide_file_watch_close(w);
}

TEST(a_wait_ends_when_something_happens)
{
	bide_file_watch *w = opened_watch();
	bide_payload got = { .p = NULL };
	const bide_file_watch_event *event;
	bide_value_task next;

	(void)path_of("a");
	(void)added(w, folder, 0);
	for (int i = 0; i < 20; i++) {
		next = bide_file_watch_next(w).untyped;
		if (i % 2)
			settle(0);
		assert_int_equal(mkdir(path_of("a"), 0700), 0);
		assert_int_equal(bide_value_task_wait(next, &got), 0);
		event = got.p;
		assert_int_equal(event->what, BIDE_FILE_WATCH_CREATED);
		assert_int_equal(rmdir(path_of("a")), 0);
		assert_int_equal(next_of(w)->what, BIDE_FILE_WATCH_DELETED);
	}
	bide_file_watch_close(w);
}

/* --- ends --- */

TEST(a_directory_that_is_deleted_ends)
{
	bide_file_watch *w = opened_watch();
	bide_value_task next;
	int64_t id, file;

	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	id = added(w, path_of("d"), 0);
	file = added(w, make_file("a", ""), 0);
	assert_int_equal(rename(path_of("d"), path_of("e")), 0);
	expect(w, id, BIDE_FILE_WATCH_SELF_MOVED, "");
	assert_int_equal(rmdir(path_of("e")), 0);
	expect(w, id, BIDE_FILE_WATCH_SELF_DELETED, "");
	expect(w, id, BIDE_FILE_WATCH_ENDED, "");
	assert_int_equal(bide_file_watch_remove(w, id), ENOENT);
	next = bide_file_watch_next(w).untyped;
	settle(0);
	assert_pending(next); /* the file is left */
	assert_int_equal(unlink(path_of("a")), 0);
	assert_int_equal(error_of(next), 0);
	expect(w, file, BIDE_FILE_WATCH_ENDED, "");
	for (int i = 0; i < 2; i++)
		assert_int_equal(error_of_next(w), BIDE_EEND);
	assert_true(added(w, folder, 0) > file); /* it goes on */
	make_file("b", "");
	assert_int_equal(next_of(w)->what, BIDE_FILE_WATCH_CREATED);
	bide_file_watch_close(w);
}

TEST(a_path_that_is_removed_ends_a_wait)
{
	bide_file_watch *w = opened_watch();
	bide_payload got = { .p = NULL };
	const bide_file_watch_event *event;
	bide_value_task next;
	int64_t id;

	(void)path_of("a");
	id = added(w, folder, 0);
	next = bide_file_watch_next(w).untyped;
	settle(0);
	assert_int_equal(bide_file_watch_remove(w, id), 0);
	assert_int_equal(bide_value_task_wait(next, &got), 0);
	event = got.p;
	assert_int_equal(event->what, BIDE_FILE_WATCH_ENDED);
	assert_int_equal(event->id, id);
	assert_int_equal(error_of_next(w), BIDE_EEND);
	for (int64_t none = -1; none < 2; none++)
		assert_int_equal(bide_file_watch_remove(w, none * (INT64_C(1) << 32)), ENOENT);
	bide_file_watch_close(w);
}

/* The wait may see the path that is not added for a moment; then it has to learn of its failure. */
TEST(a_wait_ends_if_the_only_path_cannot_be_added)
{
	for (int i = 0; test_round(i, 200); i++) {
		bide_file_watch *w = opened_watch();
		bide_value_task add = bide_file_watch_add(w, path_of("none"), 0);
		bide_value_task next = bide_file_watch_next(w).untyped;

		assert_int_equal(error_of(add), ENOENT);
		assert_int_equal(error_of(next), BIDE_EEND);
		bide_file_watch_close(w);
	}
}

static long queue_max(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/fs/inotify/max_queued_events", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		assert_true(read(fd, text, sizeof text - 1) >= 0);
		close(fd);
	}
	return strtol(text, NULL, 10);
}

/* Returns how many events the system queues, and makes one more. The folder is watched. */
static long overflow(bide_file_watch *w)
{
	char from[512], to[512];
	long max = queue_max();

	if (max <= 0 || max > 50000)
		SKIP("the system queues %ld events", max);
	strcpy(from, make_file("a", ""));
	strcpy(to, path_of("b"));
	(void)added(w, folder, BIDE_FILE_WATCH_ATTRIBUTES | BIDE_FILE_WATCH_MOVED_TO);
	for (long i = 0; i <= max; i++)
		assert_int_equal(i % 2 ? rename(to, from) : rename(from, to), 0);
	return max;
}

/* Returns how many events come before the overflow. */
static long skip_to_overflow(bide_file_watch *w)
{
	const bide_file_watch_event *event;
	long count = 0;

	while ((event = next_of(w))->what != BIDE_FILE_WATCH_OVERFLOW)
		count++;
	assert_int_equal(event->id, 0);
	assert_string_equal(event->name, "");
	return count;
}

TEST(an_overflow_is_told)
{
	bide_file_watch *w = opened_watch();
	long max = overflow(w);

	assert_int_equal(skip_to_overflow(w), max);
	bide_file_watch_close(w);
}

/* The system loses the last events of the paths. */
TEST(an_end_that_an_overflow_has_lost_is_told)
{
	bide_file_watch *w = opened_watch();
	bide_value_task next;
	int64_t id, of_folder, of_d;

	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	assert_int_equal(mkdir(path_of("e"), 0700), 0);
	id = added(w, path_of("d"), 0);
	(void)added(w, path_of("e"), 0);
	of_folder = added(w, folder, 0);
	(void)overflow(w);
	assert_int_equal(bide_file_watch_remove(w, id), 0);
	assert_int_equal(rmdir(path_of("e")), 0);
	(void)skip_to_overflow(w);
	next = bide_file_watch_next(w).untyped; /* the folder is left */
	settle(0);
	make_file("c", "");
	assert_int_equal(rename(path_of("d"), path_of("f")), 0);
	assert_int_equal(error_of(next), 0);
	of_d = added(w, path_of("f"), 0);
	assert_int_equal(bide_file_watch_remove(w, of_folder), 0);
	expect(w, of_folder, BIDE_FILE_WATCH_ENDED, "");
	next = bide_file_watch_next(w).untyped; /* that path is left */
	settle(0);
	assert_int_equal(bide_file_watch_remove(w, of_d), 0);
	assert_int_equal(error_of(next), 0);
	assert_int_equal(error_of_next(w), BIDE_EEND);
	for (int i = 0; test_round(i, 100); i++) { /* a call that adds may be the last to tell */
		bide_value_task add = bide_file_watch_add(w, path_of("none"), 0);

		assert_int_equal(error_of_next(w), BIDE_EEND);
		assert_int_equal(error_of(add), ENOENT);
	}
	bide_file_watch_close(w);
}

TEST(a_wait_is_canceled_forgotten_and_over_in_time_and_loses_nothing)
{
	bide_file_watch *w = opened_watch();
	bide_context *scope = bide_context_create(NULL);
	bide_value_task next;
	int64_t id;

	(void)path_of("a");
	id = added(w, folder, BIDE_FILE_WATCH_CREATED);
	next = bide_in_context(scope, bide_file_watch_next(w).untyped);
	settle(0);
	assert_true(bide_context_cancel(scope, ECANCELED));
	assert_int_equal(error_of(next), ECANCELED);
	assert_int_equal(error_of(bide_in_context(scope, bide_file_watch_next(w).untyped)), ECANCELED);
	assert_int_equal(error_of(bide_in_context(scope, bide_file_watch_add(w, folder, 0))),
	                 ECANCELED);
	bide_context_unref(scope);
	assert_int_equal(error_of(bide_with_timeout(BIDE_MS(1), bide_file_watch_next(w).untyped)),
	                 ETIMEDOUT);
	bide_value_task_forget(bide_file_watch_next(w).untyped);
	settle(0);
	make_file("a", "");
	make_file("b", "");
	expect(w, id, BIDE_FILE_WATCH_CREATED, "a");
	expect(w, id, BIDE_FILE_WATCH_CREATED, "b");
	bide_file_watch_close(w);
}

TEST(a_close_ends_what_is_pending)
{
	size_t before = 0;

	(void)path_of("a");
	for (int i = 0; i < 64; i++) {
		bide_file_watch *w = opened_watch();
		bide_value_task add = bide_file_watch_add(w, folder, 0), next;

		if (i % 3) {
			(void)added(w, folder, 0);
			next = bide_file_watch_next(w).untyped;
			bide_file_watch_close(w);
			assert_int_equal(error_of(next), EBADF);
		} else {
			bide_file_watch_close(w);
		}
		assert_int_equal(error_of(add), 0);
		assert_int_equal(bide_drain(BIDE_FOREVER), 0);
		if (i == 31) /* each worker has its reactor by now */
			before = descriptor_count();
	}
	await_descriptors(before);
	bide_file_watch_close(NULL);
}

static void *make_names(void *unused)
{
	for (int i = 0; i < 100; i++) {
		assert_int_equal(mkdir(path_of("d"), 0700), 0);
		assert_int_equal(rmdir(path_of("d")), 0);
	}
	return unused;
}

TEST(a_close_meets_an_event)
{
	(void)path_of("a");
	for (int i = 0; test_round(i, 50); i++) {
		bide_file_watch *w = opened_watch();
		bide_payload got = { .p = NULL };
		pthread_t thread;
		int error = 0;

		(void)added(w, folder, 0);
		assert_int_equal(pthread_create(&thread, NULL, make_names, NULL), 0);
		for (int each = 0; each < i % 8; each++)
			assert_int_equal(bide_value_task_wait(bide_file_watch_next(w).untyped, &got), 0);
		bide_value_task next = bide_file_watch_next(w).untyped;

		bide_file_watch_close(w);
		error = error_of(next);
		assert_true(error == 0 || error == EBADF);
		pthread_join(thread, NULL);
	}
}

struct read_all {
	BIDE_ASYNC_FRAME;
	struct {
		bide_file_watch *watch;
	} in;
	const bide_file_watch_event *event;
	int64_t count;
};

bide_async(read_all)
{
	bide_async_begin;
	bide_await_each(my->event, my->in.watch)
		my->count++;
	bide_async_return(my->count);
bide_async_finally:
	bide_async_end;
}

TEST(a_loop_over_the_events_ends_with_the_last_path)
{
	bide_file_watch *w = opened_watch();
	bide_value_task all;
	int64_t id;

	(void)path_of("a");
	id = added(w, folder, BIDE_FILE_WATCH_CREATED);
	all = bide_async_start(read_all, .watch = w);
	make_file("a", "");
	settle(0);
	make_file("b", "");
	assert_int_equal(bide_file_watch_remove(w, id), 0);
	assert_int_equal(result_of(all), 3);
	bide_file_watch_close(w);
}

TEST(a_fork_leaves_the_parents_watch_alone)
{
	bide_file_watch *w = opened_watch();
	int64_t id;
	int status;
	pid_t child;

	FORKS_WITH_THREADS();
	CHILD_STARTS_THREADS();
	(void)path_of("a");
	id = added(w, folder, 0);
	child = fork();
	if (child == 0) {
		bide_file_watch_close(w);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	make_file("a", "");
	expect(w, id, BIDE_FILE_WATCH_CREATED, "a");
	bide_file_watch_close(w);
}

/* In a process of its own: the memory of an object that a shutdown met is not given back. */
TEST(a_shutdown_ends_a_wait_and_a_close_behind_it_closes_the_descriptor)
{
	int status;
	pid_t child;

	NOT_SEEDED("files are not watched in a simulation");
	CHILD_STARTS_THREADS();
	(void)path_of("a");
	child = fork();
	if (child == 0) {
		size_t before = descriptor_count();
		bide_file_watch *w = opened_watch();

		(void)added(w, folder, 0);
		bide_value_task_forget(bide_file_watch_next(w).untyped);
		if (bide_shutdown(NULL))
			_exit(1);
		bide_file_watch_close(w);
		_exit(descriptor_count() == before ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

TEST(errors_of_add)
{
	bide_file_watch *w = opened_watch();

	assert_int_equal(error_of(bide_file_watch_add(w, path_of("none"), 0)), ENOENT);
	assert_int_equal(error_of(bide_file_watch_add(w, make_file("a", ""), 0)), 0);
	assert_int_equal(error_of(bide_file_watch_add(w, path_of("a/b"), 0)), ENOTDIR);
	bide_file_watch_close(w);
}

TEST(a_simulation_has_no_watch)
{
	bide_file_watch *w;

	if (!test_seeded())
		SKIP("only in a simulation");
	assert_int_equal(bide_file_watch_open(&w), ENOTSUP);
	assert_null(w);
}

TEST(misuse)
{
	bide_file_watch *w = opened_watch();
	bide_value_task next;

	expect_misuse();
	(void)path_of("a");
	MISUSE(assert_int_equal(bide_file_watch_open(NULL), EINVAL), "bide_file_watch_open",
	       "watch is NULL");
	MISUSE(assert_int_equal(error_of(bide_file_watch_add(w, NULL, 0)), EINVAL),
	       "bide_file_watch_add", "path is NULL");
	MISUSE(assert_int_equal(error_of(bide_file_watch_add(w, folder, BIDE_FILE_WATCH_ENDED)),
	                        EINVAL),
	       "bide_file_watch_add", "what is 0x8000; the constants");
	MISUSE(assert_int_equal(error_of(bide_file_watch_next(NULL).untyped), EINVAL),
	       "bide_file_watch_next", "the watch is NULL");
	(void)added(w, folder, 0);
	next = bide_file_watch_next(w).untyped;
	settle(0);
	MISUSE(assert_int_equal(error_of(bide_file_watch_next(w).untyped), EBUSY),
	       "bide_file_watch_next", "another operation reads from the same watch");
	bide_file_watch_close(w);
	assert_int_equal(error_of(next), EBADF);
	MISUSE(assert_int_equal(error_of(bide_file_watch_next(w).untyped), EBADF),
	       "bide_file_watch_next", "the watch is closed");
	MISUSE(bide_file_watch_close(w), "bide_file_watch_close", "the watch is closed");
}

static int use_a_watch(void)
{
	bide_file_watch *w;
	bide_value_task next;
	int error = bide_file_watch_open(&w);

	if (error)
		return error;
	error = error_of(bide_file_watch_add(w, folder, 0));
	next = bide_file_watch_next(w).untyped;
	assert_int_equal(mkdir(path_of("d"), 0700), 0);
	assert_int_equal(rmdir(path_of("d")), 0);
	if (!error)
		error = error_of(next);
	else
		(void)error_of(next);
	bide_file_watch_close(w);
	return error;
}

TEST(each_allocation_may_fail)
{
	bool done = false;

	NOT_SEEDED("files are not watched in a simulation");
	(void)path_of("a");
	limit_objects();
	for (long count = 0; !done; count++) {
		int error;

		allowed_allocations = count;
		error = use_a_watch();
		allowed_allocations = -1;
		done = error == 0;
		if (!done)
			assert_true(error == ENOMEM || error == EAGAIN);
		(void)bide_drain(BIDE_FOREVER);
		assert_nothing_in_use();
		assert_true(count < 1000);
	}
}
