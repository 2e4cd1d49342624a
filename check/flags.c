#include "flags.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

/* VALUE_FILE: one that is looked for where headers are, too. */
enum { VALUE_NONE, VALUE_ANY, VALUE_PATH, VALUE_FILE };

static const struct {
	const char *name;
	int value;
	bool joined; /* the value may, or has to, follow at once */
} kept[] = {
	{ "-include", VALUE_FILE, false },
	{ "-imacros", VALUE_FILE, false },
	{ "-isystem", VALUE_PATH, false },
	{ "-iquote", VALUE_PATH, false },
	{ "-idirafter", VALUE_PATH, false },
	{ "-isysroot", VALUE_PATH, false },
	{ "-resource-dir", VALUE_PATH, false },
	{ "--sysroot=", VALUE_NONE, true },
	{ "--sysroot", VALUE_PATH, false },
	{ "--target=", VALUE_NONE, true },
	{ "-target", VALUE_ANY, false },
	{ "-std=", VALUE_NONE, true },
	{ "-I", VALUE_PATH, true },
	{ "-D", VALUE_ANY, true },
	{ "-U", VALUE_ANY, true },
	{ "-m32", VALUE_NONE, false },
	{ "-m64", VALUE_NONE, false },
	{ "-ansi", VALUE_NONE, false },
	{ "-pthread", VALUE_NONE, false },
	{ "-nostdinc", VALUE_NONE, false },
	{ "-funsigned-char", VALUE_NONE, false },
	{ "-fsigned-char", VALUE_NONE, false },
	{ "-fshort-enums", VALUE_NONE, false },
	{ "-fms-extensions", VALUE_NONE, false },
	{ "-fopenmp", VALUE_NONE, false },
};

static void add(struct flags *flags, char *flag)
{
	if (flags->count == flags->room) {
		flags->room = flags->room ? flags->room * 2 : 16;
		flags->flag = realloc(flags->flag, (size_t)flags->room * sizeof *flags->flag);
	}
	if (!flag || !flags->flag) {
		fputs("bide-check: no memory\n", stderr);
		exit(2);
	}
	flags->flag[flags->count++] = flag;
}

/* name, and value with the folder before it if it is a relative path. */
static void add_with(struct flags *flags, const char *name, const char *value, const char *folder)
{
	size_t room = strlen(value) + (folder ? strlen(folder) : 0) + 2;
	char *text;

	if (!folder || value[0] == '/') {
		folder = "";
	}
	if (name[0])
		add(flags, strdup(name));
	text = malloc(room);
	if (text)
		snprintf(text, room, "%s%s%s", folder, folder[0] ? "/" : "", value);
	add(flags, text);
}

/* libclang 14 does not know the names that C23 got in the end. */
static const char *dialect_of(const char *flag)
{
	if (strcmp(flag, "-std=gnu23") == 0)
		return "-std=gnu2x";
	if (strcmp(flag, "-std=c23") == 0)
		return "-std=c2x";
	return flag;
}

static bool is_in(const char *folder, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", folder ? folder : ".", file);
	return access(path, R_OK) == 0;
}

/* How many of the words it took; 0: it is none that is kept; -1: its value is missing. */
static int take(struct flags *flags, const char *const *from, int count, const char *folder)
{
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		size_t length = strlen(kept[i].name);
		const char *path = kept[i].value >= VALUE_PATH ? folder : NULL;

		if (strncmp(from[0], kept[i].name, length) != 0)
			continue;
		if (kept[i].value == VALUE_NONE) {
			if (!kept[i].joined && from[0][length])
				continue;
			add(flags, strdup(dialect_of(from[0])));
			return 1;
		}
		if (from[0][length] && !kept[i].joined)
			continue;
		if (from[0][length]) {
			add_with(flags, kept[i].name, from[0] + length, path);
			return 1;
		}
		if (count < 2) {
			complain("%s: a value must follow", from[0]);
			return -1;
		}
		if (kept[i].value == VALUE_FILE && !is_in(path, from[1]))
			path = NULL;
		add_with(flags, kept[i].name, from[1], path);
		return 2;
	}
	return 0;
}

bool flags_add_in(struct flags *flags, const char *const *from, int count, const char *folder)
{
	for (int i = 0; i < count;) {
		int taken = take(flags, from + i, count - i, folder);

		if (taken < 0)
			return false;
		i += taken ? taken : 1;
	}
	return true;
}

bool flags_add(struct flags *flags, const char *const *from, int count)
{
	return flags_add_in(flags, from, count, NULL);
}

void flags_add_as_is(struct flags *flags, const char *flag)
{
	add(flags, strdup(flag));
}

void flags_end(struct flags *flags)
{
	for (int i = 0; i < flags->count; i++)
		free(flags->flag[i]);
	free(flags->flag);
	flags->flag = NULL;
	flags->count = flags->room = 0;
}
