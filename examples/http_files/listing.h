/*
 * listing.h - a page with the names in a folder.
 */
#ifndef HTTP_FILES_LISTING_H
#define HTTP_FILES_LISTING_H

#include <stddef.h>

/*
 * Makes the page for an open folder, which it reads; path is the folder's path of target_read.
 * Blocks. Returns 0 and the page, which the caller frees, or an error number.
 */
int listing_make(int folder, const char *path, char **page, size_t *size);

#endif
