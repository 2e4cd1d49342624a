/*
 * listing.c - lists a folder: sorted, folders first, without the names that are not served. Names
 * are escaped, since a file can have any name.
 */
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target.h"

enum { NAMES_MAX = 20000 };

struct name {
	bool is_folder;
	char text[256];
};

struct names {
	struct name **at;
	size_t count, room;
};

static int compare(const void *a, const void *b)
{
	const struct name *one = *(struct name *const *)a, *other = *(struct name *const *)b;

	if (one->is_folder != other->is_folder)
		return one->is_folder ? -1 : 1;
	return strcmp(one->text, other->text);
}

/* Files and folders are listed; so are links that lead to one. */
static bool is_listed(int folder, const struct dirent *entry, bool *is_folder)
{
	struct stat status;

	if (entry->d_name[0] == '.')
		return false;
	if (entry->d_type == DT_REG || entry->d_type == DT_DIR) {
		*is_folder = entry->d_type == DT_DIR;
		return true;
	}
	if (fstatat(folder, entry->d_name, &status, 0) != 0)
		return false;
	*is_folder = S_ISDIR(status.st_mode);
	return S_ISDIR(status.st_mode) || S_ISREG(status.st_mode);
}

static int add_name(struct names *names, const char *text, bool is_folder)
{
	struct name *name = malloc(sizeof *name);

	if (name && names->count == names->room) {
		size_t room = names->room ? names->room * 2 : 64;
		struct name **at = realloc(names->at, room * sizeof *at);

		if (at) {
			names->at = at;
			names->room = room;
		}
	}
	if (!name || names->count == names->room) {
		free(name);
		return ENOMEM;
	}
	name->is_folder = is_folder;
	snprintf(name->text, sizeof name->text, "%s", text);
	names->at[names->count++] = name;
	return 0;
}

/* Reads by a descriptor of its own: fdopendir takes the one that it gets. */
static int read_names(int folder, struct names *names)
{
	int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *directory = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;
	bool is_folder;

	if (!directory) {
		error = errno;
		if (own >= 0)
			close(own);
		return error;
	}
	while (!error && names->count < NAMES_MAX && (entry = readdir(directory)))
		if (is_listed(folder, entry, &is_folder))
			error = add_name(names, entry->d_name, is_folder);
	closedir(directory);
	return error;
}

static void write_escaped(FILE *to, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		default:
			fputc(*text, to);
		}
	}
}

static void write_page(FILE *to, const char *path, const struct names *names)
{
	fputs("<!doctype html>\n<meta charset=\"utf-8\">\n<title>/", to);
	write_escaped(to, path);
	fputs("</title>\n<h1>/", to);
	write_escaped(to, path);
	fputs("</h1>\n<ul>\n", to);
	if (*path)
		fputs("<li><a href=\"../\">../</a></li>\n", to);
	for (size_t i = 0; i < names->count; i++) {
		const struct name *name = names->at[i];
		const char *end = name->is_folder ? "/" : "";
		char link[3 * sizeof name->text + 1];

		/* The "./" keeps a name such as "a:b" from being a scheme. */
		target_encode(name->text, strlen(name->text), link, sizeof link);
		fprintf(to, "<li><a href=\"./%s%s\">", link, end);
		write_escaped(to, name->text);
		fprintf(to, "%s</a></li>\n", end);
	}
	fputs("</ul>\n", to);
	if (names->count == NAMES_MAX)
		fputs("<p>There are more.</p>\n", to);
}

int listing_make(int folder, const char *path, char **page, size_t *size)
{
	struct names names = { .at = NULL };
	int error = read_names(folder, &names);
	FILE *to;

	*page = NULL;
	if (!error) {
		if (names.count)
			qsort(names.at, names.count, sizeof *names.at, compare);
		to = open_memstream(page, size);
		if (to) {
			write_page(to, path, &names);
			error = ferror(to) ? ENOMEM : 0;
			error = fclose(to) == 0 ? error : ENOMEM;
		} else {
			error = ENOMEM;
		}
	}
	for (size_t i = 0; i < names.count; i++)
		free(names.at[i]);
	free(names.at);
	if (error) {
		free(*page);
		*page = NULL;
	}
	return error;
}
