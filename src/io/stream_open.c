/*
 * stream_open.c - streams of descriptors, and what each kind of descriptor allows.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/misuse.h"
#include "io/owned.h"
#include "io/stream.h"

static int option(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof value;

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) ? -1 : value;
}

/* Returns true if a short read leaves nothing in the socket. With TLS in the kernel it may. */
static bool is_plain_tcp(int fd)
{
	char layer[16] = "";
	socklen_t size = sizeof layer;
	int domain = option(fd, SO_DOMAIN);

	if ((domain != AF_INET && domain != AF_INET6) || option(fd, SO_PROTOCOL) != IPPROTO_TCP)
		return false;
	if (getsockopt(fd, IPPROTO_TCP, TCP_ULP, layer, &size))
		return true;
	return layer[0] == '\0';
}

static int socket_flags(int fd, uint32_t *flags)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof address;

	if (option(fd, SO_TYPE) != SOCK_STREAM || option(fd, SO_ACCEPTCONN) == 1)
		return EINVAL;
	if (getpeername(fd, (struct sockaddr *)&address, &size))
		return errno;
	*flags = BIDE_HANDLE_IS_SOCKET_ | BIDE_HANDLE_READY_OUT_;
	if (is_plain_tcp(fd))
		*flags |= BIDE_HANDLE_SHORT_IS_EMPTY_;
	return 0;
}

/*
 * Stores the flags of bide_handle_init_. A file, and some devices, are always ready and unknown to
 * epoll, so an attempt comes first there.
 */
static int flags_of(int fd, bool takes_files, uint32_t *flags)
{
	struct stat about;

	if (fstat(fd, &about))
		return errno;
	switch (about.st_mode & S_IFMT) {
	case S_IFSOCK:
		return socket_flags(fd, flags);
	case S_IFIFO: /* A read is short, too, where a writer keeps packets apart (O_DIRECT). */
		*flags = BIDE_HANDLE_READY_OUT_;
		return 0;
	case S_IFREG:
	case S_IFBLK:
		if (!takes_files)
			return EINVAL;
		/* fallthrough */
	case S_IFCHR:
		*flags = BIDE_HANDLE_READY_IN_ | BIDE_HANDLE_READY_OUT_;
		return 0;
	default:
		return EINVAL;
	}
}

static int missing(const char *what)
{
	bide_misuse_("%s: the place for the stream is NULL", what);
	return EINVAL;
}

int bide_stream_take_fd(bide_stream **stream, int fd)
{
	int status, error;
	uint32_t flags = 0;

	if (!stream)
		return missing("bide_stream_take_fd");
	*stream = NULL;
	status = fcntl(fd, F_GETFL);
	if (status < 0)
		return errno;
	error = flags_of(fd, false, &flags);
	if (!error)
		error = bide_owned_take_(fd, "bide_stream_take_fd");
	if (error)
		return error;
	*stream = bide_stream_new_(fd, flags);
	if (!*stream) {
		bide_owned_end_(fd);
		return ENOMEM;
	}
	(void)fcntl(fd, F_SETFL, status | O_NONBLOCK);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return 0;
}

int bide_stream_standard(bide_stream **stream, int number)
{
	uint32_t flags = 0;
	int error;

	if (!stream)
		return missing("bide_stream_standard");
	*stream = NULL;
	if (number < 0 || number > 2) {
		bide_misuse_("bide_stream_standard: %d is not 0, 1 or 2", number);
		return EINVAL;
	}
	error = flags_of(number, true, &flags);
	if (error)
		return error;
	*stream = bide_stream_new_(number, flags | BIDE_HANDLE_KEEPS_FD_);
	if (!*stream)
		return ENOMEM;
	(*stream)->is_standard = true;
	return 0;
}

int bide_stream_pipe(bide_stream **read_end, bide_stream **write_end)
{
	int fd[2];

	if (!read_end || !write_end)
		return missing("bide_stream_pipe");
	*read_end = *write_end = NULL;
	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK))
		return errno;
	*read_end = bide_stream_new_(fd[0], BIDE_HANDLE_READY_OUT_);
	*write_end = *read_end ? bide_stream_new_(fd[1], BIDE_HANDLE_READY_OUT_) : NULL;
	if (*write_end)
		return 0;
	if (*read_end)
		bide_stream_close(*read_end);
	else
		close(fd[0]);
	close(fd[1]);
	*read_end = NULL;
	return ENOMEM;
}
