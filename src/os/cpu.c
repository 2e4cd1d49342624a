/*
 * cpu.c - how many CPUs this process may use.
 *
 * It may use the CPUs of its affinity mask, limited by the CPU quota of its cgroups.
 * /proc/self/cgroup names the group of the process in each hierarchy, and /proc/self/mountinfo says
 * where the hierarchies are mounted. The quotas are read in that group and in all groups above it
 * that are visible. A file that is missing or makes no sense sets no limit.
 */
#define _GNU_SOURCE
#include "os/os.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8192 };

/* The group of the process in one hierarchy, and the smallest limit so far. */
typedef struct search {
	const char *root;  /* put before each path */
	const char *group; /* as in /proc/self/cgroup */
	bool v2;
	unsigned count; /* 0: no limit so far */
} search;

/* --- small texts */

/*
 * Reads a line, without its newline. A line that is too long counts as empty. Returns false at the
 * end of the file.
 */
static bool line_read(FILE *file, char *line)
{
	size_t length;
	int c = 0;

	if (!fgets(line, LINE_MAX_BYTES, file))
		return false;
	length = strlen(line);
	if (length > 0 && line[length - 1] == '\n') {
		line[length - 1] = '\0';
	} else if (length == LINE_MAX_BYTES - 1) {
		while (c != EOF && c != '\n')
			c = getc(file);
		line[0] = '\0';
	}
	return true;
}

/* Returns the next word, or NULL. Moves *at behind it. */
static char *word_take(char **at)
{
	char *word = *at + strspn(*at, " ");

	*at = word + strcspn(word, " ");
	if (**at)
		*(*at)++ = '\0';
	return *word ? word : NULL;
}

/* Returns true if `wanted` is one of the words between commas. */
static bool list_has(const char *list, const char *wanted)
{
	size_t length = strlen(wanted);

	for (;;) {
		if (strncmp(list, wanted, length) == 0 && (list[length] == ',' || !list[length]))
			return true;
		list = strchr(list, ',');
		if (!list)
			return false;
		list++;
	}
}

/* Replaces \ooo in place: mountinfo escapes blanks, tabs, newlines and backslashes. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++, to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
		    from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 3;
		} else {
			*to = *from;
		}
	}
	*to = '\0';
}

/* Returns a whole number of at most 18 digits, or -1. Moves *at behind it. */
static int64_t number_take(const char **at)
{
	int64_t number = 0;
	unsigned digits;

	for (digits = 0; **at >= '0' && **at <= '9' && digits < 19; digits++)
		number = digits < 18 ? number * 10 + *(*at)++ - '0' : -1;
	return digits == 0 || digits > 18 ? -1 : number;
}

/* --- one group */

/* Reads the first line of directory/name. */
static bool file_read(const search *s, const char *directory, const char *name, char *line)
{
	char path[PATH_MAX];
	FILE *file;
	bool got;
	int length = snprintf(path, sizeof path, "%s%s/%s", s->root, directory, name);

	if (length < 0 || (size_t)length >= sizeof path)
		return false;
	file = fopen(path, "re");
	if (!file)
		return false;
	got = line_read(file, line);
	fclose(file);
	return got;
}

static void limit(search *s, int64_t quota_us, int64_t period_us)
{
	int64_t count;

	if (quota_us <= 0 || period_us <= 0)
		return;
	count = quota_us / period_us + (quota_us % period_us != 0);
	if (count < UINT_MAX && (s->count == 0 || (unsigned)count < s->count))
		s->count = (unsigned)count;
}

static void group_look(search *s, const char *directory)
{
	char line[LINE_MAX_BYTES];
	const char *at = line;
	int64_t quota_us, period_us;

	if (!file_read(s, directory, s->v2 ? "cpu.max" : "cpu.cfs_quota_us", line))
		return;
	quota_us = number_take(&at); /* "max" and "-1" are no numbers, so no limit */
	if (s->v2) {
		at += *at == ' ';
	} else {
		if (*at || !file_read(s, directory, "cpu.cfs_period_us", line))
			return;
		at = line;
	}
	period_us = number_take(&at);
	if (!*at)
		limit(s, quota_us, period_us);
}

/*
 * Looks at the group of the process and at all groups above it. The group `from` of the hierarchy
 * is mounted at `mount`.
 */
static void mount_look(search *s, const char *mount, const char *from)
{
	size_t above = strcmp(from, "/") == 0 ? 0 : strlen(from), mount_bytes = strlen(mount);
	char directory[PATH_MAX];
	int length;

	if (strncmp(s->group, from, above) != 0 || (s->group[above] && s->group[above] != '/') ||
	    strstr(s->group, "/.."))
		return; /* the group is not below what is mounted */
	length = snprintf(directory, sizeof directory, "%s%s", mount, s->group + above);
	if (length < 0 || (size_t)length >= sizeof directory)
		return;
	for (;;) {
		group_look(s, directory);
		if (strlen(directory) <= mount_bytes)
			return;
		*strrchr(directory, '/') = '\0'; /* there is one behind the name of the mount */
	}
}

/* --- the hierarchies */

/* Takes a line of mountinfo: id parent device root mount options... - type source options. */
static void mount_line(search *s, char *line)
{
	char *from, *mount, *type, *options, *word;

	for (int i = 0; i < 3; i++)
		if (!word_take(&line))
			return;
	from = word_take(&line);
	mount = word_take(&line);
	do
		word = word_take(&line);
	while (word && strcmp(word, "-") != 0);
	type = word_take(&line);
	word_take(&line);
	options = word_take(&line);
	if (!options || strcmp(type, s->v2 ? "cgroup2" : "cgroup") != 0 ||
	    (!s->v2 && !list_has(options, "cpu")))
		return;
	unescape(from);
	unescape(mount);
	if (strcmp(mount, "/") == 0)
		*mount = '\0';
	mount_look(s, mount, from);
}

static void hierarchy_look(search *s)
{
	char line[LINE_MAX_BYTES], path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof path, "%s/proc/self/mountinfo", s->root);
	file = fopen(path, "re");
	if (!file)
		return;
	while (line_read(file, line))
		mount_line(s, line);
	fclose(file);
}

unsigned bide_os_cgroup_cpu_count_(const char *root)
{
	char line[LINE_MAX_BYTES], path[PATH_MAX];
	search s = { .root = root };
	char *controllers, *group;
	FILE *file;

	snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (line_read(file, line)) { /* number:controllers:group; version 2 has no controllers */
		controllers = strchr(line, ':');
		group = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!group || group[1] != '/')
			continue;
		controllers++;
		*group++ = '\0';
		s.v2 = *controllers == '\0';
		s.group = strcmp(group, "/") == 0 ? "" : group;
		if (s.v2 || list_has(controllers, "cpu"))
			hierarchy_look(&s);
	}
	fclose(file);
	return s.count;
}

/* --- the mask */

/* The kernel refuses a mask that is shorter than its own, so the mask is doubled until it fits. */
static unsigned affinity_count(void)
{
	enum { FIRST_BYTES = 128, LAST_BYTES = 1 << 20 };

	for (size_t size_bytes = FIRST_BYTES; size_bytes <= LAST_BYTES; size_bytes *= 2) {
		cpu_set_t *mask = calloc(1, size_bytes);
		int count = 0;

		if (mask && sched_getaffinity(0, size_bytes, mask) == 0)
			count = CPU_COUNT_S(size_bytes, mask);
		free(mask);
		if (count > 0 || !mask)
			return (unsigned)count;
	}
	return 0;
}

unsigned bide_os_cpu_count_(void)
{
	unsigned count = affinity_count(), quota = bide_os_cgroup_cpu_count_("");
	long online;

	if (count == 0) {
		online = sysconf(_SC_NPROCESSORS_ONLN);
		count = online > 0 ? (unsigned)online : 1;
	}
	return quota > 0 && quota < count ? quota : count;
}
