/*
 * file_watch.h - what happens to files and directories, as one event after the other.
 *
 *     error = bide_file_watch_open(&my->watch);
 *     ...
 *     bide_await(my->id, bide_file_watch_add(my->watch, "/etc/app", 0));
 *     bide_await_each(my->event, my->watch)
 *             if (my->event->what == BIDE_FILE_WATCH_OVERFLOW || is_mine(my->event->name))
 *                     load_anew();
 * bide_async_finally:
 *     bide_file_watch_close(my->watch);
 *
 * One object watches any number of paths: each has an id. What is watched is the file or directory
 * that the path leads to at the time of the call, also if it gets another name later. A directory
 * tells of its entries, and not of what is below its directories: add each of these, too, and those
 * that are made later, when their BIDE_FILE_WATCH_CREATED or _MOVED_TO comes. Add first and read
 * the names then: so nothing is missed. Programs that replace a file by a rename make it another
 * file, so watch its directory.
 *
 * Events come in the order in which things happened, and the system drops one that is the same as
 * the one before it. If events come faster than they are read, the system loses some and tells so
 * by BIDE_FILE_WATCH_OVERFLOW: then look at everything anew, and add each path again. What is done
 * on other machines to files of a server, and writes to memory that is mapped, are not told.
 *
 * The end. When a path is not watched any more, because it was removed, deleted or unmounted, its
 * last event is BIDE_FILE_WATCH_ENDED. When all are told and no path is left, bide_file_watch_next
 * fails with BIDE_EEND, which ends a bide_await_each; also if an overflow has lost an ENDED, where
 * /proc is mounted.
 *
 * Cancellation: a wait that is canceled, or whose value task you forget, loses no event that comes
 * later.
 *
 * Threads: any; one waits at a time. Misuse: EINVAL for a NULL; EBADF for an object that is closed,
 * of the process that forked this one, or of before bide_shutdown.
 *
 * Cost: a descriptor and 4 KiB for the object, some 1 KiB of the system for each path. One system
 * call brings all events that are there, as far as they fit into the 4 KiB; then each
 * bide_file_watch_next takes one, and allocates nothing.
 */
#ifndef BIDE_FILE_WATCH_H
#define BIDE_FILE_WATCH_H

#include "value_task.h"

typedef struct bide_file_watch bide_file_watch;

/* What may happen; an event has one of them. The numbers are those of inotify(7). */
typedef enum bide_file_watch_what {
	BIDE_FILE_WATCH_MODIFIED = 0x002,   /* something was written, or the size was set */
	BIDE_FILE_WATCH_ATTRIBUTES = 0x004, /* mode, owner, times, number of links */
	BIDE_FILE_WATCH_WRITTEN = 0x008,    /* a file that was open for writing was closed */
	BIDE_FILE_WATCH_MOVED_FROM = 0x040, /* the name left the directory, by a rename */
	BIDE_FILE_WATCH_MOVED_TO = 0x080,   /* the name came, by a rename */
	BIDE_FILE_WATCH_CREATED = 0x100,    /* the name was made */
	BIDE_FILE_WATCH_DELETED = 0x200,    /* the name was removed */
	/* Always told. They are of the path itself, and have no name. */
	BIDE_FILE_WATCH_SELF_DELETED = 0x400, /* its last name was removed; ENDED follows */
	BIDE_FILE_WATCH_SELF_MOVED = 0x800,   /* it has another name; it is still watched */
	BIDE_FILE_WATCH_UNMOUNTED = 0x2000,   /* ENDED follows */
	BIDE_FILE_WATCH_OVERFLOW = 0x4000,    /* of no path: events were lost; also ENDED, perhaps */
	BIDE_FILE_WATCH_ENDED = 0x8000        /* the last event of this id */
} bide_file_watch_what;

typedef struct bide_file_watch_event {
	int64_t id; /* of the path; 0: of none */
	bide_file_watch_what what;
	bool is_directory; /* what the name stands for is a directory */
	/*
	 * MOVED_FROM and MOVED_TO of one rename have the same number, which is not 0, and mostly follow
	 * each other. One alone: the other directory is not watched.
	 */
	uint32_t pair;
	const char *name; /* in the directory that is watched; "": it is the path itself */
} bide_file_watch_event;
BIDE_VALUE_TASK_OF(bide_file_watch_event_task, const bide_file_watch_event *);

BIDE_BEGIN_DECLS

/*
 * Makes an object that watches nothing yet. Stores it; it is yours until bide_file_watch_close.
 * Returns 0 or the error; then *watch is NULL. EMFILE: the process has no descriptor left, or the
 * user no object (fs.inotify.max_user_instances, often 128). ENOMEM, ENFILE. ENOTSUP: a simulation.
 */
BIDE_API BIDE_USE_RESULT int bide_file_watch_open(bide_file_watch **watch);
/*
 * Watches one more path, which is copied inside the call. what: MODIFIED to DELETED, joined by |;
 * 0: CREATED, DELETED, MOVED_FROM, MOVED_TO and WRITTEN. The result is the id. The call runs on a
 * thread for blocking calls. If what the path leads to is watched already, it keeps its id, and the
 * new `what` holds from now on. If the call is canceled in time, it does nothing; a forgotten one
 * goes on.
 *
 * Errors: ENOENT, EACCES, ENOTDIR as of a path; ENOSPC: the user watches too many paths
 * (fs.inotify.max_user_watches); ENOMEM; EAGAIN, if there is no thread and none can be started.
 * EINVAL (misuse): another `what`.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_file_watch_add(bide_file_watch *watch,
                                                             const char *path, unsigned what);
/*
 * Watches it no more. What has happened before is still told, then ENDED. Returns 0, or ENOENT:
 * nothing is watched with this id, perhaps because it has ended by itself.
 */
BIDE_API int bide_file_watch_remove(bide_file_watch *watch, int64_t id);
/*
 * Waits for the next event. The result is valid until the next call for this object. BIDE_EEND:
 * all is told, and nothing is watched. EMFILE, ENFILE, ENOMEM, only after an overflow: it could not
 * be found out what is still watched, and a later call tries again. EBUSY (misuse): another call
 * waits.
 */
BIDE_API BIDE_USE_RESULT bide_file_watch_event_task bide_file_watch_next(bide_file_watch *watch);
/*
 * Closes it. It never waits: a pending bide_file_watch_next fails with EBADF, a pending
 * bide_file_watch_add goes on. NULL does nothing. For its owner: no call may use the object or its
 * events afterwards.
 */
BIDE_API void bide_file_watch_close(bide_file_watch *watch);

/* bide_file_watch_next for bide_await_each. */
BIDE_INLINE bide_value_task bide_file_watch_next_(bide_file_watch *watch)
{
	return bide_file_watch_next(watch).untyped;
}

BIDE_END_DECLS
#endif
