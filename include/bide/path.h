/*
 * path.h - what is done with files by their names: rename, unlink, directories, links, status.
 *
 *     bide_await(bide_path_make_directory("out", 0777));
 *     bide_await(bide_path_rename("out.new", "out/data", 0));
 *
 * Each call runs on a thread for blocking calls, since a name may have to come from a disk or a
 * server. So no worker waits. Paths are copied inside the call, and are relative to the working
 * directory at the time when the call runs. Memory for results is borrowed until the operation is
 * over.
 *
 * Cancellation: a call that is queued for a thread ends at once, and does nothing. One that runs
 * ends when its system call does, with its own outcome. A forgotten call goes on.
 *
 * Threads: any. Errors: that of a canceled context; ENOMEM; EAGAIN, if there is no thread and none
 * can be started; those of the system call, as ENOENT, EACCES, ENOTDIR. Misuse: EINVAL for a NULL.
 *
 * Cost: an object of a pool, and a hand-over between threads each way, some 20 us.
 */
#ifndef BIDE_PATH_H
#define BIDE_PATH_H

#include <sys/stat.h>
#include <time.h>

#include "value_task.h"

BIDE_BEGIN_DECLS

/* Stores what stat(2) tells of what the path leads to. */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_stat(const char *path, struct stat *status);
/* The same of a symbolic link itself, if the path names one: lstat(2). */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_stat_link(const char *path, struct stat *status);

/*
 * Gives the file the name `to`, in place of what has that name: rename(2). flags: 0, or those of
 * renameat2(2): RENAME_NOREPLACE, RENAME_EXCHANGE.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_rename(const char *path, const char *to,
                                                          unsigned flags);
/* Removes a name that is no directory: unlink(2). */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_unlink(const char *path);
/* Makes a directory: mkdir(2). */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_make_directory(const char *path, unsigned mode);
/* Removes an empty directory: rmdir(2). */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_remove_directory(const char *path);

/* Gives the file `path` another name, `to`: link(2). */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_link(const char *path, const char *to);
/*
 * Makes `to` a symbolic link to `path`: symlink(2). The text of the link is `path` as it stands, so
 * a relative one begins at the directory of `to`.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_symlink(const char *path, const char *to);
/*
 * Stores the text of a symbolic link, with a zero behind it. The result is its length. ERANGE: it
 * does not fit into size_bytes bytes.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_read_link(const char *path, char *to,
                                                             size_t size_bytes);
/*
 * Stores the absolute path without links, "." and "..", with a zero behind it: realpath(3). The
 * result is its length. ERANGE: it does not fit into size_bytes bytes.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_real(const char *path, char *to,
                                                        size_t size_bytes);

/* Sets the permissions: chmod(2). */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_set_mode(const char *path, unsigned mode);
/*
 * Sets the times of the last access and of the last change: utimensat(2), with UTIME_NOW and
 * UTIME_OMIT. The two times are copied inside the call; NULL stands for now.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_path_set_times(const char *path,
                                                             const struct timespec *times);

BIDE_END_DECLS
#endif
