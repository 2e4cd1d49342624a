/*
 * text.c - see text.h.
 */
#include "base/text.h"

#include "base/port.h"

void bide_put_(char *to, size_t size_bytes, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	bide_port_format_(to, size_bytes, format, arguments);
	va_end(arguments);
}

int bide_name_length_(const char *function)
{
	static const char body[] = "_body_";
	const int cut = sizeof body - 1;
	int length = 0, same = 0;

	while (function[length])
		length++;
	while (same < cut && length > cut && function[length - cut + same] == body[same])
		same++;
	return same == cut ? length - cut : length;
}
