/*
 * http_path.c - fuzzes the targets, ranges and dates of requests (examples/http_files).
 *
 * The first byte chooses which; the others are the text. A path that was accepted must be what a
 * second reader below makes of it, and must not lead out of the folder. A range must be the one
 * that a reader with wider numbers finds.
 */
#include "fuzz.h"

#include <strings.h>

#include "date.h"
#include "range.h"
#include "target.h"

/* --- targets --- */

/* A path that was accepted: names without dots at their beginning, with one slash between them. */
static void check_path(const struct target *target)
{
	const char *at = target->path;

	FUZZ_CHECK(strlen(target->path) == target->size);
	if (target->size == 0) {
		FUZZ_CHECK(target->is_folder);
		return;
	}
	for (;;) {
		size_t size = strcspn(at, "/");

		FUZZ_CHECK(size > 0);
		FUZZ_CHECK(at[0] != '.' || (size == 11 && memcmp(at, ".well-known", 11) == 0));
		if (at[size] == '\0')
			return;
		at += size + 1;
	}
}

/* Encoded and read again, it is the same path. */
static void check_encoding(const struct target *target)
{
	static char text[3 * TARGET_MAX_BYTES + 8];
	static struct target again;
	size_t size;

	text[0] = '/';
	size = target_encode(target->path, target->size, text + 1, sizeof text - 1) + 1;
	if (size > TARGET_MAX_BYTES)
		return;
	FUZZ_CHECK(target_read(&again, text, size) == 0);
	FUZZ_CHECK(again.size == target->size && memcmp(again.path, target->path, again.size) == 0);
}

static void fuzz_target(const char *text, size_t size)
{
	static struct target target;
	int status;

	memset(&target, 0xa5, sizeof target);
	status = target_read(&target, text, size);
	FUZZ_CHECK(status == 0 || status == 400 || status == 404 || (status == 414 && size > 4096));
	if (status)
		return;
	check_path(&target);
	check_encoding(&target);
}

/* --- ranges --- */

__extension__ typedef unsigned __int128 wide;

/* Reads digits. Returns how many; the number does not grow beyond 2^100. */
static size_t read_wide(const char *text, wide *number)
{
	size_t count = strspn(text, "0123456789");

	*number = 0;
	for (size_t i = 0; i < count; i++)
		if (*number < (wide)1 << 100)
			*number = *number * 10 + (unsigned)(text[i] - '0');
	return count;
}

/* Returns what range_read must return. */
static enum range expected_range(const char *text, wide size, wide *from, wide *to)
{
	size_t digits, more;

	if (strncasecmp(text, "bytes=", 6) != 0)
		return RANGE_WHOLE;
	text += 6;
	digits = read_wide(text, from);
	text += digits;
	if (*text != '-')
		return RANGE_WHOLE;
	more = read_wide(++text, to);
	if (text[more] != '\0' || digits + more == 0 || (digits && more && *to < *from))
		return RANGE_WHOLE;
	if (digits == 0) {
		*from = *to < size ? size - *to : 0;
		if (*to == 0)
			return RANGE_OUTSIDE;
		*to = size;
	} else {
		*to = more && *to < size ? *to + 1 : size;
	}
	return *from < size ? RANGE_PART : RANGE_OUTSIDE;
}

static void fuzz_range(const char *text, uint64_t size)
{
	uint64_t first = 0, count = 0;
	wide from = 0, to = 0;
	enum range range = range_read(text, size, &first, &count), expected;

	expected = expected_range(text, size, &from, &to);
	/* Numbers above 64 bits may be equal for the one and different for the other reader. */
	if (expected == RANGE_WHOLE && range == RANGE_OUTSIDE && from > UINT64_MAX)
		return;
	FUZZ_CHECK(range == expected);
	if (range != RANGE_PART)
		return;
	FUZZ_CHECK(first == from && (wide)first + count == to && count > 0);
}

static void fuzz_date(const char *text)
{
	char again[DATE_ROOM_BYTES];
	time_t time = -1, same;

	if (!date_read(text, &time))
		return;
	date_write(time, again);
	if (again[0] == '\0')
		return;
	FUZZ_CHECK(date_read(again, &same) && same == time);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	fuzz_input input = { bytes, bytes + size_bytes };
	unsigned kind = fuzz_below(&input, 3);
	uint64_t size = kind == 1 ? fuzz_take(&input, 8) : 0;
	size_t length = (size_t)(input.end - input.at);
	char *text = malloc(length + 1);

	if (!text)
		return 0;
	memcpy(text, input.at, length);
	text[length] = '\0';
	if (kind == 0)
		fuzz_target(text, length);
	else if (kind == 1)
		fuzz_range(text, size);
	else
		fuzz_date(text);
	free(text);
	return 0;
}
