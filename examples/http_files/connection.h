/*
 * connection.h - serves one client: its requests one after the other, until the connection ends.
 */
#ifndef HTTP_FILES_CONNECTION_H
#define HTTP_FILES_CONNECTION_H

#include "site.h"

/* A function for bide_serve. argument is the struct site. */
bide_value_task connection_serve(bide_stream *client, void *argument);

#endif
