/*
 * directory.h - the names in a directory, with what each is.
 *
 *     bide_await(my->names, bide_directory_open("."));
 *     for (;;) {
 *             bide_await(my->entry, bide_directory_next(my->names));
 *             if (!my->entry)
 *                     break;
 *             if (S_ISREG(my->entry->type))
 *                     use(my->entry->name);
 *     }
 * bide_async_finally:
 *     bide_directory_close(my->names);
 *
 * Names come in the order of the file system, some hundreds with each system call. That call runs
 * on a thread for blocking calls; the names that it brought are ready at once. A name that is made
 * or removed meanwhile may come or not.
 *
 * Cancellation, threads and errors are those of file.h. If no consumer takes an opened directory,
 * it is closed.
 */
#ifndef BIDE_DIRECTORY_H
#define BIDE_DIRECTORY_H

#include <sys/stat.h>
#include <sys/types.h>

#include "value_task.h"

typedef struct bide_directory bide_directory;
BIDE_VALUE_TASK_OF(bide_directory_task, bide_directory *);

typedef struct bide_directory_entry {
	const char *name; /* not "." and not ".." */
	mode_t type;      /* for S_ISREG, S_ISDIR, S_ISLNK and others of sys/stat.h; 0: it is gone */
	uint64_t inode;
} bide_directory_entry;
BIDE_VALUE_TASK_OF(bide_directory_entry_task, const bide_directory_entry *);

BIDE_BEGIN_DECLS

/*
 * Opens a directory, whose path is copied inside the call. The result belongs to the caller until
 * bide_directory_close. Errors: those of open(2), as ENOENT, ENOTDIR, EACCES, EMFILE.
 */
BIDE_API BIDE_USE_RESULT bide_directory_task bide_directory_open(const char *path);
/*
 * The result is the next entry, which is valid until the next call for this directory; NULL: there
 * is none left. A symbolic link is not followed. A second call while one is pending is misuse,
 * EBUSY.
 */
BIDE_API BIDE_USE_RESULT bide_directory_entry_task bide_directory_next(bide_directory *directory);
/*
 * Closes the directory. It never waits; a pending bide_directory_next goes on, but its entry must
 * not be used. NULL does nothing.
 */
BIDE_API void bide_directory_close(bide_directory *directory);

BIDE_END_DECLS
#endif
