/*
 * file_watch.c - see bide/file_watch.h.
 *
 * The object is a handle of an inotify descriptor. An attempt takes the next event from the buffer,
 * which it fills first if it is empty. So the buffer and the event belong to the thread that has
 * made the side of reading busy.
 *
 * The parties of an object are its owner, until its handle has ended, and each call that adds a
 * path. The last one closes the descriptor and frees the object. A close of an inotify descriptor
 * waits for the readers of a lock of the system, some milliseconds, so a thread makes it.
 *
 * `paths` is how many are watched. A call that adds counts its path before the system knows it, so
 * an attempt that reads the last event of a path never counts below the truth. A call that has
 * added none takes its path off when it is over. Each call kicks the wait then, which ends if
 * nothing is left.
 *
 * An overflow may lose the last event of a path, so `paths` may be too high from then on. Then an
 * attempt that finds no event asks the system which watches are left. It does so when it is not
 * known that there is one: after each overflow, and when as many paths have ended as the last look
 * has seen. A call that adds may have a path until it is over, so the attempt leaves the look to
 * the kick of that call.
 */
#define _GNU_SOURCE
#include <bide/file_watch.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/misuse.h"
#include "base/port.h"
#include "file/call.h"
#include "file/descriptor.h"
#include "io/handle.h"
#include "io/owned.h"
#include "io/slab.h"
#include "runtime/runtime.h"
#include "runtime/simulation.h"

enum {
	BUFFER_BYTES = 4096,
	MASK_CREATE = 0x10000000, /* IN_MASK_CREATE of Linux 4.18; older systems do not look at it */
	DEFAULT = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE,
	ALLOWED = DEFAULT | IN_MODIFY | IN_ATTRIB,
	ALWAYS = IN_DELETE_SELF | IN_MOVE_SELF,
	TOLD = ALLOWED | ALWAYS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED
};
_Static_assert((int)BIDE_FILE_WATCH_MODIFIED == IN_MODIFY &&
                   (int)BIDE_FILE_WATCH_ATTRIBUTES == IN_ATTRIB &&
                   (int)BIDE_FILE_WATCH_WRITTEN == IN_CLOSE_WRITE &&
                   (int)BIDE_FILE_WATCH_MOVED_FROM == IN_MOVED_FROM &&
                   (int)BIDE_FILE_WATCH_MOVED_TO == IN_MOVED_TO &&
                   (int)BIDE_FILE_WATCH_CREATED == IN_CREATE &&
                   (int)BIDE_FILE_WATCH_DELETED == IN_DELETE &&
                   (int)BIDE_FILE_WATCH_SELF_DELETED == IN_DELETE_SELF &&
                   (int)BIDE_FILE_WATCH_SELF_MOVED == IN_MOVE_SELF &&
                   (int)BIDE_FILE_WATCH_UNMOUNTED == IN_UNMOUNT &&
                   (int)BIDE_FILE_WATCH_OVERFLOW == IN_Q_OVERFLOW &&
                   (int)BIDE_FILE_WATCH_ENDED == IN_IGNORED,
               "the system's numbers");

struct bide_file_watch {
	bide_slab_link link;
	uint32_t parties; /* atomic */
	uint32_t paths;   /* atomic */
	uint32_t adding;  /* atomic: the calls that add and are not over */
	uint32_t calling; /* atomic: the threads that ask the system to add */
	int highest_id;   /* atomic: of those that a call has counted */
	_Alignas(16) bide_handle handle;
	bide_file_watch_event event;
	uint32_t at, end;   /* the events that are left in the buffer */
	uint32_t seen_left; /* is_lossy: how many paths that the last look saw cannot have ended */
	bool is_lossy;      /* an overflow was read */
	_Alignas(struct inotify_event) char buffer[BUFFER_BYTES];
};

static bide_slab slab = BIDE_SLAB_OF_(bide_file_watch);

static int check(const bide_file_watch *watch, const char *what)
{
	return bide_handle_check_(watch ? &watch->handle : NULL, what, "watch");
}

/* --- opening and closing --- */

int bide_file_watch_open(bide_file_watch **made)
{
	bide_file_watch *watch;
	int fd, error;

	if (!made) {
		bide_misuse_("bide_file_watch_open: watch is NULL");
		return EINVAL;
	}
	*made = NULL;
	if (!bide_thread_())
		return bide_runtime_missing_();
	if (bide_simulating_)
		return ENOTSUP;
	watch = bide_slab_take_(&slab);
	if (!watch)
		return ENOMEM;
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0) {
		error = errno;
		bide_slab_give_(&slab, watch);
		return error;
	}
	watch->parties = 1;
	watch->calling = 0;
	watch->highest_id = 0;
	watch->paths = watch->adding = watch->at = watch->end = watch->seen_left = 0;
	watch->is_lossy = false;
	bide_handle_init_(&watch->handle, fd, BIDE_HANDLE_READY_IN_ | BIDE_HANDLE_KEEPS_FD_);
	bide_owned_begin_(fd);
	*made = watch;
	return 0;
}

static void leave(bide_file_watch *watch)
{
	int fd = watch->handle.fd;

	/* Pairs with itself, so that the last party sees what the others wrote. */
	if (BIDE_SUB(&watch->parties, 1u, ACQ_REL) != 1)
		return;
	bide_owned_end_(fd);
	bide_slab_give_(&slab, watch);
	bide_descriptor_drop_(fd);
}

static void closed(bide_handle *handle)
{
	leave(BIDE_CONTAINER_(handle, bide_file_watch, handle));
}

void bide_file_watch_close(bide_file_watch *watch)
{
	uint32_t era = watch ? bide_handle_take_(&watch->handle, "bide_file_watch_close", "watch") : 0;

	if (era == 0)
		return;
	if (era != bide_handle_era_()) { /* Its handle is only marked as closed. */
		bide_owned_end_(watch->handle.fd);
		(void)close(watch->handle.fd);
	}
	bide_handle_close_taken_(&watch->handle, era, closed);
}

/* --- adding and removing paths --- */

typedef struct adding {
	bide_file_call call;
	bide_file_watch *watch; /* it is a party */
	uint32_t generation;    /* of the watch's handle */
	uint32_t mask;
	bool is_too_many; /* it has counted a path, and added none */
	char path[];
} adding;

/* The system gives rising ids. Returns true if no call has counted this one, or a higher one. */
static bool is_first(bide_file_watch *watch, int id)
{
	int highest = BIDE_LOAD(&watch->highest_id, ACQUIRE);

	while (id > highest)
		if (BIDE_CAS(&watch->highest_id, &highest, id, ACQ_REL, ACQUIRE))
			return true;
	return false;
}

/* A path that was watched may end before it is asked for again: then the system makes a new one. */
static bool was_made(bide_file_watch *watch, int id)
{
	enum { TRIES_MAX = 1000 };

	/* Another thread may have made it, and not told. Pairs with the SUB of add_now. */
	for (unsigned tries = 0; tries < TRIES_MAX && id > BIDE_LOAD(&watch->highest_id, ACQUIRE) &&
	                         BIDE_LOAD(&watch->calling, ACQUIRE) > 0;
	     tries++)
		bide_port_wait_a_moment_(tries);
	return is_first(watch, id);
}

static bide_value_task add_now(void *argument)
{
	adding *a = argument;
	bide_file_watch *watch = a->watch;
	int fd = watch->handle.fd, id, error;
	bool is_known;

	(void)BIDE_ADD(&watch->paths, 1u, RELAXED);
	(void)BIDE_ADD(&watch->calling, 1u, SEQ_CST);
	id = inotify_add_watch(fd, a->path, a->mask | MASK_CREATE);
	is_known = id < 0 && errno == EEXIST;
	if (is_known)
		id = inotify_add_watch(fd, a->path, a->mask);
	else if (id >= 0)
		(void)is_first(watch, id);
	error = id < 0 ? errno : 0;
	(void)BIDE_SUB(&watch->calling, 1u, RELEASE);
	a->is_too_many = error || (is_known && !was_made(watch, id));
	return bide_file_outcome_(id, error);
}

static void add_over(bide_job *job)
{
	const adding *a = BIDE_CONTAINER_(job, const adding, call.record.job);

	if (a->is_too_many)
		(void)BIDE_SUB(&a->watch->paths, 1u, RELEASE); /* pairs with `nothing` */
	(void)BIDE_SUB(&a->watch->adding, 1u, RELEASE);    /* the same */
	bide_handle_kick_(&a->watch->handle, a->generation, BIDE_IO_IN_);
	leave(a->watch);
}

static const bide_operation_type add_type = BIDE_FILE_CALL_TYPE_("bide_file_watch_add");

static int check_add(const bide_file_watch *watch, const char *path, unsigned what)
{
	int error = check(watch, add_type.name);

	if (error)
		return error;
	if (!path || what & ~(unsigned)ALLOWED) {
		if (path)
			bide_misuse_("bide_file_watch_add: what is 0x%x; the constants from "
			             "BIDE_FILE_WATCH_MODIFIED to _DELETED are allowed, joined by |",
			             what);
		else
			bide_misuse_("bide_file_watch_add: path is NULL");
		return EINVAL;
	}
	return bide_file_call_error_();
}

bide_value_task bide_file_watch_add(bide_file_watch *watch, const char *path, unsigned what)
{
	int error = check_add(watch, path, what);
	size_t path_bytes = error ? 0 : strlen(path) + 1;
	adding *a;

	if (error)
		return bide_value_task_from_error(error);
	a = (adding *)(void *)bide_file_call_new_(sizeof *a + path_bytes, &add_type, NULL);
	if (!a)
		return bide_value_task_from_error(ENOMEM);
	(void)BIDE_ADD(&watch->parties, 1u, RELAXED); /* the owner, a party, calls */
	(void)BIDE_ADD(&watch->adding, 1u, RELAXED);
	a->watch = watch;
	a->generation = watch->handle.generation;
	a->mask = (what ? what : DEFAULT) | ALWAYS;
	a->is_too_many = false;
	memcpy(a->path, path, path_bytes);
	a->call.record.job.over = add_over;
	return bide_file_call_begin_(&a->call, add_now);
}

int bide_file_watch_remove(bide_file_watch *watch, int64_t id)
{
	int error = check(watch, "bide_file_watch_remove");

	if (error)
		return error;
	return id != (int)id || inotify_rm_watch(watch->handle.fd, (int)id) ? ENOENT : 0;
}

/* --- events --- */

/* Returns 0, EAGAIN or the error. */
static int read_events(bide_file_watch *watch)
{
	ssize_t size;

	do
		size = read(watch->handle.fd, watch->buffer, sizeof watch->buffer);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno;
	watch->at = 0;
	watch->end = (uint32_t)size;
	return 0;
}

/* Counts the lines of watches in the buffer. */
static uint32_t count_watches(const bide_file_watch *watch, size_t size)
{
	static const char line[] = "\ninotify wd:";
	const char *at = watch->buffer, *end = watch->buffer + size;
	uint32_t count = 0;

	while ((at = memmem(at, (size_t)(end - at), line, sizeof line - 1)) != NULL) {
		at += sizeof line - 1;
		count++;
	}
	return count;
}

/*
 * Asks the system which watches are left; as many as fit into the buffer, which is empty, will do.
 * Returns 0, BIDE_EEND if there is none, or the error. Where nothing tells, some are left.
 */
static int look_for_watches(bide_file_watch *watch)
{
	char path[48];
	ssize_t size;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/thread-self/fdinfo/%d", watch->handle.fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? errno : 0;
	do
		size = read(fd, watch->buffer, sizeof watch->buffer);
	while (size < 0 && errno == EINTR);
	(void)close(fd);
	if (size < 0)
		return 0;
	watch->seen_left = count_watches(watch, (size_t)size);
	return watch->seen_left == 0 ? BIDE_EEND : 0;
}

/* Nothing is there. Returns what the attempt does, or 0 if events have come. */
static int nothing(bide_io *io, bide_file_watch *watch)
{
	int error = 0;

	/* Both pair with the subtractions of add_over, which its kick follows. */
	if (BIDE_LOAD(&watch->paths, ACQUIRE) == 0)
		return BIDE_EEND;
	if (watch->is_lossy && watch->seen_left == 0 && BIDE_LOAD(&watch->adding, ACQUIRE) == 0)
		error = look_for_watches(watch);
	if (error == BIDE_EEND) { /* What ended before the look has an event. */
		error = read_events(watch);
		return error == EAGAIN ? BIDE_EEND : error;
	}
	if (error)
		return error;
	io->is_starved = true; /* The next wait looks at `paths`, too, before it waits. */
	return EAGAIN;
}

/* Returns 0, EAGAIN, BIDE_EEND or the error. */
static int fill(bide_io *io, bide_file_watch *watch)
{
	int error = read_events(watch);

	return error == EAGAIN ? nothing(io, watch) : error;
}

/* Keeps count of the paths. */
static void account(bide_file_watch *watch, uint32_t what)
{
	if (what & IN_Q_OVERFLOW) {
		watch->is_lossy = true;
		watch->seen_left = 0;
	}
	if (what & IN_IGNORED) {
		(void)BIDE_SUB(&watch->paths, 1u, RELAXED); /* only this side acts on it */
		if (watch->seen_left > 0)
			watch->seen_left--;
	}
}

static int take_event(bide_io *io)
{
	bide_file_watch *watch = BIDE_CONTAINER_(io->handle, bide_file_watch, handle);
	const struct inotify_event *event;
	int error = watch->at < watch->end ? 0 : fill(io, watch);

	if (error)
		return error;
	event = (const struct inotify_event *)(const void *)(watch->buffer + watch->at);
	watch->at += (uint32_t)sizeof *event + event->len;
	BIDE_ASSERT_(watch->at <= watch->end);
	account(watch, event->mask);
	watch->event = (bide_file_watch_event){
		.id = event->wd > 0 ? event->wd : 0, /* an overflow has -1 */
		.what = (bide_file_watch_what)(event->mask & TOLD),
		.is_directory = event->mask & IN_ISDIR,
		.pair = event->cookie,
		.name = event->len ? event->name : "",
	};
	io->operation.source.payload.p = &watch->event;
	return 0;
}

static const bide_io_kind next_kind = { .type = BIDE_IO_TYPE_("bide_file_watch_next"),
	                                    .object = "watch",
	                                    .side = BIDE_IO_IN_,
	                                    .attempt = take_event };

static bide_value_task start_next(bide_file_watch *watch)
{
	int error = check(watch, next_kind.type.name);

	if (error)
		return bide_value_task_from_error(error);
	return bide_io_start_(&watch->handle, &next_kind, (bide_io_arguments){ .any = { 0 } });
}

bide_file_watch_event_task bide_file_watch_next(bide_file_watch *watch)
{
	return BIDE_TYPED(bide_file_watch_event_task, start_next(watch));
}
