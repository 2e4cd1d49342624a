/*
 * site.c - opens files below the folder, and none beside it.
 */
#include "site.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Headers of older systems lack it. */
struct open_how_ {
	uint64_t flags, mode, resolve;
};
enum { NO_MAGIC_LINKS = 0x02, BENEATH = 0x08, CACHED = 0x20 };
#ifndef SYS_openat2
#define SYS_openat2 437 /* the same on all machines that bide supports */
#endif

/* A pipe or terminal in the folder must not block the worker or become its terminal. */
enum { FILE_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY };

static int open_beneath(int folder, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how_ how = { .flags = flags, .resolve = BENEATH | NO_MAGIC_LINKS | resolve };
	long file = syscall(SYS_openat2, folder, path, &how, sizeof how);

	return (int)file;
}

int site_open(struct site *site, const char *path)
{
	int file;

	site->is_ending = false;
	site->connections = NULL;
	site->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (site->folder < 0)
		return errno;
	file = open_beneath(site->folder, ".", O_PATH | O_CLOEXEC, 0);
	site->has_openat2 = file >= 0;
	if (file >= 0)
		close(file);
	return pthread_mutex_init(&site->lock, NULL);
}

void site_close(struct site *site)
{
	pthread_mutex_destroy(&site->lock);
	close(site->folder);
}

/* Opens name by name, without links and without "..". */
static int open_without_links(int folder, const char *path)
{
	int at = folder, next, error;
	char name[256];

	for (;;) {
		const char *slash = strchr(path, '/');
		size_t size = slash ? (size_t)(slash - path) : strlen(path);

		if (size >= sizeof name) {
			next = -1;
			error = ENAMETOOLONG;
		} else if (size == 2 && memcmp(path, "..", 2) == 0) {
			next = -1;
			error = EXDEV;
		} else {
			memcpy(name, path, size);
			name[size] = '\0';
			next = openat(at, name,
			              O_NOFOLLOW | (slash ? O_PATH | O_DIRECTORY | O_CLOEXEC : FILE_FLAGS));
			error = errno;
		}
		if (at != folder)
			close(at);
		if (next < 0 || !slash) {
			errno = error;
			return next;
		}
		at = next;
		path = slash + 1;
	}
}

int site_open_file(const struct site *site, const char *path, bool is_quick, int *file)
{
	if (*path == '\0')
		path = ".";
	if (!site->has_openat2) {
		if (is_quick)
			return EAGAIN;
		*file = open_without_links(site->folder, path);
		return *file < 0 ? errno : 0;
	}
	*file = open_beneath(site->folder, path, FILE_FLAGS, is_quick ? CACHED : 0);
	if (*file >= 0)
		return 0;
	/*
	 * EINVAL: a kernel without RESOLVE_CACHED (before 5.12). EAGAIN also means a race with a
	 * rename.
	 */
	return is_quick && (errno == EINVAL || errno == EAGAIN) ? EAGAIN : errno;
}

int site_status_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
	case ELOOP:
	case EXDEV: /* a link that leads out of the folder */
	case ENXIO: /* a socket */
		return 404;
	case EACCES:
	case EPERM:
		return 403;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EAGAIN:
		return 503;
	default:
		return 500;
	}
}

void site_add(struct site *site, struct connection *connection)
{
	pthread_mutex_lock(&site->lock);
	connection->next = site->connections;
	connection->previous_next = &site->connections;
	if (connection->next)
		connection->next->previous_next = &connection->next;
	site->connections = connection;
	pthread_mutex_unlock(&site->lock);
}

void site_remove(struct site *site, struct connection *connection)
{
	pthread_mutex_lock(&site->lock);
	*connection->previous_next = connection->next;
	if (connection->next)
		connection->next->previous_next = connection->previous_next;
	pthread_mutex_unlock(&site->lock);
}

/* A request that comes at this moment may be lost. Clients know that, and ask again. */
void site_end(struct site *site)
{
	pthread_mutex_lock(&site->lock);
	site->is_ending = true;
	for (struct connection *each = site->connections; each; each = each->next)
		if (each->is_idle)
			bide_stream_abort(each->client, ECANCELED);
	pthread_mutex_unlock(&site->lock);
}
