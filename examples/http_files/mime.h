/*
 * mime.h - the media type of a file, by the end of its name.
 */
#ifndef HTTP_FILES_MIME_H
#define HTTP_FILES_MIME_H

/* Returns the value of Content-Type; "application/octet-stream" for what is not known. */
const char *mime_of(const char *path);

#endif
