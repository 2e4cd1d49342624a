/*
 * date.c - dates of HTTP. The names of days and months are English, whatever the locale.
 */
#include "date.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

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

static int month_of(const char *name)
{
	for (int i = 0; i < 12; i++)
		if (strcasecmp(name, month_names[i]) == 0)
			return i;
	return -1;
}

/* The year of a date with two digits: at most 50 years from now (RFC 9110, 5.6.7). */
static int full_year(int year)
{
	time_t now = time(NULL);
	struct tm tm;
	int this_year = gmtime_r(&now, &tm) ? tm.tm_year + 1900 : 2000;

	year += this_year - this_year % 100;
	return year > this_year + 50 ? year - 100 : year;
}

bool date_read(const char *text, time_t *time)
{
	struct tm tm = { .tm_isdst = 0 };
	char month[4];
	int end = 0;

	if (!text)
		return false;
	if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month,
	           &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
	    end > 0) {
		;
	} else if (sscanf(text, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &tm.tm_mday, month,
	                  &tm.tm_year, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
	           end > 0) {
		tm.tm_year = full_year(tm.tm_year);
	} else if (sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &tm.tm_mday,
	                  &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &tm.tm_year, &end) == 6 &&
	           end > 0) {
		;
	} else {
		return false;
	}
	tm.tm_mon = month_of(month);
	if (text[end] != '\0' || tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 ||
	    tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60 ||
	    tm.tm_year < 0)
		return false;
	tm.tm_year -= 1900;
	*time = timegm(&tm);
	return true;
}
