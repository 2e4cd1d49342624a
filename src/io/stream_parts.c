/*
 * stream_parts.c - arrays of parts, as vectored calls take them.
 */
#include "base/misuse.h"
#include "io/stream.h"

int bide_stream_parts_skip_(const struct iovec **parts, size_t *count, const char *what)
{
	size_t total = 0;

	if (!*parts && *count > 0) {
		bide_misuse_("%s: parts is NULL", what);
		return BIDE_EINVAL_;
	}
	for (size_t i = 0; i < *count; i++) {
		const struct iovec *part = *parts + i;

		if ((!part->iov_base && part->iov_len > 0) || part->iov_len > INT64_MAX - total) {
			bide_misuse_("%s: a part is NULL, or all parts together are too large", what);
			return BIDE_EINVAL_;
		}
		total += part->iov_len;
	}
	if (total == 0)
		*count = 0;
	for (; *count > 0 && (*parts)->iov_len == 0; --*count)
		++*parts;
	return 0;
}

size_t bide_stream_parts_rest_(const struct iovec *parts, size_t count, size_t skip_bytes,
                               struct iovec *to, size_t max)
{
	size_t filled = 0;

	for (; count > 0 && filled < max; parts++, count--) {
		size_t skipped = skip_bytes < parts->iov_len ? skip_bytes : parts->iov_len;

		skip_bytes -= skipped;
		if (parts->iov_len > skipped)
			to[filled++] =
				(struct iovec){ (char *)parts->iov_base + skipped, parts->iov_len - skipped };
	}
	return filled;
}
