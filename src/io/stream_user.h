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
/* Its type has `finish`. */
BIDE_INTERNAL bide_value_task bide_stream_user_finish_(bide_stream *stream);

/*
 * The read of the type, for a caller that has the side busy. Afterwards `counted` returns true if
 * the type may have read so much; else it reports misuse.
 */
BIDE_INTERNAL bide_value_task bide_stream_user_read_raw_(const bide_stream *stream, void *to,
                                                         size_t size_bytes);
BIDE_INTERNAL bool bide_stream_user_counted_(int64_t count, size_t size_bytes);

#endif
