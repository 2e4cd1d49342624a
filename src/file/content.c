/*
 * content.c - whole files. See bide/file_content.h.
 *
 * All of a call is one function on a thread for blocking calls, in the context of the call.
 */
#define _GNU_SOURCE
#include <bide/file_content.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/misuse.h"
#include "file/call.h"
#include "io/freed.h"
#include "memory/allocator.h"

enum {
	MAX_DEFAULT = 16 << 20,
	PIECE_BYTES = 1 << 20, /* between two looks for a cancellation */
	ROOM_FIRST_BYTES = 4096,
	NAMES_MAX = 1000 /* of temporary files that are there already */
};

/* --- reading --- */

typedef struct content {
	bide_file_content public;
	size_t room_bytes;
	bool is_freed;
} content;

typedef struct reading {
	bide_file_call call;
	size_t max_bytes;
	char path[];
} reading;

static void free_bytes(content *c)
{
	if (c->public.bytes)
		bide_deallocate_(c->public.bytes, c->room_bytes);
	c->public.bytes = NULL;
}

static void drop(content *c)
{
	free_bytes(c);
	bide_deallocate_(c, sizeof *c);
}

/* Returns 0 or ENOMEM. */
static int set_room(content *c, size_t room_bytes)
{
	char *bytes = bide_allocate_(room_bytes, sizeof(void *));

	if (!bytes)
		return ENOMEM;
	if (c->public.size_bytes)
		memcpy(bytes, c->public.bytes, c->public.size_bytes);
	free_bytes(c);
	c->public.bytes = bytes;
	c->room_bytes = room_bytes;
	return 0;
}

enum { MORE = -1 }; /* in place of an error, of which a file may have any */

/* Reads what fits. Returns 0; MORE if that was not all; or the error. */
static int read_piece(int fd, content *c)
{
	size_t left = c->room_bytes - c->public.size_bytes - 1;
	ssize_t size;

	do
		size = read(fd, c->public.bytes + c->public.size_bytes,
		            left < PIECE_BYTES ? left : PIECE_BYTES);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return errno;
	c->public.size_bytes += (size_t)size;
	return size > 0 ? MORE : bide_context_current_error();
}

/* Returns 0 or the error. The room is for one byte more than fits, which tells of the end. */
static int read_to_end(int fd, content *c, size_t max_bytes)
{
	struct stat status;
	size_t first = ROOM_FIRST_BYTES;
	int error;

	if (fstat(fd, &status))
		return errno;
	if (S_ISREG(status.st_mode) && status.st_size > 0 && (uint64_t)status.st_size <= max_bytes)
		first = (size_t)status.st_size + 2;
	error = set_room(c, first);
	while (!error) {
		error = read_piece(fd, c);
		if (error != MORE)
			break;
		error = c->public.size_bytes > max_bytes ? EMSGSIZE : bide_context_current_error();
		if (!error && c->room_bytes - c->public.size_bytes < 2)
			error = set_room(c, c->room_bytes * 2);
	}
	if (!error)
		c->public.bytes[c->public.size_bytes] = '\0';
	return error;
}

static bide_value_task read_now(void *argument)
{
	const reading *r = argument;
	bide_payload result;
	content *c;
	int fd = bide_file_open_now_(r->path, O_RDONLY, 0), error;

	if (fd < 0)
		return bide_value_task_from_error(errno);
	c = bide_allocate_(sizeof *c, _Alignof(content));
	if (c)
		memset(c, 0, sizeof *c);
	error = c ? read_to_end(fd, c, r->max_bytes) : ENOMEM;
	(void)close(fd);
	if (error && c)
		drop(c);
	if (error)
		return bide_value_task_from_error(error);
	result.p = &c->public;
	return (bide_value_task){ .payload = result };
}

static void unwanted(bide_payload result)
{
	bide_file_content_free(result.p);
}

static const bide_operation_type read_type = { .name = "bide_file_read_all",
	                                           .describe = bide_job_describe_,
	                                           .unwanted = unwanted };

static bide_value_task read_all(const char *path, size_t max_bytes)
{
	int error = bide_file_path_error_(path, read_type.name);
	size_t path_bytes = error ? 0 : strlen(path) + 1;
	reading *r;

	if (error)
		return bide_value_task_from_error(error);
	r = (reading *)(void *)bide_file_call_new_(sizeof *r + path_bytes, &read_type, NULL);
	if (!r)
		return bide_value_task_from_error(ENOMEM);
	r->max_bytes = max_bytes ? max_bytes : MAX_DEFAULT;
	memcpy(r->path, path, path_bytes);
	return bide_file_call_begin_(&r->call, read_now);
}

bide_file_content_task bide_file_read_all(const char *path, size_t max_bytes)
{
	return BIDE_TYPED(bide_file_content_task, read_all(path, max_bytes));
}

void bide_file_content_free(bide_file_content *public)
{
	content *c = BIDE_CONTAINER_(public, content, public);

	if (!public)
		return;
	if (c->is_freed) {
		bide_misuse_("bide_file_content_free: content is freed already");
		return;
	}
	c->is_freed = true;
	free_bytes(c);
	bide_freed_keep_(c, sizeof *c);
}

/* --- replacing --- */

typedef struct replacing {
	bide_file_call call;
	const char *from;
	size_t size_bytes;
	bide_file_replace_options options;
	const char *path, *directory; /* in `texts`; directory: with its slash, or empty */
	char *temporary;              /* room for a name in the directory */
	size_t temporary_bytes;
	char texts[];
} replacing;

enum { NAME_BYTES = 32 };

/*
 * Stores the permissions that the file is to have; 0: those of a new one. The bits of set-user-ID,
 * set-group-ID and sticky were given to the old content, and stay with it. Returns 0, or the error
 * if the path leads to what is no file: a rename would replace a device.
 */
static int look_at_old(const replacing *r, mode_t *mode)
{
	struct stat old;
	bool is_there = stat(r->path, &old) == 0;

	*mode = (mode_t)r->options.mode;
	if (is_there && !S_ISREG(old.st_mode))
		return S_ISDIR(old.st_mode) ? EISDIR : EINVAL;
	if (is_there && *mode == 0)
		*mode = old.st_mode & 0777;
	return 0;
}

/*
 * Makes the temporary file. Returns it, or -1 and errno. Its permissions are at no time more than
 * those of the file: a process that opens it before the bytes come would read them.
 */
static int make_temporary(const replacing *r, mode_t mode)
{
	static uint32_t count; /* atomic */
	int fd = -1;

	for (int tries = 0; fd < 0 && tries < NAMES_MAX; tries++) {
		(void)snprintf(r->temporary, r->temporary_bytes, "%s.bide-%ld-%u", r->directory,
		               (long)getpid(), (unsigned)BIDE_ADD(&count, 1u, RELAXED));
		fd = bide_file_open_now_(r->temporary, O_WRONLY | O_CREAT | O_EXCL,
		                         mode ? mode & 0777 : 0666);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	return fd;
}

/* Returns 0 or the error. */
static int write_bytes(const replacing *r, int fd)
{
	int error = bide_context_current_error();

	for (size_t done = 0; !error && done < r->size_bytes;) {
		size_t left = r->size_bytes - done;
		ssize_t size = write(fd, r->from + done, left < PIECE_BYTES ? left : PIECE_BYTES);

		if (size > 0)
			done += (size_t)size;
		else if (size == 0 || errno != EINTR)
			return size == 0 ? EIO : errno;
		error = bide_context_current_error();
	}
	if (!error && !r->options.no_sync && fsync(fd))
		error = errno;
	return error ? error : bide_context_current_error();
}

/* Waits until the disk has the name. A file system that cannot do that needs no such wait. */
static int sync_directory(const char *directory)
{
	int fd = bide_file_open_now_(*directory ? directory : ".", O_RDONLY | O_DIRECTORY, 0), error;

	if (fd < 0)
		return errno == EACCES ? 0 : errno; /* it may be written, and not read */
	error = fsync(fd) && errno != EINVAL ? errno : 0;
	(void)close(fd);
	return error;
}

/* Returns 0 or the error. Closes the file. */
static int fill_and_rename(const replacing *r, int fd, mode_t mode)
{
	int error = mode && fchmod(fd, mode) ? errno : 0;

	if (!error)
		error = write_bytes(r, fd);
	if (close(fd) && !error && errno != EINTR) /* a server may tell of a full disk now */
		error = errno;
	if (!error && rename(r->temporary, r->path))
		error = errno;
	if (error)
		(void)unlink(r->temporary);
	return error;
}

static bide_value_task replace_now(void *argument)
{
	const replacing *r = argument;
	mode_t mode;
	int error = look_at_old(r, &mode), fd;

	if (error)
		return bide_value_task_from_error(error);
	fd = make_temporary(r, mode);
	if (fd < 0)
		return bide_value_task_from_error(errno);
	error = fill_and_rename(r, fd, mode);
	if (!error && !r->options.no_sync)
		error = sync_directory(r->directory);
	return bide_file_outcome_(0, error);
}

static const bide_operation_type replace_type = BIDE_FILE_CALL_TYPE_("bide_file_replace");

/* Returns 0 or the error. */
static int check_replace(const char *path, const void *from, size_t size_bytes,
                         const bide_file_replace_options *options)
{
	if (!from && size_bytes > 0)
		bide_misuse_("bide_file_replace: from is NULL, and size_bytes is not 0");
	else if (size_bytes > INT64_MAX)
		bide_misuse_("bide_file_replace: size_bytes is above INT64_MAX");
	else if (options && options->mode > 07777)
		bide_misuse_("bide_file_replace: mode is 0%o; 0 to 07777 are allowed", options->mode);
	else
		return bide_file_path_error_(path, replace_type.name);
	return EINVAL;
}

/* Returns a call with copies of the texts, or NULL if there is no memory. */
static replacing *prepare(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t directory_bytes = slash ? (size_t)(slash + 1 - path) : 0, path_bytes = strlen(path) + 1;
	size_t texts_bytes = path_bytes + directory_bytes + 1 + directory_bytes + NAME_BYTES;
	replacing *r =
		(replacing *)(void *)bide_file_call_new_(sizeof *r + texts_bytes, &replace_type, NULL);
	char *directory;

	if (!r)
		return NULL;
	r->path = memcpy(r->texts, path, path_bytes);
	r->directory = directory = memcpy(r->texts + path_bytes, path, directory_bytes);
	directory[directory_bytes] = '\0';
	r->temporary = directory + directory_bytes + 1;
	r->temporary_bytes = directory_bytes + NAME_BYTES;
	return r;
}

bide_value_task bide_file_replace(const char *path, const void *from, size_t size_bytes,
                                  const bide_file_replace_options *options)
{
	static const bide_file_replace_options none;
	int error = check_replace(path, from, size_bytes, options);
	replacing *r = error ? NULL : prepare(path);

	if (!r)
		return bide_value_task_from_error(error ? error : ENOMEM);
	r->from = from;
	r->size_bytes = size_bytes;
	r->options = options ? *options : none;
	return bide_file_call_begin_(&r->call, replace_now);
}
