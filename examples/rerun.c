/*
 * Runs a command, and again each time when a file of a tree has changed.
 *
 *     rerun FOLDER COMMAND [WORD...]
 *
 * A watch tells of one directory, so the program adds each directory of the tree, and those that
 * are made later. It adds a directory first and reads its names then: what is made in between comes
 * twice, and nothing is missed. Several changes that come together are one run: the command begins
 * when nothing has changed for a moment. What changes while it runs makes it run again. Ctrl-C ends
 * all of it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bide/short.h>

enum { QUIET_MS = 50 };

/* --- which directory has which id --- */

struct folders {
	char **paths; /* each by its id, or NULL */
	size_t room;
};

/* Returns false if there is no memory. The path belongs to the folders. */
static bool remember(struct folders *folders, int64_t id, char *path)
{
	size_t room = folders->room ? folders->room : 64;

	while (room <= (size_t)id)
		room *= 2;
	if (room > folders->room) {
		char **paths = realloc(folders->paths, room * sizeof *paths);

		if (!paths)
			return false;
		memset(paths + folders->room, 0, (room - folders->room) * sizeof *paths);
		folders->paths = paths;
		folders->room = room;
	}
	free(folders->paths[id]);
	folders->paths[id] = path;
	return true;
}

static void forget(struct folders *folders, int64_t id)
{
	if ((size_t)id < folders->room) {
		free(folders->paths[id]);
		folders->paths[id] = NULL;
	}
}

static void forget_all(struct folders *folders)
{
	for (size_t id = 0; id < folders->room; id++)
		free(folders->paths[id]);
	free(folders->paths);
}

/* Returns the path of a name in a folder, or NULL if there is no memory. free() it. */
static char *below(const char *folder, const char *name)
{
	size_t size_bytes = strlen(folder) + strlen(name) + 2;
	char *path = malloc(size_bytes);

	if (path)
		snprintf(path, size_bytes, "%s/%s", folder, name);
	return path;
}

/* --- the tree --- */

/* Watches a directory and all below it. */
struct add_tree {
	ASYNC_FRAME;
	struct {
		bide_file_watch *watch;
		struct folders *folders;
		char *path; /* belongs to the function */
	} in;
	char **open; /* the directories that are still to be added */
	size_t open_count;
	char *path;
	int64_t id;
	bide_directory *directory;
	const bide_directory_entry *entry;
	int error;
};

/* Returns false if there is no memory. */
static bool push(struct add_tree *my, char *path)
{
	char **open = path ? realloc(my->open, (my->open_count + 1) * sizeof *open) : NULL;

	if (!open) {
		free(path);
		return false;
	}
	my->open = open;
	my->open[my->open_count++] = path;
	return true;
}

async(add_tree)
{
	async_begin;
	if (!push(my, my->in.path))
		async_fail(ENOMEM);
	while (my->open_count > 0) {
		my->path = my->open[--my->open_count];
		await_or(my->id, file_watch_add(my->in.watch, my->path, 0), my->error = await_error);
		if (!my->error)
			await_or(my->directory, directory_open(my->path), my->error = await_error);
		/* A directory may be gone by now, or be one of another user. */
		if (my->error && my->error != ENOENT && my->error != ENOTDIR && my->error != EACCES)
			async_fail(my->error);
		while (!my->error) {
			await(my->entry, directory_next(my->directory));
			if (!my->entry)
				break;
			if (S_ISDIR(my->entry->type) && !push(my, below(my->path, my->entry->name)))
				async_fail(ENOMEM);
		}
		directory_close(my->directory);
		my->directory = NULL;
		if (my->error)
			free(my->path);
		else if (!remember(my->in.folders, my->id, my->path))
			async_fail(ENOMEM);
		my->path = NULL;
		my->error = 0;
	}
async_finally:
	directory_close(my->directory);
	free(my->path);
	while (my->open_count > 0)
		free(my->open[--my->open_count]);
	free(my->open);
	async_end;
}

/* --- the command --- */

struct rerun {
	ASYNC_FRAME;
	struct {
		const char *folder;
		const char *const *command;
	} in;
	bide_file_watch *watch;
	struct folders folders;
	const bide_file_watch_event *event;
	char *path; /* of a tree that is added; its function frees it */
	bide_process_output *output;
	int error;
};

/* Returns the path of a tree that is to be added because of the event, or NULL. */
static char *new_tree(const struct rerun *my)
{
	const bide_file_watch_event *event = my->event;

	if (event->what == BIDE_FILE_WATCH_OVERFLOW)
		return strdup(my->in.folder);
	if (!event->is_directory ||
	    !(event->what & (BIDE_FILE_WATCH_CREATED | BIDE_FILE_WATCH_MOVED_TO)))
		return NULL;
	return my->folders.paths[event->id] ? below(my->folders.paths[event->id], event->name) : NULL;
}

/* Follows the tree until nothing has happened for a moment. */
async(rerun)
{
	async_begin;
	my->error = file_watch_open(&my->watch);
	if (my->error)
		async_fail(my->error);
	await(async_start(add_tree, .watch = my->watch, .folders = &my->folders,
	                  .path = strdup(my->in.folder)));
	for (;;) {
		await(my->output, process_run(&(bide_process_options){ .arguments = my->in.command,
		                                                       .out = BIDE_PROCESS_INHERIT,
		                                                       .err = BIDE_PROCESS_INHERIT },
		                              NULL, 0, 0));
		fprintf(stderr, "rerun: status %d\n", (int)my->output->status);
		process_output_free(my->output);
		my->output = NULL;
		await(my->event, file_watch_next(my->watch));
		while (!my->error) {
			my->path = new_tree(my);
			if (my->event->what == BIDE_FILE_WATCH_ENDED)
				forget(&my->folders, my->event->id);
			if (my->path)
				await(async_start(add_tree, .watch = my->watch, .folders = &my->folders,
				                  .path = my->path));
			await_or(my->event, with_timeout_ms(QUIET_MS, file_watch_next(my->watch).untyped),
			         my->error = await_error);
		}
		if (my->error != ETIMEDOUT)
			async_fail(my->error);
		my->error = 0;
	}
async_finally:
	process_output_free(my->output);
	file_watch_close(my->watch);
	forget_all(&my->folders);
	async_end;
}

int main(int count, char **arguments)
{
	payload signal_number = { .i = 0 };
	int error;

	if (count < 3) {
		fputs("usage: rerun FOLDER COMMAND [WORD...]\n", stderr);
		return 2;
	}
	error = value_task_wait(until_signal(async_start(rerun, .folder = arguments[1],
	                                                 .command = (const char *const *)arguments + 2),
	                                     SIGINT, SIGTERM),
	                        &signal_number);
	if (error)
		fprintf(stderr, "rerun: %s\n",
		        error == BIDE_EEND ? "the folder is gone" : bide_strerror(error));
	return error != 0;
}
