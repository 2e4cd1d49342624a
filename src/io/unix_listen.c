/*
 * unix_listen.c - listens on a UNIX socket, in place of one that a process has left behind.
 *
 * A socket in the file system is replaced only if nothing listens on it: a connect shows that.
 * Between the connect and the listen of this process, another process may do the same. So the
 * folder is locked meanwhile; other processes that use this library respect the lock.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/misuse.h"
#include "io/listener.h"
#include "os/os.h"

enum { LOCK_TRIES = 50 };

/*
 * Opens and locks the folder of a path. Returns its descriptor; or -1, and then the caller goes on
 * without the lock.
 */
static int folder_lock(const char *path)
{
	char folder[BIDE_UNIX_NAME_MAX_ + 1];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	int fd;

	memcpy(folder, path, length);
	folder[length] = '\0';
	if (!slash)
		strcpy(folder, ".");
	else if (length == 0)
		strcpy(folder, "/");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned tries = 0; fd >= 0 && tries < LOCK_TRIES; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR))
			break;
		bide_os_pause_(tries);
	}
	return fd;
}

/* Returns true if the path is a socket on which nothing listens. */
static bool is_stale(const char *path, const bide_address *address)
{
	struct stat about;
	bool refused;
	int fd;

	if (lstat(path, &about) || !S_ISSOCK(about.st_mode) || bide_socket_open_unix_(&fd))
		return false;
	refused = connect(fd, bide_address_of_(address), bide_address_size_(address)) &&
	          errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/* Binds the socket. mode: of the file; 0: as the umask says. */
static int bind_path(int fd, const char *path, const bide_address *address, unsigned mode)
{
	/* The file has no more rights than this at any time. */
	if (mode && fchmod(fd, mode))
		return errno;
	if (bind(fd, bide_address_of_(address), bide_address_size_(address))) {
		if (errno != EADDRINUSE || !is_stale(path, address))
			return errno;
		if (unlink(path) || bind(fd, bide_address_of_(address), bide_address_size_(address)))
			return errno;
	}
	return mode && chmod(path, mode) ? errno : 0; /* beyond the umask */
}

static int open_path(int fd, const char *path, const bide_address *address, unsigned mode,
                     unsigned backlog)
{
	int folder = folder_lock(path), error = bind_path(fd, path, address, mode);

	if (!error && listen(fd, (int)backlog))
		error = errno;
	if (folder >= 0)
		close(folder);
	return error;
}

static int open_name(int fd, const bide_address *address, unsigned backlog)
{
	return bind(fd, bide_address_of_(address), bide_address_size_(address)) ||
	               listen(fd, (int)backlog)
	           ? errno
	           : 0;
}

int bide_unix_listen(bide_listener **listener, const char *path, const bide_unix_options *options)
{
	unsigned mode = options ? options->mode : 0;
	unsigned backlog = options && options->backlog ? options->backlog : BIDE_BACKLOG_DEFAULT_;
	bide_address address;
	int fd, error;

	if (!listener || !path || mode > 07777 || backlog > INT32_MAX) {
		bide_misuse_("bide_unix_listen: %s", !listener      ? "listener is NULL"
		                                     : !path        ? "path is NULL"
		                                     : mode > 07777 ? "mode has more bits than 07777"
		                                                    : "backlog is above 2147483647");
		return EINVAL;
	}
	*listener = NULL;
	error = bide_address_from_path_(&address, path);
	if (!error)
		error = bide_socket_open_unix_(&fd);
	if (error)
		return error;
	error = *path == '@' ? open_name(fd, &address, backlog)
	                     : open_path(fd, path, &address, mode, backlog);
	if (!error)
		error = bide_listener_take_fd(listener, fd);
	if (error)
		close(fd);
	return error;
}
