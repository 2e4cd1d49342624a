/*
 * date.c - dates of HTTP. Their names are English, as in the locale in which a C program begins.
 */
#include "date.h"

#include <stdio.h>

static const char day_names[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char month_names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

void date_write(time_t time, char to[DATE_ROOM_BYTES])
{
	struct tm tm;

	to[0] = '\0';
	if (!gmtime_r(&time, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
		return;
	snprintf(to, DATE_ROOM_BYTES, "%s, %02u %s %04u %02u:%02u:%02u GMT", day_names[tm.tm_wday],
	         (unsigned)tm.tm_mday % 100, month_names[tm.tm_mon],
	         (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
	         (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

bool date_read(const char *text, time_t *time)
{
	static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
		                                 "%a %b %e %H:%M:%S %Y" };

	for (size_t i = 0; text && i < sizeof forms / sizeof *forms; i++) {
		struct tm tm = { .tm_isdst = 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (end && *end == '\0') {
			*time = timegm(&tm);
			return true;
		}
	}
	return false;
}
