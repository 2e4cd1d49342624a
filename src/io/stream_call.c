/*
 * stream_call.c - the system calls that move bytes. They never block and never raise SIGPIPE.
 *
 * A standard descriptor is shared with other processes, so it is left as it is, blocking as a rule.
 * A socket takes MSG_DONTWAIT. Of the others poll(2) is asked first: it says that some bytes can be
 * read, or that PIPE_BUF bytes can be written. What goes at once is no more than that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/settings.h"
#include "base/thread.h"
#include "io/stream.h"
#include "simulated_net/net.h"

/* A terminal may say that it is writable while it takes no more than this. */
enum { STANDARD_WRITE_MAX = PIPE_BUF < 256 ? PIPE_BUF : 256 };

static bool is_standard(const bide_handle *handle)
{
	return BIDE_CONTAINER_(handle, const bide_stream, handle)->is_standard;
}

/* Returns true if a call does not block. */
static bool is_ready(int fd, short events)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };
	int count;

	do
		count = poll(&poll_fd, 1, 0);
	while (count < 0 && errno == EINTR);
	return count > 0;
}

/*
 * SIGPIPE is blocked in the library's own threads. Elsewhere it is blocked for the call, and the
 * one that the call raised is taken away, unless one was pending before.
 */
typedef struct no_sigpipe {
	sigset_t before;
	bool is_needed, was_pending;
} no_sigpipe;

static sigset_t only_sigpipe(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	return set;
}

static bool owns_signals(void)
{
	bide_thread_head *head = bide_current_thread_;

	return head && bide_shared_ && !bide_thread_of_(head)->is_external;
}

static void sigpipe_block(no_sigpipe *state)
{
	sigset_t set = only_sigpipe(), pending;

	state->is_needed = false;
	if (owns_signals())
		return;
	pthread_sigmask(SIG_BLOCK, &set, &state->before);
	state->is_needed = !sigismember(&state->before, SIGPIPE);
	if (state->is_needed)
		state->was_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE);
}

/* done: what the call returned. Returns its error, or 0. */
static int sigpipe_unblock(const no_sigpipe *state, ssize_t done)
{
	static const struct timespec at_once = { 0, 0 };
	int error = done < 0 ? errno : 0;
	sigset_t set = only_sigpipe();

	if (!state->is_needed)
		return error;
	if (error == EPIPE && !state->was_pending)
		while (sigtimedwait(&set, NULL, &at_once) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &state->before, NULL);
	return error;
}

static ssize_t write_pipe(int fd, const struct iovec *parts, size_t count)
{
	no_sigpipe state;
	ssize_t done;

	sigpipe_block(&state);
	done = count == 1 ? write(fd, parts->iov_base, parts->iov_len) : writev(fd, parts, (int)count);
	errno = sigpipe_unblock(&state, done);
	return done;
}

ssize_t bide_stream_send_file_(bide_handle *handle, int fd, int64_t at, size_t size_bytes)
{
	no_sigpipe state;
	ssize_t done;
	int error;

	sigpipe_block(&state);
	do {
		off_t offset = (off_t)at;

		done = sendfile(handle->fd, fd, &offset, size_bytes);
	} while (done < 0 && errno == EINTR);
	error = sigpipe_unblock(&state, done);
	return done >= 0 ? done : bide_stream_sent_(handle, -(ssize_t)error);
}

/*
 * recv and send of the C library are points at which pthread_cancel ends a thread, and where there
 * are several threads, that costs a tenth of the time in this library. The sanitizers know what a
 * call writes by the name of the function.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CALL_BY_NAME 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define CALL_BY_NAME 1
#endif
#endif
#if defined(SYS_recvfrom) && defined(SYS_sendto) && !defined(CALL_BY_NAME)
static ssize_t receive_one(int fd, void *to, size_t size_bytes, int flags)
{
	return syscall(SYS_recvfrom, fd, to, size_bytes, flags, NULL, NULL);
}

static ssize_t send_one(int fd, const void *from, size_t size_bytes, int flags)
{
	return syscall(SYS_sendto, fd, from, size_bytes, flags, NULL, 0);
}
#else
#define receive_one recv
#define send_one send
#endif

/* All but one part from a socket. It is out of line because it has a message on its stack. */
static __attribute__((noinline)) ssize_t receive(const bide_handle *handle,
                                                 const struct iovec *parts, size_t count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts };

	message.msg_iovlen = (__typeof__(message.msg_iovlen))count; /* an int in musl */
	if (handle->flags & BIDE_HANDLE_IS_SOCKET_)
		return recvmsg(handle->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (handle->flags & BIDE_HANDLE_SIMULATED_)
		return bide_net_receive_(handle->fd, parts, count);
	if (is_standard(handle) && !is_ready(handle->fd, POLLIN)) {
		errno = EAGAIN;
		return -1;
	}
	return count == 1 ? read(handle->fd, parts->iov_base, parts->iov_len)
	                  : readv(handle->fd, parts, (int)count);
}

/* All but one part to a socket. */
static __attribute__((noinline)) ssize_t send_parts(const bide_handle *handle,
                                                    const struct iovec *parts, size_t count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)(uintptr_t)parts };
	struct iovec first;

	message.msg_iovlen = (__typeof__(message.msg_iovlen))count;
	if (handle->flags & BIDE_HANDLE_IS_SOCKET_)
		return sendmsg(handle->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (handle->flags & BIDE_HANDLE_SIMULATED_)
		return bide_net_send_(handle->fd, parts, count);
	if (!is_standard(handle))
		return write_pipe(handle->fd, parts, count);
	if (!is_ready(handle->fd, POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	first = *parts;
	if (first.iov_len > STANDARD_WRITE_MAX)
		first.iov_len = STANDARD_WRITE_MAX;
	return write_pipe(handle->fd, &first, 1);
}

static inline bool is_one(const bide_handle *handle, size_t count)
{
	return count == 1 && handle->flags & BIDE_HANDLE_IS_SOCKET_;
}

ssize_t bide_stream_received_(bide_handle *handle, ssize_t done)
{
	bide_stream *stream = bide_stream_of_(handle);

	if (BIDE_UNLIKELY(done == -ECONNRESET)) {
		BIDE_STORE(&stream->was_reset, 1u, RELAXED);
		bide_stream_fail_writes_(stream, BIDE_IO_IN_, ECONNRESET);
	}
	if (BIDE_LIKELY(done != 0))
		return done;
	return BIDE_LOAD(&stream->was_reset, RELAXED) ? -ECONNRESET : 0;
}

ssize_t bide_stream_sent_(bide_handle *handle, ssize_t done)
{
	bide_stream *stream = bide_stream_of_(handle);

	if (done == -ECONNRESET)
		BIDE_STORE(&stream->was_reset, 1u, RELAXED);
	/* A FIFO may get another reader. */
	if (handle->flags & (BIDE_HANDLE_IS_SOCKET_ | BIDE_HANDLE_SIMULATED_))
		bide_stream_fail_writes_(stream, BIDE_IO_OUT_, (int)-done);
	return done;
}

ssize_t bide_stream_receive_part_(bide_handle *handle, void *to, size_t size_bytes)
{
	const struct iovec part = { to, size_bytes };
	ssize_t done;

	do
		done = BIDE_LIKELY(handle->flags & BIDE_HANDLE_IS_SOCKET_)
		           ? receive_one(handle->fd, to, size_bytes, MSG_DONTWAIT)
		           : receive(handle, &part, 1);
	while (BIDE_UNLIKELY(done < 0) && errno == EINTR);
	if (BIDE_LIKELY(done > 0))
		return done;
	return bide_stream_received_(handle, done < 0 ? -(ssize_t)errno : 0);
}

ssize_t bide_stream_send_part_(bide_handle *handle, const void *from, size_t size_bytes)
{
	const struct iovec part = { (void *)(uintptr_t)from, size_bytes };
	ssize_t done;

	do
		done = BIDE_LIKELY(handle->flags & BIDE_HANDLE_IS_SOCKET_)
		           ? send_one(handle->fd, from, size_bytes, MSG_DONTWAIT | MSG_NOSIGNAL)
		           : send_parts(handle, &part, 1);
	while (BIDE_UNLIKELY(done < 0) && errno == EINTR);
	return BIDE_LIKELY(done >= 0) ? done : bide_stream_sent_(handle, -(ssize_t)errno);
}

int bide_stream_receive_(bide_handle *handle, const struct iovec *parts, size_t count,
                         size_t *size_bytes)
{
	ssize_t done;

	do
		done = BIDE_LIKELY(is_one(handle, count))
		           ? receive_one(handle->fd, parts->iov_base, parts->iov_len, MSG_DONTWAIT)
		           : receive(handle, parts, count);
	while (done < 0 && errno == EINTR);
	done = bide_stream_received_(handle, done < 0 ? -(ssize_t)errno : done);
	if (done < 0)
		return done == -EWOULDBLOCK ? EAGAIN : (int)-done;
	*size_bytes = (size_t)done;
	return 0;
}

int bide_stream_send_(bide_handle *handle, const struct iovec *parts, size_t count,
                      size_t *size_bytes)
{
	ssize_t done;

	do
		done =
			BIDE_LIKELY(is_one(handle, count))
				? send_one(handle->fd, parts->iov_base, parts->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL)
				: send_parts(handle, parts, count);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return errno == EWOULDBLOCK ? EAGAIN : (int)-bide_stream_sent_(handle, -(ssize_t)errno);
	*size_bytes = (size_t)done;
	return 0;
}
