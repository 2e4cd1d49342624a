/*
 * stream_user.h - streams of the user's own: what the raw calls do with them.
 */
#ifndef BIDE_IO_STREAM_USER_H
#define BIDE_IO_STREAM_USER_H

#include "io/stream.h"

/*
 * As the public functions, for a stream whose type is not NULL, and arguments that are right. They
 * await what the functions of the type return.
 */
BIDE_INTERNAL bide_value_task bide_stream_user_read_(bide_stream *stream, void *to,
                                                     size_t size_bytes);
BIDE_INTERNAL bide_value_task bide_stream_user_write_(bide_stream *stream, const void *from,
                                                      size_t size_bytes);
BIDE_INTERNAL bide_value_task bide_stream_user_write_vector_(bide_stream *stream,
                                                             const struct iovec *parts,
                                                             size_t count);

#endif
