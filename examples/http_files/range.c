/*
 * range.c - reads one range of bytes. A server may answer any other range with the whole file.
 */
#include "range.h"

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

/* Reads digits, if there are any. A number that is too large stays at the largest. */
static bool read_number(const char **at, uint64_t *number)
{
	const char *from = *at;

	*number = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++) {
		uint64_t digit = (uint64_t)(**at - '0');

		if (*number > (UINT64_MAX - digit) / 10)
			*number = UINT64_MAX;
		else
			*number = *number * 10 + digit;
	}
	return *at != from;
}

static enum range range_of_end(uint64_t wanted, uint64_t size, uint64_t *first, uint64_t *count)
{
	if (wanted == 0 || size == 0)
		return RANGE_OUTSIDE;
	*count = wanted < size ? wanted : size;
	*first = size - *count;
	return RANGE_PART;
}

enum range range_read(const char *text, uint64_t size, uint64_t *first, uint64_t *count)
{
	uint64_t from, to;
	bool has_first, has_last;

	if (!text || strncasecmp(text, "bytes=", 6) != 0)
		return RANGE_WHOLE;
	text += 6;
	has_first = read_number(&text, &from);
	if (*text++ != '-')
		return RANGE_WHOLE;
	has_last = read_number(&text, &to);
	if (*text != '\0' || (!has_first && !has_last))
		return RANGE_WHOLE;
	if (!has_first)
		return range_of_end(to, size, first, count);
	if (has_last && to < from)
		return RANGE_WHOLE;
	if (from >= size)
		return RANGE_OUTSIDE;
	*first = from;
	*count = has_last && to < size ? to - from + 1 : size - from;
	return RANGE_PART;
}
