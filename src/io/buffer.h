/*
 * buffer.h - the buffers of a stream.
 */
#ifndef BIDE_IO_BUFFER_H
#define BIDE_IO_BUFFER_H

#include <bide/stream.h>

#include "base/library.h"

/* What the buffers keep in a stream. Zero when the stream is made. */
typedef struct bide_stream_buffer {
	void *reading; /* the memory that head.at_ and end_ point into, or NULL */
} bide_stream_buffer;

#endif
