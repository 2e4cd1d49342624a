/*
 * transfer.h - bytes between memory and a file: what is tried at once, and what may wait.
 *
 * A try is one call with RWF_NOWAIT, and a second one where the first brought less than it could:
 * it tells the end of the file from bytes that have to come from the disk. A file that cannot tell
 * (EOPNOTSUPP: procfs, sysfs, many others) may block in a plain call. So that is made on a thread.
 */
#ifndef BIDE_FILE_TRANSFER_H
#define BIDE_FILE_TRANSFER_H

#include "file/call.h"
#include "file/file.h"

/* The largest try. To copy that much takes some 30 us. */
enum { BIDE_TRANSFER_TRY_MAX_ = 256 * 1024 };

typedef struct bide_transfer {
	bide_file *file;
	const struct iovec *parts;
	size_t count;
	size_t size_bytes; /* of all parts */
	size_t done_bytes;
	int64_t offset;
	bool writes;
} bide_transfer;

/*
 * Moves what can be moved without waiting. Returns 0 if the transfer is over; EAGAIN if the rest
 * may have to wait; or an error, when nothing was moved.
 */
BIDE_INTERNAL int bide_transfer_try_(bide_transfer *transfer);
/*
 * The first try of a read of one part, of at most BIDE_TRANSFER_TRY_MAX_ bytes. Returns how many
 * bytes, or an error below 0, which bide_transfer_go_on_ takes.
 */
BIDE_INTERNAL ssize_t bide_transfer_try_read_(const bide_descriptor *descriptor,
                                              const struct iovec *part, int64_t offset);
/* bide_transfer_try_ from where the first try has brought this. */
BIDE_INTERNAL int bide_transfer_go_on_(bide_transfer *transfer, ssize_t done);
/* Moves the rest, and may wait. Returns 0 if it is over, or an error. */
BIDE_INTERNAL int bide_transfer_finish_(bide_transfer *transfer);

/*
 * As bide_file_write_vector_at, but if it ends when a part has gone, that is a success, and the
 * result is how many bytes went.
 */
BIDE_INTERNAL bide_value_task bide_file_write_some_(bide_file *file, const struct iovec *parts,
                                                    size_t count, int64_t offset);

#endif
