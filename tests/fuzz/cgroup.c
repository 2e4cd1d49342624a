/*
 * cgroup.c - fuzzes the files that limit the CPUs of a control group (src/os/cpu.c).
 *
 * An input is a text of blocks that end with lines "%%": /proc/self/cgroup, /proc/self/mountinfo,
 * and the quotas of the groups. The reader gets these blocks instead of files. It must return the
 * least of the limits in the files that it opened. A second reader, below, determines these limits.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <limits.h>

static FILE *open_block(const char *path, const char *mode);

#define fopen(path, mode) open_block((path), (mode))
#include "os/cpu.c"
#undef fopen

enum { BLOCKS_MAX = 16, FIRST_QUOTA = 2 };

typedef struct block {
	const char *text;
	size_t size_bytes;
} block;

static block blocks[BLOCKS_MAX];
static unsigned block_count;
static unsigned least; /* the least limit in the opened blocks; 0: none */
static const char root[] = "ROOT";

/* --- the second reader --- */

/*
 * Copies the first line, up to a zero byte. Returns false if there is none. A line that does not
 * fit the reader's buffer becomes empty.
 */
static bool first_line(const block *b, char line[LINE_MAX_BYTES])
{
	size_t length = 0;

	if (b->size_bytes == 0)
		return false;
	while (length < b->size_bytes && b->text[length] != '\n' && b->text[length] != '\0')
		length++;
	if (length > LINE_MAX_BYTES - 2)
		length = 0;
	memcpy(line, b->text, length);
	line[length] = '\0';
	return true;
}

/* Returns the number that the text represents, or -1. */
static long long number_of(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 18 && text[digits] == '\0' ? strtoll(text, NULL, 10) : -1;
}

static void note_limit(long long quota, long long period)
{
	unsigned long long count;

	if (quota <= 0 || period <= 0)
		return;
	count =
		((unsigned long long)quota + (unsigned long long)period - 1) / (unsigned long long)period;
	if (count < UINT_MAX && (least == 0 || count < least))
		least = (unsigned)count;
}

/* Notes the limit of a cpu.max file: QUOTA PERIOD. */
static void note_v2(const block *b)
{
	char line[LINE_MAX_BYTES], *blank;

	if (!first_line(b, line))
		return;
	blank = strchr(line, ' ');
	if (!blank)
		return;
	*blank = '\0';
	note_limit(number_of(line), number_of(blank + 1));
}

/* --- files --- */

/*
 * Returns the block for the quota or the period of a group, or NULL if the group has no such file.
 */
static const block *quota_block(const char *path)
{
	unsigned hash = 0;

	for (const char *c = path; *c; c++)
		hash = hash * 31 + (unsigned char)*c;
	if (block_count <= FIRST_QUOTA || hash % 8 == 7)
		return NULL;
	return &blocks[FIRST_QUOTA + hash % (block_count - FIRST_QUOTA)];
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Called for the period, which is read after the quota of the same group, so both are known. */
static void note_v1(const char *path)
{
	char quota_path[PATH_MAX + 8], quota[LINE_MAX_BYTES], period[LINE_MAX_BYTES];
	const char *slash = strrchr(path, '/');
	const block *quota_file, *period_file = quota_block(path);

	snprintf(quota_path, sizeof quota_path, "%.*s/cpu.cfs_quota_us", (int)(slash - path), path);
	quota_file = quota_block(quota_path);
	if (quota_file && period_file && first_line(quota_file, quota) &&
	    first_line(period_file, period))
		note_limit(number_of(quota), number_of(period));
}

static FILE *open_block(const char *path, const char *mode)
{
	const block *b = NULL;

	FUZZ_CHECK(strcmp(mode, "re") == 0);
	FUZZ_CHECK(strncmp(path, root, sizeof root - 1) == 0 && strlen(path) < PATH_MAX);
	if (strcmp(path, "ROOT/proc/self/cgroup") == 0) {
		b = block_count > 0 ? &blocks[0] : NULL;
	} else if (strcmp(path, "ROOT/proc/self/mountinfo") == 0) {
		b = block_count > 1 ? &blocks[1] : NULL;
	} else if (ends_with(path, "/cpu.max")) {
		b = quota_block(path);
		if (b)
			note_v2(b);
	} else if (ends_with(path, "/cpu.cfs_period_us")) {
		b = quota_block(path);
		note_v1(path);
	} else {
		FUZZ_CHECK(ends_with(path, "/cpu.cfs_quota_us"));
		b = quota_block(path);
	}
	/* An empty block stands for an empty file, but fmemopen needs a byte. */
	return b ? fmemopen((void *)(uintptr_t)b->text, b->size_bytes, "r") : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	static const char mark[] = "%%\n";
	const char *at = (const char *)bytes, *end = at + size_bytes, *mark_at;

	for (block_count = 0; block_count < BLOCKS_MAX && at < end; block_count++) {
		mark_at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1);
		blocks[block_count] = (block){ at, (size_t)((mark_at ? mark_at : end) - at) };
		at = mark_at ? mark_at + sizeof mark - 1 : end;
	}
	least = 0;
	FUZZ_CHECK(bide_os_cgroup_cpu_count_(root) == least);
	return 0;
}
