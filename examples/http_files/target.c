/*
 * target.c - decodes paths. All names are checked after they were decoded, so "%2e%2e" is "..".
 */
#include "target.h"

#include <string.h>
#include <strings.h>

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Sets [*at, *end) to the path in the target, without scheme, host, query and fragment. */
static bool find_path(const char **at, const char **end)
{
	const char *text = *at, *stop = *end;
	size_t size;

	for (const char *c = text; c < stop; c++)
		if (*c == '?' || *c == '#')
			stop = c;
	size = (size_t)(stop - text);
	if (size >= 7 && strncasecmp(text, "http://", 7) == 0)
		text += 7;
	else if (size >= 8 && strncasecmp(text, "https://", 8) == 0)
		text += 8;
	if (text != *at) {
		const char *slash = memchr(text, '/', (size_t)(stop - text));

		if (stop == text || slash == text)
			return false; /* without a host */
		text = slash ? slash : stop;
	} else if (text == stop || *text != '/') {
		return false;
	}
	*at = text;
	*end = stop;
	return true;
}

/* Decodes percent signs. Returns the size, or -1. The result is never longer than the text. */
static long decode(const char *at, const char *end, char *to)
{
	char *first = to;

	while (at < end) {
		int high, low;

		if (*at != '%') {
			*to++ = *at++;
			continue;
		}
		if (end - at < 3)
			return -1;
		high = digit_of(at[1]);
		low = digit_of(at[2]);
		if (high < 0 || low < 0)
			return -1;
		*to++ = (char)(high << 4 | low);
		at += 3;
	}
	if (memchr(first, '\0', (size_t)(to - first)))
		return -1;
	return to - first;
}

/* Adds a name to the path, or takes the last one away. Returns 0 or a status. */
static int add_name(struct target *target, const char *name, size_t size)
{
	static const char known[] = ".well-known";

	if (size == 0 || (size == 1 && name[0] == '.'))
		return 0;
	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): decode wrote all of it */
	if (size == 2 && name[0] == '.' && name[1] == '.') {
		if (target->size == 0)
			return 400;
		while (target->size > 0 && target->path[--target->size] != '/')
			;
		return 0;
	}
	if (name[0] == '.' && !(size == sizeof known - 1 && memcmp(name, known, size) == 0))
		return 404;
	if (target->size > 0)
		target->path[target->size++] = '/';
	memmove(target->path + target->size, name, size);
	target->size += size;
	return 0;
}

int target_read(struct target *target, const char *text, size_t size)
{
	char decoded[TARGET_MAX_BYTES];
	const char *end = text + size;
	long count;
	size_t last = 0;

	if (size > TARGET_MAX_BYTES)
		return 414;
	target->size = 0;
	target->path[0] = '\0';
	target->is_folder = false;
	if (!find_path(&text, &end))
		return 400;
	count = decode(text, end, decoded);
	if (count < 0)
		return 400;
	for (size_t at = 0; at < (size_t)count; at += last + 1) {
		const char *name = decoded + at;
		const char *slash = memchr(name, '/', (size_t)count - at);
		int status;

		last = slash ? (size_t)(slash - name) : (size_t)count - at;
		status = add_name(target, name, last);
		if (status)
			return status;
		/* "/a/." and "/a/.." name a folder, too. */
		target->is_folder = slash || last == 0 || (last == 1 && name[0] == '.') ||
		                    (last == 2 && name[0] == '.' && name[1] == '.');
	}
	target->is_folder |= target->size == 0;
	target->path[target->size] = '\0';
	return 0;
}

size_t target_encode(const char *path, size_t size, char *to, size_t room)
{
	static const char digits[] = "0123456789ABCDEF";
	static const char plain[] = "-._~/";
	size_t used = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)path[i];
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		                (c >= '0' && c <= '9') || (c && strchr(plain, c));

		if (room - used < 4)
			return 0;
		if (is_plain) {
			to[used++] = (char)c;
			continue;
		}
		to[used++] = '%';
		to[used++] = digits[c >> 4];
		to[used++] = digits[c & 15];
	}
	if (room - used < 1)
		return 0;
	to[used] = '\0';
	return used;
}
