/*
 * date.h - dates as HTTP writes them: "Sun, 06 Nov 1994 08:49:37 GMT".
 */
#ifndef HTTP_FILES_DATE_H
#define HTTP_FILES_DATE_H

#include <stdbool.h>
#include <time.h>

enum { DATE_ROOM_BYTES = 32 };

/* Writes the date as a string; "" for a year that has not four digits. */
void date_write(time_t time, char to[DATE_ROOM_BYTES]);
/* Reads any of the three forms that HTTP knows. text may be NULL. */
bool date_read(const char *text, time_t *time);

#endif
