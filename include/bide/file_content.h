/*
 * file_content.h - whole files: read into memory, and replaced in one step.
 *
 *     bide_await(my->content, bide_file_read_all("settings", 0));
 *     parse(my->content->bytes, my->content->size_bytes);
 *     ...
 *     bide_await(bide_file_replace("settings", my->text, my->text_bytes, NULL));
 * bide_async_finally:
 *     bide_file_content_free(my->content);
 *
 * Each call is one hand-over to a thread for blocking calls and back, so no worker waits for a
 * disk. The path is copied inside the call, and is relative to the working directory at the time
 * when the call runs.
 *
 * Cancellation: a call that is queued for a thread ends at once. One that runs looks for it after
 * each mebibyte. A forgotten call goes on.
 *
 * Threads: any. Errors of both: that of a canceled context; ENOMEM; EAGAIN, if there is no thread
 * and none can be started; those of the system calls, as ENOENT, EACCES, EISDIR, EMFILE, EIO.
 * Misuse: EINVAL for a NULL, and for a size above INT64_MAX.
 */
#ifndef BIDE_FILE_CONTENT_H
#define BIDE_FILE_CONTENT_H

#include "value_task.h"

typedef struct bide_file_content {
	char *bytes; /* with a zero behind them, which size_bytes does not count */
	size_t size_bytes;
} bide_file_content;
BIDE_VALUE_TASK_OF(bide_file_content_task, bide_file_content *);

/* Zeroes are the defaults, which stand in brackets. */
typedef struct bide_file_replace_options {
	/*
	 * The permissions [those of the old file, without set-user-ID, set-group-ID and sticky, which
	 * only a mode that is given here may have; 0666 less the umask if there is no old file].
	 */
	unsigned mode;
	/*
	 * Does not wait until the disk has it [it does]. Then a crash of the machine may leave the old
	 * file, or an empty one.
	 */
	bool no_sync;
} bide_file_replace_options;

BIDE_BEGIN_DECLS

/*
 * Reads a file from its beginning to its end, also one that does not know its size, as those of
 * /proc, a pipe or a device. The result, which bide_file_content_free frees, is yours to change.
 * EMSGSIZE: the file has more than max_bytes bytes (0: 16 MiB).
 */
BIDE_API BIDE_USE_RESULT bide_file_content_task bide_file_read_all(const char *path,
                                                                   size_t max_bytes);
/* NULL does nothing. A second time is misuse. */
BIDE_API void bide_file_content_free(bide_file_content *content);

/*
 * Writes a file, in place of the one that has the name, in one step: any reader, and a crash of the
 * program at any time, finds the old content or the new one, whole. The bytes go to a file
 * ".bide-PID-N" in the same directory, which is renamed at the end. If the call fails or is
 * canceled, that file is removed, and the old one is as before; only if the last wait for the disk
 * fails (EIO), the new one is there already. A crash leaves the file ".bide-PID-N".
 *
 * The bytes are borrowed until the operation is over. The options are copied inside the call. The
 * new file belongs to the user of this process. A symbolic link is replaced itself, and links to
 * the old file keep the old content. Errors: also ENOSPC, EDQUOT, EFBIG, EROFS; EINVAL: the path
 * leads to a device, a pipe or a socket, which stays; EBUSY: it is a mount point, or in use by the
 * system; EEXIST: all names for the new file that were tried are taken.
 */
BIDE_API BIDE_USE_RESULT bide_value_task
bide_file_replace(const char *path, const void *from, size_t size_bytes,
                  const bide_file_replace_options *options);

BIDE_END_DECLS
#endif
