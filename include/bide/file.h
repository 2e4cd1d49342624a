/*
 * file.h - files: reading and writing at an offset.
 *
 *     bide_await(my->file, bide_file_open("data", O_RDONLY, 0));
 *     bide_await(my->count, bide_file_read_at(my->file, my->block, sizeof my->block, 0));
 *     ...
 * bide_async_finally:
 *     bide_file_close(my->file);
 *
 * A read of what is in the memory of the system is done at once, by one system call. What may have
 * to wait, for a disk or for something else behind the file, runs on a thread for blocking calls
 * (bide_run_blocking). So no worker waits for a file, whatever kind of file it is.
 *
 * Memory: paths are copied inside the call. The bytes and the array of parts are borrowed until the
 * operation is over, and an await returns only then. So they may be in the frame of the function
 * that awaits. If you forget the value task, they must be static.
 *
 * Cancellation: an operation that is queued for a thread ends at once. One that runs on a thread
 * cannot be interrupted: it ends when the system call ends, with its own outcome, and the next
 * operation meets the cancellation. Until then it uses the memory that you passed. An operation
 * whose value task you forget goes on. If no consumer takes an opened file, it is closed.
 *
 * Several operations of a file may be pending at a time, in any order. A close never disturbs them.
 *
 * Threads: any. With one worker, what another thread starts is completed by the worker.
 *
 * Errors of all operations: that of a canceled context; ENOMEM; EAGAIN, if there is no thread for
 * blocking calls and none can be started; those of the system call, which each function names.
 * Misuse: EINVAL for a NULL and for a negative offset or size; EBADF for a file that is closed, of
 * the process that forked this one, or of before bide_shutdown.
 *
 * Cost: an operation that is done at once allocates nothing. Any other takes an object of a pool,
 * and a hand-over between threads each way, some 20 us. In a simulation each operation is done for
 * real, but at a virtual time that the seed decides.
 */
#ifndef BIDE_FILE_H
#define BIDE_FILE_H

#include <sys/stat.h>
#include <sys/uio.h>

#include "stream.h"
#include "value_task.h"

typedef struct bide_file bide_file;
BIDE_VALUE_TASK_OF(bide_file_task, bide_file *);

BIDE_BEGIN_DECLS

/* --- opening and closing --- */

/*
 * Opens a file as open(2) does: flags as O_RDONLY, O_WRONLY | O_CREAT | O_EXCL; mode for a file
 * that is made. It is always close-on-exec, and never becomes the terminal of the process. The
 * result belongs to the caller until bide_file_close. A FIFO is opened on a thread, where it may
 * wait for its other end for as long as that takes; bide_stream_take_fd makes a stream of one.
 *
 * Errors: those of open(2), as ENOENT, EACCES, EISDIR, EMFILE.
 */
BIDE_API BIDE_USE_RESULT bide_file_task bide_file_open(const char *path, int flags, unsigned mode);
/*
 * Makes a file of a descriptor, which is set to close-on-exec and belongs to the file. Stores the
 * file. Returns 0. After an error the descriptor is still yours. EBADF: it is none. ENOMEM. EBUSY
 * (misuse): it belongs to a file or another object already. An operation at an offset of something
 * that has none, as a pipe, fails with ESPIPE.
 */
BIDE_API BIDE_USE_RESULT int bide_file_take_fd(bide_file **file, int fd);
/*
 * Closes the file. It never waits: operations that are pending go on, and the descriptor is closed
 * when the last one is over, on a thread for blocking calls if that may take time. NULL does
 * nothing. For its owner: no call may use the file afterwards. A write error that the system would
 * tell at a close is lost: bide_file_sync tells it.
 */
BIDE_API void bide_file_close(bide_file *file);
/* Stores the descriptor, which stays the file's. Returns 0, or EBADF or EINVAL after misuse. */
BIDE_API BIDE_USE_RESULT int bide_file_fd(const bide_file *file, int *fd);

/* --- reading and writing --- */

/*
 * Reads size_bytes bytes at the offset. The result is how many were read: fewer than size_bytes
 * only at the end of the file, 0 behind the end. Up to 256 KiB are read at once if they are in
 * memory. Errors: those of pread(2), as EISDIR, EIO, ESPIPE; EBADF if the file was opened for
 * writing only. If some bytes were read before an error, they are the result.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_file_read_at(bide_file *file, void *to,
                                                           size_t size_bytes, int64_t offset);
/* Does the same into several parts, the first one first. */
BIDE_API BIDE_USE_RESULT bide_value_task bide_file_read_vector_at(bide_file *file,
                                                                  const struct iovec *parts,
                                                                  size_t count, int64_t offset);
/*
 * Writes all of it at the offset; at the end of the file if that was opened with O_APPEND. The
 * result is size_bytes. After an error or a cancellation a part may have been written. Errors:
 * those of pwrite(2), as ENOSPC, EFBIG, EIO, ESPIPE.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_file_write_at(bide_file *file, const void *from,
                                                            size_t size_bytes, int64_t offset);
/* Does the same with several parts. */
BIDE_API BIDE_USE_RESULT bide_value_task bide_file_write_vector_at(bide_file *file,
                                                                   const struct iovec *parts,
                                                                   size_t count, int64_t offset);

/* --- the rest --- */

/* Waits until all that was written is on the disk, with what belongs to it: fsync(2). */
BIDE_API BIDE_USE_RESULT bide_value_task bide_file_sync(bide_file *file);
/* The same without times and the like that are not needed to read the file: fdatasync(2). */
BIDE_API BIDE_USE_RESULT bide_value_task bide_file_sync_data(bide_file *file);
/* The result is the size in bytes. Errors: those of fstat(2). */
BIDE_API BIDE_USE_RESULT bide_value_task bide_file_size(bide_file *file);
/* Makes the file that long. What is added reads as zeroes. Errors: those of ftruncate(2). */
BIDE_API BIDE_USE_RESULT bide_value_task bide_file_resize(bide_file *file, int64_t size_bytes);
/* Stores what fstat(2) tells. `status` is borrowed until the operation is over. */
BIDE_API BIDE_USE_RESULT bide_value_task bide_file_stat(bide_file *file, struct stat *status);

/* --- a stream over a file --- */

/*
 * Makes a stream that reads and writes the file from the offset on: lines, print and copy work on
 * it. Reading and writing have a position each, and both begin at the offset; with O_APPEND what is
 * written goes to the end. The file belongs to the stream from then on, which closes it. Stores the
 * stream. Returns 0. After an error the file is still yours: ENOMEM; EINVAL, EBADF, and EBUSY for a
 * file that belongs to a stream already, after misuse.
 *
 * What is in the buffer of the stream is taken without a look at the context. Each time the buffer
 * is filled, at the latest after 64 KiB, the read meets a cancellation. An abort waits for a system
 * call that runs. A close drops what was put and not flushed: await bide_stream_flush before it.
 */
BIDE_API BIDE_USE_RESULT int bide_stream_take_file(bide_stream **stream, bide_file *file,
                                                   int64_t offset);

BIDE_END_DECLS
#endif
