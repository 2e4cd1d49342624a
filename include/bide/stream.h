/*
 * stream.h - bytes in order, both ways or one: sockets, pipes, terminals, and streams of your own.
 *
 * A stream has two sides, reading and writing. Each side has one operation at a time: a second one
 * is misuse, EBUSY. The sides are independent: one function may read while another one writes.
 *
 * Memory: the bytes and the array of parts that you pass are borrowed until the operation is over,
 * and an await returns only then. So they may be in the frame of the function that awaits. If you
 * forget the value task, they must be static.
 *
 * Every operation can be canceled: by its context, its deadline, bide_race. It then fails with the
 * error of the context. If bytes were read before the cancellation reached the operation, it
 * succeeds with them, and the next operation meets the cancellation. Bytes are never lost.
 *
 * Ownership: the stream is yours until bide_stream_close. bide_stream_abort ends what is pending,
 * from any thread, and frees nothing.
 *
 * Threads: any. A side is used by one function at a time. With one worker, an operation that
 * another thread starts is sent to the worker.
 *
 * Errors besides those that are named below: those of recv(2) and send(2). ECONNRESET: the peer has
 * gone; each later call that needs the peer fails with it, too. EPIPE: the peer reads no more, as
 * each later write says at once, a put or print, too; SIGPIPE is never raised.
 * EBADF: the stream was closed while the operation was pending. To start an operation after the
 * close, after bide_shutdown, or in the child of a fork on a stream of the parent's is misuse,
 * EBADF. EINVAL: an argument is wrong, which is misuse. ENOMEM: there is no memory. ENOSPC, EMFILE:
 * the operation has to wait, and the system cannot watch the descriptor (epoll_ctl(2),
 * epoll_create1(2), eventfd(2)).
 *
 * Cost: an operation that can be done at once is one system call and allocates nothing. One that
 * has to wait takes 128 bytes of a pool.
 */
#ifndef BIDE_STREAM_H
#define BIDE_STREAM_H

#include <sys/uio.h>

#include "value_task.h"

/* The part of a stream that inlined code reads and writes. Its layout has the version BIDE_ABI. */
typedef struct bide_stream_head_ {
	char *at_, *end_;    /* what was received and not taken yet */
	char *put_, *room_;  /* where the next byte to send goes, and the end of the room */
	size_t taken_;       /* length of the last text that was taken */
	uint16_t failed_[2]; /* what reads, and writes, fail with; 0: nothing. Atomic. */
} bide_stream_head_;

typedef struct bide_stream bide_stream;
BIDE_VALUE_TASK_OF(bide_stream_task, bide_stream *);

/*
 * The functions of a stream of your own. Each takes the object. After ECONNRESET or EPROTO, or an
 * EPIPE of write, each later write fails with it, and calls none of them.
 */
typedef struct bide_stream_type {
	const char *name; /* for dumps */
	/*
	 * Reads 1 to size_bytes bytes, which is at least 1, as soon as there are some. Its result is
	 * the count; 0 is the end.
	 */
	bide_value_task (*read)(void *object, void *to, size_t size_bytes);
	/* Writes some of the bytes, at least 1. Its result is the count. */
	bide_value_task (*write)(void *object, const struct iovec *parts, size_t count);
	/* Tells the other end that no more comes. May be NULL. */
	bide_value_task (*finish)(void *object);
	/*
	 * Ends what is pending, soon, with this error. It is called once, on any thread. A close calls
	 * it with EBADF if something is pending. May be NULL: then an abort or a close waits for what
	 * is pending.
	 */
	void (*abort)(void *object, int error);
	/* Frees the object. Nothing is pending any more. May be NULL. */
	void (*close)(void *object);
	/*
	 * Waits until a read need not wait, or the end or an error has come. A line or a peek calls it
	 * first, so that a stream that waits holds no buffer. May be NULL.
	 */
	bide_value_task (*wait)(void *object);
	/* Begins a layer: a handshake, for example (bide_stream_layer). May be NULL. */
	bide_value_task (*start)(void *object);
	/*
	 * Called after a write or a finish has failed or was canceled. Returns the error that later
	 * writes fail with, or 0: they may succeed. May be NULL: 0.
	 */
	int (*write_error)(void *object);
} bide_stream_type;

BIDE_BEGIN_DECLS

/* --- opening and closing --- */

/*
 * Makes a stream of a descriptor: a connected stream socket, a pipe or FIFO, a terminal, another
 * character device. It is set to non-blocking and close-on-exec, and belongs to the stream. Stores
 * the stream. Returns 0. After an error the descriptor is still yours. EBADF: it is not open.
 * EINVAL: it is a file or directory, a socket that listens, or a socket of datagrams. ENOTCONN: the
 * socket is not connected. ENOMEM. EBUSY (misuse): it belongs to a stream or another object
 * already.
 */
BIDE_API BIDE_USE_RESULT int bide_stream_take_fd(bide_stream **stream, int fd);
/*
 * Makes a pipe: what is written to *write_end is read from *read_end. Returns 0. Errors: ENOMEM;
 * those of pipe2(2): EMFILE, ENFILE.
 */
BIDE_API BIDE_USE_RESULT int bide_stream_pipe(bide_stream **read_end, bide_stream **write_end);
/*
 * Makes a stream of descriptor 0, 1 or 2 of the process. Other processes may share these, so they
 * are never set to non-blocking: an operation polls first, and reads or writes only what does not
 * block. If another process takes the bytes in between, a read may block. A file is allowed here,
 * and always ready. Closing the stream leaves the descriptor open. Returns 0. Errors: EINVAL
 * (misuse) for another number; EBADF if the descriptor is not open; ENOMEM.
 */
BIDE_API BIDE_USE_RESULT int bide_stream_standard(bide_stream **stream, int number);
/*
 * Makes a stream of your own. The type must live as long as the stream. Returns NULL if there is no
 * memory, or after misuse: type is NULL, or has neither read nor write.
 */
BIDE_API BIDE_USE_RESULT bide_stream *bide_stream_create(const bide_stream_type *type,
                                                         void *object);
/*
 * Puts a layer on a stream, in place: encryption, compression. The stream is of this type from now
 * on. *below becomes a stream of what it was before, which the object reads and writes. Bytes that
 * were received and not taken go to *below; bytes that were put are sent first.
 *
 * Then start(object) is awaited. Until it is over, other operations of the stream are misuse,
 * EBUSY. The result is 0. If start fails, the value task fails with its error, as do all later
 * calls, and the layer stays on the stream. If it fails before the layer is there, other than by
 * misuse, the stream is aborted with the error: what was meant for the layer never goes without
 * it.
 *
 * The stream stays yours. The object belongs to it, also if this fails: close(object) is called,
 * and has to close *below, if that is not NULL. `below` must point into the object. Errors: those
 * of bide_stream_flush; EBUSY (misuse): an operation is pending; EINVAL (misuse); ENOMEM. Cost: a
 * second stream, and a system call if the first one has waited.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_layer(bide_stream *stream,
                                                           const bide_stream_type *type,
                                                           void *object, bide_stream **below);
/* Used by libbide-tls: the same, with messages of misuse by `what`. */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_layer_for_(bide_stream *stream,
                                                                const bide_stream_type *type,
                                                                void *object, bide_stream **below,
                                                                const char *what);
/* Returns the object of a stream of that type, or NULL if it is of another one. */
BIDE_API void *bide_stream_object(const bide_stream *stream, const bide_stream_type *type);
/* The same for libbide-tls. */
BIDE_API void *bide_stream_object_for_(const bide_stream *stream, const bide_stream_type *type,
                                       const char *what);

/*
 * Ends what is pending, and fails all that comes later, with this error, 1 to 4095: also what the
 * buffer could serve. A socket is shut down, so that the peer sees the end. The first abort
 * counts. It frees nothing. Any thread, while the owner has not closed the stream. With one
 * worker, the abort of another thread is sent to the worker.
 */
BIDE_API void bide_stream_abort(bide_stream *stream, int error);
/*
 * Closes the stream and frees it. It never waits: what is pending fails with EBADF. The descriptor
 * is closed at once, or by the thread that makes a system call with it at that moment. What was put
 * and not sent is dropped. NULL does nothing. Only the owner may call it, and no call may use the
 * stream afterwards.
 */
BIDE_API void bide_stream_close(bide_stream *stream);

/*
 * Stores the descriptor, which stays the stream's. With layers it is that of the lowest stream.
 * Returns 0. Errors: EBADF for a stream of your own, which has none; ENOTSUP in a simulation;
 * EINVAL (misuse) if fd is NULL. After an error *fd is -1.
 */
BIDE_API BIDE_USE_RESULT int bide_stream_fd(const bide_stream *stream, int *fd);

/* --- reading --- */

/*
 * Reads 1 to size_bytes bytes, as soon as there are some. The result is their count. It is 0 if the
 * peer has ended its side, or size_bytes is 0.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_read(bide_stream *stream, void *to,
                                                          size_t size_bytes);
/*
 * Does the same into several parts, the first one first. At most 1024 parts are filled at a time.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_read_vector(bide_stream *stream,
                                                                 const struct iovec *parts,
                                                                 size_t count);

/* --- writing --- */

/*
 * Writes all size_bytes bytes. The result is size_bytes. No copy is made. If it fails,
 * bide_stream_written returns how many bytes went. If only a part went, what follows would be in
 * the wrong place: from then on writing fails with EPIPE.
 */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_write(bide_stream *stream, const void *from,
                                                           size_t size_bytes);
/* Does the same with several parts. */
BIDE_API BIDE_USE_RESULT bide_value_task bide_stream_write_vector(bide_stream *stream,
                                                                  const struct iovec *parts,
                                                                  size_t count);
/* Returns how many bytes of the last write went to the kernel. Call it once that write is over. */
BIDE_API size_t bide_stream_written(const bide_stream *stream);

BIDE_END_DECLS
#endif
